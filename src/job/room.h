/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_ROOM_H
#define JOB_ROOM_H

/*
 * job/room -- does a server take what a dump is known to hold? Asked before it is emptied or written.
 *
 * Memory   what the data took at their source is compared with the target's maxmemory. Another
 *          version keeps the same data in less or in more, so less than half of it is an error,
 *          less than all of it a warning.
 * Errors   RC_LIMIT: the longest value, or the memory; RC_NOT_FOUND: the database. The hint says what to
 *          do.
 */
#include "redis/conn.h"

struct room_need { /* 0: not known */
    uint64_t longest, highest_db;
    uint64_t memory; /* of the data at their source */
};

NODISCARD enum rc room_check(struct ctx *cx, struct conn *c, const struct room_need *need,
                             struct err *e);

#endif
