/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/parallel.h"
#include "crypto/sha256.h"
#include "maintain/check_internal.h"
#include "repo/pack_reader.h"

enum { FAR_WORKERS = 4 }; /* each holds a blob or two */

/* What one thread reads packs with. */
struct reader {
    struct checker *c;
    struct pack_reader pack;
    char name[STORE_NAME_TEXT]; /* of the pack */
};

/* Does the index say of this pack what its header says? */
static bool
matches_index(const struct checker *c, uint32_t pack, const struct pack_entry *blobs, size_t n)
{
    size_t first = c->order.first[pack];

    if (n != c->order.first[pack + 1] - first)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct pack_entry b;
        (void)index_at(c->index, c->order.blobs[first + i], &b);
        if (!id_eq(&b.id, &blobs[i].id) || b.type != blobs[i].type || b.offset != blobs[i].offset ||
            b.sealed != blobs[i].sealed || b.plain != blobs[i].plain)
            return false;
    }
    return true;
}

/* Every blob in turn, then the header; the hash runs along. */
static enum rc
read_blobs(struct reader *r, const struct store_name *name, const struct buf *tail,
           const struct pack_entry *blobs, size_t n, struct err *e)
{
    struct sha256 hash;
    struct id got;
    char hex[ID_TEXT];
    uint8_t *plain;

    sha256_init(&hash);
    for (size_t i = 0; i < n; i++) {
        if (pack_read_blob(&r->pack, &name->id, &blobs[i], e))
            return err_wrap(e, "blob %s", id_hex(&blobs[i].id, hex));
        sha256_add(&hash, r->pack.sealed, blobs[i].sealed);
        if (pack_open_blob(&r->pack, &blobs[i], r->pack.sealed, &plain, e))
            check_problem(r->c, "%s: blob %s: %s", r->name, id_hex(&blobs[i].id, hex), e->msg);
    }
    sha256_add(&hash, tail->p, tail->n);
    sha256_end(&hash, &got);
    if (!id_eq(&got, &name->id))
        return err_set(e, RC_CORRUPT, "its content does not have the hash that is its name");
    return RC_OK;
}

static enum rc
check_pack(struct reader *r, uint32_t pack, struct err *e)
{
    CLEANUP(buf_release) struct buf tail = BUF_INIT(PACK_HEADER_MAX + PACK_LENGTH_BYTES);
    struct store_name name = {.type = STORE_PACK, .id = *index_pack(repo_index(r->c->repo), pack)};
    struct pack_entry *blobs = NULL;
    uint64_t bytes = r->c->packs[pack].bytes;
    size_t n = 0;
    enum rc rc;

    (void)store_name_text(&name, r->name);
    rc = pack_read_header(&r->pack, &name.id, bytes, &tail, &blobs, &n, e);
    if (rc == RC_OK && !matches_index(r->c, pack, blobs, n))
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

struct work {
    struct checker *c;
    struct reader readers[PARALLEL_MAX];
    size_t done; /* guarded by c->mutex */
};

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

static enum rc
read_pack(void *arg, unsigned worker, size_t at, struct err *e)
{
    struct work *w = (struct work *)arg;
    struct reader *r = &w->readers[worker];
    enum rc rc = RC_OK;

    r->c = w->c;
    if (r->pack.repo == NULL)
        rc = pack_reader_init(&r->pack, w->c->cx, w->c->repo, e);
    if (rc == RC_OK && w->c->packs[at].present && w->c->packs[at].chosen)
        rc = check_pack(r, (uint32_t)at, e);
    note_done(w);
    return rc;
}

enum rc
check_data(struct checker *c, struct err *e)
{
    struct work w = {.c = c};
    unsigned workers = parallel_workers(c->opts->workers);
    enum rc rc;

    if (c->opts->workers == 0 && repo_store(c->repo)->remote) /* it waits more than it works */
        workers = MIN(repo_workers(c->repo), (unsigned)FAR_WORKERS);
    check_subset_choose(c, &c->opts->subset);
    rc = parallel_for(c->n_packs, workers, read_pack, &w, e);
    for (size_t i = 0; i < PARALLEL_MAX; i++)
        pack_reader_release(&w.readers[i].pack);
    return rc;
}
