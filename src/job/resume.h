/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_RESUME_H
#define JOB_RESUME_H

/*
 * job/resume -- what a restore notes of itself while it runs, so that `restore --resume` goes on where it ended (docs/adr/0042).
 *
 * Shape    one small JSON file for each target, replaced several times a second: which snapshot goes there, how it was asked for,
 *          what the target was before, and how far the load is (struct load_place). It is made before the first write and
 *          removed when all is sent. Whatever else is going to write to the target removes it (resume_forget).
 * Holds    numbers, IDs, the target's name, and a hash of what was asked for; no values, no key names, no passwords.
 * Trust    the file must belong to the user, who alone may write to it, be of this target, and be whole: RC_DENIED, RC_CORRUPT.
 *          That keys are there is asked of the target; a place behind the end of the dump is an error of the load.
 * Not so   of a restore that could not go on (resume_begin): then there is no file.
 * Threads  one.
 */
#include "job/restore.h"
#include "job/target.h"

/* What a master was when the restore began. */
struct resume_master {
    char run_id[INFO_WORD]; /* "": it did not say */
    uint64_t evicted, expired;
};

struct resume_state {
    struct id snapshot, tree;
    char asked[2 * 16 + 1]; /* a hash of what was asked for */
    int64_t shift_ms;       /* of --ttl shift */
    uint64_t before;        /* keys in what was to be loaded; EV_UNKNOWN: the target did not say */
    struct resume_master *masters;
    size_t n_masters;
    struct safety_result safety;
    struct load_place place;
};
/* A zeroed one is a no-op. */
void resume_state_release(struct resume_state *s);
/* Pure; mem_free. */
char *resume_write(const struct resume_state *s, const struct load_place *now, struct target of);
/* RC_CORRUPT; RC_NOT_FOUND: it is of another target. */
NODISCARD enum rc resume_parse(struct str json, struct target of, struct resume_state *out,
                               struct err *e);

struct resume {
    char *path; /* NULL: there is no place for the file */
    struct target_id target;
    bool goes_on;  /* from `state`, as it was read */
    bool verifies; /* what the target holds is going to be read back */
    bool noted;    /* the file is of this run */
    bool failed;   /* it could not be written, which was said */
    struct resume_state state;
};

/* `dir`: of the program's state, NULL: there is none. */
void resume_init(struct resume *r, const char *dir, const struct redis_addr *a);
void resume_release(struct resume *r);
/* Go on: read what the unfinished restore left. RC_NOT_FOUND: there is none of this target. */
NODISCARD enum rc resume_read(struct resume *r, struct err *e);
/* Nothing goes on from here any more. That the file could not be removed is only a warning. */
void resume_forget(struct resume *r);

/* ---- for restore.c; `r` may be NULL in all but resume_note ---- */

bool resume_goes_on(const struct resume *r);
/* Could the restore go on if it ended now? */
bool resume_is_noted(const struct resume *r);
/* Is this the restore that was left unfinished? RC_CONFLICT: another one. */
NODISCARD enum rc resume_match(const struct resume *r, const struct snapshot_source *from,
                               const struct load_opts *opts, struct err *e);
/* Does the target hold what was confirmed? RC_CONFLICT: it lost keys, or nobody can tell. */
NODISCARD enum rc resume_prove(const struct resume *r, const struct outcome_start *start,
                               const struct load_opts *opts, bool distinct, struct err *e);
/*
 * A load begins. Of one that goes on, `start` is set to what was before the first one; else what is to be noted is taken from
 * it, or, where it could not go on, what there is of an earlier one is removed: keys that are kept cannot be told from those that
 * it wrote, and values that it hid cannot be hidden so again.
 */
void resume_begin(struct resume *r, const struct snapshot_source *from,
                  const struct load_opts *opts, const struct safety_result *safety,
                  struct outcome_start *start);
/* As load_opts.placed; `resume` is a struct resume. */
void resume_note(void *resume, const struct load_place *now);

#endif
