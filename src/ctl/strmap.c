/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/strmap.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

void
strmap_release(struct strmap *m)
{
    mem_free(m->slots);
    memset(m, 0, sizeof(*m));
}

/* FNV-1a: keys are names that we or the server's users chose, few and short. */
static size_t
strmap_hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325ULL;

    for (; *s != '\0'; s++)
        h = (h ^ (uint8_t)*s) * 0x100000001b3ULL;
    return (size_t)(h ^ h >> 32);
}

/* The slot of `key`, or the free one where it would go. */
static size_t
strmap_place(const struct strmap *m, const char *key)
{
    size_t i = strmap_hash(key) & (m->cap - 1);

    while (m->slots[i].key != NULL && strcmp(m->slots[i].key, key) != 0)
        i = (i + 1) & (m->cap - 1);
    return i;
}

void *
strmap_get(const struct strmap *m, const char *key)
{
    return m->cap == 0 ? NULL : m->slots[strmap_place(m, key)].value;
}

static void
strmap_grow(struct strmap *m)
{
    struct strmap old = *m;

    m->cap = old.cap == 0 ? 16 : old.cap * 2;
    m->slots = (struct strmap_slot *)mem_zero(m->cap, sizeof(*m->slots));
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].key != NULL)
            m->slots[strmap_place(m, old.slots[i].key)] = old.slots[i];
    mem_free(old.slots);
}

void
strmap_add(struct strmap *m, const char *key, void *value)
{
    if ((m->n + 1) * 4 > m->cap * 3)
        strmap_grow(m);
    m->slots[strmap_place(m, key)] = (struct strmap_slot){key, value};
    m->n++;
}

void *
strmap_remove(struct strmap *m, const char *key)
{
    size_t i, next;
    void *value;

    if (m->cap == 0 || m->slots[i = strmap_place(m, key)].key == NULL)
        return NULL;
    value = m->slots[i].value;
    m->slots[i] = (struct strmap_slot){NULL, NULL};
    m->n--;
    /* Those behind it up to the next free slot may be in the wrong place now: put them in again. */
    for (next = (i + 1) & (m->cap - 1); m->slots[next].key != NULL;
         next = (next + 1) & (m->cap - 1)) {
        struct strmap_slot s = m->slots[next];
        m->slots[next] = (struct strmap_slot){NULL, NULL};
        m->slots[strmap_place(m, s.key)] = s;
    }
    return value;
}
