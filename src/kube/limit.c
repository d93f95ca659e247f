/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/limit.h"

#include "base/compiler.h"

void
limit_init(struct limit *l, double qps, double burst, int64_t now_ms)
{
    (void)pthread_mutex_init(&l->lock, NULL);
    l->per_ms = qps / 1000;
    l->burst = l->tokens = burst;
    l->at_ms = now_ms;
}

void
limit_release(struct limit *l)
{
    (void)pthread_mutex_destroy(&l->lock);
}

static void
refill_locked(struct limit *l, int64_t now_ms)
{
    if (now_ms > l->at_ms) {
        l->tokens = MIN(l->tokens + (double)(now_ms - l->at_ms) * l->per_ms, l->burst);
        l->at_ms = now_ms;
    }
}

int
limit_take(struct limit *l, int64_t now_ms)
{
    double missing;

    if (l->per_ms <= 0)
        return 0;
    (void)pthread_mutex_lock(&l->lock);
    refill_locked(l, now_ms);
    l->tokens -= 1;
    missing = -l->tokens;
    (void)pthread_mutex_unlock(&l->lock);
    return missing <= 0 ? 0 : (int)(missing / l->per_ms) + 1;
}

bool
limit_try(struct limit *l, int64_t now_ms)
{
    bool got;

    (void)pthread_mutex_lock(&l->lock);
    refill_locked(l, now_ms);
    got = l->tokens >= 1;
    if (got)
        l->tokens -= 1;
    (void)pthread_mutex_unlock(&l->lock);
    return got;
}
