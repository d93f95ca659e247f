/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_WIRE_H
#define STORE_WIRE_H

/*
 * store/wire -- a store at the other end of two streams, such as a volume that only a Pod mounts.
 *
 * Why      the repository's password and the keys of a Redis stay where the command runs: the other
 *          side sees what any disk sees.
 * Shape    store_wire_open here, store_wire_serve there. One question, one answer: docs/format/wire.md.
 * Limits   an object of WIRE_OBJECT_MAX bytes; it is held in memory, on either side.
 * Errors   those of the store behind it, in its words. RC_UNAVAILABLE: the streams ended, and nothing
 *          works any more; RC_CORRUPT: the other side breaks the protocol; RC_UNSUPPORTED: it speaks
 *          another version.
 * Threads  as every store; questions wait for each other.
 * Tests    wire_test.c, with the suite of all stores; the fuzz target `wire`.
 */
#include "base/stream.h"
#include "store/store.h"

enum { WIRE_OBJECT_MAX = 512 * 1024 * 1024 };

/* The two streams, as a member of what owns them. */
struct wire_link {
    struct rd *rd;
    struct wr *wr;
    void (*close)(struct wire_link *l); /* by store_release */
};

/* Greet the other side. `link` is the store's after RC_OK, else it stays the caller's. `place`: how people name it. */
NODISCARD enum rc store_wire_open(struct wire_link *link, const char *place, struct store **out,
                                  struct err *e);

/* Answer from `s` until `rd` ends between two questions (RC_OK). */
NODISCARD enum rc store_wire_serve(struct ctx *cx, struct store *s, struct rd *rd, struct wr *wr,
                                   struct err *e);

#endif
