/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_REPAIR_H
#define MAINTAIN_REPAIR_H

/*
 * maintain/repair -- a damaged repository becomes one that its own check passes.
 *
 * Order    index, then packs, then snapshots: each needs the one before. What is new is durable
 *          before what is old goes, so that a repair may be stopped anywhere and run again.
 * Locks    exclusive, by the caller. The index need not be loadable: nothing here asks for it
 *          before repair_index has made it anew.
 * Told     `note` gets a line for everything that was found wrong or was lost.
 * Source   restic doc/077_troubleshooting.rst.
 */
#include "repo/snapshots.h"

struct repair_opts {
    void (*note)(void *arg, const char *text);
    void *arg;
    bool dry_run;        /* of repair_snapshots */
    bool forget;         /* of repair_snapshots: the old ones go */
    bool read_all_packs; /* of repair_index: believe no index file */
};

struct repair_index_result {
    size_t packs; /* in the new index */
    size_t read;  /* packs whose header was read: they were in no index file, or not as they are */
    size_t missing; /* packs that index files list and that are not there */
    size_t bad; /* packs whose header cannot be read: as an old index file has them, or left out */
};

/*
 * Index files that list every pack that is there and only those; the old files, also those that
 * cannot be read, are removed. A pack that cannot tell what is in it is listed as an old file has it:
 * its blobs may be whole.
 */
NODISCARD enum rc repair_index(struct ctx *cx, struct repo *r, const struct repair_opts *opts,
                               struct repair_index_result *out, struct err *e);

struct repair_packs_result {
    size_t saved, lost; /* blobs */
};

/*
 * Store what can be read of these packs anew, take them out of the index and remove them. Losing
 * blobs is not an error: repair_snapshots looks after those that are needed.
 */
NODISCARD enum rc repair_packs(struct ctx *cx, struct repo *r, const struct id *packs, size_t n,
                               const struct repair_opts *opts, struct repair_packs_result *out,
                               struct err *e);

/*
 * Rewrite those of the list whose trees or blobs are not in the index: a file keeps the blobs that
 * are there, in order, a tree that cannot be read becomes an empty one. The new snapshot has the
 * tag REPAIRED_TAG and `original`, and is a partial one from now on (repo/snapshots.h). One whose root cannot be read is removed with `forget` and left
 * alone without. `*changed` counts them; with dry_run it is what would be.
 */
NODISCARD enum rc repair_snapshots(struct ctx *cx, struct repo *r, struct snapshot *list, size_t n,
                                   const struct repair_opts *opts, size_t *changed, struct err *e);

#endif
