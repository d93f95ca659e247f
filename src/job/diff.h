/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_DIFF_H
#define JOB_DIFF_H

/*
 * job/diff -- which keys of two datasets differ: of snapshots, or of servers as they are now.
 *
 * Shape    values are compared by their digests (dump/dataset_digest): order and encoding play no part, what was changed back is
 *          no difference. Each difference is told once, in no order.
 * Memory   at most 64 MiB for names and half as much more while their table grows, whatever their number. Of more than a million
 *          keys both are read once more first, into sums by the hash of the name: only names whose sums differ are kept after that. Where they
 *          are still too many they are gone through in shares, a pass over both for each; what was removed needs one more over the first.
 * Servers  what one writes meanwhile is told as it was when it was read; of more than a million keys that is more than once.
 *          A key that is gone when it should be told as removed is counted, and not told.
 * Limits   names, and sets of keys by their sums, are told apart by 64 bits: in two snapshots of 10 million keys a pair is mistaken once in 180,000 times.
 * Errors   RC_UNSUPPORTED: a dump whose commands of several keys interleave, as Stash's may: no key of it has a value that could
 *          be compared; else as job/look.
 */
#include "job/look.h"
#include "job/source.h"

enum diff_kind { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED, DIFF_EXPIRY, DIFF_SAME, DIFF_KINDS };

typedef enum rc diff_fn(void *arg, enum diff_kind kind, const struct dataset_digest_key *k,
                        struct err *e);

/* One of the two. */
struct diff_side {
    const struct snapshot_source *snapshot; /* NULL: */
    const struct source_opts *server;       /* but for its filter */
};

/* From `a` to `b`, of the keys that `filter` wants. `fn` is told of what is not DIFF_SAME; `counts` of all. */
NODISCARD enum rc diff_run(struct ctx *cx, struct diff_side a, struct diff_side b,
                           const struct filter *filter, diff_fn *fn, void *arg,
                           uint64_t counts[static DIFF_KINDS], struct err *e);

#endif
