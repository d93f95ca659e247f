/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PAR_H
#define BASE_PAR_H

/*
 * base/par -- the same work on many items, by several threads.
 *
 * Shape    item 0 .. n - 1, each taken once, in no promised order. What belongs to one thread
 *          stands in an array of the caller, by the number of the worker.
 * Errors   the first one ends it: no other item is begun, and that error is given back.
 * Threads  the caller's thread works too (worker 0) and returns after all others ended.
 */
#include <stddef.h>

#include "base/err.h"

enum { PAR_MAX = 16 };

typedef enum rc par_fn(void *arg, unsigned worker, size_t item, struct err *e);

/* How many: `wanted`, at most PAR_MAX; 0: as many as processors, at most 4. */
unsigned par_workers(unsigned wanted);

/* `workers` as given by par_workers. */
NODISCARD enum rc par_each(size_t n, unsigned workers, par_fn *fn, void *arg, struct err *e);

#endif
