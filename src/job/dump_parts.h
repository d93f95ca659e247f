/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_DUMP_PARTS_H
#define JOB_DUMP_PARTS_H

/*
 * job/dump_parts -- the parts of a snapshot's dump, each a stream of its own, for a load that reads several at once.
 *
 * Why      the shards of a cluster stand in the dump one behind the other: read in order, they keep one master of the
 *          target busy and the others idle (docs/adr/0032).
 * Shape    dump_parts_open takes from the manifest where the parts are; a struct load_parts for the load;
 *          dump_parts_end after a load that ended well.
 * Trust    none: each stream must be the part that it should be, and the dump's end says what all of them hold
 *          (dump/dump_decode). A file that is not stored so (by another program, say) is one part here.
 * Errors   dump_parts_end: RC_CORRUPT: the file is not as long as its tree says; else as repo/load.
 * Memory   of all together as of one struct load (repo/load).
 * Threads  one caller.
 */
#include "job/restore.h"

struct dump_parts {
    struct load_parts
        parts; /* n 0: the dump is one part, or nobody says where they are: read it in order */
    struct ctx *cx;
    struct snapshot_source *from; /* borrowed */
    struct load_part *at;         /* of each of the n + 2 streams */
    struct load **loads;          /* those that are open */
    uint64_t bytes;               /* of those that are closed */
};

NODISCARD enum rc dump_parts_open(struct ctx *cx, struct snapshot_source *from,
                                  struct dump_parts *out, struct err *e);
/* All were read to their ends. */
NODISCARD enum rc dump_parts_end(const struct dump_parts *p, struct err *e);
/* A zeroed one is a no-op. */
void dump_parts_close(struct dump_parts *p);

#endif
