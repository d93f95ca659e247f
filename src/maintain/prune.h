/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_PRUNE_H
#define MAINTAIN_PRUNE_H

/*
 * maintain/prune -- give back the space of what no snapshot needs.
 *
 * Shape    plan: which packs stay, go, or are rewritten without their unused blobs. Then: packs of
 *          no index and unfinished files go; used blobs go into new packs, which are indexed; index
 *          files that list an old pack are written anew without it, then removed; an old pack goes
 *          when no file lists it any more.
 * Room     a store that is too full for the packs to be rewritten: packs that go whole are removed
 *          first, and the others are rewritten in steps that fit (docs/adr/0024).
 * Safety   at every instant an index file lists each blob that a snapshot needs, in a pack that is
 *          there. What was cut off is finished by the next run. Nothing is removed, or written,
 *          when anything that a snapshot needs is missing.
 * Blobs    move sealed as they are, after they were opened and their hashes compared.
 * Memory   the index, about 60 bytes a pack, and a few MiB for each thread, whatever the data.
 * Locks    exclusive, by the caller. It loads the index itself.
 * Errors   RC_CORRUPT: the repository is damaged, and nothing was removed. RC_INVALID: the same, since there
 *          are packs and no snapshot at all, which is also how lost snapshots look. RC_LOCKED: the lock was
 *          lost; it stopped. RC_FULL: there is no room even for an index file.
 * Source   restic's prune, compared with 0.14 and 0.19 (tests/interop/prune.bats).
 */
#include "repo/repo.h"

struct prune_limit {
    enum { PRUNE_PERCENT, PRUNE_BYTES, PRUNE_UNLIMITED } kind;
    double percent; /* of all bytes of blobs that may be unused afterwards */
    uint64_t bytes; /* unused bytes that may stay */
};

/* "5%", "unlimited", or a size such as 200M. RC_INVALID. */
NODISCARD enum rc prune_limit_parse(struct str s, struct prune_limit *out, struct err *e);

#define PRUNE_UNUSED_DEFAULT ((struct prune_limit){.kind = PRUNE_PERCENT, .percent = 5})

struct prune_opts {
    struct prune_limit max_unused;
    uint64_t max_repack_bytes; /* rewrite no more than this; 0: as much as it takes */
    bool no_repack;            /* rewrite nothing: packs go whole, or stay */
    bool cacheable_only;       /* rewrite only packs with trees */
    bool repack_small;         /* also packs below 80% of 16 MiB, instead of a 25th of it */
    bool repack_uncompressed;  /* also data that could be compressed (version 2) */
    bool dry_run;              /* plan only */
    bool allow_remove_all;     /* also when there is no snapshot: else that is refused */
    const struct id *ignore;   /* snapshots that do not count: for a plan after a forget */
    size_t n_ignore;
};

struct prune_amount {
    uint64_t blobs, bytes;
};

struct prune_stats {
    struct prune_amount used, duplicate, unused; /* as found; bytes as stored */
    struct prune_amount repack,
        repack_removed;          /* in packs to rewrite; of these not written again */
    struct prune_amount removed; /* in packs that go */
    uint64_t unreferenced_bytes; /* of packs that no index file knows */
    uint64_t packs_kept, packs_repacked, packs_removed, packs_unreferenced;
    uint64_t packs_postponed; /* of those kept: to be rewritten, were it not for a limit */
    uint64_t index_files_rewritten;
};

/* What it all removes, and what stays without use. */
struct prune_amount prune_total(const struct prune_stats *s);
struct prune_amount prune_unused_after(const struct prune_stats *s);

NODISCARD enum rc prune_run(struct ctx *cx, struct repo *r, const struct prune_opts *opts,
                            struct prune_stats *out, struct err *e);

#endif
