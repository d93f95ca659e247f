/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_TTL_SET_H
#define OPERATOR_TTL_SET_H

/*
 * operator/ttl_set -- what was there a moment ago, by key.
 *
 * Why      thousands of configurations ask for the same few Secrets when the operator starts; each
 *          would cost the API server a request. Secrets are never cached, only that they exist.
 * Threads  any.
 */
#include <pthread.h>
#include <stdbool.h>

#include "ctl/strmap.h"

enum { SEEN_MS = 1000, SEEN_MAX = 4096 };

struct ttl_set {
    pthread_mutex_t lock;
    struct strmap at;
};

void ttl_set_init(struct ttl_set *s);
void ttl_set_release(struct ttl_set *s);
/* Was it there within the last SEEN_MS? */
bool ttl_set_lately(struct ttl_set *s, const char *key);
void ttl_set_now(struct ttl_set *s, const char *key);

#endif
