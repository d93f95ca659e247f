/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_ROLE_H
#define REDIS_ROLE_H

/*
 * redis/role -- is a server a master, or a replica, and how far is it?
 *
 * Source   ROLE; who may not ask that may ask INFO, which names no replicas here.
 */
#include "redis/conn.h"

/* A replica that is further behind its master is not read unless somebody asks for it: in bytes. */
enum { ROLE_LAG_MAX = 16 * 1024 * 1024 };

/* What was written before somebody asked for a backup shall be in it: so long a replica may take to come up to there. */
enum { ROLE_CATCH_UP_MS = 2000 };

struct role {
    bool master;
    bool linked;     /* a replica has its master, and all of its data from there */
    uint64_t offset; /* of the replication stream */
    struct reply
        reply; /* of ROLE, valid until the next call on the connection; else of no type that it has */
};

NODISCARD enum rc role_ask(struct ctx *cx, struct conn *c, struct role *out, struct err *e);

/*
 * Of a replica: how many bytes of its master's stream, which was at `end`, it lacks. Waits up to
 * ROLE_CATCH_UP_MS for them to come. RC_UNAVAILABLE: it is not a replica with a link to its master,
 * or it lacks more than ROLE_LAG_MAX.
 */
NODISCARD enum rc role_catch_up(struct ctx *cx, struct conn *c, uint64_t end, uint64_t *lag,
                                struct err *e);

#endif
