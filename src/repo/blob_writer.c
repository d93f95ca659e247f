/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "repo/blob_writer.h"
#include "repo/packer.h"

struct blob_writer {
    struct repo *repo;
    struct blob_maker maker;
    struct packer *packer;
    const struct idset *lost;
    struct idset written[2]; /* by enum blob_type */
    struct blob_writer_stats stats;
};

static void
writer_free(struct blob_writer *w)
{
    /* Some packs and index files may have been stored. */
    w->repo->index_is_fresh = false;
    blob_maker_release(&w->maker);
    idset_release(&w->written[BLOB_DATA]);
    idset_release(&w->written[BLOB_TREE]);
    mem_free(w);
}

enum rc
blob_writer_open(struct ctx *cx, struct repo *r, const struct blob_writer_opts *opts,
                 struct blob_writer **out, struct err *e)
{
    static const struct blob_writer_opts none = {.lost = NULL};
    static const struct packer_opts packs = {.uploads = 0};
    const struct blob_writer_opts *o = opts != NULL ? opts : &none;
    struct blob_writer *w;

    if (repo_need_index(cx, r, e))
        return err_code(e);
    w = MEM_NEW(struct blob_writer);
    w->repo = r;
    w->lost = o->lost;
    if (blob_maker_init(&w->maker, r, o->compression, e) ||
        packer_open(cx, r, &packs, &w->packer, e)) {
        writer_free(w);
        return err_code(e);
    }
    *out = w;
    return RC_OK;
}

bool
blob_writer_has(const struct blob_writer *w, enum blob_type type, const struct id *id)
{
    struct blob_place place;

    for (size_t nth = 0; index_find(w->repo->index, type, id, nth, &place); nth++)
        if (w->lost == NULL || !idset_has(w->lost, &place.pack))
            return true;
    return idset_has(&w->written[type], id);
}

enum rc
blob_writer_add(struct blob_writer *w, enum blob_type type, const struct id *id, uint8_t *p,
                size_t n, struct err *e)
{
    struct pack_entry b = {.id = *id, .type = type};

    if (blob_writer_has(w, type, id))
        return RC_OK;
    if (packer_add(w->packer, blob_make(&w->maker, p, n, &b), &b, e))
        return err_code(e);
    (void)idset_add(&w->written[type], id);
    w->stats.blobs++;
    w->stats.bytes += n;
    w->stats.stored_bytes += b.sealed;
    return RC_OK;
}

struct blob_writer_stats
blob_writer_stats(const struct blob_writer *w)
{
    return w->stats;
}

enum rc
blob_writer_finish(struct blob_writer *w, struct err *e)
{
    enum rc rc = packer_finish(TAKE(w->packer), e);

    writer_free(w);
    return rc;
}

void
blob_writer_abort(struct blob_writer *w)
{
    if (w == NULL)
        return;
    packer_abort(w->packer);
    writer_free(w);
}
