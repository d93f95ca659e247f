/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "crypto/sha256.h"
#include "repo/save_internal.h"

enum rc
save_fail(struct save *s, const struct err *e)
{
    (void)pthread_mutex_lock(&s->mutex);
    if (!s->failed)
        s->first = *e;
    s->failed = true;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->mutex);
    return err_code(e);
}

enum rc
save_check(struct save *s, struct err *e)
{
    enum rc rc = RC_OK;

    (void)pthread_mutex_lock(&s->mutex);
    if (s->failed) {
        *e = s->first;
        rc = e->code;
    }
    (void)pthread_mutex_unlock(&s->mutex);
    return rc;
}

/* Claim the blob for this save; false when it is stored or somebody stores it. */
static bool
save_blob_claim(struct save *s, enum blob_type type, const struct id *id)
{
    size_t at = index_first(s->repo->index, type, id);
    struct pack_entry known;
    bool fresh = at == INDEX_NONE;

    if (!fresh)
        census_use(s->census, index_at(s->repo->index, at, &known));
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

    if (!save_blob_claim(s, type, id))
        return RC_OK;
    if (packer_add(s->packer, blob_make(m, p, n, &b), &b, e))
        return err_code(e);
    (void)pthread_mutex_lock(&s->mutex);
    if (type == BLOB_TREE)
        s->stats.tree_blobs++;
    else
        s->stats.data_blobs++;
    s->stats.data_added += n;
    s->stats.data_added_packed += b.sealed;
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
give_back(struct save *s, struct chunk *c)
{
    (void)pthread_mutex_lock(&s->mutex);
    if (!s->failed)
        s->files[c->file].content[c->seq] = c->id;
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
            give_back(w.save, c);
        }
    }
    return NULL;
}
