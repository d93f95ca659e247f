/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ctx.h"

enum rc
ctx_init(struct ctx *cx, struct err *e)
{
    atomic_init(&cx->cancelled, false);
    cx->until = 0;
    cx->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cx->fd < 0)
        return err_sys(e, errno, "could not make an event descriptor");
    return RC_OK;
}

void
ctx_release(struct ctx *cx)
{
    if (cx->fd >= 0)
        (void)close(cx->fd);
    cx->fd = -1;
}

void
ctx_cancel(struct ctx *cx)
{
    uint64_t one = 1;
    ssize_t n;

    atomic_store(&cx->cancelled, true);
    if (cx->fd >= 0) {
        n = write(cx->fd, &one, sizeof(one));
        (void)n; /* the counter is full: it is readable already */
    }
}

enum rc
ctx_check(struct ctx *cx, struct err *e)
{
    if (UNLIKELY(atomic_load_explicit(&cx->cancelled, memory_order_relaxed)))
        return err_set(e, RC_CANCELLED, "interrupted");
    if (cx->until != 0 && clock_mono_ms() >= cx->until)
        return err_set(e, RC_TIMEOUT, "the time allowed is over");
    return RC_OK;
}

enum rc
ctx_wait(struct ctx *cx, int fd, short events, int timeout_ms, short *ready, struct err *e)
{
    int64_t end = timeout_ms < 0 ? INT64_MAX : clock_mono_ms() + timeout_ms;

    for (;;) {
        struct pollfd set[2] = {{.fd = fd, .events = events}, {.fd = cx->fd, .events = POLLIN}};
        int64_t now = clock_mono_ms(), left = end == INT64_MAX ? -1 : MAX(end - now, 0);
        int n;

        if (cx->until != 0)
            left = left < 0 ? MAX(cx->until - now, 0) : MIN(left, MAX(cx->until - now, 0));
        n = poll(set, 2, left > 1000000000 ? 1000000000 : (int)left);
        if (n < 0 && errno != EINTR)
            return err_sys(e, errno, "could not wait");
        if (ctx_check(cx, e))
            return err_code(e);
        if (n > 0 && set[0].revents != 0) {
            *ready = set[0].revents;
            return RC_OK;
        }
        if (n == 0 && clock_mono_ms() >= end) {
            *ready = 0;
            return RC_OK;
        }
    }
}

enum rc
ctx_sleep(struct ctx *cx, int ms, struct err *e)
{
    short ready;

    return ctx_wait(cx, -1, 0, ms, &ready, e);
}
