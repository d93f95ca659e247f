/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_PLAN_INTERNAL_H
#define JOB_PLAN_INTERNAL_H

/* What plan.c (the questions), plan_facts.c (what would be written), plan_memory.c (whether there is room) and plan_time.c (how long it would take) share. */
#include "job/plan.h"
#include "job/restore_internal.h"

/* Add to a topic; the worst grade stays, and the hint that comes with it. */
void plan_say(struct plan *p, enum plan_topic t, enum plan_grade g, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* An error that is an answer: a NO, with its hint. */
void plan_say_err(struct plan *p, enum plan_topic t, const struct err *why);

/* ---- plan_facts.c ---- */

/* What the manifest says, as far as it has one that may be trusted. */
struct plan_source {
    bool told;
    bool payloads;            /* values go as the server's own */
    uint64_t bytes, commands; /* of the dump */
    uint64_t memory;          /* that all of it took; 0: not said */
    uint32_t version;         /* of the server: 70015; 0: not said */
    bool valkey;
    int64_t took_ms; /* the backup; 0: not said */
};
/* What is known while it is made. */
struct planning {
    struct ctx *cx;
    struct snapshot_source *from;
    struct masters *to;
    const struct load_opts *opts;
    const struct safety *safety;
    enum acl_how users;
    struct plan *p;
    struct plan_source source;
    struct adapt_target target; /* what every server takes */
    struct conflicts conflicts;
    struct survey survey;
    struct restore_checked checked;
    bool surveyed;
    int64_t read_ms;
};
/* Keys of the databases that will be loaded into: those that --existing flush removes. */
uint64_t plan_keys_concerned(const struct planning *g);

/* Into `p` its databases and functions too, which hold where all of it is restored. */
NODISCARD enum rc plan_read_manifest(struct str manifest, struct plan *p, struct plan_source *out,
                                     struct err *e);

/* What a pass over the dump finds, which takes the place of what the manifest says. */
struct plan_counts {
    struct plan *p;
    struct conflicts *conflicts;
    size_t db; /* in p->dbs */
};
enum rc plan_count_on(void *arg, const struct ev *ev, struct err *e);

/* ---- plan_memory.c ---- */

/* Is there room? */
void plan_weigh(struct planning *g);

/* ---- plan_time.c ---- */

struct verdict;
struct plan_times {
    const struct verdict
        *before; /* a verification that loaded all of it, and how long that took; NULL: none */
    uint64_t bytes, commands; /* to be read and sent: of the dump */
    uint64_t wanted;          /* of the bytes */
    int64_t read_ms;          /* that reading all of it took; -1: a sample is read */
    int64_t copy_ms;          /* -1: none is taken, or that is not known */
};
/* Measures both sides and says so. */
NODISCARD enum rc plan_measure(struct ctx *cx, struct snapshot_source *from, struct masters *to,
                               const struct plan_times *t, struct plan *p, struct err *e);

#endif
