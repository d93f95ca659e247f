/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "repo/index.h"

#define TREE_BIT (1U << 31) /* in `pack`: the blob is a tree */

enum { SMALL = 16 };

struct entry {
    struct id id;
    uint32_t pack, offset, sealed, plain;
};

struct index {
    struct entry *entries;
    size_t n, cap;
    struct id *packs;
    size_t n_packs, packs_cap;
};

struct index *
index_new(void)
{
    return MEM_NEW(struct index);
}

void
index_free(struct index *ix)
{
    if (ix == NULL)
        return;
    mem_free(ix->entries);
    mem_free(ix->packs);
    mem_free(ix);
}

enum rc
index_add(struct index *ix, const struct index_pack *pack, struct err *e)
{
    if (ix->n_packs >= TREE_BIT - 1)
        return err_set(e, RC_LIMIT, "the repository has too many packs");
    if (ix->n_packs == ix->packs_cap) {
        ix->packs_cap = ix->packs_cap + ix->packs_cap / 2 + 64;
        ix->packs = mem_grow(ix->packs, ix->packs_cap, sizeof(*ix->packs));
    }
    if (pack->n > ix->cap - ix->n) {
        ix->cap = MAX(ix->n + pack->n, ix->cap + ix->cap / 2);
        ix->entries = mem_grow(ix->entries, ix->cap, sizeof(*ix->entries));
    }
    for (size_t i = 0; i < pack->n; i++) {
        const struct pack_entry *b = &pack->blobs[i];
        ix->entries[ix->n++] =
            (struct entry){.id = b->id,
                           .pack = (uint32_t)ix->n_packs | (b->type == BLOB_TREE ? TREE_BIT : 0),
                           .offset = b->offset,
                           .sealed = b->sealed,
                           .plain = b->plain};
    }
    ix->packs[ix->n_packs++] = pack->id;
    return RC_OK;
}

/* By ID, then type (data first), then pack number. */
static int
compare(const struct entry *a, const struct entry *b)
{
    int c = memcmp(a->id.b, b->id.b, ID_BYTES);

    if (c != 0)
        return c;
    if (a->pack != b->pack)
        return a->pack < b->pack ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static void
swap(struct entry *a, struct entry *b)
{
    struct entry t = *a;

    *a = *b;
    *b = t;
}

static void
sort_small(struct entry *p, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i; k > 0 && compare(&p[k], &p[k - 1]) < 0; k--)
            swap(&p[k], &p[k - 1]);
    }
}

/* In place: libc's qsort would take as much memory again. The keys are hashes, so quicksort is
 * safe. */
static void
sort(struct entry *p, size_t n)
{
    while (n > SMALL) {
        struct entry pivot = p[n / 2];
        size_t lo = 0, hi = n - 1;
        for (;;) {
            while (compare(&p[lo], &pivot) < 0)
                lo++;
            while (compare(&pivot, &p[hi]) < 0)
                hi--;
            if (lo >= hi)
                break;
            swap(&p[lo++], &p[hi--]);
        }
        if (lo < n - lo) {
            sort(p, lo);
            p += lo;
            n -= lo;
        } else {
            sort(p + lo, n - lo);
            n = lo;
        }
    }
    sort_small(p, n);
}

/* A pack listed in two index files has two numbers; that is the same place all the same. */
static bool
is_same_place(const struct index *ix, const struct entry *a, const struct entry *b)
{
    return id_eq(&a->id, &b->id) && (a->pack & TREE_BIT) == (b->pack & TREE_BIT) &&
           a->offset == b->offset && a->sealed == b->sealed && a->plain == b->plain &&
           id_eq(&ix->packs[a->pack & ~TREE_BIT], &ix->packs[b->pack & ~TREE_BIT]);
}

void
index_sort(struct index *ix)
{
    size_t n = 0;

    sort(ix->entries, ix->n);
    for (size_t i = 0; i < ix->n; i++) {
        bool known = false;
        for (size_t k = n; !known && k > 0 && id_eq(&ix->entries[k - 1].id, &ix->entries[i].id);
             k--)
            known = is_same_place(ix, &ix->entries[k - 1], &ix->entries[i]);
        if (!known)
            ix->entries[n++] = ix->entries[i];
    }
    ix->n = n;
}

bool
index_find(const struct index *ix, enum blob_type type, const struct id *id, size_t nth,
           struct blob_place *out)
{
    size_t lo = 0, hi = ix->n;
    bool tree = type == BLOB_TREE;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (memcmp(ix->entries[mid].id.b, id->b, ID_BYTES) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < ix->n && id_eq(&ix->entries[lo].id, id); lo++) {
        const struct entry *at = &ix->entries[lo];
        if (((at->pack & TREE_BIT) != 0) != tree || nth-- != 0)
            continue;
        *out = (struct blob_place){.pack = ix->packs[at->pack & ~TREE_BIT],
                                   .offset = at->offset,
                                   .sealed = at->sealed,
                                   .plain = at->plain};
        return true;
    }
    return false;
}

size_t
index_blobs(const struct index *ix)
{
    return ix->n;
}

void
index_at(const struct index *ix, size_t at, struct pack_entry *blob, struct id *pack)
{
    const struct entry *x = &ix->entries[at];

    *blob = (struct pack_entry){.id = x->id,
                                .type = x->pack & TREE_BIT ? BLOB_TREE : BLOB_DATA,
                                .offset = x->offset,
                                .sealed = x->sealed,
                                .plain = x->plain};
    *pack = ix->packs[x->pack & ~TREE_BIT];
}
