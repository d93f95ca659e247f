/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

/*
 * base/queue -- a bounded queue of pointers between threads: what joins the stages of a pipe.
 *
 * Shape    first in, first out; queue_put waits for room, queue_take for an item.
 * Closing  queue_close: what is inside may still be taken, then queue_take says false. Every later queue_put
 *          says false, and the item stays the caller's.
 * Ownership  an item belongs to the queue from put to take; queue_release must find it empty or the
 *          items must be owned elsewhere (pools).
 * Threads  any number on both sides. The mutex inside guards every field; nothing runs under it.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void **slots;
    size_t cap, first, n;
    bool closed;
};

void queue_init(struct queue *q, size_t cap);
void queue_release(struct queue *q);
bool queue_put(struct queue *q, void *item);
bool queue_take(struct queue *q, void **item);
void queue_close(struct queue *q);

#endif
