/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "base/mem.h"
#include "base/ring.h"

static enum rc
ring_read(struct rd *base, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct ring *r = CONTAINER_OF(base, struct ring, rd);
    size_t first, take;

    (void)pthread_mutex_lock(&r->lock);
    while (r->n == 0 && !r->ended)
        (void)pthread_cond_wait(&r->changed, &r->lock);
    if (r->n == 0 && r->why.code != RC_OK) {
        *e = r->why;
        (void)pthread_mutex_unlock(&r->lock);
        return err_code(e);
    }
    first = r->first;
    take = MIN(MIN(n, r->n), r->cap - first);
    (void)pthread_mutex_unlock(&r->lock);

    if (take != 0) {
        memcpy(p, r->p + first, take); /* the producer does not touch committed bytes */
        (void)pthread_mutex_lock(&r->lock);
        r->first = (first + take) % r->cap;
        r->n -= take;
        (void)pthread_cond_signal(&r->changed);
        (void)pthread_mutex_unlock(&r->lock);
    }
    *got = take;
    return RC_OK;
}

void
ring_init(struct ring *r, size_t cap)
{
    pthread_condattr_t attr;

    *r = (struct ring){.rd = {.read = ring_read}, .p = mem_alloc(cap), .cap = cap};
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&r->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
}

void
ring_release(struct ring *r)
{
    if (r->p == NULL)
        return;
    mem_free(r->p);
    r->p = NULL;
    (void)pthread_mutex_destroy(&r->lock);
    (void)pthread_cond_destroy(&r->changed);
}

static struct timespec
deadline_after(int ms)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

enum rc
ring_room(struct ring *r, int timeout_ms, uint8_t **p, size_t *n, struct err *e)
{
    struct timespec until = deadline_after(MAX(timeout_ms, 0));
    bool abandoned, late = false;
    size_t last;

    (void)pthread_mutex_lock(&r->lock);
    while (r->n == r->cap && !r->abandoned && !late) {
        if (timeout_ms < 0)
            (void)pthread_cond_wait(&r->changed, &r->lock);
        else
            late = pthread_cond_timedwait(&r->changed, &r->lock, &until) != 0;
    }
    abandoned = r->abandoned;
    last = (r->first + r->n) % r->cap;
    *p = r->p + last;
    *n = MIN(r->cap - r->n, r->cap - last);
    (void)pthread_mutex_unlock(&r->lock);
    if (abandoned)
        return err_set(e, RC_CANCELLED, "the reader of the stream stopped");
    return RC_OK;
}

void
ring_commit(struct ring *r, size_t n)
{
    (void)pthread_mutex_lock(&r->lock);
    r->n += n;
    (void)pthread_cond_signal(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
}

void
ring_end(struct ring *r, const struct err *why)
{
    (void)pthread_mutex_lock(&r->lock);
    if (!r->ended) {
        r->ended = true;
        if (why != NULL)
            r->why = *why;
    }
    (void)pthread_cond_signal(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
}

void
ring_abandon(struct ring *r)
{
    (void)pthread_mutex_lock(&r->lock);
    r->abandoned = true;
    (void)pthread_cond_signal(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
}
