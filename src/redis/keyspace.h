/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_KEYSPACE_H
#define REDIS_KEYSPACE_H

/*
 * redis/keyspace -- which databases of a server hold keys.
 *
 * Why      INFO is a hint. Kvrocks counts only when told to, proxies leave the section out, the command may be switched
 *          off: a server that says nothing of its keys is not empty. SELECT and SCAN tell.
 * Cost     two round trips for each database that the server has; more where pages of SCAN are empty.
 * Limits   KEYSPACE_DBS_MAX databases. A server that takes any SELECT and goes on showing database 0 has one database.
 */
#include "dump/filter.h"
#include "redis/conn.h"

enum { KEYSPACE_DBS_MAX = INFO_DBS_MAX };

/*
 * Call `fn`, with the database selected, for each that holds keys or is said to; db->keys is EV_UNKNOWN where INFO does
 * not tell. `info`: NULL when it is not to be had. `only`: these.
 */
typedef enum rc keyspace_fn(void *arg, const struct info_db *db, struct err *e);
NODISCARD enum rc keyspace_each(struct ctx *cx, struct conn *c, const struct conn_info *info,
                                const struct db_set *only, keyspace_fn *fn, void *arg,
                                struct err *e);

/*
 * INFO into `out`, with the databases' own counts where it shows no keys or is not to be had. *counted: false when there
 * are keys and no count of them, or the user may not look. The caller releases `out`.
 */
NODISCARD enum rc keyspace_count(struct ctx *cx, struct conn *c, struct conn_info *out,
                                 bool *counted, struct err *e);

#endif
