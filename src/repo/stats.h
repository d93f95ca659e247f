/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_STATS_H
#define REPO_STATS_H

/*
 * repo/stats -- how much is stored, in restic's two ways of counting.
 *
 * Source   restic stats --mode restore-size and raw-data, compared with 0.14.
 */
#include "repo/snapshots.h"

struct stats {
    uint64_t snapshots;
    uint64_t files; /* restore-size: files in all snapshots */
    uint64_t
        total_size; /* restore-size: bytes of those files; raw-data: stored bytes of the blobs */
    /* raw-data only */
    uint64_t blobs;
    uint64_t total_uncompressed_size;            /* what they would take without compression */
    uint64_t compressed_size, uncompressed_size; /* of the compressed ones only */
};

/* What a restore of each of the snapshots would write, together. */
NODISCARD enum rc stats_restore_size(struct ctx *cx, struct repo *r, const struct snapshot *list,
                                     size_t n, struct stats *out, struct err *e);
/* The blobs that the snapshots need, each counted once. */
NODISCARD enum rc stats_raw_data(struct ctx *cx, struct repo *r, const struct snapshot *list,
                                 size_t n, struct stats *out, struct err *e);

#endif
