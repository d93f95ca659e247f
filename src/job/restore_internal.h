/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_RESTORE_INTERNAL_H
#define JOB_RESTORE_INTERNAL_H

/* What restore.c (what a restore is), survey.c (what is known of a dump before), restore_check.c (what it is refused for) and plan.c
 * (whether it would work) share. */
#include "job/restore.h"
#include "job/room.h"

/* ---- restore.c ---- */

/*
 * One pass over a dump: into the server, or nowhere. `in` NULL: its parts, which are struct dump_parts. `before`, which
 * may be NULL, digests the dump as it was where it is rewritten.
 */
NODISCARD enum rc restore_pass(struct ctx *cx, struct rd *in, struct masters *to,
                               const struct load_opts *opts, struct dataset_digest *before,
                               struct load_result *out, struct err *e);

/* ---- survey.c ---- */

/* What is known of a dump before it is loaded; 0 where it is not. */
struct survey {
    struct room_need need;
    uint64_t keys; /* that are wanted */
    uint32_t verbs;
    struct str manifest;
    bool distinct; /* each key is in it once */
    bool lacks_functions;
    struct resume *resume; /* set by restore_redis; NULL: nothing is noted (job/resume) */
    bool read;             /* all of it was read, which found: */
    struct load_result found;
};

/* What a plan wants to know besides. Zeroed: nothing. */
struct survey_more {
    bool read; /* the dump, though its manifest tells enough */
    const struct adapt_target *as_if;
    ev_fn *on; /* gets what is wanted; may be NULL */
    void *arg;
};

/*
 * What would stop the load in its middle stops it here, before anything is written. RC_NOT_FOUND: the filter wants none of
 * its keys.
 */
NODISCARD enum rc survey_stream(struct ctx *cx, struct rd *in, const struct load_opts *opts,
                                const struct survey_more *more, struct survey *s, struct err *e);
/*
 * The manifest tells it; where there is none, or an old one, the dump is read once more. So it is
 * before a server is emptied for data of which nobody knows how much memory they take.
 */
NODISCARD enum rc survey_snapshot(struct ctx *cx, struct snapshot_source *from,
                                  const struct load_opts *opts, const struct survey_more *more,
                                  struct survey *out, struct err *e);
/* A filter that nothing passes is more likely a mistake than a wish: RC_NOT_FOUND. */
enum rc survey_none_wanted(const struct filter *f, uint64_t keys, struct err *e);

/* ---- restore_check.c ---- */

/* What a restore is refused for before anything is written, in this order. */
enum restore_check {
    CHECK_DATABASES, /* that the target has */
    CHECK_LENGTH,    /* of the longest value */
    CHECK_MEMORY,
    CHECK_SNAPSHOT, /* is it whole? Of a restore that empties its target */
    CHECK_ROLE,     /* a replica */
    CHECK_WRITES,   /* that the server takes none, for whatever reason */
    CHECK_RIGHTS,
    CHECK_N
};

struct restore_checked {
    const struct snapshot_source *from; /* NULL: a stream */
    struct masters *to;
    const struct load_opts *opts;
    const struct survey *survey;
    struct outcome_start start; /* what the target held; owned */
};

/* Ask what the target holds, on which the checks stand. */
NODISCARD enum rc restore_checked_open(struct ctx *cx, struct restore_checked *c, struct err *e);
NODISCARD enum rc restore_check(struct ctx *cx, struct restore_checked *c, enum restore_check what,
                                struct err *e);
/* All of them, up to the first that refuses. */
NODISCARD enum rc restore_check_all(struct ctx *cx, struct restore_checked *c, struct err *e);
/* A zeroed one is a no-op. */
void restore_checked_close(struct restore_checked *c);
/* The keys that the target holds, EV_UNKNOWN where it does not say. */
uint64_t restore_checked_keys(const struct restore_checked *c);

#endif
