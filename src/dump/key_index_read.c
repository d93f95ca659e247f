/* SPDX-License-Identifier: Apache-2.0 */
/* A key index is read: its directory, and one page and one table of blocks of each run. */
#include "base/endian.h"
#include "dump/key_index.h"
#include "dump/key_index_internal.h"

/* What is left to be read; `bad` once it was not enough. */
struct bytes {
    struct str left;
    bool bad;
};

static struct str
str_from(struct str s, size_t n)
{
    return str_of(s.p + n, s.n - n);
}

static uint64_t
take_varint(struct bytes *b)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < VARINT_MAX && i < b->left.n; i++) {
        uint8_t at = b->left.p[i];

        if (i == VARINT_MAX - 1 && at > 1)
            break;
        v |= (uint64_t)(at & 0x7f) << 7 * i;
        if (at < 0x80) {
            b->left = str_from(b->left, i + 1);
            return v;
        }
    }
    b->bad = true;
    b->left.n = 0;
    return 0;
}

static struct str
take(struct bytes *b, size_t n)
{
    struct str s = str_of(b->left.p, n);

    if (b->left.n < n) {
        b->bad = true;
        b->left.n = 0;
        return str_of(NULL, 0);
    }
    b->left = str_from(b->left, n);
    return s;
}

static enum rc
bad_index(struct err *e)
{
    return err_set(e, RC_CORRUPT, "the key index is not as it should be");
}

/* A page of a run, or the end of them: then *bytes is 0. */
static void
take_page(struct bytes *b, uint64_t *bytes, uint32_t *first)
{
    struct str s;

    *first = 0;
    *bytes = take_varint(b);
    if (*bytes == 0)
        return;
    s = take(b, sizeof(*first));
    if (!b->bad)
        *first = le32_load(s.p);
}

/* One run of the directory, and which of its pages may have a hash; `page` UINT64_MAX: none. */
struct run_read {
    uint64_t page, pages, page_bytes, blocks_bytes;
};

static void
take_run(struct bytes *b, uint32_t hash, struct run_read *r)
{
    uint32_t first;
    uint64_t n;

    *r = (struct run_read){.page = UINT64_MAX};
    for (take_page(b, &n, &first); n != 0; take_page(b, &n, &first)) {
        if (first <= hash) {
            r->page = r->pages;
            r->page_bytes = n;
        }
        r->pages++;
        b->bad = b->bad || n > UINT32_MAX;
    }
    r->blocks_bytes = take_varint(b);
    b->bad = b->bad || r->blocks_bytes > UINT32_MAX;
}

enum rc
key_dir_read(struct str blob, struct key_dir *d, struct err *e)
{
    struct bytes b = {.left = blob};
    struct str magic = take(&b, strlen(KEY_INDEX_MAGIC)), seed = take(&b, sizeof(uint64_t));
    struct run_read r;

    if (b.bad || memcmp(magic.p, KEY_INDEX_MAGIC, strlen("cstash-keys ")) != 0)
        return bad_index(e);
    if (!str_eq(magic, str_c(KEY_INDEX_MAGIC)))
        return err_set(e, RC_UNSUPPORTED, "the key index is of a later version");
    *d = (struct key_dir){.seed = le64_load(seed.p), .size = take_varint(&b)};
    d->n_lanes = take_varint(&b);
    d->n_runs = take_varint(&b);
    d->lanes = b.left;
    for (uint64_t i = 0; i < d->n_lanes && !b.bad; i++) {
        (void)take_varint(&b);
        (void)take_varint(&b);
    }
    d->runs = b.left;
    for (uint64_t i = 0; i < d->n_runs && !b.bad; i++) {
        take_run(&b, 0, &r);
        d->n_blobs += r.pages + 1;
    }
    return b.bad || b.left.n != 0 ? bad_index(e) : RC_OK;
}

uint32_t
key_hash(const struct key_dir *d, uint64_t db, struct str name)
{
    return key_index_hash(d->seed, db, name);
}

bool
key_dir_next(const struct key_dir *d, struct key_walk *w, uint32_t hash, struct key_want *out)
{
    struct bytes b = {.left = str_from(d->runs, w->at)};
    struct run_read r = {.page = UINT64_MAX};

    while (w->run < d->n_runs && r.page == UINT64_MAX && !b.bad) {
        take_run(&b, hash, &r);
        *out = (struct key_want){.page = w->blob + r.page,
                                 .blocks = w->blob + r.pages,
                                 .page_bytes = (uint32_t)r.page_bytes,
                                 .blocks_bytes = (uint32_t)r.blocks_bytes};
        w->blob += r.pages + 1;
        w->run++;
    }
    w->at = d->runs.n - b.left.n;
    return !b.bad && r.page != UINT64_MAX;
}

/* Where the lane begins in the dump. False: that attempt at it was given up, or there is no such lane. */
static bool
lane_start(const struct key_dir *d, uint64_t lane, uint64_t attempt, uint64_t *start)
{
    struct bytes b = {.left = d->lanes};
    uint64_t holds = 0;

    for (uint64_t i = 0; i <= lane && i < d->n_lanes; i++) {
        holds = take_varint(&b);
        *start = take_varint(&b);
    }
    return lane < d->n_lanes && attempt == holds;
}

/* The block `number` of the table. False: its lane was begun once more. */
static bool
find_block(const struct key_dir *d, struct str blocks, uint64_t number, struct key_place *out,
           bool *bad)
{
    struct bytes b = {.left = blocks};
    uint64_t lane = 0, attempt = 0, at = 0, start = 0;
    bool holds;

    for (uint64_t i = 0; i <= number && !b.bad; i++) {
        lane = take_varint(&b);
        attempt = take_varint(&b);
        at = take_varint(&b);
        out->n = take_varint(&b);
        out->db = take_varint(&b);
    }
    holds = !b.bad && lane_start(d, lane, attempt, &start);
    *bad = b.bad || (holds && (start > d->size || at > d->size - start ||
                               out->n > d->size - start - at || out->n == 0));
    out->at = start + at;
    return holds;
}

enum rc
key_want_read(const struct key_dir *d, struct str page, struct str blocks, uint32_t hash,
              struct key_place out[static KEY_PLACES], size_t *n, struct err *e)
{
    struct bytes b = {.left = page};
    uint64_t at = 0, block, before = UINT64_MAX;
    bool bad = false;

    while (b.left.n != 0 && at <= hash && !bad) {
        at += take_varint(&b);
        block = take_varint(&b);
        if (b.bad || at != hash || block == before)
            continue;
        if (*n == KEY_PLACES)
            return err_set(e, RC_LIMIT, "too many keys have the same hash");
        before = block;
        if (find_block(d, blocks, block, &out[*n], &bad))
            (*n)++;
    }
    return b.bad || bad ? bad_index(e) : RC_OK;
}
