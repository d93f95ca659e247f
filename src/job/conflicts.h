/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_CONFLICTS_H
#define JOB_CONFLICTS_H

/*
 * job/conflicts -- which keys of a dump its target holds already, and which its user may not write. For a plan.
 *
 * Shape    conflicts_on gets the events of what is going to be written; EXISTS is asked for each name, a batch at a time, of the
 *          master that owns its slot; where the user may write only names of some patterns, that is asked of each too.
 * Counts   are exact while nobody writes to the target, but where a dump has a key twice (SCAN; dumps of others). Of a slot that is on the
 *          move, or a server that refuses the question, it is not known.
 */
#include "job/outcome.h"
#include "redis/rights.h"

struct conflicts {
    struct ctx *cx;
    struct masters *to;                /* borrowed */
    const struct outcome_start *start; /* of databases that held no keys nothing is asked */
    struct rights_names *names;        /* of each master, where `names_some` */
    bool names_some, names_unsure;     /* unsure: which names, cannot be asked */
    size_t *pending;                   /* questions on their way to each master */
    size_t waiting;                    /* of all */
    uint64_t db;
    bool db_empty;
    uint64_t asked, exist, unknown, denied;
    int64_t ns; /* that the answers took */
};

NODISCARD enum rc conflicts_open(struct ctx *cx, struct masters *to,
                                 const struct outcome_start *start, struct conflicts *out,
                                 struct err *e);
/* An ev_fn; `arg` is the struct conflicts. */
enum rc conflicts_on(void *arg, const struct ev *ev, struct err *e);
/* Wait for the last answers. */
NODISCARD enum rc conflicts_end(struct conflicts *c, struct err *e);
/* A zeroed one is a no-op. */
void conflicts_close(struct conflicts *c);

#endif
