/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "repo/load.h"
#include "repo/tree_walk.h"

enum rc
tree_each(struct ctx *cx, struct blob_reader *b, const struct id *tree, tree_node_fn *fn, void *arg,
          struct err *e)
{
    struct rd_mem text;
    uint8_t *p;
    size_t n = 0;
    enum rc rc;

    if (blob_length(b->repo, BLOB_TREE, tree, &n, e))
        return err_code(e);
    p = mem_alloc(n);
    rc = blob_load(cx, b, BLOB_TREE, tree, p, n, e);
    if (rc == RC_OK) {
        char hex[ID_TEXT];
        rd_mem_init(&text, str_of(p, n), 0);
        rc = tree_decode(&text.rd, fn, arg, e);
        if (rc == RC_CORRUPT)
            (void)err_wrap(e, "tree %.8s", id_hex(tree, hex));
    }
    mem_free(p);
    return rc;
}

static enum rc
walk_node(void *arg, const struct tree_node *node, struct err *e)
{
    struct tree_walker *w = arg;
    struct id subtree = node->subtree;
    bool deeper = node->type == NODE_DIR;
    size_t before = w->path != NULL ? w->path->n : 0;
    enum rc rc;

    if (w->node(w->arg, node, e))
        return err_code(e);
    if (!deeper)
        return RC_OK;
    if (w->depth == TREE_DEPTH_MAX)
        return err_set(e, RC_CORRUPT, "folders are nested more than %d deep", TREE_DEPTH_MAX);
    if (w->path != NULL &&
        (buf_add(w->path, node->name.p, node->name.n, e) || buf_add(w->path, "/", 1, e)))
        return err_code(e);
    w->depth++;
    rc = tree_walk(w, &subtree, e);
    w->depth--;
    if (w->path != NULL)
        w->path->n = before;
    return rc;
}

enum rc
tree_walk(struct tree_walker *w, const struct id *root, struct err *e)
{
    const struct id *outer = w->tree;
    enum rc rc;

    if (w->seen != NULL && !idset_add(w->seen, root))
        return RC_OK;
    w->tree = root;
    rc = tree_each(w->cx, w->reader, root, walk_node, w, e);
    w->tree = outer;
    if (rc == RC_OK)
        return RC_OK;
    if (w->bad == NULL || e->code == RC_CANCELLED || e->code == RC_TIMEOUT)
        return err_code(e);
    return w->bad(w->arg, root, e);
}

void
file_info_release(struct file_info *f)
{
    mem_free(f->content);
    *f = (struct file_info){.size = 0};
}

/* Looking for one name in one folder. */
struct search {
    struct str name;
    bool found;
    enum node_type type;
    struct id subtree;
    struct file_info *file;
};

static enum rc
compare_node(void *arg, const struct tree_node *node, struct err *e)
{
    struct search *s = arg;

    (void)e;
    if (s->found || !str_eq(node->name, s->name))
        return RC_OK;
    s->found = true;
    s->type = node->type;
    s->subtree = node->subtree;
    s->file->size = node->size;
    s->file->n_content = node->n_content;
    s->file->content = mem_zero(node->n_content, sizeof(struct id));
    if (node->n_content != 0)
        memcpy(s->file->content, node->content, node->n_content * sizeof(struct id));
    return RC_OK;
}

static enum rc
find_file(struct ctx *cx, struct blob_reader *b, const struct id *tree, const char *path,
          struct file_info *out, struct err *e)
{
    const char *at = path + strspn(path, "/");
    struct id in = *tree;

    for (;;) {
        size_t len = strcspn(at, "/");
        const char *rest = at + len + strspn(at + len, "/");
        struct search s = {.name = str_of(at, len), .file = out};
        if (tree_each(cx, b, &in, compare_node, &s, e)) {
            file_info_release(out);
            return err_code(e);
        }
        if (!s.found)
            return err_set(e, RC_NOT_FOUND, "the snapshot has no file \"%s\"", path);
        if (*rest == '\0' && s.type == NODE_FILE)
            return RC_OK;
        file_info_release(out);
        if (*rest == '\0')
            return err_set(e, RC_INVALID, "\"%s\" is not a regular file", path);
        if (s.type != NODE_DIR)
            return err_set(e, RC_NOT_FOUND, "the snapshot has no file \"%s\"", path);
        in = s.subtree;
        at = rest;
    }
}

enum rc
load_find_file(struct ctx *cx, struct repo *r, const struct id *tree, const char *path,
               struct file_info *out, struct err *e)
{
    struct file_info found = {.size = 0};
    struct blob_reader b;
    enum rc rc = repo_need_index(cx, r, e);

    if (rc == RC_OK)
        rc = blob_reader_init(&b, r, e);
    if (rc)
        return rc;
    rc = find_file(cx, &b, tree, path, &found, e);
    blob_reader_release(&b);
    if (rc == RC_OK)
        *out = found;
    return rc;
}

struct lister {
    load_list_fn *fn;
    void *arg;
    struct buf path;
};

static enum rc
list_node(void *arg, const struct tree_node *node, struct err *e)
{
    struct lister *l = arg;
    size_t before = l->path.n;
    enum rc rc = RC_OK;

    if (node->type != NODE_FILE)
        return RC_OK;
    if (buf_add(&l->path, node->name.p, node->name.n, e))
        return err_code(e);
    rc = l->fn(l->arg, buf_c(&l->path), node->size, e);
    l->path.n = before;
    return rc;
}

enum rc
load_list_files(struct ctx *cx, struct repo *r, const struct id *tree, load_list_fn *fn, void *arg,
                struct err *e)
{
    struct blob_reader b;
    struct lister l = {.fn = fn, .arg = arg, .path = BUF_INIT(TREE_PATH_MAX)};
    struct tree_walker w = {.cx = cx, .reader = &b, .node = list_node, .arg = &l, .path = &l.path};
    enum rc rc = repo_need_index(cx, r, e);

    if (rc == RC_OK)
        rc = blob_reader_init(&b, r, e);
    if (rc)
        return rc;
    buf_must_add(&l.path, "/", 1);
    rc = tree_walk(&w, tree, e);
    buf_release(&l.path);
    blob_reader_release(&b);
    return rc;
}
