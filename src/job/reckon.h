/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_RECKON_H
#define JOB_RECKON_H

/*
 * job/reckon -- did what was read of a server come near to what the server says it holds?
 *
 * Why      a snapshot that is whole by its own checksum may still be of one shard behind a proxy, of a
 *          server that gives names and no values, or of nothing.
 * Rule     keys come and go while they are read, some servers count late, and what has expired may be
 *          counted still. So the server is asked before and after, the lower number counts, and a
 *          database that lacks more than a tenth of it is warned of. So is one that lacks any of its
 *          keys that do not expire where its counts are the same before and after, nothing was
 *          evicted, and it was read at once, or nothing was written meanwhile. An error it is when nothing
 *          came of keys that do not expire, or less than half of many, and it is known that they
 *          were there: by a snapshot of the server, or by names that it gave without values.
 */
#include "dump/filter.h"
#include "redis/conn.h"

struct reckon_db {
    uint64_t n, keys;
};
/* What was read, database by database, in any order and in parts. Zero it first. */
struct reckon {
    struct reckon_db *dbs;
    size_t n;
};
void reckon_add(struct reckon *r, uint64_t db, uint64_t keys);
void reckon_release(struct reckon *r);

enum reckon_word { RECKON_ENOUGH, RECKON_LITTLE, RECKON_TOO_LITTLE };

/* `after` NULL: it could not be asked. `proven`: the keys were there, and not read. */
enum reckon_word reckon_judge(const struct info_db *before, const struct info_db *after,
                              uint64_t keys, bool proven);

/*
 * Compare with `before`; `after` asks the server again, and is called only where something lacks.
 * `only`: these. Warns, and sets *little. RC_CONFLICT: too little was read.
 */
/* `before` may say nothing of keys: then names without values are reason enough to ask. */
struct reckon_ask {
    enum rc (*after)(void *arg, struct conn_info *out, struct err *e);
    void *arg;
    struct db_set only;
    uint64_t vanished; /* names that came without a value */
    bool at_once;      /* it was a snapshot of the server, not a walk */
};
NODISCARD enum rc reckon_check(struct reckon *r, const struct conn_info *before,
                               const struct reckon_ask *ask, bool *little, struct err *e);

#endif
