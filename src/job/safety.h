/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_SAFETY_H
#define JOB_SAFETY_H

/*
 * job/safety -- the copy that a restore takes of its target before it writes there, and the way back to it.
 *
 * Shape    a backup of the whole target (job/backup) with SAFETY_TAG; going back is a restore of that snapshot into an emptied
 *          target, which takes a copy itself.
 * Ends     the copy has UNFINISHED_TAG until the restore has ended well, or has written nothing: another file takes the place of its
 *          file then (`original`, as `tag` does it). So a restore that was killed is known by what it left, and a store from
 *          which nothing may be removed serves too: the older file stays there, and plays no part (docs/adr/0036).
 * First    a copy taken while the newest one is unfinished names that one, or its first: that is where the way back leads.
 *          Not so where the restore goes back to it anyway.
 * Errors   as job/backup; RC_UNSUPPORTED: not all of the target could be copied. Then no copy stays.
 */
#include "job/backup.h"
#include "redis/masters.h"

enum safety_state {
    SAFETY_NONE,    /* nothing was decided: the restore ended before */
    SAFETY_DRY_RUN, /* one would be taken where the target holds keys */
    SAFETY_SKIPPED, /* as was asked for */
    SAFETY_EMPTY,   /* the target holds no keys */
    SAFETY_TAKEN
};
/* "taken"; for JSON. */
const char *safety_state_name(enum safety_state s);

struct resume;

/* Where the copy goes, and how the target is read. */
struct safety {
    struct resume
        *resume; /* what is noted of the restore, or it goes on from (job/resume); NULL: nothing */
    bool skip;
    struct repo *repo;         /* locked, with its index */
    const char *nodes;         /* of a cluster that is known by its address; may be NULL */
    const char *blocked;       /* why no copy can be made, NULL: it can */
    struct source_opts source; /* addr, conn, node_map */
    struct backup_opts backup; /* host, compression, target, by_address */
};

struct safety_result {
    enum safety_state state;
    struct id copy; /* where one was taken */
    struct id back; /* where the way back leads: that copy, or the first of its line */
    uint64_t keys;
};

/* `keys`: that the target holds, EV_UNKNOWN where it does not say; `restored`: what is going to be loaded. */
NODISCARD enum rc safety_take(struct ctx *cx, const struct safety *s,
                              const struct snapshot *restored, uint64_t keys,
                              struct safety_result *out, struct err *e);
/*
 * The restore goes on that took the copy `was`, which its end is told of. RC_NOT_FOUND: the copy is there no more.
 */
NODISCARD enum rc safety_resume(struct ctx *cx, const struct safety *s,
                                const struct safety_result *was, struct safety_result *out,
                                struct err *e);
/* The restore has ended well, or has changed nothing. That this could not be noted is only a warning. */
void safety_done(struct ctx *cx, const struct safety *s, struct safety_result *r);

/*
 * Where the way back leads of the target that `mine` says yes to: to the newest copy, or the first of its line; and after an
 * unfinished way back to where that led. `unfinished`: only where the last restore was left so. RC_NOT_FOUND: there is no copy.
 */
typedef bool safety_mine_fn(void *arg, const struct snapshot *s);
NODISCARD enum rc safety_find(struct ctx *cx, struct repo *r, safety_mine_fn *mine, void *arg,
                              bool unfinished, struct id *out, struct err *e);
/* The copy of `t` or, where `nodes` (may be NULL) are those of a cluster, of one that had one of them. */
struct safety_owner {
    struct target target;
    const char *nodes;
};
bool safety_is_of(void *owner, const struct snapshot *s);

#endif
