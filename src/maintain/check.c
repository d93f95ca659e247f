/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/mem.h"
#include "maintain/check_internal.h"
#include "repo/key.h"
#include "repo/tree_walk.h"

static enum rc
check_keys(struct checker *c, struct err *e)
{
    struct key_file *k = MEM_NEW(struct key_file);
    struct id_list keys = {.n = 0};
    enum rc rc = id_list_load(c->cx, c->repo, STORE_KEY, &keys, e);

    for (size_t i = 0; rc == RC_OK && i < keys.n; i++) {
        rc = key_load(c->cx, repo_store(c->repo), &keys.ids[i], k, e);
        if (rc != RC_OK && !check_is_fatal(rc)) {
            check_problem(c, "%s", e->msg);
            rc = RC_OK;
        }
    }
    id_list_release(&keys);
    mem_free(k);
    return rc;
}

static enum rc
bad_index(void *arg, const struct id *file, struct err *e)
{
    struct checker *c = (struct checker *)arg;

    (void)file; /* the message names it */
    check_problem(c, "%s", e->msg);
    c->index_is_whole = false;
    return RC_OK;
}

/* What is odd about packs of the index: several listings, trees beside data. */
static void
hint_packs(struct checker *c)
{
    const struct index *ix = c->index;
    size_t n;
    const struct index_listing *listings = index_listings(ix, &n);
    uint32_t *times = (uint32_t *)mem_zero(c->n_packs, sizeof(*times));
    char hex[ID_TEXT];

    for (size_t i = 0; i < n; i++)
        times[listings[i].pack]++;
    for (uint32_t p = 0; p < c->n_packs; p++) {
        bool data = false, tree = false;

        for (size_t i = c->order.first[p]; i < c->order.first[p + 1]; i++) {
            struct pack_entry b;

            (void)index_at(ix, c->order.blobs[i], &b);
            data = data || b.type == BLOB_DATA;
            tree = tree || b.type == BLOB_TREE;
        }
        if (data && tree)
            check_hint(c, "pack %s mixes trees and data", id_hex(index_pack(ix, p), hex));
        if (times[p] > 1)
            check_hint(c, "pack %s is listed several times", id_hex(index_pack(ix, p), hex));
    }
    mem_free(times);
}

/* As repo_load_index, but a bad file is a problem and the others count. */
static enum rc
check_index(struct checker *c, struct err *e)
{
    const struct index_bad bad = {.fn = bad_index, .arg = c};
    const struct index *ix;

    c->index_is_whole = true;
    if (index_load_but(c->cx, c->repo, &bad, e))
        return err_code(e);
    if (!c->index_is_whole)
        repo_index_is_old(c->repo);
    ix = c->index = repo_index(c->repo);
    index_order_make(ix, &c->order);
    c->n_packs = index_packs(ix);
    c->result.packs = c->n_packs;
    c->packs = (struct check_pack *)mem_zero(c->n_packs, sizeof(*c->packs));
    for (uint32_t p = 0; p < c->n_packs; p++)
        c->packs[p].bytes = index_pack_bytes(ix, &c->order, p);
    hint_packs(c);
    return RC_OK;
}

/* One pack file of the store against the index. */
static enum rc
match_pack(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct checker *c = arg;
    struct store_name name = {.type = STORE_PACK, .id = *id};
    size_t at = index_pack_find(c->index, id);
    struct check_pack *k;
    char text[STORE_NAME_TEXT];

    (void)e;
    (void)store_name_text(&name, text);
    if (at == INDEX_NONE) {
        check_hint(c, "%s is in no index file: the next prune removes it", text);
        return RC_OK;
    }
    k = &c->packs[at];
    k->present = true;
    if (bytes != k->bytes)
        check_problem(c, "%s has %" PRIu64 " bytes, but the index says %" PRIu64, text, bytes,
                      k->bytes);
    k->bytes = bytes;
    return RC_OK;
}

static enum rc
check_packs(struct checker *c, struct err *e)
{
    struct store *s = repo_store(c->repo);
    char text[STORE_NAME_TEXT];

    if (s->ops->list(c->cx, s, STORE_PACK, match_pack, c, e))
        return err_code(e);
    for (uint32_t i = 0; i < c->n_packs; i++) {
        struct store_name name = {.type = STORE_PACK, .id = *index_pack(c->index, i)};
        if (!c->packs[i].present)
            check_problem(c, "%s is missing", store_name_text(&name, text));
    }
    return RC_OK;
}

/* A node of a tree: is every blob of it known, and is its size theirs? */
static enum rc
check_node(void *arg, const struct tree_node *node, struct err *e)
{
    struct checker *c = arg;
    char shown[80], hex[ID_TEXT];
    uint64_t sum = 0;
    bool whole = true;

    if (node->type != NODE_FILE)
        return RC_OK;
    (void)str_show(node->name, shown, sizeof(shown));
    for (size_t i = 0; i < node->n_content; i++) {
        size_t n = 0;
        if (blob_length(c->repo, BLOB_DATA, &node->content[i], &n, e)) {
            whole = false;
            if (idset_add(&c->blobs, &node->content[i]))
                check_problem(c, "file \"%s\": no readable index file lists blob %s", shown,
                              id_hex(&node->content[i], hex));
            continue;
        }
        (void)idset_add(&c->blobs, &node->content[i]);
        sum += n;
    }
    if (whole && sum != node->size)
        check_problem(c, "file \"%s\" has %" PRIu64 " bytes in blobs, but its tree says %" PRIu64,
                      shown, sum, node->size);
    return RC_OK;
}

static enum rc
bad_tree(void *arg, const struct id *tree, struct err *e)
{
    struct checker *c = arg;
    char hex[ID_TEXT];

    check_problem(c, "tree %s: %s", id_hex(tree, hex), e->msg);
    return RC_OK;
}

static enum rc
check_snapshots(struct checker *c, struct err *e)
{
    struct blob_reader reader;
    struct tree_walker w = {.cx = c->cx,
                            .reader = &reader,
                            .seen = &c->trees,
                            .node = check_node,
                            .bad = bad_tree,
                            .arg = c};
    struct id_list files = {.n = 0};
    enum rc rc = blob_reader_init(&reader, c->repo, e);

    if (rc)
        return rc;
    rc = id_list_load(c->cx, c->repo, STORE_SNAPSHOT, &files, e);
    for (size_t i = 0; rc == RC_OK && i < files.n; i++) {
        struct snapshot one = {.uid = 0};
        rc = snapshot_load(c->cx, c->repo, &files.ids[i], &one, e);
        c->result.snapshots += !one.record;
        if (rc == RC_OK)
            rc = tree_walk(&w, &one.tree, e);
        if (rc != RC_OK && !check_is_fatal(rc)) {
            check_problem(c, "%s", e->msg);
            rc = RC_OK;
        }
        snapshot_release(&one);
    }
    if (rc == RC_OK && c->result.snapshots == 0 && c->n_packs != 0)
        check_problem(
            c,
            "the index has %zu %s, but there is no snapshot at all: if all were removed on "
            "purpose, `cstash prune --unsafe-allow-remove-all` removes what is left",
            c->n_packs, str_plural(c->n_packs, "pack", "packs"));
    c->result.blobs = c->blobs.n + c->trees.n;
    id_list_release(&files);
    blob_reader_release(&reader);
    return rc;
}

enum rc
check_run(struct ctx *cx, struct repo *r, const struct check_opts *opts, struct check_result *out,
          struct err *e)
{
    static const struct check_opts none = {.read_data = false};
    struct checker c = {.cx = cx, .repo = r, .opts = opts != NULL ? opts : &none};
    enum rc rc;

    (void)pthread_mutex_init(&c.mutex, NULL);
    rc = check_keys(&c, e);
    if (rc == RC_OK)
        rc = check_index(&c, e);
    if (rc == RC_OK)
        rc = check_packs(&c, e);
    if (rc == RC_OK)
        rc = check_snapshots(&c, e);
    if (rc == RC_OK && c.opts->read_data)
        rc = check_data(&c, e);
    index_order_release(&c.order);
    mem_free(c.packs);
    idset_release(&c.trees);
    idset_release(&c.blobs);
    (void)pthread_mutex_destroy(&c.mutex);
    if (rc)
        return err_wrap(e, "could not check the repository");
    *out = c.result;
    if (c.result.errors != 0)
        return err_set(e, RC_CORRUPT, "the repository has %zu error%s", c.result.errors,
                       str_plural(c.result.errors, "", "s"));
    return RC_OK;
}
