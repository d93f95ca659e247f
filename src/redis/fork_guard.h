/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_FORK_GUARD_H
#define REDIS_FORK_GUARD_H

/*
 * redis/fork_guard -- may a server fork for us, and for how long?
 *
 * Why      for a replica the server forks, and until the last byte is taken every page that a
 *          client writes to is copied: a slow store can make the server need twice its memory. A
 *          server that saves to its disk first refuses all writes when that save fails.
 * Shape    fork_guard_check before the server is asked; fork_guard_start and _stop around the
 *          transfer, which is cut when the copies pass fork_guard_limit. Reading by SCAN forks
 *          nothing.
 * Limits   half of what the machine has free, half of the data; FORK_COW_LEAST at least.
 * Threads  fork_guard_start runs one, on a connection of its own.
 * Source   INFO memory and persistence; CONFIG GET. docs/adr/0022.
 */
#include "redis/replica.h"

enum { FORK_COW_LEAST = 64 * 1024 * 1024, FORK_LOOK_MS = 1000 };

/*
 * RC_UNSUPPORTED, as of a server that serves no replicas: it would save to its disk first, where a
 * save that fails stops its writes, or has no memory for what is written meanwhile. `info` may be
 * NULL: then only what CONFIG says counts. What nobody tells is no reason.
 */
NODISCARD enum rc fork_guard_check(struct ctx *cx, struct conn *c, const struct conn_info *info,
                                   struct err *e);

/* Bytes that may be copied for the fork. */
uint64_t fork_guard_limit(const struct conn_info *info);

struct fork_guard;
/*
 * Watch until fork_guard_stop, from FORK_LOOK_MS on: a transfer that is done by then costs no second
 * connection. A server that does not tell, or takes none, is not watched. `addr` and `opts` are
 * borrowed until then. `*out` may be NULL.
 */
NODISCARD enum rc fork_guard_start(const struct redis_addr *addr, const struct conn_opts *opts,
                                   struct replica *r, const struct conn_info *info,
                                   struct fork_guard **out, struct err *e);
/* Was the transfer cut? Then `why` says so. Frees; NULL is a no-op. */
bool fork_guard_stop(struct fork_guard *g, struct err *why);

#endif
