/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

/*
 * store/fault -- a store that fails on purpose, around another one: for tests.
 *
 * Shape    a plan says which operation is struck and how. Operations count from 1, those only that
 *          can be struck so; put_abort and release never do. What a dead process leaves is what the
 *          inner store holds.
 * Threads  as every store; the plan is changed while nobody uses it.
 */
#include "store/store.h"

enum fault_kind {
    FAULT_FAIL,  /* it fails, and nothing of it is done */
    FAULT_LOST,  /* a commit, removal or create is done, but fails: the answer got lost */
    FAULT_GONE,  /* a commit says that it is done, and nothing is stored */
    FAULT_HALF,  /* ... and half of it is */
    FAULT_KEPT,  /* a removal says that it is done, and the object stays */
    FAULT_CUT,   /* a commit fails and leaves half an object under its name */
    FAULT_SHORT, /* a read ends early (RC_CORRUPT), or a list (RC_IO) */
    FAULT_FULL,  /* an object cannot be written, nor any after it: RC_FULL */
    FAULT_DELAY  /* it takes delay_ms longer */
};

struct fault_plan {
    unsigned at; /* the operation that is struck; 0: none */
    enum fault_kind kind;
    bool dead;      /* after it nothing is done any more and all fails: the process has died */
    unsigned types; /* 1 << enum store_type: only these count and are struck; 0: all */
    enum rc code;   /* 0: RC_IO, or that of the kind */
    int delay_ms;
    uint64_t shuffle; /* not 0: what is under way at the same time is done one after the other, in
                         an order that this seed chooses */
};

/* Takes `inner`. */
struct store *store_fault_new(struct store *inner, struct fault_plan plan);
/* Start counting again, with another plan. */
void store_fault_plan(struct store *s, struct fault_plan plan);
/* Operations seen since. */
unsigned store_fault_count(struct store *s);

#endif
