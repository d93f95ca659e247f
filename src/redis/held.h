/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_HELD_H
#define REDIS_HELD_H

/*
 * redis/held -- a long command, made whole out of its pieces. For load.c.
 *
 * Memory   the command, once: what it holds must be whole anyway (rdb/event.h).
 */
#include "dump/resp_reader.h"

struct held {
    struct buf raw;
    size_t *offs, *lens; /* of the arguments in raw */
    struct str *argv;
    uint32_t n, cap;
};

/* Forget the last one and begin with what is there of `c`. RC_LIMIT above EV_OPAQUE_MAX. */
NODISCARD enum rc held_begin(struct held *h, const struct cmd *c, struct err *e);
NODISCARD enum rc held_add(struct held *h, const struct resp_reader_piece *p, struct err *e);
/* All pieces are there: `out` becomes the whole command; valid until the next held_begin. */
void held_take(struct held *h, struct cmd *out);
/* A zeroed one is a no-op. */
void held_release(struct held *h);

#endif
