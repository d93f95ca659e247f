/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "repo/blob_writer.h"
#include "maintain/copy.h"
#include "repo/tree_walk.h"

enum { BATCH_MS = 60 * 1000 };

struct copier {
    struct ctx *cx;
    struct repo *from, *to;
    const struct copy_opts *opts;
    struct copy_result *result;
    struct blob_reader reader;
    struct blob_writer *writer;
    struct idset trees;     /* whole in the destination, or on the way in this batch */
    struct snapshot *known; /* of the destination */
    size_t n_known;
    const struct snapshot **batch; /* whose blobs are on the way */
    size_t n_batch;
    int64_t batch_began;
    struct buf blob; /* room for one, and for the seal around it */
};

/* ---- what is there already ---- */

static bool
is_same_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool
has_all(char *const *list, size_t n, char *const *of, size_t n_of)
{
    for (size_t i = 0; i < n_of; i++) {
        size_t k = 0;
        while (k < n && strcmp(list[k], of[i]) != 0)
            k++;
        if (k == n)
            return false;
    }
    return true;
}

/* Everything but parent and original, as restic compares. */
static bool
is_similar(const struct snapshot *a, const struct snapshot *b)
{
    if (instant_cmp(a->time, b->time) != 0 || !id_eq(&a->tree, &b->tree) ||
        !is_same_text(a->hostname, b->hostname) || !is_same_text(a->username, b->username) ||
        a->uid != b->uid || a->gid != b->gid || a->n_paths != b->n_paths ||
        a->n_tags != b->n_tags || a->n_excludes != b->n_excludes)
        return false;
    for (size_t i = 0; i < a->n_excludes; i++)
        if (strcmp(a->excludes[i], b->excludes[i]) != 0)
            return false;
    return has_all(a->paths, a->n_paths, b->paths, b->n_paths) &&
           has_all(a->tags, a->n_tags, b->tags, b->n_tags);
}

/* The first of its line: what stays the same however often it is copied or tagged. */
static const struct id *
origin_of(const struct snapshot *s)
{
    return s->has_original ? &s->original : &s->id;
}

static const struct snapshot *
find_copy(const struct copier *c, const struct snapshot *s)
{
    for (size_t i = 0; i < c->n_known; i++) {
        const struct snapshot *k = &c->known[i];
        if ((id_eq(origin_of(k), origin_of(s)) || id_eq(&k->id, origin_of(s))) && is_similar(k, s))
            return k;
    }
    return NULL;
}

/* ---- one snapshot's blobs ---- */

static enum rc
copy_blob(struct copier *c, enum blob_type type, const struct id *id, struct err *e)
{
    size_t n = 0;

    if (blob_writer_has(c->writer, type, id))
        return RC_OK;
    if (blob_length(c->from, type, id, &n, e))
        return err_code(e);
    buf_reset(&c->blob);
    if (buf_reserve(&c->blob, SEAL_IV + n + SEAL_MAC, e) ||
        blob_load(c->cx, &c->reader, type, id, c->blob.p + SEAL_IV, n, e))
        return err_code(e);
    return blob_writer_add(c->writer, type, id, c->blob.p + SEAL_IV, n, e);
}

static enum rc
copy_node(void *arg, const struct tree_node *node, struct err *e)
{
    struct copier *c = arg;

    if (node->type == NODE_DIR)
        return copy_blob(c, BLOB_TREE, &node->subtree, e);
    for (size_t i = 0; node->type == NODE_FILE && i < node->n_content; i++)
        if (copy_blob(c, BLOB_DATA, &node->content[i], e))
            return err_code(e);
    return RC_OK;
}

static enum rc
copy_blobs(struct copier *c, const struct snapshot *s, struct err *e)
{
    struct tree_walker w = {
        .cx = c->cx, .reader = &c->reader, .seen = &c->trees, .node = copy_node, .arg = c};

    return copy_blob(c, BLOB_TREE, &s->tree, e) ? err_code(e) : tree_walk(&w, &s->tree, e);
}

/* ---- batches ---- */

static enum rc
save_copy(struct copier *c, const struct snapshot *s, struct err *e)
{
    struct snapshot copy = *s; /* what it points at stays the list's */

    copy.has_parent = false;
    copy.has_original = true;
    copy.original = *origin_of(s);
    if (snapshot_save(c->cx, c->to, &copy, e))
        return err_code(e);
    c->result->copied++;
    c->opts->copied(c->opts->arg, s, &copy.id);
    return RC_OK;
}

static enum rc
end_batch(struct copier *c, struct err *e)
{
    struct blob_writer_stats stats;

    if (c->writer == NULL)
        return RC_OK;
    stats = blob_writer_stats(c->writer);
    if (blob_writer_finish(TAKE(c->writer), e) || repo_lock_ok(c->to, e))
        return err_code(e);
    c->result->blobs += stats.blobs;
    c->result->bytes += stats.bytes;
    c->result->stored_bytes += stats.stored_bytes;
    for (size_t i = 0; i < c->n_batch; i++)
        if (save_copy(c, c->batch[i], e))
            return err_code(e);
    c->n_batch = 0;
    return RC_OK;
}

static enum rc
begin_batch(struct copier *c, struct err *e)
{
    struct blob_writer_opts opts = {.compression = c->opts->compression};

    c->batch_began = clock_mono_ms();
    return blob_writer_open(c->cx, c->to, &opts, &c->writer, e);
}

static enum rc
copy_one(struct copier *c, const struct snapshot *s, struct err *e)
{
    const struct snapshot *copy = find_copy(c, s);

    if (copy != NULL) {
        c->result->skipped++;
        c->opts->skipped(c->opts->arg, s, &copy->id);
        return RC_OK;
    }
    if (c->writer == NULL && begin_batch(c, e))
        return err_code(e);
    if (copy_blobs(c, s, e) == RC_OK) {
        c->batch[c->n_batch++] = s;
    } else if (e->code == RC_CORRUPT) {
        /* Some of its trees are counted as whole by now, and are not. */
        idset_release(&c->trees);
        c->result->failed++;
        c->opts->failed(c->opts->arg, s, e);
    } else {
        return err_code(e);
    }
    return clock_mono_ms() - c->batch_began < BATCH_MS ? RC_OK : end_batch(c, e);
}

static enum rc
copy_all(struct copier *c, const struct snapshot *list, size_t n, struct err *e)
{
    enum rc rc = snapshots_list(c->cx, c->to, &c->known, &c->n_known, e);

    if (rc == RC_OK)
        rc = repo_need_index(c->cx, c->from, e);
    if (rc == RC_OK)
        rc = blob_reader_init(&c->reader, c->from, e);
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        rc = copy_one(c, &list[i], e);
    if (rc == RC_OK)
        rc = end_batch(c, e);
    return rc;
}

enum rc
copy_snapshots(struct ctx *cx, struct repo *to, const struct snapshot *list, size_t n,
               const struct copy_opts *opts, struct copy_result *out, struct err *e)
{
    struct copier c = {.cx = cx,
                       .from = opts->from,
                       .to = to,
                       .opts = opts,
                       .result = out,
                       .batch = mem_zero(n, sizeof(struct snapshot *)),
                       .blob = BUF_INIT((size_t)TREE_MAX + SEAL_OVERHEAD)};
    enum rc rc;

    *out = (struct copy_result){.copied = 0};
    rc = copy_all(&c, list, n, e);
    blob_writer_abort(c.writer);
    blob_reader_release(&c.reader);
    idset_release(&c.trees);
    snapshots_free(c.known, c.n_known);
    buf_release(&c.blob);
    mem_free(c.batch);
    if (rc == RC_OK && out->failed != 0)
        rc = err_set(e, RC_CORRUPT, "%llu %s could not be copied", (unsigned long long)out->failed,
                     str_plural(out->failed, "snapshot", "snapshots"));
    return rc;
}
