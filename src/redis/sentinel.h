/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_SENTINEL_H
#define REDIS_SENTINEL_H

/*
 * redis/sentinel -- where the server is that Sentinels watch.
 *
 * Why      a Sentinel may be cut off from the others, or not have heard of a failover yet: its word
 *          alone leads to a server that nobody else takes for the master.
 * Shape    all that the address names are asked. The server that most of them name comes first, then
 *          the one of the highest epoch; it must say itself that it is a master. While none does, a
 *          failover may be going on: all are asked again, up to conn_opts.wait_ms.
 * Replicas those that the master itself knows; the one that is least behind comes first, and must
 *          have its link and come up to where the master was (role_catch_up).
 * Errors   RC_NOT_FOUND: no Sentinel knows the name. RC_UNAVAILABLE: none answered, or no master
 *          was found in time. RC_DENIED: a Sentinel or the master wants another login.
 * Threads  any.
 * Source   SENTINEL MASTER, ROLE; redis.io's guidelines for Sentinel clients.
 */
#include "redis/conn.h"

enum { SENTINEL_ASK_MS = 3000 };

enum node_prefer { PREFER_AUTO, PREFER_REPLICA, PREFER_MASTER };
/* Their names, in order; NULL behind the last. */
extern const char *const node_prefer_words[];

/* The node that was chosen. */
struct node_found {
    struct redis_addr at; /* for further connections */
    struct conn *conn;    /* NULL once somebody took it */
    bool replica;
    uint64_t lag; /* bytes that the replica still lacks of what the master had when it was asked */
};
void node_found_release(struct node_found *f);

/* `addr` names Sentinels. The caller releases `out`. */
NODISCARD enum rc sentinel_find(struct ctx *cx, const struct redis_addr *addr,
                                const struct conn_opts *opts, enum node_prefer prefer,
                                struct node_found *out, struct err *e);

#endif
