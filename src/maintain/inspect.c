/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "crypto/sha256.h"
#include "json/node.h"
#include "maintain/inspect.h"
#include "repo/lookup.h"
#include "repo/tree_walk.h"

enum { PACK_STEP = 1024 * 1024 };

/* ---- files of JSON ---- */

static enum rc
write_pretty(struct str text, struct wr *to, struct err *e)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(4 * (size_t)SNAPSHOT_MAX);
    struct json *j = NULL;
    enum rc rc = json_parse_lenient(text, &j, e);

    if (rc)
        return rc;
    rc = json_print_pretty(j, &out, e);
    json_free(j);
    if (rc == RC_OK)
        rc = buf_add(&out, "\n", 1, e);
    if (rc == RC_OK)
        rc = wr_write(to, out.p, out.n, e);
    mem_wipe(out.p, out.n); /* it may be the master key */
    return rc;
}

/* A file that is sealed as a whole, or a key. */
static enum rc
cat_file(struct ctx *cx, struct repo *r, enum store_type type, const char *spec, struct wr *to,
         struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(SNAPSHOT_MAX);
    struct store_name name = {.type = type};

    if (lookup_file(cx, r, type, spec, &name.id, e))
        return err_code(e);
    if (type == STORE_KEY ? store_get_all(cx, repo_store(r), &name, &text, e)
                          : unpacked_load(cx, r, &name, &text, e))
        return err_code(e);
    return write_pretty(buf_str(&text), to, e);
}

static enum rc
cat_snapshot(struct ctx *cx, struct repo *r, const char *spec, struct wr *to, struct err *e)
{
    struct snapshot s;
    char hex[ID_TEXT];

    if (snapshot_find(cx, r, spec, NULL, &s, e))
        return err_code(e);
    (void)id_hex(&s.id, hex);
    snapshot_release(&s);
    return cat_file(cx, r, STORE_SNAPSHOT, hex, to, e);
}

static enum rc
cat_config(struct repo *r, struct wr *to, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(CONFIG_MAX);

    return config_encode(repo_config(r), &text, e) ? err_code(e)
                                                   : write_pretty(buf_str(&text), to, e);
}

static enum rc
cat_masterkey(struct repo *r, struct wr *to, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(1024);
    enum rc rc = repo_master_key(r, &text, e);

    if (rc == RC_OK)
        rc = write_pretty(buf_str(&text), to, e);
    mem_wipe(text.p, text.n);
    return rc;
}

/* Index files are large: as they are, in one go from the decoder to the reader. */
static enum rc
copy_text(void *arg, struct rd *rd, struct err *e)
{
    return stream_copy(rd, arg, NULL, e);
}

static enum rc
cat_index(struct ctx *cx, struct repo *r, const char *spec, struct wr *to, struct err *e)
{
    struct store_name name = {.type = STORE_INDEX};

    if (lookup_file(cx, r, STORE_INDEX, spec, &name.id, e))
        return err_code(e);
    return unpacked_read(cx, r, &name, (struct unpacked_max){INDEX_FILE_MAX, INDEX_TEXT_MAX},
                         copy_text, to, e);
}

/* ---- packs and blobs ---- */

static enum rc
copy_pack(struct ctx *cx, struct store *s, const struct store_name *name, uint8_t *room,
          struct wr *to, struct err *e)
{
    struct sha256 hash;
    struct id got;
    uint64_t bytes = 0;

    if (s->ops->stat(cx, s, name, &bytes, e))
        return err_code(e);
    sha256_init(&hash);
    for (uint64_t at = 0; at < bytes;) {
        size_t n = (size_t)MIN(bytes - at, (uint64_t)PACK_STEP);
        if (s->ops->get(cx, s, name, at, room, n, e) || wr_write(to, room, n, e))
            return err_code(e);
        sha256_add(&hash, room, n);
        at += n;
    }
    sha256_end(&hash, &got);
    if (!id_eq(&got, &name->id))
        return err_set(e, RC_CORRUPT,
                       "the content of the pack does not have the hash that is its "
                       "name");
    return RC_OK;
}

static enum rc
cat_pack(struct ctx *cx, struct repo *r, const char *spec, struct wr *to, struct err *e)
{
    struct store_name name = {.type = STORE_PACK};
    CLEANUP(mem_free_ptr) uint8_t *room = mem_alloc(PACK_STEP);

    if (lookup_file(cx, r, STORE_PACK, spec, &name.id, e))
        return err_code(e);
    return copy_pack(cx, repo_store(r), &name, room, to, e);
}

static enum rc
copy_blob(struct ctx *cx, struct blob_reader *b, enum blob_type type, const struct id *id,
          struct wr *to, struct err *e)
{
    CLEANUP(mem_free_ptr) uint8_t *p = NULL;
    size_t n = 0;

    if (blob_length(b->repo, type, id, &n, e))
        return err_code(e);
    p = mem_alloc(n);
    return blob_load(cx, b, type, id, p, n, e) ? err_code(e) : wr_write(to, p, n, e);
}

/* ---- trees ---- */

struct step {
    struct str name;
    bool found;
    struct id tree;
};

static enum rc
find_folder(void *arg, const struct tree_node *node, struct err *e)
{
    struct step *s = arg;

    (void)e;
    if (node->type == NODE_DIR && str_eq(node->name, s->name)) {
        s->found = true;
        s->tree = node->subtree;
    }
    return RC_OK;
}

/* From the tree to that of the folder `path` in it. */
static enum rc
inspect_descend(struct ctx *cx, struct blob_reader *b, const char *path, struct id *tree,
                struct err *e)
{
    for (const char *at = path; *(at += strspn(at, "/")) != '\0'; at += strcspn(at, "/")) {
        struct step s = {.name = str_of(at, strcspn(at, "/"))};
        if (tree_each(cx, b, tree, find_folder, &s, e))
            return err_code(e);
        if (!s.found)
            return err_set(e, RC_NOT_FOUND, "the snapshot has no folder \"%s\"", path);
        *tree = s.tree;
    }
    return RC_OK;
}

static enum rc
find_tree(struct ctx *cx, struct blob_reader *b, const char *spec, struct id *out, struct err *e)
{
    size_t n = strcspn(spec, ":");
    CLEANUP(mem_free_ptr) char *which = NULL;
    struct snapshot s;

    if (strncmp(spec, "latest:", 7) == 0 && strspn(spec + 7, "0123456789") > 0)
        n = 7 + strcspn(spec + 7, ":"); /* "latest:2" counts back */
    which = mem_strndup(spec, n);
    if (snapshot_find(cx, b->repo, which, NULL, &s, e))
        return err_code(e);
    *out = s.tree;
    snapshot_release(&s);
    return inspect_descend(cx, b, spec[n] == ':' ? spec + n + 1 : "", out, e);
}

static enum rc
cat_blob(struct ctx *cx, struct repo *r, bool is_tree, const char *spec, struct wr *to,
         struct err *e)
{
    enum blob_type type = BLOB_TREE;
    struct blob_reader b;
    struct id id;
    enum rc rc = repo_need_index(cx, r, e);

    if (rc == RC_OK)
        rc = blob_reader_init(&b, r, e);
    if (rc)
        return rc;
    rc = is_tree ? find_tree(cx, &b, spec, &id, e) : lookup_blob(r, spec, &type, &id, e);
    if (rc == RC_OK)
        rc = copy_blob(cx, &b, type, &id, to, e);
    blob_reader_release(&b);
    return rc;
}

enum rc
inspect_cat(struct ctx *cx, struct repo *r, enum inspect_kind kind, const char *spec, struct wr *to,
            struct err *e)
{
    switch (kind) {
    case INSPECT_CONFIG:
        return cat_config(r, to, e);
    case INSPECT_MASTERKEY:
        return cat_masterkey(r, to, e);
    case INSPECT_INDEX:
        return cat_index(cx, r, spec, to, e);
    case INSPECT_SNAPSHOT:
        return cat_snapshot(cx, r, spec, to, e);
    case INSPECT_KEY:
        return cat_file(cx, r, STORE_KEY, spec, to, e);
    case INSPECT_LOCK:
        return cat_file(cx, r, STORE_LOCK, spec, to, e);
    case INSPECT_PACK:
        return cat_pack(cx, r, spec, to, e);
    default:
        return cat_blob(cx, r, kind == INSPECT_TREE, spec, to, e);
    }
}

enum rc
inspect_blobs(struct ctx *cx, struct repo *r, inspect_blob_fn *fn, void *arg, struct err *e)
{
    enum rc rc = repo_need_index(cx, r, e);

    for (size_t i = 0; rc == RC_OK && i < index_blobs(repo_index(r)); i++) {
        struct pack_entry b;

        (void)index_at(repo_index(r), i, &b);
        rc = fn(arg, b.type == BLOB_TREE, &b.id, e);
    }
    return rc;
}

enum rc
inspect_find_pack(struct ctx *cx, struct repo *r, const char *spec, struct id *out, struct err *e)
{
    return lookup_file(cx, r, STORE_PACK, spec, out, e);
}
