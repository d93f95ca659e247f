/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_AFTER_H
#define JOB_AFTER_H

/*
 * job/after -- what happens to a repository after a good backup: retention, check, statistics.
 *
 * Locks    exclusive, by the caller; index loaded.
 */
#include "json/node.h"
#include "repo/repo.h"

struct after {
    int64_t kept, removed; /* snapshots: in the whole repository, of this group */
    bool integrity;
    char problem[400]; /* the first thing wrong, when integrity is false */
    uint64_t bytes;    /* stored, of what the snapshots need */
    char note[300];    /* what retention did, in words */
};

/*
 * Apply a retentionPolicy block to the snapshots of `host` with the path of dumps. Nothing is
 * removed when it keeps nothing, or with dryRun. RC as the store's.
 */
NODISCARD enum rc after_retention(struct ctx *cx, struct repo *r, const struct json *policy,
                                  const char *host, struct after *out, struct err *e);

/* RC_OK also when the repository is damaged: integrity tells. */
NODISCARD enum rc after_check(struct ctx *cx, struct repo *r, struct after *out, struct err *e);

#endif
