/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "repo/blob_writer.h"
#include "repo/pack_reader.h"
#include "maintain/repair_internal.h"

struct salvage {
    struct ctx *cx;
    struct repo *repo;
    const struct repair_opts *opts;
    struct repair_packs_result *result;
    struct pack_reader reader;
    struct blob_writer *writer;
    struct idset bad[2]; /* by enum blob_type: not readable where it was tried */
};

static enum rc
save_blob(struct salvage *s, const struct id *pack, const struct pack_entry *b, struct err *e)
{
    uint8_t *plain;
    enum rc rc;

    if (blob_writer_has(s->writer, b->type, &b->id))
        return RC_OK; /* another pack has it */
    rc = pack_read_blob(&s->reader, pack, b, e);
    if (rc == RC_OK)
        rc = pack_open_blob(&s->reader, b, s->reader.sealed, &plain, e);
    if (rc == RC_OK) {
        s->result->saved++;
        return blob_writer_add(s->writer, b->type, &b->id, plain, pack_entry_plain(b), e);
    }
    if (!repair_is_damage(rc))
        return rc;
    (void)idset_add(&s->bad[b->type], &b->id);
    return RC_OK;
}

/* What the index says of the packs. Blobs come in the order of their IDs, from any pack. */
static enum rc
save_indexed(struct salvage *s, const struct idset *lost, struct err *e)
{
    const struct index *ix = repo_index(s->repo);

    for (size_t i = 0; i < index_blobs(ix); i++) {
        struct pack_entry b;
        const struct id *pack = index_pack(ix, index_at(ix, i, &b));

        if (idset_has(lost, pack) && save_blob(s, pack, &b, e))
            return err_code(e);
    }
    return RC_OK;
}

/* What the packs say of themselves: the index may lack some of it. */
static enum rc
save_headed(struct salvage *s, const struct id *pack, struct err *e)
{
    CLEANUP(buf_release) struct buf tail = BUF_INIT(PACK_HEADER_MAX + PACK_LENGTH_BYTES);
    struct store_name name = {.type = STORE_PACK, .id = *pack};
    struct pack_entry *blobs = NULL;
    uint64_t bytes = 0;
    size_t n = 0;
    enum rc rc = repo_store(s->repo)->ops->stat(s->cx, repo_store(s->repo), &name, &bytes, e);

    if (rc == RC_OK)
        rc = pack_read_header(&s->reader, pack, bytes, &tail, &blobs, &n, e);
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        rc = save_blob(s, pack, &blobs[i], e);
    mem_free(blobs);
    if (!repair_is_damage(rc))
        return rc;
    if (index_pack_find(repo_index(s->repo), pack) != INDEX_NONE)
        return RC_OK; /* the index is all there is */
    (void)err_wrap(e, "nothing was changed: no index file knows what is in the pack");
    return err_hint(e, "put back an index file that lists it, or let `cstash prune` remove it if "
                       "its data are not missed");
}

/* A blob that was bad in one place may have been good in another. */
static void
tell_lost(struct salvage *s, enum blob_type type)
{
    const struct id *id;
    size_t at = 0;
    char hex[ID_TEXT];

    while ((id = idset_next(&s->bad[type], &at)) != NULL) {
        if (blob_writer_has(s->writer, type, id))
            continue;
        s->result->lost++;
        repair_note(s->opts, "the %s blob %s is lost", type == BLOB_TREE ? "tree" : "data",
                    id_hex(id, hex));
    }
}

static enum rc
save_all(struct salvage *s, const struct id *packs, size_t n, const struct idset *lost,
         struct err *e)
{
    struct blob_writer_opts opts = {.lost = lost};
    enum rc rc = pack_reader_init(&s->reader, s->cx, s->repo, e);

    if (rc == RC_OK)
        rc = blob_writer_open(s->cx, s->repo, &opts, &s->writer, e);
    if (rc == RC_OK)
        rc = save_indexed(s, lost, e);
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        rc = save_headed(s, &packs[i], e);
    if (rc == RC_OK) {
        tell_lost(s, BLOB_TREE);
        tell_lost(s, BLOB_DATA);
        rc = blob_writer_finish(TAKE(s->writer), e);
    }
    blob_writer_abort(s->writer);
    pack_reader_release(&s->reader);
    idset_release(&s->bad[BLOB_DATA]);
    idset_release(&s->bad[BLOB_TREE]);
    return rc;
}

enum rc
repair_packs(struct ctx *cx, struct repo *r, const struct id *packs, size_t n,
             const struct repair_opts *opts, struct repair_packs_result *out, struct err *e)
{
    struct salvage s = {.cx = cx, .repo = r, .opts = opts, .result = out};
    struct repair_index_result index;
    struct idset lost = {.n = 0};
    enum rc rc;

    *out = (struct repair_packs_result){.saved = 0};
    for (size_t i = 0; i < n; i++)
        (void)idset_add(&lost, &packs[i]);
    rc = save_all(&s, packs, n, &lost, e);
    if (rc == RC_OK)
        rc = repair_index_without(cx, r, &lost, opts, &index, e);
    if (rc == RC_OK)
        rc = repo_remove(cx, r, STORE_PACK, packs, n, NULL, e);
    idset_release(&lost);
    return rc;
}
