/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_POST_BACKUP_H
#define JOB_POST_BACKUP_H

/*
 * job/post_backup -- what happens to a repository after a good backup: check, retention, statistics.
 *
 * Order    post_backup_check first: of a damaged repository nothing is removed. Then post_backup_retention,
 *          post_backup_stats.
 * Locks    exclusive, by the caller.
 */
#include "json/node.h"
#include "maintain/retention_guard.h"
#include "repo/repo.h"
#include "repo/snapshots.h"

struct post_backup {
    int64_t kept, removed; /* snapshots: in the whole repository, of this group */
    bool integrity;
    char problem[400]; /* the first thing wrong, when integrity is false */
    uint64_t bytes;    /* stored, of what the snapshots need */
    char note[400];    /* what retention did, in words */
    bool held_back;    /* the brake held: nothing was removed, and `note` says why */
    /* The target lost most of its keys: one snapshot stays whatever the policy (maintain/shrink.h). */
    bool pinned;
    char pin_note[300];
    struct snapshot *list; /* by post_backup_stats: the snapshots that are left, oldest first */
    size_t n;
};
void post_backup_release(struct post_backup *a);

/* Whose snapshots retention is about. */
struct post_backup_whose {
    struct id made;   /* the snapshot just made: those of its target, part and host */
    bool host_shared; /* others write into the repository too: what names no target may be theirs */
};

/*
 * Apply a retentionPolicy block to those of them with the path of dumps, and prune if it says so.
 * Nothing is removed when it keeps nothing, with dryRun, or when the brake holds; what is pinned
 * stays. RC as the store's; RC_NOT_FOUND: `made` is gone.
 */
NODISCARD enum rc post_backup_retention(struct ctx *cx, struct repo *r, const struct json *policy,
                                        const struct post_backup_whose *whose,
                                        const struct retention_guard *brake,
                                        struct post_backup *out, struct err *e);

/* Remove the data that no snapshot needs. */
NODISCARD enum rc post_backup_prune(struct ctx *cx, struct repo *r, struct err *e);

/* RC_OK also when the repository is damaged: integrity tells. */
NODISCARD enum rc post_backup_check(struct ctx *cx, struct repo *r, struct post_backup *out,
                                    struct err *e);

/* Fills in bytes, kept and the list; the last two also where it fails after them. */
NODISCARD enum rc post_backup_stats(struct ctx *cx, struct repo *r, struct post_backup *out,
                                    struct err *e);

#endif
