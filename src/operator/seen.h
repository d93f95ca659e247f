/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_SEEN_H
#define OPERATOR_SEEN_H

/*
 * operator/seen -- what was there a moment ago, by key.
 *
 * Why      thousands of configurations ask for the same few Secrets when the operator starts; each
 *          would cost the API server a request. Secrets are never cached, only that they exist.
 * Threads  any.
 */
#include <pthread.h>
#include <stdbool.h>

#include "ctl/strmap.h"

enum { SEEN_MS = 1000, SEEN_MAX = 4096 };

struct seen {
    pthread_mutex_t lock;
    struct strmap at;
};

void seen_init(struct seen *s);
void seen_release(struct seen *s);
/* Was it there within the last SEEN_MS? */
bool seen_lately(struct seen *s, const char *key);
void seen_now(struct seen *s, const char *key);

#endif
