/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/stats.h"
#include "repo/tree_walk.h"

struct counter {
    struct repo *repo;
    struct stats stats;
    struct idset trees, blobs;
};

static void
counter_release(struct counter *c)
{
    idset_release(&c->trees);
    idset_release(&c->blobs);
}

static enum rc
count_file(void *arg, const struct tree_node *node, struct err *e)
{
    struct counter *c = arg;

    (void)e;
    if (node->type == NODE_FILE) {
        c->stats.files++;
        c->stats.total_size += node->size;
    }
    return RC_OK;
}

static enum rc
count_blob(struct counter *c, enum blob_type type, const struct id *id, struct err *e)
{
    struct stats *s = &c->stats;
    struct blob_place place;
    size_t plain = 0;

    if (blob_length(c->repo, type, id, &plain, e) ||
        !index_find(c->repo->index, type, id, 0, &place))
        return e->code;
    s->blobs++;
    s->total_size += place.sealed;
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
            return e->code;
    }
    return RC_OK;
}

/* Walk all snapshots; trees are visited once if `seen`, else once per place. */
static enum rc
walk(struct ctx *cx, struct counter *c, const struct snapshot *list, size_t n, tree_node_fn *fn,
     struct idset *seen, struct err *e)
{
    struct blob_reader reader;
    struct tree_walker w = {.cx = cx, .reader = &reader, .seen = seen, .node = fn, .arg = c};
    enum rc rc = repo_need_index(cx, c->repo, e);

    if (rc == RC_OK)
        rc = blob_reader_init(&reader, c->repo, e);
    if (rc)
        return rc;
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        rc = tree_walk(&w, &list[i].tree, e);
    blob_reader_release(&reader);
    c->stats.snapshots = n;
    return rc;
}

enum rc
stats_restore_size(struct ctx *cx, struct repo *r, const struct snapshot *list, size_t n,
                   struct stats *out, struct err *e)
{
    struct counter c = {.repo = r};
    enum rc rc = walk(cx, &c, list, n, count_file, NULL, e);

    if (rc == RC_OK)
        *out = c.stats;
    counter_release(&c);
    return rc;
}

enum rc
stats_raw_data(struct ctx *cx, struct repo *r, const struct snapshot *list, size_t n,
               struct stats *out, struct err *e)
{
    struct counter c = {.repo = r};
    enum rc rc = walk(cx, &c, list, n, count_content, &c.trees, e);

    for (size_t i = 0; rc == RC_OK && i < c.trees.cap; i++) {
        if (!id_eq(&c.trees.slots[i], &(struct id){{0}}))
            rc = count_blob(&c, BLOB_TREE, &c.trees.slots[i], e);
    }
    if (rc == RC_OK)
        *out = c.stats;
    counter_release(&c);
    return rc;
}
