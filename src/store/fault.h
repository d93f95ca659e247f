/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

/*
 * store/fault -- a store that fails on purpose, around another one: for tests.
 *
 * Shape    every operation except put_abort and release counts, from 1.
 */
#include "store/store.h"

struct fault_plan {
    unsigned fail_at; /* the operation that fails; 0: none */
    bool and_after;   /* every later one fails too, as if the peer had died */
    bool half; /* a failing write or commit does its work, or half of it, and says that it failed */
    enum rc code; /* 0: RC_IO */
};

/* Takes `inner`. */
struct store *store_fault_new(struct store *inner, struct fault_plan plan);
/* Start counting again, with another plan. */
void store_fault_plan(struct store *s, struct fault_plan plan);
/* Operations seen since. */
unsigned store_fault_count(struct store *s);

#endif
