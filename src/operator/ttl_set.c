/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/ttl_set.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

struct sight {
    int64_t ms; /* clock_mono_ms */
    char key[];
};

void
ttl_set_init(struct ttl_set *s)
{
    (void)pthread_mutex_init(&s->lock, NULL);
    s->at = (struct strmap){0};
}

static void
forget_all(struct ttl_set *s)
{
    for (size_t i = 0; i < s->at.cap; i++)
        mem_free(strmap_at(&s->at, i));
    strmap_release(&s->at);
}

void
ttl_set_release(struct ttl_set *s)
{
    forget_all(s);
    (void)pthread_mutex_destroy(&s->lock);
}

bool
ttl_set_lately(struct ttl_set *s, const char *key)
{
    const struct sight *x;
    bool lately;

    (void)pthread_mutex_lock(&s->lock);
    x = (const struct sight *)strmap_get(&s->at, key);
    lately = x != NULL && clock_mono_ms() - x->ms < SEEN_MS;
    (void)pthread_mutex_unlock(&s->lock);
    return lately;
}

void
ttl_set_now(struct ttl_set *s, const char *key)
{
    size_t n = strlen(key) + 1;
    struct sight *x;

    (void)pthread_mutex_lock(&s->lock);
    x = (struct sight *)strmap_get(&s->at, key);
    if (x == NULL) {
        if (s->at.n == SEEN_MAX)
            forget_all(s);
        x = (struct sight *)mem_alloc(sizeof(*x) + n);
        memcpy(x->key, key, n);
        strmap_add(&s->at, x->key, x);
    }
    x->ms = clock_mono_ms();
    (void)pthread_mutex_unlock(&s->lock);
}
