/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_WORKQ_H
#define CTL_WORKQ_H

/*
 * ctl/workq -- which keys are to be worked on, and when.
 *
 * Why      many events for one object become one reconcile, an object is never reconciled twice at
 *          once, and what fails is tried again later and later.
 * Shape    a key is text, by custom "namespace/name". Each key is in at most one place: waiting for
 *          its turn, waiting for its time, being worked on (and then possibly due again).
 * Threads  any.
 * Source   client-go util/workqueue.
 * Tests    workq_test.c
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

struct workq;

struct workq_opts {
    int64_t base_ms, max_ms; /* first and longest wait of workq_add_limited; 0: 5 ms, 16 min */
    int64_t (*now_ms)(void); /* NULL: clock_mono_ms */
};

/* `o` may be NULL. RC_IO. */
NODISCARD enum rc workq_new(const struct workq_opts *o, struct workq **out, struct err *e);
void workq_free(struct workq *q);

void workq_add(struct workq *q, const char *key);
/* Not before `ms` have passed; the earlier of two times counts, and workq_add comes before both. */
void workq_add_after(struct workq *q, const char *key, int64_t ms);
/* After a wait that doubles with every call for this key, until workq_forget. */
void workq_add_limited(struct workq *q, const char *key);
void workq_forget(struct workq *q, const char *key);
unsigned workq_failures(struct workq *q, const char *key);

/*
 * The next key, which is the caller's until workq_done (the text: mem_free). Waits for one.
 * RC_CANCELLED: shut down, or the ctx.
 */
NODISCARD enum rc workq_take(struct ctx *cx, struct workq *q, char **key, struct err *e);
/* The same without waiting; NULL: nothing is due. */
char *workq_try(struct workq *q);
void workq_done(struct workq *q, const char *key);

/* No more keys are handed out. */
void workq_shutdown(struct workq *q);
size_t workq_depth(struct workq *q);   /* due and not taken */
size_t workq_delayed(struct workq *q); /* waiting for their time */
uint64_t workq_added(struct workq *q); /* since the beginning, for metrics */
uint64_t workq_retried(struct workq *q);

/* "ns/name" or "name"; mem_free. And back: `*ns` is "" without one; both point into `key`. */
char *workq_key(const char *ns, const char *name);
void workq_split(char *key, const char **ns, const char **name);
/* Add an object by that key. */
void workq_add_object(struct workq *q, const char *ns, const char *name);

#endif
