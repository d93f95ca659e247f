/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_LIMIT_H
#define KUBE_LIMIT_H

/*
 * kube/limit -- a token bucket: so many a second, with so many saved up.
 *
 * Shape    each taker is told how long to wait; waiting is his own business, in the order of
 *          asking.
 * Threads  any.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct limit {
    pthread_mutex_t lock;
    double per_ms, burst, tokens; /* tokens < 0: already promised */
    int64_t at_ms;
};

/* `qps` 0: no limit. */
void limit_init(struct limit *l, double qps, double burst, int64_t now_ms);
void limit_release(struct limit *l);
/* Take one; ms to wait before using it. */
int limit_take(struct limit *l, int64_t now_ms);
/* Take one if it is there now. */
bool limit_try(struct limit *l, int64_t now_ms);

#endif
