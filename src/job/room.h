/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_ROOM_H
#define JOB_ROOM_H

/*
 * job/room -- does a server take what a dump is known to hold? Asked before it is emptied or written.
 *
 * Memory   what the data took at their source is compared with the target's maxmemory. Another
 *          version keeps the same data in less or in more, so less than half of it is an error,
 *          less than all of it a warning.
 *          What was read of the dump itself is a lower bound: long values take at least their bytes.
 * Errors   RC_LIMIT: the longest value, or the memory; RC_NOT_FOUND: the database. The hint says what to
 *          do.
 */
#include "dump/filter.h"
#include "redis/masters.h"

struct room_need { /* 0: not known */
    uint64_t longest, highest_db;
    uint64_t memory; /* of the data at their source */
    bool one_db;     /* the keys of one database only are wanted */
    uint64_t least;  /* bytes that the data take on any server */
};

/*
 * Adds up `least` from the events of a dump. Only what no server stores in fewer bytes than it has:
 * strings, fields and members that are neither short, and so perhaps numbers, nor in a list, which
 * may be compressed; of keys that do not expire, nor their fields.
 */
struct room_weight {
    uint64_t least;
    uint64_t key; /* of the one in progress */
    bool unsure;  /* it is a list, or fields of it expire */
};
enum rc room_weigh(void *weight, const struct ev *ev, struct err *e);

NODISCARD enum rc room_check(struct ctx *cx, const struct masters *m, const struct room_need *need,
                             struct err *e);

#endif
