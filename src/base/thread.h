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

/*
 * Start a thread, which the caller joins. `name` is shown by ps -L, top -H and debuggers, as far as
 * 15 bytes go, and stands in the error. What it logs is about what the starter's is (log_scope). RC_UNAVAILABLE, with a hint; then `*out` is untouched.
 */
NODISCARD enum rc thread_start(pthread_t *out, const char *name, void *(*fn)(void *arg), void *arg,
                               struct err *e);

/* Anonymous memory of `n` bytes, zero until written to; munmap. RC_UNAVAILABLE, with a hint. */
NODISCARD enum rc map_memory(size_t n, void **out, struct err *e);
/* Say so, of a mapping that was refused. Returns e->code. */
enum rc map_refused(size_t n, struct err *e);

#endif
