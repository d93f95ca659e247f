/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_STATS_H
#define MAINTAIN_STATS_H

/*
 * maintain/stats -- how much is stored, in restic's four ways of counting.
 *
 * Memory   restore-size: none to speak of; the others 32 bytes for each thing that is counted once.
 * Source   restic stats --mode, compared with 0.14 and 0.19; its folders count as files.
 */
#include "repo/snapshots.h"

enum stats_mode {
    STATS_RESTORE_SIZE,      /* what a restore of each of the snapshots would write, together */
    STATS_FILES_BY_CONTENTS, /* of files with equal content only one */
    STATS_BLOBS_PER_FILE,    /* each blob once for each path that has it */
    STATS_RAW_DATA           /* each blob once, as it is stored */
};

struct stats {
    uint64_t snapshots;
    uint64_t files; /* not with raw-data */
    uint64_t blobs; /* blobs-per-file and raw-data */
    uint64_t total_size;
    /* Of raw-data, in repositories of version 2. */
    uint64_t total_uncompressed_size;            /* what they would take without compression */
    uint64_t compressed_size, uncompressed_size; /* of the compressed ones only */
};

NODISCARD enum rc stats_count(struct ctx *cx, struct repo *r, enum stats_mode mode,
                              const struct snapshot *list, size_t n, struct stats *out,
                              struct err *e);

#endif
