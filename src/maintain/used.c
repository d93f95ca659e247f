/* SPDX-License-Identifier: Apache-2.0 */
#include "maintain/used.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "repo/tree_walk.h"

struct used {
    struct ctx *cx;
    struct repo *repo;
    const struct snapshot *list;
    uint8_t *marks; /* written by all threads: atomically */
    struct blob_reader readers[PARALLEL_MAX];
};

/* One thread in one tree. */
struct walk {
    struct used *all;
    struct blob_reader *reader;
    unsigned depth;
};

static enum rc walk_tree(struct walk *w, const struct id *tree, struct err *e);

static enum rc
used_mark(struct used *u, enum blob_type type, const struct id *id, bool *was, struct err *e)
{
    size_t at = index_first(repo_index(u->repo), type, id);
    char hex[ID_TEXT];

    if (at == INDEX_NONE)
        return err_set(e, RC_CORRUPT, "the %s blob %s is in no index file",
                       type == BLOB_TREE ? "tree" : "data", id_hex(id, hex));
    /* Most are marked already, and a look costs less than a write. */
    *was = __atomic_load_n(&u->marks[at], __ATOMIC_RELAXED) != 0 ||
           __atomic_exchange_n(&u->marks[at], 1, __ATOMIC_RELAXED) != 0;
    return RC_OK;
}

static enum rc
walk_node(void *arg, const struct tree_node *node, struct err *e)
{
    struct walk *w = (struct walk *)arg;
    struct id subtree = node->subtree;
    bool was;
    enum rc rc;

    for (size_t i = 0; node->type == NODE_FILE && i < node->n_content; i++)
        if (used_mark(w->all, BLOB_DATA, &node->content[i], &was, e))
            return err_code(e);
    if (node->type != NODE_DIR)
        return RC_OK;
    if (w->depth == TREE_DEPTH_MAX)
        return err_set(e, RC_CORRUPT, "folders are nested more than %d deep", TREE_DEPTH_MAX);
    w->depth++;
    rc = walk_tree(w, &subtree, e);
    w->depth--;
    return rc;
}

static enum rc
walk_tree(struct walk *w, const struct id *tree, struct err *e)
{
    bool was = false;

    if (used_mark(w->all, BLOB_TREE, tree, &was, e))
        return err_code(e);
    return was ? RC_OK : tree_each(w->all->cx, w->reader, tree, walk_node, w, e);
}

static enum rc
walk_snapshot(void *arg, unsigned worker, size_t at, struct err *e)
{
    struct used *u = (struct used *)arg;
    struct walk w = {.all = u, .reader = &u->readers[worker]};
    char id[ID_TEXT];

    if (ctx_check(u->cx, e))
        return err_code(e);
    if (w.reader->repo == NULL && blob_reader_init(w.reader, u->repo, e))
        return err_code(e);
    if (walk_tree(&w, &u->list[at].tree, e))
        return err_wrap(e, "snapshot %.8s", id_hex(&u->list[at].id, id));
    return RC_OK;
}

enum rc
used_find(struct ctx *cx, struct repo *r, const struct snapshot *list, size_t n, uint8_t **out,
          struct err *e)
{
    struct used u = {.cx = cx, .repo = r, .list = list};
    enum rc rc;

    u.marks = (uint8_t *)mem_zero(index_blobs(repo_index(r)) + 1, 1);
    rc = parallel_for(n, repo_workers(r), walk_snapshot, &u, e);
    for (size_t i = 0; i < PARALLEL_MAX; i++)
        if (u.readers[i].repo != NULL)
            blob_reader_release(&u.readers[i]);
    if (rc)
        mem_free(u.marks);
    else
        *out = u.marks;
    return rc;
}
