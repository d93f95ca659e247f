/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"
#include "base/mem.h"

void
queue_init(struct queue *q, size_t cap)
{
    *q = (struct queue){.slots = mem_zero(cap, sizeof(void *)), .cap = cap};
    (void)pthread_mutex_init(&q->lock, NULL);
    (void)pthread_cond_init(&q->changed, NULL);
}

void
queue_release(struct queue *q)
{
    if (q->slots == NULL)
        return;
    mem_free(q->slots);
    q->slots = NULL;
    (void)pthread_mutex_destroy(&q->lock);
    (void)pthread_cond_destroy(&q->changed);
}

bool
queue_put(struct queue *q, void *item)
{
    bool ok;

    (void)pthread_mutex_lock(&q->lock);
    while (!q->closed && q->n == q->cap)
        (void)pthread_cond_wait(&q->changed, &q->lock);
    ok = !q->closed;
    if (ok) {
        q->slots[(q->first + q->n) % q->cap] = item;
        q->n++;
        (void)pthread_cond_broadcast(&q->changed);
    }
    (void)pthread_mutex_unlock(&q->lock);
    return ok;
}

bool
queue_take(struct queue *q, void **item)
{
    bool ok;

    (void)pthread_mutex_lock(&q->lock);
    while (!q->closed && q->n == 0)
        (void)pthread_cond_wait(&q->changed, &q->lock);
    ok = q->n > 0;
    if (ok) {
        *item = q->slots[q->first];
        q->first = (q->first + 1) % q->cap;
        q->n--;
        (void)pthread_cond_broadcast(&q->changed);
    }
    (void)pthread_mutex_unlock(&q->lock);
    return ok;
}

void
queue_close(struct queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    q->closed = true;
    (void)pthread_cond_broadcast(&q->changed);
    (void)pthread_mutex_unlock(&q->lock);
}
