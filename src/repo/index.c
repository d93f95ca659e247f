/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/index.h"

#include "base/endian.h"
#include "base/mem.h"
#include "base/parallel.h"

#define TREE_BIT (1U << 31) /* in `pack`: the blob is a tree */

enum {
    SMALL = 16,
    DOORS = 1 << 16,
    BUCKETS = 256,
    AHEAD = 4,     /* entries of a bucket */
    MANY = 1 << 14 /* worth several threads */
};

struct entry {
    struct id id;
    uint32_t pack, offset, sealed, plain;
};

struct index {
    struct entry *entries;
    size_t n, cap;
    uint32_t *doors; /* where the entries with these first 16 bits begin; DOORS + 1 of them */
    struct id *packs, *files;
    size_t n_packs, packs_cap, n_files;
    struct index_listing *listings; /* one for each call of index_add */
    size_t n_listings;
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
    mem_free(ix->doors);
    mem_free(ix->packs);
    mem_free(ix->files);
    mem_free(ix->listings);
    mem_free(ix);
}

uint32_t
index_file_add(struct index *ix, const struct id *file)
{
    ix->files = (struct id *)mem_more(ix->files, ix->n_files, sizeof(*ix->files));
    ix->files[ix->n_files] = *file;
    return (uint32_t)ix->n_files++;
}

enum rc
index_add(struct index *ix, const struct index_pack *pack, uint32_t file, struct err *e)
{
    if (ix->n_packs >= TREE_BIT - 1 || pack->n > UINT32_MAX - 1 - ix->n)
        return err_set(e, RC_LIMIT, "the repository has too many packs or blobs");
    if (ix->n_packs == ix->packs_cap) {
        ix->packs_cap = ix->packs_cap + ix->packs_cap / 2 + 64;
        ix->packs = (struct id *)mem_grow(ix->packs, ix->packs_cap, sizeof(*ix->packs));
        ix->listings =
            (struct index_listing *)mem_grow(ix->listings, ix->packs_cap, sizeof(*ix->listings));
    }
    if (pack->n > ix->cap - ix->n) {
        ix->cap = MAX(ix->n + pack->n, ix->cap + ix->cap / 2);
        ix->entries = (struct entry *)mem_grow(ix->entries, ix->cap, sizeof(*ix->entries));
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
    ix->listings[ix->n_listings++] =
        (struct index_listing){.file = file, .pack = (uint32_t)ix->n_packs};
    ix->packs[ix->n_packs++] = pack->id;
    return RC_OK;
}

/* They are hashes: nearly always the first bytes decide. */
static int
compare_ids(const void *a, const void *b)
{
    const struct id *p = (const struct id *)a, *q = (const struct id *)b;
    uint64_t x = be64_load(p->b), y = be64_load(q->b);

    if (x != y)
        return x < y ? -1 : 1;
    return memcmp(p->b, q->b, ID_BYTES);
}

/* By ID, then type (data first), then pack number. */
static int
index_compare(const struct entry *a, const struct entry *b)
{
    int c = compare_ids(&a->id, &b->id);

    if (c != 0)
        return c;
    if (a->pack != b->pack)
        return a->pack < b->pack ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static void
index_swap(struct entry *a, struct entry *b)
{
    struct entry t = *a;

    *a = *b;
    *b = t;
}

static void
sort_small(struct entry *p, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct entry one = p[i];
        size_t k = i;

        for (; k > 0 && index_compare(&one, &p[k - 1]) < 0; k--)
            p[k] = p[k - 1];
        p[k] = one;
    }
}

/* In place: libc's qsort would take as much memory again. The keys are hashes, so quicksort is
 * safe. */
static void
index_sort_entries(struct entry *p, size_t n)
{
    while (n > SMALL) {
        struct entry pivot = p[n / 2];
        size_t lo = 0, hi = n - 1;
        for (;;) {
            while (index_compare(&p[lo], &pivot) < 0)
                lo++;
            while (index_compare(&pivot, &p[hi]) < 0)
                hi--;
            if (lo >= hi)
                break;
            index_swap(&p[lo++], &p[hi--]);
        }
        if (lo < n - lo) {
            index_sort_entries(p, lo);
            p += lo;
            n -= lo;
        } else {
            index_sort_entries(p + lo, n - lo);
            n = lo;
        }
    }
    sort_small(p, n);
}

/* The entries whose IDs begin with byte b stand from start[b] on. */
struct buckets {
    struct entry *entries;
    size_t start[BUCKETS + 1];
};

static enum rc
sort_bucket(void *arg, unsigned worker, size_t b, struct err *e)
{
    const struct buckets *k = (const struct buckets *)arg;

    (void)worker;
    (void)e;
    index_sort_entries(k->entries + k->start[b], k->start[b + 1] - k->start[b]);
    return RC_OK;
}

/* Each entry goes into its bucket, in place: the one that stood there goes on to its own. Nearly
 * every step is to another page: the next ones of each bucket are asked for before they are needed. */
static void
index_deal(struct buckets *k)
{
    size_t next[BUCKETS], last = k->start[BUCKETS] - 1;

    memcpy(next, k->start, sizeof(next));
    for (size_t b = 0; b < BUCKETS; b++) {
        while (next[b] < k->start[b + 1]) {
            struct entry one = k->entries[next[b]];

            while (one.id.b[0] != b) {
                size_t to = next[one.id.b[0]]++;

                __builtin_prefetch(&k->entries[MIN(to + AHEAD, last)], 1);
                index_swap(&one, &k->entries[to]);
            }
            k->entries[next[b]++] = one;
        }
    }
}

static void
sort_all(struct entry *p, size_t n)
{
    struct buckets k = {.entries = p};
    struct err e = ERR_INIT;

    if (n < MANY) {
        index_sort_entries(p, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        k.start[p[i].id.b[0] + 1]++;
    for (size_t b = 0; b < BUCKETS; b++)
        k.start[b + 1] += k.start[b];
    index_deal(&k);
    if (parallel_for(BUCKETS, parallel_workers(0), sort_bucket, &k, &e))
        BUG("sorting cannot fail");
}

static bool
is_same_place(const struct entry *a, const struct entry *b)
{
    return id_eq(&a->id, &b->id) && a->pack == b->pack && a->offset == b->offset &&
           a->sealed == b->sealed && a->plain == b->plain;
}

static int
by_pack_id(const void *a, const void *b, void *arg)
{
    const uint32_t *x = (const uint32_t *)a, *y = (const uint32_t *)b;
    const struct id *packs = (const struct id *)arg;

    return compare_ids(&packs[*x], &packs[*y]);
}

static int
by_file(const void *a, const void *b)
{
    const struct index_listing *x = (const struct index_listing *)a;
    const struct index_listing *y = (const struct index_listing *)b;

    return (x->file > y->file) - (x->file < y->file);
}

/* Give the packs numbers in the order of their IDs; one that was listed twice gets one. */
static void
number_packs(struct index *ix)
{
    uint32_t *order = (uint32_t *)mem_zero(ix->n_packs, sizeof(*order));
    uint32_t *now = (uint32_t *)mem_zero(ix->n_packs, sizeof(*now));
    struct id *packs = (struct id *)mem_zero(ix->n_packs, sizeof(*packs));
    size_t n = 0;

    for (size_t i = 0; i < ix->n_packs; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, ix->n_packs, sizeof(*order), by_pack_id, ix->packs);
    for (size_t i = 0; i < ix->n_packs; i++) {
        const struct id *id = &ix->packs[order[i]];

        if (n == 0 || !id_eq(&packs[n - 1], id))
            packs[n++] = *id;
        now[order[i]] = (uint32_t)n - 1;
    }
    for (size_t i = 0; i < ix->n; i++) {
        struct entry *x = &ix->entries[i];

        x->pack = now[x->pack & ~TREE_BIT] | (x->pack & TREE_BIT);
    }
    for (size_t i = 0; i < ix->n_listings; i++)
        ix->listings[i].pack = now[ix->listings[i].pack];
    if (ix->n_listings > 0) /* NULL is not an array, not even an empty one */
        qsort(ix->listings, ix->n_listings, sizeof(*ix->listings), by_file);
    mem_free(order);
    mem_free(now);
    mem_free(ix->packs);
    ix->packs = packs;
    ix->packs_cap = ix->n_packs;
    ix->n_packs = n;
}

void
index_sort(struct index *ix)
{
    size_t n = 0, door = 0;

    number_packs(ix);
    sort_all(ix->entries, ix->n);
    for (size_t i = 0; i < ix->n; i++)
        if (n == 0 || !is_same_place(&ix->entries[n - 1], &ix->entries[i]))
            ix->entries[n++] = ix->entries[i];
    ix->n = n;
    ix->doors = (uint32_t *)mem_grow(ix->doors, DOORS + 1, sizeof(*ix->doors));
    for (size_t i = 0; i < n; i++)
        for (size_t to = be16_load(ix->entries[i].id.b); door <= to; door++)
            ix->doors[door] = (uint32_t)i;
    for (; door <= DOORS; door++)
        ix->doors[door] = (uint32_t)n;
}

size_t
index_first(const struct index *ix, enum blob_type type, const struct id *id)
{
    uint32_t tree = type == BLOB_TREE ? TREE_BIT : 0;
    size_t lo, hi;

    if (ix->n == 0)
        return INDEX_NONE;
    lo = ix->doors[be16_load(id->b)];
    hi = ix->doors[be16_load(id->b) + 1];
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (compare_ids(&ix->entries[mid].id, id) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < ix->n && id_eq(&ix->entries[lo].id, id); lo++)
        if ((ix->entries[lo].pack & TREE_BIT) == tree)
            return lo;
    return INDEX_NONE;
}

bool
index_find(const struct index *ix, enum blob_type type, const struct id *id, size_t nth,
           struct blob_place *out)
{
    uint32_t tree = type == BLOB_TREE ? TREE_BIT : 0;
    size_t at = index_first(ix, type, id);
    const struct entry *x;

    if (at == INDEX_NONE || nth >= ix->n - at)
        return false;
    /* Data stand before trees, so the copies of one kind are side by side. */
    x = &ix->entries[at + nth];
    if (!id_eq(&x->id, id) || (x->pack & TREE_BIT) != tree)
        return false;
    *out = (struct blob_place){.pack = ix->packs[x->pack & ~TREE_BIT],
                               .offset = x->offset,
                               .sealed = x->sealed,
                               .plain = x->plain};
    return true;
}

size_t
index_blobs(const struct index *ix)
{
    return ix->n;
}

uint32_t
index_at(const struct index *ix, size_t at, struct pack_entry *blob)
{
    const struct entry *x = &ix->entries[at];

    *blob = (struct pack_entry){.id = x->id,
                                .type = x->pack & TREE_BIT ? BLOB_TREE : BLOB_DATA,
                                .offset = x->offset,
                                .sealed = x->sealed,
                                .plain = x->plain};
    return x->pack & ~TREE_BIT;
}

size_t
index_packs(const struct index *ix)
{
    return ix->n_packs;
}

const struct id *
index_pack(const struct index *ix, uint32_t pack)
{
    return &ix->packs[pack];
}

size_t
index_pack_find(const struct index *ix, const struct id *pack)
{
    const struct id *at = NULL;

    if (ix->n_packs > 0)
        at = (const struct id *)bsearch(pack, ix->packs, ix->n_packs, sizeof(*pack), compare_ids);
    return at != NULL ? (size_t)(at - ix->packs) : INDEX_NONE;
}

static int
by_offset(const void *a, const void *b, void *arg)
{
    const struct entry *x = (const struct entry *)arg + *(const uint32_t *)a;
    const struct entry *y = (const struct entry *)arg + *(const uint32_t *)b;

    return (x->offset > y->offset) - (x->offset < y->offset);
}

void
index_order_make(const struct index *ix, struct index_order *out)
{
    uint32_t *first = (uint32_t *)mem_zero(ix->n_packs + 2, sizeof(*first));
    uint32_t *blobs = (uint32_t *)mem_zero(ix->n, sizeof(*blobs));

    /* first[p + 2] counts pack p, then first[p + 1] is where it begins, and moves to its end. */
    for (size_t i = 0; i < ix->n; i++)
        first[(ix->entries[i].pack & ~TREE_BIT) + 2]++;
    for (size_t p = 2; p < ix->n_packs + 2; p++)
        first[p] += first[p - 1];
    for (size_t i = 0; i < ix->n; i++)
        blobs[first[(ix->entries[i].pack & ~TREE_BIT) + 1]++] = (uint32_t)i;
    for (size_t p = 0; p < ix->n_packs; p++)
        qsort_r(blobs + first[p], first[p + 1] - first[p], sizeof(*blobs), by_offset, ix->entries);
    *out = (struct index_order){.blobs = blobs, .first = first};
}

void
index_order_release(struct index_order *o)
{
    mem_free(o->blobs);
    mem_free(o->first);
    *o = (struct index_order){.blobs = NULL};
}

uint64_t
index_pack_bytes(const struct index *ix, const struct index_order *o, uint32_t pack)
{
    uint64_t bytes = SEAL_OVERHEAD + PACK_LENGTH_BYTES;

    for (size_t i = o->first[pack]; i < o->first[pack + 1]; i++) {
        const struct entry *x = &ix->entries[o->blobs[i]];

        bytes += x->sealed + (x->plain != 0 ? PACK_ENTRY_PACKED : PACK_ENTRY_PLAIN);
    }
    return bytes;
}

size_t
index_files(const struct index *ix)
{
    return ix->n_files;
}

const struct id *
index_file(const struct index *ix, uint32_t file)
{
    return &ix->files[file];
}

const struct index_listing *
index_listings(const struct index *ix, size_t *n)
{
    *n = ix->n_listings;
    return ix->listings;
}
