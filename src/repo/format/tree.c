/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "json/pull.h"
#include "json/write.h"
#include "repo/format/name.h"
#include "repo/format/tree.h"

enum { NAME_MAX_BYTES = 64 * 1024 };

static void
write_ids(struct jw *w, const struct id *ids, size_t n)
{
    char hex[ID_TEXT];

    jw_open_array(w);
    for (size_t i = 0; i < n; i++)
        jw_cstr(w, id_hex(&ids[i], hex));
    jw_close_array(w);
}

static void
write_number(struct jw *w, const char *key, uint64_t v)
{
    jw_key(w, key);
    jw_u64(w, v);
}

static enum rc
write_node(struct jw *w, const struct tree_node *n, struct err *e)
{
    CLEANUP(buf_release) struct buf name = BUF_INIT(4 * NAME_MAX_BYTES);
    char time[INSTANT_TEXT], hex[ID_TEXT];

    if (name_quote(n->name, &name, e))
        return err_code(e);
    jw_open_object(w);
    jw_key(w, "name");
    jw_str(w, buf_str(&name));
    jw_key(w, "type");
    jw_cstr(w, n->type == NODE_DIR ? "dir" : "file");
    write_number(w, "mode", n->mode);
    (void)instant_format(n->time, time);
    jw_key(w, "mtime");
    jw_cstr(w, time);
    jw_key(w, "atime");
    jw_cstr(w, time);
    jw_key(w, "ctime");
    jw_cstr(w, time);
    write_number(w, "uid", n->uid);
    write_number(w, "gid", n->gid);
    if (n->size != 0)
        write_number(w, "size", n->size);
    jw_key(w, "content");
    if (n->type == NODE_FILE) {
        write_ids(w, n->content, n->n_content);
    } else {
        jw_null(w);
        jw_key(w, "subtree");
        jw_cstr(w, id_hex(&n->subtree, hex));
    }
    jw_close_object(w);
    return RC_OK;
}

enum rc
tree_encode(const struct tree_node *nodes, size_t n, struct buf *out, struct err *e)
{
    struct jw w;

    jw_init(&w, out);
    jw_open_object(&w);
    jw_key(&w, "nodes");
    jw_open_array(&w);
    for (size_t i = 0; i < n; i++) {
        if (write_node(&w, &nodes[i], e))
            return err_code(e);
    }
    jw_close_array(&w);
    jw_close_object(&w);
    if (jw_end(&w, e))
        return err_code(e);
    return buf_add(out, "\n", 1, e);
}

/* The node being read; the memory serves for the next one too. */
struct reader {
    struct pull *j;
    struct buf name;
    struct id *content;
    size_t n, cap;
    bool has_content, has_subtree, has_name, has_type;
};

static enum rc
read_content(struct reader *r, struct err *e)
{
    bool more = true, null = false;

    if (pull_null(r->j, &null, e))
        return err_code(e);
    if (null)
        return RC_OK;
    r->has_content = true;
    if (pull_array(r->j, e))
        return err_code(e);
    for (;;) {
        if (pull_item(r->j, &more, e))
            return err_code(e);
        if (!more)
            return RC_OK;
        if (r->n == TREE_CONTENT_MAX)
            return err_set(e, RC_LIMIT, "a file has more than %d blobs", TREE_CONTENT_MAX);
        if (r->n == r->cap) {
            r->cap = r->cap * 2 + 64;
            r->content = mem_grow(r->content, r->cap, sizeof(*r->content));
        }
        if (pull_hex(r->j, r->content[r->n].b, ID_BYTES, e))
            return err_code(e);
        r->n++;
    }
}

static enum rc
read_name(struct reader *r, struct err *e)
{
    struct str s = {0};

    if (pull_str(r->j, &s, e))
        return err_code(e);
    r->name.n = 0;
    r->has_name = true;
    return name_unquote(s, &r->name, e);
}

static enum rc
read_type(struct reader *r, enum node_type *out, struct err *e)
{
    struct str s = {0};

    if (pull_str(r->j, &s, e))
        return err_code(e);
    r->has_type = true;
    *out = str_eq(s, STR_LIT("file"))  ? NODE_FILE
           : str_eq(s, STR_LIT("dir")) ? NODE_DIR
                                       : NODE_OTHER;
    return RC_OK;
}

static enum rc
read_subtree(struct reader *r, struct id *out, struct err *e)
{
    bool null = false;

    if (pull_null(r->j, &null, e))
        return err_code(e);
    r->has_subtree = !null;
    return null ? RC_OK : pull_hex(r->j, out->b, ID_BYTES, e);
}

static enum rc
read_field(struct reader *r, struct str key, struct tree_node *node, struct err *e)
{
    if (str_eq(key, STR_LIT("name")))
        return read_name(r, e);
    if (str_eq(key, STR_LIT("type")))
        return read_type(r, &node->type, e);
    if (str_eq(key, STR_LIT("size")))
        return pull_u64(r->j, &node->size, e);
    if (str_eq(key, STR_LIT("links")))
        return pull_u64(r->j, &node->links, e);
    if (str_eq(key, STR_LIT("inode")))
        return pull_u64(r->j, &node->inode, e);
    if (str_eq(key, STR_LIT("device_id")))
        return pull_u64(r->j, &node->device, e);
    if (str_eq(key, STR_LIT("content")))
        return read_content(r, e);
    if (str_eq(key, STR_LIT("subtree")))
        return read_subtree(r, &node->subtree, e);
    return pull_skip(r->j, e);
}

static enum rc
check_node(struct reader *r, const struct tree_node *node, struct err *e)
{
    struct str name = node->name;
    char shown[80];

    if (!r->has_name || !r->has_type)
        return err_set(e, RC_CORRUPT, "a node has no name or no type");
    (void)str_show(name, shown, sizeof(shown));
    if (name.n == 0 || str_eq(name, STR_LIT(".")) || str_eq(name, STR_LIT("..")) ||
        memchr(name.p, '/', name.n) != NULL)
        return err_set(e, RC_CORRUPT, "a node has the impossible name \"%s\"", shown);
    if (node->type == NODE_FILE && !r->has_content)
        return err_set(e, RC_CORRUPT, "the file \"%s\" has no list of blobs", shown);
    if (node->type == NODE_DIR && !r->has_subtree)
        return err_set(e, RC_CORRUPT, "the folder \"%s\" has no tree", shown);
    return RC_OK;
}

static enum rc
read_node(struct reader *r, tree_node_fn *fn, void *arg, struct err *e)
{
    struct tree_node node = {.type = NODE_OTHER};
    struct str key = {0};
    bool more = true;

    r->n = 0;
    r->name.n = 0;
    r->has_content = r->has_subtree = r->has_name = r->has_type = false;
    if (pull_object(r->j, e))
        return err_code(e);
    for (;;) {
        if (pull_key(r->j, &key, &more, e))
            return err_code(e);
        if (!more)
            break;
        if (read_field(r, key, &node, e))
            return err_code(e);
    }
    node.name = buf_str(&r->name);
    node.content = r->content;
    node.n_content = r->n;
    if (check_node(r, &node, e))
        return err_code(e);
    return fn(arg, &node, e);
}

static enum rc
read_nodes(struct reader *r, tree_node_fn *fn, void *arg, struct err *e)
{
    bool more = true, null = false;

    if (pull_null(r->j, &null, e) || (!null && pull_array(r->j, e)))
        return err_code(e);
    while (!null) {
        if (pull_item(r->j, &more, e))
            return err_code(e);
        if (!more)
            break;
        if (read_node(r, fn, arg, e))
            return err_code(e);
    }
    return RC_OK;
}

enum rc
tree_decode(struct rd *json, tree_node_fn *fn, void *arg, struct err *e)
{
    struct reader r = {.j = MEM_NEW(struct pull), .name = BUF_INIT(NAME_MAX_BYTES)};
    struct str key = {0};
    bool more = true, seen = false;
    enum rc rc;

    pull_init(r.j, json);
    rc = pull_object(r.j, e);
    while (rc == RC_OK) {
        rc = pull_key(r.j, &key, &more, e);
        if (rc || !more)
            break;
        if (str_eq(key, STR_LIT("nodes"))) {
            seen = true;
            rc = read_nodes(&r, fn, arg, e);
        } else {
            rc = pull_skip(r.j, e);
        }
    }
    if (rc == RC_OK)
        rc = pull_end(r.j, e);
    if (rc == RC_OK && !seen)
        rc = err_set(e, RC_CORRUPT, "the tree has no nodes field");
    pull_release(r.j);
    mem_free(r.j);
    mem_free(r.content);
    buf_release(&r.name);
    return rc;
}
