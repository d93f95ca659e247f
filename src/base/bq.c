/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bq.h"
#include "base/mem.h"

void
bq_init(struct bq *q, size_t cap)
{
    *q = (struct bq){.slots = mem_zero(cap, sizeof(void *)), .cap = cap};
    (void)pthread_mutex_init(&q->lock, NULL);
    (void)pthread_cond_init(&q->changed, NULL);
}

void
bq_release(struct bq *q)
{
    if (q->slots == NULL)
        return;
    mem_free(q->slots);
    q->slots = NULL;
    (void)pthread_mutex_destroy(&q->lock);
    (void)pthread_cond_destroy(&q->changed);
}

bool
bq_put(struct bq *q, void *item)
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
bq_take(struct bq *q, void **item)
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
bq_close(struct bq *q)
{
    (void)pthread_mutex_lock(&q->lock);
    q->closed = true;
    (void)pthread_cond_broadcast(&q->changed);
    (void)pthread_mutex_unlock(&q->lock);
}
