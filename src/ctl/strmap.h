/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_STRMAP_H
#define CTL_STRMAP_H

/*
 * ctl/strmap -- find a thing by its name.
 *
 * Ownership  neither keys nor values: a key must stay while it is in the map, so it is usually part
 *            of the value.
 * Threads    one at a time.
 */
#include <stddef.h>

struct strmap_slot {
    const char *key; /* NULL: free */
    void *value;
};

struct strmap {
    struct strmap_slot *slots;
    size_t n, cap; /* cap is 0 or a power of two; n <= 3/4 cap */
};

void strmap_release(struct strmap *m);
/* The value, or NULL. */
void *strmap_get(const struct strmap *m, const char *key);
/* The key must be new. */
void strmap_add(struct strmap *m, const char *key, void *value);
/* Returns the value that was there, or NULL. */
void *strmap_remove(struct strmap *m, const char *key);
/* Each value in no order: i from 0 while it is < m->cap; NULL for a free slot. */
static inline void *
strmap_at(const struct strmap *m, size_t i)
{
    return m->slots[i].key == NULL ? NULL : m->slots[i].value;
}

#endif
