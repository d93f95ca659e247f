/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/mem.h"
#include "crypto/sha256.h"
#include "repo/check_internal.h"

enum { WORKERS_MAX = 4, BLOB_IN_PACK_MAX = 256 * 1024 * 1024 };

struct work {
    struct checker *c;
    atomic_size_t next;
    pthread_mutex_t mutex; /* guards fatal, done */
    enum rc fatal;
    struct err err;
    size_t done;
};

/* What one thread reads packs with. */
struct reader {
    struct checker *c;
    struct sealer *sealer;
    struct zstd_dec *zstd;
    uint8_t *sealed, *plain;
    size_t sealed_room, plain_room;
    char name[STORE_NAME_TEXT]; /* of the pack */
};

static void
want(uint8_t **p, size_t *room, size_t n)
{
    if (*room >= n)
        return;
    mem_free(*p);
    *room = n;
    *p = mem_alloc(n);
}

/* Decode the header of the pack; `tail` keeps its bytes and the length behind it. */
static enum rc
read_header(struct reader *r, const struct store_name *name, uint64_t bytes, struct buf *tail,
            struct pack_entry **blobs, size_t *n, struct err *e)
{
    struct store *s = r->c->repo->store;
    uint8_t length[PACK_LENGTH_BYTES];
    uint64_t header;

    if (bytes < PACK_ENTRY_PLAIN + SEAL_OVERHEAD + PACK_LENGTH_BYTES)
        return err_set(e, RC_CORRUPT, "it is too small for a pack");
    if (s->ops->get(r->c->cx, s, name, bytes - PACK_LENGTH_BYTES, length, sizeof(length), e))
        return e->code;
    header = le32_load(length);
    if (header < SEAL_OVERHEAD || header > PACK_HEADER_MAX || header > bytes - PACK_LENGTH_BYTES)
        return err_set(e, RC_CORRUPT, "the length of its header is impossible");
    if (buf_reserve(tail, (size_t)header + PACK_LENGTH_BYTES, e) ||
        s->ops->get(r->c->cx, s, name, bytes - PACK_LENGTH_BYTES - header, tail->p,
                    (size_t)header + PACK_LENGTH_BYTES, e))
        return e->code;
    tail->n = (size_t)header + PACK_LENGTH_BYTES;
    want(&r->plain, &r->plain_room, (size_t)header);
    if (seal_open(r->sealer, tail->p, (size_t)header, r->plain, e))
        return err_wrap(e, "its header");
    return pack_header_decode(str_of(r->plain, (size_t)header - SEAL_OVERHEAD),
                              bytes - PACK_LENGTH_BYTES - header, r->c->repo->config.version, blobs,
                              n, e);
}

/* Does the index say of this pack what its header says? */
static bool
matches_index(struct checker *c, const struct check_pack *k, const struct pack_entry *blobs,
              size_t n)
{
    if (n != k->n)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct pack_entry b;
        struct id pack;
        index_at(c->repo->index, c->order[k->first + i], &b, &pack);
        if (!id_eq(&b.id, &blobs[i].id) || b.type != blobs[i].type || b.offset != blobs[i].offset ||
            b.sealed != blobs[i].sealed || b.plain != blobs[i].plain)
            return false;
    }
    return true;
}

/* The blob is in r->sealed: does it open, decompress and have its hash? */
static enum rc
check_blob(struct reader *r, const struct pack_entry *b, struct err *e)
{
    size_t plain = pack_entry_plain(b);
    const uint8_t *p = r->sealed + SEAL_IV;
    struct id got;

    if (plain > BLOB_IN_PACK_MAX)
        return err_set(e, RC_LIMIT, "it is too large");
    if (seal_open(r->sealer, r->sealed, b->sealed, r->sealed + SEAL_IV, e))
        return e->code;
    if (b->plain != 0) {
        want(&r->plain, &r->plain_room, plain);
        if (zstd_decompress(r->zstd, str_of(p, b->sealed - SEAL_OVERHEAD), r->plain, plain, e))
            return e->code;
        p = r->plain;
    }
    sha256_of(str_of(p, plain), &got);
    if (!id_eq(&got, &b->id))
        return err_set(e, RC_CORRUPT, "its content does not have the hash that is its name");
    return RC_OK;
}

/* Every blob in turn, then the header; the hash runs along. */
static enum rc
read_blobs(struct reader *r, const struct store_name *name, const struct buf *tail,
           const struct pack_entry *blobs, size_t n, struct err *e)
{
    struct store *s = r->c->repo->store;
    struct sha256 hash;
    struct id got;
    char hex[ID_TEXT];

    sha256_init(&hash);
    for (size_t i = 0; i < n; i++) {
        if (blobs[i].sealed > BLOB_IN_PACK_MAX)
            return err_set(e, RC_LIMIT, "blob %s is too large", id_hex(&blobs[i].id, hex));
        want(&r->sealed, &r->sealed_room, blobs[i].sealed);
        if (s->ops->get(r->c->cx, s, name, blobs[i].offset, r->sealed, blobs[i].sealed, e))
            return e->code;
        sha256_add(&hash, r->sealed, blobs[i].sealed);
        if (check_blob(r, &blobs[i], e))
            check_problem(r->c, "%s: blob %s: %s", r->name, id_hex(&blobs[i].id, hex), e->msg);
    }
    sha256_add(&hash, tail->p, tail->n);
    sha256_end(&hash, &got);
    if (!id_eq(&got, &name->id))
        return err_set(e, RC_CORRUPT, "its content does not have the hash that is its name");
    return RC_OK;
}

static enum rc
check_pack(struct reader *r, const struct check_pack *k, struct err *e)
{
    CLEANUP(buf_release) struct buf tail = BUF_INIT(PACK_HEADER_MAX + PACK_LENGTH_BYTES);
    struct store_name name = {.type = STORE_PACK, .id = k->id};
    struct store *s = r->c->repo->store;
    struct pack_entry *blobs = NULL;
    uint64_t bytes = 0;
    size_t n = 0;
    enum rc rc;

    (void)store_name_text(&name, r->name);
    rc = s->ops->stat(r->c->cx, s, &name, &bytes, e);
    if (rc == RC_OK)
        rc = read_header(r, &name, bytes, &tail, &blobs, &n, e);
    if (rc == RC_OK && !matches_index(r->c, k, blobs, n))
        check_problem(r->c, "%s: its header and the index disagree", r->name);
    if (rc == RC_OK)
        rc = read_blobs(r, &name, &tail, blobs, n, e);
    mem_free(blobs);
    (void)pthread_mutex_lock(&r->c->mutex);
    r->c->result.bytes_read += bytes;
    (void)pthread_mutex_unlock(&r->c->mutex);
    if (rc == RC_OK || check_is_fatal(rc))
        return rc;
    check_problem(r->c, "%s: %s", r->name, e->msg);
    return RC_OK;
}

static void
note_done(struct work *w)
{
    struct checker *c = w->c;

    if (c->opts->progress == NULL)
        return;
    (void)pthread_mutex_lock(&c->mutex);
    c->opts->progress(c->opts->arg, ++w->done, c->n_packs);
    (void)pthread_mutex_unlock(&c->mutex);
}

static void *
run(void *arg)
{
    struct work *w = arg;
    struct reader r = {.c = w->c, .zstd = zstd_dec_new()};
    struct err e = ERR_INIT;
    enum rc rc = sealer_new(&w->c->repo->key, &r.sealer, &e);

    while (rc == RC_OK) {
        size_t at = atomic_fetch_add(&w->next, 1);
        if (at >= w->c->n_packs)
            break;
        if (w->c->packs[at].present)
            rc = check_pack(&r, &w->c->packs[at], &e);
        note_done(w);
    }
    if (rc) {
        (void)pthread_mutex_lock(&w->mutex);
        w->fatal = rc;
        w->err = e;
        (void)pthread_mutex_unlock(&w->mutex);
        atomic_store(&w->next, w->c->n_packs);
    }
    sealer_free(r.sealer);
    zstd_dec_free(r.zstd);
    mem_free(r.sealed);
    mem_free(r.plain);
    return NULL;
}

enum rc
check_data(struct checker *c, struct err *e)
{
    struct work w = {.c = c};
    pthread_t threads[WORKERS_MAX];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = c->opts->workers != 0 ? c->opts->workers : (unsigned)MAX(cpus, 1L);

    n = MIN(n, (unsigned)WORKERS_MAX);
    atomic_init(&w.next, 0);
    (void)pthread_mutex_init(&w.mutex, NULL);
    for (unsigned i = 0; i < n; i++) {
        if (pthread_create(&threads[i], NULL, run, &w) != 0)
            BUG("no thread for the check");
    }
    for (unsigned i = 0; i < n; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_mutex_destroy(&w.mutex);
    if (w.fatal)
        *e = w.err;
    return w.fatal;
}
