/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_COPY_H
#define MAINTAIN_COPY_H

/*
 * maintain/copy -- snapshots of one repository into another, with what they are made of.
 *
 * Shape    chunks stay as they are cut; blobs are opened with one key, compared with their hash,
 *          and sealed with the other, compressed as the destination wants them. Only what it lacks
 *          is written.
 * Order    snapshots in batches of about a minute: their packs, the index files, then the snapshots
 *          themselves. A copy that was stopped goes on where it was when it is run again.
 * Known    a copy has `original`: the first of its line. One that the destination has already (the
 *          same but for parent and original) is passed over.
 * Locks    shared, of both, by the caller. It loads the indexes: list the snapshots before.
 * Memory   one blob at a time, and 32 bytes for each tree and each blob copied in the batch.
 * Errors   a snapshot that cannot be read as a whole is told to `failed` and is not copied; the
 *          others are, and the call is RC_CORRUPT. Everything else ends it at once.
 * Source   restic doc/045_working_with_repos.rst "Copying snapshots between repositories".
 */
#include "repo/save.h"
#include "repo/snapshots.h"

struct copy_opts {
    struct repo *from;
    enum save_compression compression;
    void (*copied)(void *arg, const struct snapshot *from, const struct id *to);
    void (*skipped)(void *arg, const struct snapshot *from, const struct id *known);
    void (*failed)(void *arg, const struct snapshot *from, const struct err *why);
    void *arg;
};

struct copy_result {
    uint64_t copied, skipped, failed; /* snapshots */
    uint64_t blobs, bytes, stored_bytes;
};

/* `out` counts whatever the call returns. */
NODISCARD enum rc copy_snapshots(struct ctx *cx, struct repo *to, const struct snapshot *list,
                                 size_t n, const struct copy_opts *opts, struct copy_result *out,
                                 struct err *e);

#endif
