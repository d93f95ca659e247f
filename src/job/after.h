/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_AFTER_H
#define JOB_AFTER_H

/*
 * job/after -- what happens to a repository after a good backup: check, retention, statistics.
 *
 * Order    after_check first: of a damaged repository nothing is removed. Then after_retention,
 *          after_stats.
 * Locks    exclusive, by the caller.
 */
#include "json/node.h"
#include "repo/brake.h"
#include "repo/repo.h"

struct after {
    int64_t kept, removed; /* snapshots: in the whole repository, of this group */
    bool integrity;
    char problem[400]; /* the first thing wrong, when integrity is false */
    uint64_t bytes;    /* stored, of what the snapshots need */
    char note[400];    /* what retention did, in words */
    bool held_back;    /* the brake held: nothing was removed, and `note` says why */
};

/*
 * Apply a retentionPolicy block to the snapshots of `host` with the path of dumps, and prune if it
 * says so. Nothing is removed when it keeps nothing, with dryRun, or when the brake holds. RC as
 * the store's.
 */
NODISCARD enum rc after_retention(struct ctx *cx, struct repo *r, const struct json *policy,
                                  const char *host, const struct brake *brake, struct after *out,
                                  struct err *e);

/* RC_OK also when the repository is damaged: integrity tells. */
NODISCARD enum rc after_check(struct ctx *cx, struct repo *r, struct after *out, struct err *e);

/* Fills in bytes. */
NODISCARD enum rc after_stats(struct ctx *cx, struct repo *r, struct after *out, struct err *e);

#endif
