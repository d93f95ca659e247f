/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_OUTCOME_H
#define JOB_OUTCOME_H

/*
 * job/outcome -- does the target hold what was sent to it?
 *
 * Why      a server that evicts, restarts or loses keys answers OK to every command. "Restored" is
 *          what it holds, not what it was sent.
 * Shape    outcome_begin before anything is written, outcome_end when everything is answered.
 * Cluster  the masters together are the server; those that joined meanwhile held nothing before.
 * Rules    of each database that the dump has, the server must hold as many keys as were sent, less
 *          those whose time is over; nothing else is subtracted. It must not have evicted any, nor
 *          restarted, nor followed another one meanwhile. That proves it if there were none before, in any database that was to be
 *          loaded, and there are no others now; into a server that held keys the counts cannot prove
 *          it, and the outcome says so.
 * Errors   RC_LIMIT: keys were evicted; RC_CONFLICT: keys are missing, or the server restarted; as
 *          conn. For a user who may not ask INFO the databases are counted one by one; without DBSIZE
 *          too there is no proof.
 */
#include "dump/dataset_digest.h"
#include "dump/filter.h"
#include "redis/masters.h"

struct outcome_start {
    struct masters *m;       /* borrowed until outcome_end */
    struct conn_info *infos; /* before, of each; owned */
    size_t n;
    bool asked;
    bool
        resumed; /* the restore began earlier, with so many keys there (EV_UNKNOWN) in what was to be loaded */
    uint64_t before;
};

struct outcome {
    bool proven;            /* the server holds what was sent, and nothing else was in its place */
    bool told;              /* it said what it holds: */
    uint64_t before, after; /* keys, in all databases or the one that was to be loaded */
    uint64_t expired;       /* keys of the dump whose time was over when the load ended */
};

NODISCARD enum rc outcome_begin(struct ctx *cx, struct masters *m, struct outcome_start *s,
                                struct err *e);
void outcome_release(struct outcome_start *s);

struct outcome_opts {
    const struct dataset_digest *sent; /* of the keys that were wanted */
    bool emptied;                      /* the databases were emptied first */
    bool distinct;     /* the dump has each key once: not so with SCAN, or of others */
    bool exact;        /* the tally is right */
    bool removes;      /* keys of the tally may be gone by the dump's own commands */
    struct db_set dbs; /* what was to be loaded */
};
NODISCARD enum rc outcome_end(struct ctx *cx, const struct outcome_start *s,
                              const struct outcome_opts *o, struct outcome *out, struct err *e);

/* What the server takes for now, in unix ms; our clock where it does not tell. */
NODISCARD enum rc outcome_time(struct ctx *cx, struct conn *c, int64_t *ms, struct err *e);

/* The keys that there were in these databases; a cluster has but one. */
uint64_t outcome_before(const struct outcome_start *s, const struct db_set *dbs);

#endif
