/* SPDX-License-Identifier: Apache-2.0 */
#include <fnmatch.h>

#include "base/mem.h"
#include "maintain/find.h"
#include "repo/lookup.h"
#include "repo/tree_walk.h"

/* ---- patterns ---- */

/* One component: fnmatch wants strings that end. */
static bool
part_matches(const char *pattern, size_t n_pattern, const char *name, size_t n, bool ignore_case)
{
    CLEANUP(mem_free_ptr) char *p = mem_strndup(pattern, n_pattern);
    CLEANUP(mem_free_ptr) char *s = mem_strndup(name, n);

    return fnmatch(p, s, ignore_case ? FNM_CASEFOLD : 0) == 0;
}

static const char *
next_part(const char *at)
{
    at += strcspn(at, "/");
    return at + strspn(at, "/");
}

/* From here on, part by part; the pattern may end before the path. */
static bool
matches_here(const char *pattern, const char *path, bool ignore_case)
{
    while (*pattern != '\0') {
        size_t n = strcspn(pattern, "/");
        if (n == 2 && strncmp(pattern, "**", 2) == 0) {
            for (pattern = next_part(pattern); *path != '\0'; path = next_part(path))
                if (matches_here(pattern, path, ignore_case))
                    return true;
            return *pattern == '\0';
        }
        if (*path == '\0' || !part_matches(pattern, n, path, strcspn(path, "/"), ignore_case))
            return false;
        pattern = next_part(pattern);
        path = next_part(path);
    }
    return true;
}

bool
find_matches(const char *pattern, const char *path, bool ignore_case)
{
    path += strspn(path, "/");
    if (pattern[0] == '/')
        return matches_here(pattern + strspn(pattern, "/"), path, ignore_case);
    for (; *path != '\0'; path = next_part(path))
        if (matches_here(pattern, path, ignore_case))
            return true;
    return false;
}

/* ---- the search ---- */

struct finder {
    struct repo *repo;
    const struct find_query *q;
    const struct snapshot *snapshot;
    struct idset wanted[2]; /* by enum blob_type */
    struct buf path;        /* of the folder */
    struct tree_walker walker;
};

/* All blobs of the index that the words mean. */
static void
expand_words(struct finder *f, bool *found)
{
    struct pack_entry b;
    struct id pack;

    for (size_t i = 0; i < index_blobs(repo_index(f->repo)); i++) {
        pack = *index_pack(repo_index(f->repo), index_at(repo_index(f->repo), i, &b));
        if (f->q->kind != FIND_PACK && (f->q->kind == FIND_TREE) != (b.type == BLOB_TREE))
            continue;
        for (size_t k = 0; k < f->q->n; k++)
            if (id_begins_with(f->q->kind == FIND_PACK ? &pack : &b.id, f->q->words[k])) {
                (void)idset_add(&f->wanted[b.type], &b.id);
                found[k] = true;
            }
    }
}

static enum rc
take_ids(struct finder *f, struct err *e)
{
    bool *found;
    enum rc rc = RC_OK;

    for (size_t k = 0; k < f->q->n; k++)
        if (id_check_prefix(f->q->words[k], e))
            return err_code(e);
    found = mem_zero(f->q->n, sizeof(*found));
    expand_words(f, found);
    for (size_t k = 0; rc == RC_OK && k < f->q->n; k++) {
        struct id id;
        if (found[k])
            continue;
        if (f->q->kind == FIND_PACK)
            rc = err_set(e, RC_NOT_FOUND, "no pack \"%s\" is in the index", f->q->words[k]);
        else if (id_from_hex(str_c(f->q->words[k]), &id)) /* a lost one may be referred to still */
            (void)idset_add(&f->wanted[f->q->kind == FIND_TREE ? BLOB_TREE : BLOB_DATA], &id);
    }
    mem_free(found);
    return rc;
}

static enum rc
find_tell(struct finder *f, struct find_hit hit, struct err *e)
{
    hit.snapshot = f->snapshot;
    hit.path = buf_c(&f->path);
    return f->q->hit(f->q->arg, &hit, e);
}

/* f->path is that of the node. */
static enum rc
look_at(struct finder *f, const struct tree_node *node, struct err *e)
{
    const struct find_query *q = f->q;

    for (size_t k = 0; q->kind == FIND_NAME && k < q->n; k++)
        if (find_matches(q->words[k], buf_c(&f->path), q->ignore_case)) {
            const char *type = node->type == NODE_FILE  ? "file"
                               : node->type == NODE_DIR ? "dir"
                                                        : "other";
            return find_tell(
                f, (struct find_hit){.kind = FIND_NAME, .type = type, .size = node->size}, e);
        }
    if (node->type == NODE_DIR && idset_has(&f->wanted[BLOB_TREE], &node->subtree))
        return find_tell(f, (struct find_hit){.kind = FIND_TREE, .id = &node->subtree}, e);
    for (size_t i = 0; node->type == NODE_FILE && i < node->n_content; i++) {
        struct find_hit hit = {.kind = FIND_BLOB, .id = &node->content[i], .tree = f->walker.tree};
        if (idset_has(&f->wanted[BLOB_DATA], hit.id) && find_tell(f, hit, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
find_node(void *arg, const struct tree_node *node, struct err *e)
{
    struct finder *f = arg;
    size_t before = f->path.n;
    enum rc rc = buf_add(&f->path, node->name.p, node->name.n, e);

    if (rc == RC_OK)
        rc = look_at(f, node, e);
    f->path.n = before;
    return rc;
}

static enum rc
bad_tree(void *arg, const struct id *tree, struct err *e)
{
    struct finder *f = arg;

    (void)tree;
    f->q->bad(f->q->arg, f->snapshot, e);
    return RC_OK;
}

static enum rc
find_search(struct finder *f, const struct snapshot *s, struct err *e)
{
    f->snapshot = s;
    f->path.n = 1;
    if (idset_has(&f->wanted[BLOB_TREE], &s->tree) &&
        find_tell(f, (struct find_hit){.kind = FIND_TREE, .id = &s->tree}, e))
        return err_code(e);
    return tree_walk(&f->walker, &s->tree, e);
}

enum rc
find_run(struct ctx *cx, struct repo *r, const struct snapshot *list, size_t n,
         const struct find_query *q, struct err *e)
{
    struct blob_reader reader;
    struct finder f = {.repo = r, .q = q, .path = BUF_INIT(TREE_PATH_MAX)};
    enum rc rc = repo_need_index(cx, r, e);

    if (rc == RC_OK)
        rc = blob_reader_init(&reader, r, e);
    if (rc)
        return rc;
    f.walker = (struct tree_walker){.cx = cx,
                                    .reader = &reader,
                                    .node = find_node,
                                    .bad = bad_tree,
                                    .arg = &f,
                                    .path = &f.path};
    buf_must_add(&f.path, "/", 1);
    if (q->kind != FIND_NAME)
        rc = take_ids(&f, e);
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        rc = find_search(&f, &list[i], e);
    idset_release(&f.wanted[BLOB_DATA]);
    idset_release(&f.wanted[BLOB_TREE]);
    buf_release(&f.path);
    blob_reader_release(&reader);
    return rc;
}
