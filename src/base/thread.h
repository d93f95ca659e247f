/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

/*
 * base/thread -- threads and mappings, which a machine may refuse.
 *
 * Why      a limit on processes or address space is the machine's, not our mistake: whoever meets it
 *          ends like from any other error, and leaves no lock behind. Small allocations are base/mem's.
 */
#include <pthread.h>

#include "base/err.h"

/* RC_UNAVAILABLE, with a hint; `what` is what the thread is for: "the lock". */
NODISCARD enum rc thread_start(pthread_t *out, void *(*fn)(void *arg), void *arg, const char *what,
                               struct err *e);

/* Anonymous memory of `n` bytes, zero until written to; munmap. RC_UNAVAILABLE, with a hint. */
NODISCARD enum rc map_memory(size_t n, void **out, struct err *e);
/* Say so, of a mapping that was refused. Returns e->code. */
enum rc map_refused(size_t n, struct err *e);

#endif
