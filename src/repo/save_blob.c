/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "crypto/sha256.h"
#include "repo/save_internal.h"

enum {
    SAMPLE = 16 * 1024, /* a piece that tells whether more of it is worth compressing */
    SAMPLES = 3,
    SMALL_BLOB = 4 * SAMPLES * SAMPLE
};

enum rc
blob_maker_init(struct blob_maker *m, struct save *s, struct err *e)
{
    if (sealer_new(&s->repo->key, &m->sealer, e))
        return e->code;
    if (s->repo->config.version >= 2)
        m->zstd = zstd_enc_new(s->compression == SAVE_MAX ? ZSTD_DENSE : ZSTD_FAST);
    return RC_OK;
}

void
blob_maker_release(struct blob_maker *m)
{
    sealer_free(m->sealer);
    zstd_enc_free(m->zstd);
    mem_free(m->out);
    *m = (struct blob_maker){.out_room = 0};
}

static void
want_room(struct blob_maker *m, size_t n)
{
    if (m->out_room >= n)
        return;
    mem_free(m->out);
    m->out_room = n;
    m->out = mem_alloc(n);
}

/* Do pieces of it from all over shrink by more than a 32nd? Costs a few hundredths of compressing
 * it. */
static bool
looks_compressible(struct blob_maker *m, const uint8_t *p, size_t n)
{
    if (n <= SMALL_BLOB)
        return true;
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t at = (n - SAMPLE) / (SAMPLES - 1) * i;
        if (zstd_compress(m->zstd, str_of(p + at, SAMPLE), m->out, SAMPLE - SAMPLE / 32) != 0)
            return true;
    }
    return false;
}

/* Claim the blob for this save; false when it is stored or somebody stores it. */
static bool
claim(struct save *s, enum blob_type type, const struct id *id)
{
    struct blob_place place;
    bool fresh = !index_find(s->repo->index, type, id, 0, &place);

    (void)pthread_mutex_lock(&s->mutex);
    if (fresh)
        fresh = idset_add(&s->claimed[type], id);
    if (!fresh)
        s->stats.blobs_known++;
    (void)pthread_mutex_unlock(&s->mutex);
    return fresh;
}

enum rc
save_blob(struct save *s, struct blob_maker *m, enum blob_type type, const struct id *id,
          uint8_t *p, size_t n, struct err *e)
{
    struct pack_entry b = {.id = *id, .type = type};
    uint8_t *sealed = p - SEAL_IV;
    size_t packed = 0;

    if (!claim(s, type, id))
        return RC_OK;
    if (m->zstd != NULL && (type == BLOB_TREE || s->compression != SAVE_OFF)) {
        /* Trees are always compressed: prune would rewrite them otherwise. */
        size_t room = type == BLOB_TREE ? zstd_bound(n) : n;
        want_room(m, MAX(room, (size_t)SAMPLE) + SEAL_OVERHEAD);
        if (type == BLOB_TREE || looks_compressible(m, p, n))
            packed = zstd_compress(m->zstd, str_of(p, n), m->out + SEAL_IV, room);
    }
    if (packed != 0) {
        sealed = m->out;
        b.plain = (uint32_t)n;
        seal(m->sealer, sealed + SEAL_IV, packed, sealed);
    } else {
        packed = n;
        seal(m->sealer, p, n, sealed);
    }
    if (packer_add(s->packer, str_of(sealed, packed + SEAL_OVERHEAD), &b, e))
        return e->code;
    (void)pthread_mutex_lock(&s->mutex);
    if (type == BLOB_TREE)
        s->stats.tree_blobs++;
    else
        s->stats.data_blobs++;
    s->stats.data_added += n;
    s->stats.data_added_packed += packed + SEAL_OVERHEAD;
    (void)pthread_mutex_unlock(&s->mutex);
    return RC_OK;
}

/* Take up to HASH_BATCH chunks, a fair share of what waits. 0: there will be no more. */
static size_t
take_chunks(struct save *s, struct chunk *got[static HASH_BATCH])
{
    size_t n = 0, share;

    (void)pthread_mutex_lock(&s->mutex);
    while (s->n_ready == 0 && !s->closing && !s->failed)
        (void)pthread_cond_wait(&s->changed, &s->mutex);
    share = (s->n_ready + s->n_threads - 1) / MAX(s->n_threads, 1U);
    while (n < MIN(share, (size_t)HASH_BATCH) && s->ready != NULL && !s->failed) {
        got[n] = s->ready;
        s->ready = s->ready->next;
        if (s->ready == NULL)
            s->ready_end = &s->ready;
        n++;
    }
    s->n_ready -= n;
    s->n_busy += n;
    (void)pthread_mutex_unlock(&s->mutex);
    return n;
}

/* The chunk is stored, or not wanted any more. */
static void
give_back(struct save *s, struct chunk *c, size_t kept)
{
    (void)pthread_mutex_lock(&s->mutex);
    if (!s->failed)
        s->files[c->file].content[c->seq] = c->id;
    s->touched -= c->touched - kept;
    c->touched = kept;
    c->next = s->idle;
    s->idle = c;
    s->n_busy--;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->mutex);
}

void *
save_worker(void *arg)
{
    struct save_worker_arg w = *(struct save_worker_arg *)arg;
    struct chunk *got[HASH_BATCH];
    struct str bytes[HASH_BATCH];
    struct id ids[HASH_BATCH];
    struct err e = ERR_INIT;
    size_t n;

    mem_free(arg);
    while ((n = take_chunks(w.save, got)) != 0) {
        for (size_t i = 0; i < n; i++)
            bytes[i] = str_of(got[i]->p, got[i]->n);
        sha256_many(bytes, n, ids);
        for (size_t i = 0; i < n; i++) {
            struct chunk *c = got[i];
            c->id = ids[i];
            if (save_check(w.save, &e) || ctx_check(w.save->cx, &e) ||
                save_blob(w.save, w.maker, BLOB_DATA, &c->id, c->p, c->n, &e))
                (void)save_fail(w.save, &e);
            give_back(w.save, c, chunk_trim(c));
        }
    }
    return NULL;
}
