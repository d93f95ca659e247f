/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BQ_H
#define BASE_BQ_H

/*
 * base/bq -- a bounded queue of pointers between threads: what joins the stages of a pipe.
 *
 * Shape    first in, first out; bq_put waits for room, bq_take for an item.
 * Closing  bq_close: what is inside may still be taken, then bq_take says false. Every later bq_put
 *          says false, and the item stays the caller's.
 * Ownership  an item belongs to the queue from put to take; bq_release must find it empty or the
 *          items must be owned elsewhere (pools).
 * Threads  any number on both sides. The mutex inside guards every field; nothing runs under it.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct bq {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void **slots;
    size_t cap, first, n;
    bool closed;
};

void bq_init(struct bq *q, size_t cap);
void bq_release(struct bq *q);
bool bq_put(struct bq *q, void *item);
bool bq_take(struct bq *q, void **item);
void bq_close(struct bq *q);

#endif
