/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_REPLICA_H
#define REDIS_REPLICA_H

/*
 * redis/replica -- the replication source: attach as a replica, take the snapshot, leave.
 *
 * Why      the snapshot is one point in time over all databases, and the server reads each key
 *          once.
 * Shape    replica_open does the handshake; replica_rd gives the snapshot while a thread of our own
 *          drains the socket; replica_finish says whether it came whole; replica_close ends
 *          everything.
 * Payload  the rd gives the RDB without its framing, but one: a diskless server marks the end with
 *          40 random bytes that only a parser can tell from data, so they come through the rd
 *          behind the RDB. The parser stops at the RDB's end, and hands what it read too far to
 *          replica_finish.
 * Ending   the rd ends (*got = 0) only after a transfer of announced length. Without one, it never
 *          ends well by itself: when the server closes, reading on fails. So a connection that was
 *          cut, at any byte, is an error for whoever reads on, and replica_finish refuses what is
 *          not whole.
 * Stalls   when nobody reads and the ring is full, a little is still taken from the socket every
 *          trickle_ms, so that the server does not drop us (its repl-timeout, 60 s); up to
 *          REPLICA_RESERVE_BYTES.
 * Errors   replica_refused tells a server that does not serve replicas (fall back to scan) from one
 *          that failed. RC_CANCELLED.
 * Threads  one consumer. The receiving thread alone touches the connection until replica_finish.
 * Source   reference: PSYNC as of Redis 5.0 to 8.x and Valkey 7.2 to 9.
 */
#include "base/stream.h"
#include "base/clock.h"
#include "redis/conn.h"

enum {
    REPLICA_RING_BYTES = 4 * 1024 * 1024,
    REPLICA_RESERVE_BYTES = 8 * 1024 * 1024,
    REPLICA_MARK = 40 /* bytes of the end mark */
};

struct replica_opts {
    const char *psync;            /* the command's name where it was renamed; NULL: PSYNC */
    const struct conn_info *info; /* what is known of the server, or NULL */
    bool disk;                    /* ask for a transfer from the server's disk: starts at once */
    bool fall_back;               /* the server can be read otherwise: a replica that has lost its
                                   * master is refused at once, not waited for */
    int trickle_ms;               /* 0: 5 s */
    unsigned
        share; /* of REPLICA_RING_BYTES and REPLICA_RESERVE_BYTES so many take a part each; 0: one */
};

struct replica_facts {
    char replid[REPLICA_MARK + 1];
    uint64_t offset;   /* the snapshot holds every write up to here: */
    struct instant at; /* when the server said that it begins */
    bool diskless;
    uint64_t length;   /* announced bytes of the RDB; 0 when diskless */
    bool rdb_only;     /* the server knows what we want: it keeps no buffer for us */
    bool no_compress;  /* the server leaves strings uncompressed */
    bool version_told; /* the server took our version (Valkey) */
    uint64_t received; /* payload bytes so far */
};

struct replica;

/*
 * Attach. Takes `c` on success; after an error nothing else can be done with it than to close it,
 * since the server may be streaming. RC_UNSUPPORTED, RC_DENIED: refused; RC_UNAVAILABLE: not ready
 * in time, BGSAVE failed, or cut.
 */
NODISCARD enum rc replica_open(struct ctx *cx, struct conn *c, const struct replica_opts *opts,
                               struct replica **out, struct err *e);

/* Did the server refuse to serve a replica, as proxies and managed services do? */
static inline bool
replica_refused(const struct err *e)
{
    return e->code == RC_UNSUPPORTED || e->code == RC_DENIED;
}

/* Cut the connection: whoever reads gets an error. From any thread, until replica_close. */
void replica_interrupt(struct replica *r);

/* Borrowed until replica_close. */
struct rd *replica_rd(struct replica *r);
/* May be called at any time, from the consumer's thread. */
struct replica_facts replica_facts(struct replica *r);

/*
 * The parser has seen the end of the RDB; `leftover` is what it read behind it. Verifies that the
 * transfer is whole, and tells the server that we are done. Call replica_close afterwards in any
 * case. RC_CORRUPT: something else than the end stands there; RC_UNAVAILABLE: the connection was
 * cut.
 */
NODISCARD enum rc replica_finish(struct replica *r, struct str leftover, struct err *e);
/* Stop the thread and close the connection, at any point. NULL is a no-op. */
void replica_close(struct replica *r);

#endif
