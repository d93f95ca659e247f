/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_SPLIT_H
#define REDIS_SPLIT_H

/*
 * redis/split -- a command of more arguments than every server takes, as several. For load.c.
 *
 * Why      up to 6.2 servers hang up at more than SPLIT_ARGS_MAX arguments, and tools write collections
 *          as one command of any length.
 * Shape    split_find says whether and how a command can be cut; split_head writes what stands before
 *          the elements of each part.
 * Source   Redis networking.c, processMultibulkBuffer; reference redis-dump section 1.
 * Tests    tests/integration/versions.bats
 */
#include "dump/dump_decode.h"

enum { SPLIT_ARGS_MAX = 1024 * 1024, SPLIT_ARGS = SPLIT_ARGS_MAX / 2 };

struct split {
    const char *verb;       /* of the parts */
    enum cmd_answer answer; /* to each */
    uint32_t fixed;         /* arguments in front that each part repeats, with the verb */
    uint32_t elements;      /* all of them */
    struct buf front;       /* the fixed arguments, encoded */
};

/*
 * `c` is the beginning of a long command. *cut = false: it is short enough, or nobody knows how to cut
 * it. The caller releases `out` in any case.
 */
NODISCARD enum rc split_find(const struct cmd *c, struct split *out, bool *cut, struct err *e);
void split_release(struct split *s);

/* How many elements the part has that begins with element `done`. A part never ends inside a pair. */
uint32_t split_elements(const struct split *s, uint32_t done);

/* What stands in front of that part, in place of what `out` holds, and `rest` behind it. */
NODISCARD enum rc split_head(const struct split *s, uint32_t done, struct str rest, struct buf *out,
                             struct err *e);

#endif
