/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CTX_H
#define BASE_CTX_H

/*
 * base/ctx -- may this work go on? The first argument of whatever can block.
 *
 * Shape    one ctx per run of the program or per job. Whoever waits on a descriptor does it by ctx_wait,
 *          or adds the ctx's fd to its poll set (it becomes readable on cancel); loops ask ctx_check now and then.
 * Threads  ctx_cancel from any thread and from signal handlers; the rest from any thread.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

struct ctx {
    atomic_bool cancelled;
    int fd;        /* eventfd; -1 in a ctx that cannot be cancelled */
    int64_t until; /* clock_mono_ms at which it is over, 0 for never */
};

NODISCARD enum rc ctx_init(struct ctx *cx, struct err *e);
void ctx_release(struct ctx *cx);

/* Ask the work to stop. Async-signal-safe, may be called again. */
void ctx_cancel(struct ctx *cx);

/* RC_OK, RC_CANCELLED or (deadline) RC_TIMEOUT. */
NODISCARD enum rc ctx_check(struct ctx *cx, struct err *e);

/*
 * Wait until `fd` is ready for `events` (POLLIN, POLLOUT) or `timeout_ms` passed (-1: none),
 * whichever is first; `*ready` gets the events, 0 on timeout. `fd` may be -1: just sleep.
 * RC_CANCELLED, RC_TIMEOUT (only the ctx's own deadline), RC_IO.
 */
NODISCARD enum rc ctx_wait(struct ctx *cx, int fd, short events, int timeout_ms, short *ready,
                           struct err *e);

/* Sleep, or RC_CANCELLED. */
NODISCARD enum rc ctx_sleep(struct ctx *cx, int ms, struct err *e);

#endif
