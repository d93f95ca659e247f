/* SPDX-License-Identifier: Apache-2.0 */
#include "base/endian.h"
#include "base/mem.h"
#include "crypto/idset.h"

enum { FIRST_CAP = 64 };

static const struct id none;

/* The slot that holds `id`, or the empty one where it belongs. */
static struct id *
slot_of(const struct idset *s, const struct id *id)
{
    size_t at = le64_load(id->b) & (s->cap - 1);

    while (!id_eq(&s->slots[at], &none) && !id_eq(&s->slots[at], id))
        at = (at + 1) & (s->cap - 1);
    return &s->slots[at];
}

static void
idset_grow(struct idset *s)
{
    struct idset bigger = *s;

    bigger.cap = s->cap == 0 ? FIRST_CAP : s->cap * 2;
    bigger.slots = mem_zero(bigger.cap, sizeof(struct id));
    for (size_t i = 0; i < s->cap; i++) {
        if (!id_eq(&s->slots[i], &none))
            *slot_of(&bigger, &s->slots[i]) = s->slots[i];
    }
    mem_free(s->slots);
    *s = bigger;
}

void
idset_release(struct idset *s)
{
    mem_free(s->slots);
    *s = (struct idset){.n = 0};
}

bool
idset_add(struct idset *s, const struct id *id)
{
    struct id *slot;
    bool had_zero = s->has_zero;

    if (id_eq(id, &none)) {
        s->has_zero = true;
        return !had_zero;
    }
    if (s->n * 4 >= s->cap * 3)
        idset_grow(s);
    slot = slot_of(s, id);
    if (id_eq(slot, id))
        return false;
    *slot = *id;
    s->n++;
    return true;
}

bool
idset_has(const struct idset *s, const struct id *id)
{
    if (id_eq(id, &none))
        return s->has_zero;
    return s->cap != 0 && id_eq(slot_of(s, id), id);
}

const struct id *
idset_next(const struct idset *s, size_t *at)
{
    for (; *at < s->cap; ++*at)
        if (!id_eq(&s->slots[*at], &none))
            return &s->slots[(*at)++];
    return s->has_zero && (*at)++ == s->cap ? &none : NULL;
}
