/* SPDX-License-Identifier: Apache-2.0 */
/* A key index is written. */
#include "dump/key_index.h"

#include <pthread.h>
#include <xxhash.h>

#include "base/buf.h"
#include "base/endian.h"
#include "base/mem.h"
#include "dump/key_index_internal.h"

enum {
    BLOB_BYTES = 8 * 1024 * 1024,
    RUN_BLOCKS = 64 * 1024,
    RADIX = 256,
    RADIX_BITS = 8,
    FEW = 32,
    KEY_BITS = 64,
    HASH_SHIFT = 32
};

struct key_lane {
    struct key_index *index;
    unsigned number;
    uint32_t attempt; /* 0: not begun */
    bool open;        /* a block is begun */
    uint64_t at, db;  /* where it begins */
    uint32_t n;
    uint32_t hashes[KEY_BLOCK_KEYS];
};

struct key_index {
    uint64_t seed;
    struct key_index_sink *to;
    struct key_lane **lanes; /* each NULL until it begins */
    unsigned n_lanes;
    pthread_mutex_t lock; /* of what follows */
    uint64_t *keys;       /* of the run: hash, and block in the lower half */
    size_t n;
    uint32_t n_blocks;
    struct buf blocks; /* their table */
    struct buf page;
    struct buf runs; /* as the directory has them */
    uint32_t n_runs;
};

uint32_t
key_index_hash(uint64_t seed, uint64_t db, struct str name)
{
    return (
        uint32_t)(XXH3_64bits_withSeed(name.p, name.n, seed + db * UINT64_C(0x9e3779b97f4a7c15)) >>
                  HASH_SHIFT);
}

static void
put_varint(struct buf *b, uint64_t v)
{
    uint8_t bytes[VARINT_MAX];
    size_t n = 0;

    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (uint8_t)(v | 0x80);
    bytes[n++] = (uint8_t)v;
    buf_must_add(b, bytes, n);
}

static void
put_le(struct buf *b, uint64_t v, size_t n)
{
    uint8_t bytes[sizeof(v)];

    le64_store(bytes, v);
    buf_must_add(b, bytes, n);
}

struct key_index *
key_index_new(uint64_t seed, unsigned n_lanes, struct key_index_sink *to)
{
    struct key_index *x = MEM_NEW(struct key_index);

    x->seed = seed;
    x->to = to;
    x->n_lanes = n_lanes;
    x->lanes = mem_zero(n_lanes, sizeof(struct key_lane *)); /* NOLINT */
    (void)pthread_mutex_init(&x->lock, NULL);
    buf_init(&x->blocks, BLOB_BYTES);
    buf_init(&x->page, BLOB_BYTES);
    buf_init(&x->runs, SIZE_MAX);
    return x;
}

void
key_index_free(struct key_index *x)
{
    if (x == NULL)
        return;
    for (unsigned i = 0; i < x->n_lanes; i++)
        mem_free(x->lanes[i]);
    mem_free(x->lanes);
    mem_free(x->keys);
    buf_release(&x->blocks);
    buf_release(&x->page);
    buf_release(&x->runs);
    (void)pthread_mutex_destroy(&x->lock);
    mem_free(x);
}

struct key_lane *
key_index_lane(struct key_index *x, unsigned i)
{
    struct key_lane *l = x->lanes[i];

    if (l == NULL)
        l = x->lanes[i] = MEM_NEW(struct key_lane);
    l->index = x;
    l->number = i;
    l->attempt++;
    l->open = false;
    l->n = 0;
    return l;
}

static void
sort_few(uint64_t *keys, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint64_t key = keys[i];
        size_t at = i;

        for (; at > 0 && keys[at - 1] > key; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

/* In place: into heaps by the byte that begins at `bit`, the highest first, and each of them by the bytes below. */
static void
sort_keys(uint64_t *keys, size_t n, unsigned bit)
{
    size_t next[RADIX] = {0}, end[RADIX], at = 0;

    if (n <= FEW) {
        sort_few(keys, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        next[keys[i] >> bit & (RADIX - 1)]++;
    for (size_t i = 0; i < RADIX; i++) {
        end[i] = at + next[i];
        next[i] = at;
        at = end[i];
    }
    for (size_t i = 0; i < RADIX; i++)
        while (next[i] < end[i]) {
            uint64_t key = keys[next[i]];
            size_t heap = key >> bit & (RADIX - 1);

            keys[next[i]] = keys[next[heap]]; /* may be itself */
            keys[next[heap]++] = key;
        }
    for (size_t i = 0; i < RADIX && bit != 0; i++) {
        size_t from = i == 0 ? 0 : end[i - 1];

        sort_keys(keys + from, end[i] - from, bit - RADIX_BITS);
    }
}

static enum rc
end_page(struct key_index *x, uint32_t first, struct err *e)
{
    put_varint(&x->runs, x->page.n);
    put_le(&x->runs, first, sizeof(first));
    return x->to->blob(x->to, buf_str(&x->page), e);
}

/* Keys of one hash are on one page. */
static enum rc
write_pages(struct key_index *x, struct err *e)
{
    uint32_t before = 0, first = 0;

    buf_reset(&x->page);
    for (size_t i = 0; i < x->n; i++) {
        uint32_t hash = (uint32_t)(x->keys[i] >> HASH_SHIFT);

        if (x->page.n >= KEY_PAGE && hash != before) {
            if (end_page(x, first, e))
                return err_code(e);
            buf_reset(&x->page);
        }
        if (x->page.n == 0) {
            first = hash;
            before = 0;
        }
        put_varint(&x->page, hash - before);
        put_varint(&x->page, (uint32_t)x->keys[i]);
        before = hash;
    }
    return end_page(x, first, e);
}

static enum rc
end_run_locked(struct key_index *x, struct err *e)
{
    if (x->n == 0)
        return RC_OK;
    sort_keys(x->keys, x->n, KEY_BITS - RADIX_BITS);
    if (write_pages(x, e))
        return err_code(e);
    put_varint(&x->runs, 0); /* no page has so few bytes */
    put_varint(&x->runs, x->blocks.n);
    if (x->to->blob(x->to, buf_str(&x->blocks), e))
        return err_code(e);
    buf_reset(&x->blocks);
    x->n_runs++;
    x->n = x->n_blocks = 0;
    return RC_OK;
}

static enum rc
add_block_locked(struct key_index *x, const struct key_lane *l, uint64_t end, struct err *e)
{
    if ((x->n + l->n > KEY_RUN || x->n_blocks == RUN_BLOCKS) && end_run_locked(x, e))
        return err_code(e);
    if (x->keys == NULL)
        x->keys = mem_alloc(KEY_RUN * sizeof(*x->keys));
    for (uint32_t i = 0; i < l->n; i++)
        x->keys[x->n++] = (uint64_t)l->hashes[i] << HASH_SHIFT | x->n_blocks;
    x->n_blocks++;
    put_varint(&x->blocks, l->number);
    put_varint(&x->blocks, l->attempt);
    put_varint(&x->blocks, l->at);
    put_varint(&x->blocks, end - l->at);
    put_varint(&x->blocks, l->db);
    return RC_OK;
}

enum rc
key_lane_end(struct key_lane *l, uint64_t at, struct err *e)
{
    struct key_index *x = l->index;
    enum rc rc;

    if (!l->open)
        return RC_OK;
    (void)pthread_mutex_lock(&x->lock);
    rc = add_block_locked(x, l, at, e);
    (void)pthread_mutex_unlock(&x->lock);
    l->open = false;
    l->n = 0;
    return rc;
}

enum rc
key_lane_key(struct key_lane *l, uint64_t at, uint64_t db, struct str name, struct err *e)
{
    if (l->open && (at - l->at >= KEY_BLOCK || l->n == KEY_BLOCK_KEYS) && key_lane_end(l, at, e))
        return err_code(e);
    if (!l->open) {
        l->open = true;
        l->at = at;
        l->db = db;
    }
    l->hashes[l->n++] = key_index_hash(l->index->seed, db, name);
    return RC_OK;
}

enum rc
key_index_end(struct key_index *x, const uint64_t *starts, uint64_t size, struct err *e)
{
    struct buf dir = BUF_INIT(SIZE_MAX);
    enum rc rc = end_run_locked(x, e);

    buf_must_add(&dir, KEY_INDEX_MAGIC, strlen(KEY_INDEX_MAGIC));
    put_le(&dir, x->seed, sizeof(x->seed));
    put_varint(&dir, size);
    put_varint(&dir, x->n_lanes);
    put_varint(&dir, x->n_runs);
    for (unsigned i = 0; i < x->n_lanes; i++) {
        put_varint(&dir, x->lanes[i] != NULL ? x->lanes[i]->attempt : 0);
        put_varint(&dir, starts[i]);
    }
    buf_must_add(&dir, x->runs.p, x->runs.n);
    if (rc == RC_OK)
        rc = x->to->blob(x->to, buf_str(&dir), e);
    buf_release(&dir);
    return rc;
}
