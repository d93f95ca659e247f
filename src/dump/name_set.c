/* SPDX-License-Identifier: Apache-2.0 */
#include "dump/name_set.h"

#include <string.h>
#include <xxhash.h>

#include "base/mem.h"

enum { FIRST_CAP = 4096, CAP_MAX = 8 * 1024 * 1024 };

struct name_hash
name_set_hash(uint64_t db, struct str name)
{
    XXH128_hash_t h = XXH3_128bits(name.p, name.n);
    /* Not as its seed, which for short names only changes some bits of them: "a1" and "a2" of two databases would be one. */
    uint64_t far = db * UINT64_C(0x9e3779b97f4a7c15), id = h.low64 + far;

    return (struct name_hash){.name = id != 0 ? id : 1, .choose = h.high64 + far};
}

void
name_set_init(struct name_set *s)
{
    *s = (struct name_set){.cap = FIRST_CAP};
    s->slots = (uint64_t *)mem_zero(s->cap, sizeof(*s->slots));
}

void
name_set_release(struct name_set *s)
{
    mem_free(s->slots);
    *s = (struct name_set){.cap = 0};
}

void
name_set_share(struct name_set *s, uint32_t share, uint32_t shares)
{
    memset(s->slots, 0, s->cap * sizeof(*s->slots));
    s->n = 0;
    s->full = false;
    s->share = share;
    s->shares = shares;
}

static bool
set_put(uint64_t *slots, size_t cap, uint64_t hash)
{
    size_t i = hash & (cap - 1);

    for (; slots[i] != 0; i = (i + 1) & (cap - 1))
        if (slots[i] == hash)
            return false;
    slots[i] = hash;
    return true;
}

static void
set_grow(struct name_set *s)
{
    size_t cap = 2 * s->cap;
    uint64_t *slots = (uint64_t *)mem_zero(cap, sizeof(*slots));

    for (size_t i = 0; i < s->cap; i++)
        if (s->slots[i] != 0)
            (void)set_put(slots, cap, s->slots[i]);
    mem_free(s->slots);
    s->slots = slots;
    s->cap = cap;
}

bool
name_set_add(struct name_set *s, uint64_t db, struct str name)
{
    struct name_hash h = name_set_hash(db, name);

    if (s->shares != 0 && h.choose % s->shares != s->share)
        return false;
    if (s->n == NAME_SET_MAX) {
        s->full = true;
        return false;
    }
    if (s->n >= s->cap / 4 * 3 && s->cap < CAP_MAX)
        set_grow(s);
    if (!set_put(s->slots, s->cap, h.name))
        return false;
    s->n++;
    return true;
}
