/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

/*
 * base/parallel -- the same work on many items, by several threads.
 *
 * Shape    item 0 .. n - 1, each taken once, in no promised order. What belongs to one thread
 *          stands in an array of the caller, by the number of the worker.
 * Errors   the first one ends it: no other item is begun, and that error is given back.
 * Threads  the caller's thread works too (worker 0) and returns after all others ended.
 */
#include <stddef.h>

#include "base/err.h"

enum { PARALLEL_MAX = 16 };

typedef enum rc parallel_fn(void *arg, unsigned worker, size_t item, struct err *e);

/* How many: `wanted`, at most PARALLEL_MAX; 0: as many as processors, at most 4. */
unsigned parallel_workers(unsigned wanted);

/* `workers` as given by parallel_workers. */
NODISCARD enum rc parallel_for(size_t n, unsigned workers, parallel_fn *fn, void *arg,
                               struct err *e);

#endif
