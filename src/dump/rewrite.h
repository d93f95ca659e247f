/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_REWRITE_H
#define DUMP_REWRITE_H

/*
 * dump/rewrite -- a dump, changed: only what a filter wants of it, and as dump/change says.
 *
 * Why      whoever loads, counts, compares or verifies sees one thing, a dump of what is meant to be there: conflicts are
 *          looked for under the new names, slots are those of the new names, the digest is of the new values.
 * Shape    a struct rd in front of another one. It reads commands, drops or rewrites them, and what is ours gets a header and
 *          a trailer of its own, in one part. What is not ours keeps its form. Commands that nothing changes pass as they are.
 *          A payload whose value is masked becomes plain commands.
 * Types    a DEL stands before its key's type is known; it is kept until then.
 * Errors   of the dump as dump/dump_decode, at the latest at its end, so that a cut one is found; RC_EXISTS: two keys would
 *          become one; RC_UNSUPPORTED: a command of several keys, or one that cannot be changed as is asked.
 * Memory   1 MiB, the longest key's name, a payload that is masked twice, and with other names or databases up to 64 MiB of
 *          names (dump/name_set); of more of them than that it is not looked whether two become one, with a warning.
 * Threads  one reader.
 * Tests    rewrite_test.c, tests/integration/changed.bats
 */
#include "base/stream.h"
#include "dump/change.h"

struct rewrite;

struct rewrite_opts {
    const struct change *change; /* NULL: only the filter. Borrowed, as the next */
    const struct filter *filter; /* NULL: all keys */
    ev_fn *on;                   /* may be NULL; gets the events of the dump as it was */
    void *arg;
};

/* `in` is borrowed. */
struct rewrite *rewrite_new(struct rd *in, const struct rewrite_opts *opts);
void rewrite_free(struct rewrite *r);
/* Borrowed until rewrite_free. */
struct rd *rewrite_rd(struct rewrite *r);
/* Keys that were left out so far: not wanted, or masked by drop. */
uint64_t rewrite_filtered(const struct rewrite *r);

#endif
