/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sha256.h"
#include "maintain/stats.h"
#include "repo/tree_walk.h"

struct counter {
    struct repo *repo;
    struct stats stats;
    struct idset trees, blobs; /* raw-data */
    struct idset contents;     /* hashes of lists of blobs, or for restore-size of inodes */
    struct idset places;       /* hashes of paths, and of a path with a blob of it */
    struct buf path;           /* of the folder */
};

static void
counter_release(struct counter *c)
{
    idset_release(&c->trees);
    idset_release(&c->blobs);
    idset_release(&c->contents);
    idset_release(&c->places);
    buf_release(&c->path);
}

/* ---- files ---- */

/* The same file has been counted in this snapshot, under another name. */
static bool
is_counted_link(struct counter *c, const struct tree_node *node)
{
    const uint64_t file[2] = {node->inode, node->device};
    struct id id;

    if (node->links == 1 || node->type == NODE_DIR || node->inode == 0)
        return false;
    sha256_of(str_of(file, sizeof(file)), &id);
    return !idset_add(&c->contents, &id);
}

static enum rc
count_restored(void *arg, const struct tree_node *node, struct err *e)
{
    struct counter *c = arg;

    (void)e;
    c->stats.files++;
    if (!is_counted_link(c, node))
        c->stats.total_size += node->size;
    return RC_OK;
}

static bool
is_new_content(struct counter *c, const struct tree_node *node)
{
    struct id id;

    sha256_of(str_of(node->content, node->n_content * sizeof(struct id)), &id);
    return idset_add(&c->contents, &id);
}

static enum rc
count_by_contents(void *arg, const struct tree_node *node, struct err *e)
{
    struct counter *c = arg;

    (void)e;
    if (is_new_content(c, node)) {
        c->stats.files++;
        c->stats.total_size += node->size;
    }
    return RC_OK;
}

static bool
is_new_place(struct counter *c, const struct tree_node *node, struct str blob)
{
    struct sha256 hash;
    struct id id;

    sha256_init(&hash);
    sha256_add(&hash, c->path.p, c->path.n);
    sha256_add(&hash, node->name.p, node->name.n);
    sha256_add(&hash, (const uint8_t *)"", 1);
    sha256_add(&hash, blob.p, blob.n);
    sha256_end(&hash, &id);
    return idset_add(&c->places, &id);
}

static enum rc
count_per_file(void *arg, const struct tree_node *node, struct err *e)
{
    struct counter *c = arg;

    if (node->n_content == 0 || !is_new_content(c, node))
        return RC_OK;
    c->stats.files += is_new_place(c, node, STR_LIT(""));
    for (size_t i = 0; i < node->n_content; i++) {
        size_t n = 0;
        if (!is_new_place(c, node, str_of(node->content[i].b, ID_BYTES)))
            continue;
        if (blob_length(c->repo, BLOB_DATA, &node->content[i], &n, e))
            return err_code(e);
        c->stats.blobs++;
        c->stats.total_size += n;
    }
    return RC_OK;
}

/* ---- blobs ---- */

static enum rc
count_blob(struct counter *c, enum blob_type type, const struct id *id, struct err *e)
{
    struct stats *s = &c->stats;
    struct blob_place place;
    size_t plain = 0;

    if (blob_length(c->repo, type, id, &plain, e) ||
        !index_find(repo_index(c->repo), type, id, 0, &place))
        return err_code(e);
    s->blobs++;
    s->total_size += place.sealed;
    if (repo_config(c->repo)->version >= 2)
        s->total_uncompressed_size += plain + SEAL_OVERHEAD;
    if (place.plain != 0) {
        s->compressed_size += place.sealed;
        s->uncompressed_size += plain + SEAL_OVERHEAD;
    }
    return RC_OK;
}

static enum rc
count_content(void *arg, const struct tree_node *node, struct err *e)
{
    struct counter *c = arg;

    for (size_t i = 0; node->type == NODE_FILE && i < node->n_content; i++) {
        if (idset_add(&c->blobs, &node->content[i]) &&
            count_blob(c, BLOB_DATA, &node->content[i], e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
count_trees(struct counter *c, struct err *e)
{
    const struct id *id;
    size_t at = 0;

    while ((id = idset_next(&c->trees, &at)) != NULL)
        if (count_blob(c, BLOB_TREE, id, e))
            return err_code(e);
    return RC_OK;
}

static enum rc
stats_walk(struct ctx *cx, struct counter *c, enum stats_mode mode, const struct snapshot *list,
           size_t n, struct err *e)
{
    static tree_node_fn *const counts[] = {[STATS_RESTORE_SIZE] = count_restored,
                                           [STATS_FILES_BY_CONTENTS] = count_by_contents,
                                           [STATS_BLOBS_PER_FILE] = count_per_file,
                                           [STATS_RAW_DATA] = count_content};
    struct blob_reader reader;
    struct tree_walker w = {.cx = cx,
                            .reader = &reader,
                            .seen = mode == STATS_RAW_DATA ? &c->trees : NULL,
                            .node = counts[mode],
                            .arg = c,
                            .path = &c->path};
    enum rc rc = repo_need_index(cx, c->repo, e);

    if (rc == RC_OK)
        rc = blob_reader_init(&reader, c->repo, e);
    if (rc)
        return rc;
    buf_must_add(&c->path, "/", 1);
    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        rc = tree_walk(&w, &list[i].tree, e);
        if (mode == STATS_RESTORE_SIZE)
            idset_release(&c->contents); /* inodes are a snapshot's own */
    }
    blob_reader_release(&reader);
    c->stats.snapshots = n;
    return rc == RC_OK ? count_trees(c, e) : rc;
}

enum rc
stats_count(struct ctx *cx, struct repo *r, enum stats_mode mode, const struct snapshot *list,
            size_t n, struct stats *out, struct err *e)
{
    struct counter c = {.repo = r, .path = BUF_INIT(TREE_PATH_MAX)};
    enum rc rc = stats_walk(cx, &c, mode, list, n, e);

    if (rc == RC_OK)
        *out = c.stats;
    counter_release(&c);
    return rc;
}
