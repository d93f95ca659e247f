/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_HANDSHAKE_H
#define REDIS_HANDSHAKE_H

/* redis/handshake -- from a connection to the first byte of a snapshot. For replica.c. */
#include "redis/replica.h"

struct replica_start {
    struct replica_facts facts;
    uint8_t mark[REPLICA_MARK]; /* diskless: what stands behind the RDB */
};

/* On success the payload follows: first what c->in holds already, then the socket. */
NODISCARD enum rc replica_handshake(struct ctx *cx, struct conn *c, const struct replica_opts *opts,
                                    struct replica_start *out, struct err *e);

#endif
