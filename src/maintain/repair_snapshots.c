/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "crypto/sha256.h"
#include "json/node.h"
#include "repo/blob_writer.h"
#include "repo/pack_reader.h"
#include "maintain/repair_internal.h"
#include "maintain/snapshot_edit.h"
#include "repo/tree_walk.h"

enum { SHOWN_MAX = 240 };

/* A tree that another one takes the place of. */
struct change {
    struct id old, now;
};

struct mender {
    struct ctx *cx;
    struct repo *repo;
    const struct repair_opts *opts;
    struct blob_reader reader;
    struct blob_writer *writer; /* NULL: dry run */
    struct idset whole;         /* trees that stay as they are */
    struct idset changed;       /* trees that do not; most are not here, so changes may be a list */
    struct change *changes;
    size_t n_changes;
    struct id_list packs; /* that were there at first */
    struct buf path;      /* of the folder */
    unsigned depth;
};

static enum rc mend_tree(struct mender *m, const struct id *tree, struct id *now, struct err *e);

/* ---- trees are stored ---- */

static const struct change *
find_change(const struct mender *m, const struct id *tree)
{
    for (size_t i = 0; idset_has(&m->changed, tree) && i < m->n_changes; i++)
        if (id_eq(&m->changes[i].old, tree))
            return &m->changes[i];
    return NULL;
}

/* `text` takes the place of the tree. */
static enum rc
store_tree(struct mender *m, const struct id *old, struct str text, struct id *now, struct err *e)
{
    CLEANUP(mem_free_ptr) uint8_t *room = mem_alloc(text.n + SEAL_OVERHEAD);

    memcpy(room + SEAL_IV, text.p, text.n);
    sha256_of(text, now);
    (void)idset_add(&m->changed, old);
    m->changes = mem_more(m->changes, m->n_changes, sizeof(*m->changes));
    m->changes[m->n_changes++] = (struct change){.old = *old, .now = *now};
    if (m->writer == NULL)
        return RC_OK;
    return blob_writer_add(m->writer, BLOB_TREE, now, room + SEAL_IV, text.n, e);
}

static enum rc
store_empty_tree(struct mender *m, const struct id *old, struct id *now, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(1024);

    return tree_encode(NULL, 0, &text, e) ? err_code(e)
                                          : store_tree(m, old, buf_str(&text), now, e);
}

/* ---- does a tree need it? ---- */

struct judge {
    struct mender *m;
    bool changes;
};

/* The size of a blob that the index has; false: it is lost. */
static bool
has_blob(struct mender *m, const struct id *id, uint64_t *n)
{
    struct blob_place place;

    if (!index_find(repo_index(m->repo), BLOB_DATA, id, 0, &place))
        return false;
    *n = blob_place_plain(&place);
    return true;
}

static void
note_file(struct mender *m, struct str name, const char *what)
{
    size_t before = m->path.n;
    char shown[SHOWN_MAX];
    struct err cut = ERR_INIT;

    if (buf_add(&m->path, name.p, name.n, &cut) == RC_OK)
        repair_note(m->opts, "file \"%s\": %s", str_show(buf_str(&m->path), shown, SHOWN_MAX),
                    what);
    m->path.n = before;
}

static bool
is_whole_file(struct mender *m, const struct tree_node *node)
{
    uint64_t sum = 0, n = 0;
    size_t lost = 0;

    for (size_t i = 0; i < node->n_content; i++) {
        if (has_blob(m, &node->content[i], &n))
            sum += n;
        else
            lost++;
    }
    if (lost != 0)
        note_file(m, node->name,
                  lost == node->n_content ? "all of its data is lost" : "blobs are lost");
    else if (sum != node->size)
        note_file(m, node->name, "its size was wrong");
    return lost == 0 && sum == node->size;
}

static enum rc
judge_folder(struct judge *j, const struct tree_node *node, struct err *e)
{
    struct mender *m = j->m;
    struct id old = node->subtree, now;
    size_t before = m->path.n;
    enum rc rc;

    if (m->depth == TREE_DEPTH_MAX)
        return err_set(e, RC_LIMIT, "folders are nested more than %d deep", TREE_DEPTH_MAX);
    if (buf_add(&m->path, node->name.p, node->name.n, e) || buf_add(&m->path, "/", 1, e))
        return err_code(e);
    m->depth++;
    rc = mend_tree(m, &old, &now, e);
    m->depth--;
    m->path.n = before;
    j->changes = j->changes || (rc == RC_OK && !id_eq(&old, &now));
    return rc;
}

static enum rc
judge_node(void *arg, const struct tree_node *node, struct err *e)
{
    struct judge *j = arg;

    if (node->type == NODE_DIR)
        return judge_folder(j, node, e);
    if (node->type == NODE_FILE && !is_whole_file(j->m, node))
        j->changes = true;
    return RC_OK;
}

/* ---- the tree anew, with all fields of its nodes that we do not know ---- */

static void
mend_file(struct mender *m, struct json *node)
{
    const struct json *content = json_field(node, "content");
    struct json *kept = json_new_array();
    uint64_t sum = 0, n = 0;

    for (size_t i = 0; i < json_size(content); i++) {
        struct json *blob = json_elem(content, i);
        struct id id;
        if (!id_from_hex(json_text_str(blob), &id) || !has_blob(m, &id, &n))
            continue;
        json_push(kept, json_clone(blob));
        sum += n;
    }
    json_set(node, "content", kept);
    json_set_int(node, "size", (int64_t)sum);
}

static void
mend_node(struct mender *m, struct json *node)
{
    const char *type = json_text_or(json_field(node, "type"), "");
    const struct change *c;
    char hex[ID_TEXT];
    struct id id;

    if (strcmp(type, "file") == 0)
        mend_file(m, node);
    if (strcmp(type, "dir") != 0 || !id_from_hex(json_text_str(json_field(node, "subtree")), &id))
        return;
    c = find_change(m, &id);
    if (c != NULL)
        json_set_cstr(node, "subtree", id_hex(&c->now, hex));
}

static enum rc
repair_snapshots_rewrite(struct mender *m, const struct id *tree, struct str text, struct id *now,
                         struct err *e)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(TREE_MAX);
    struct json *j = NULL, *nodes;
    enum rc rc = json_parse(text, &j, e);

    if (rc) {
        /* Readable, but not for this: a number beyond 63 bits, or more than JSON_TEXT_MAX. */
        e->code = RC_UNSUPPORTED;
        return err_wrap(e, "could not rewrite the folder %s", buf_c(&m->path));
    }
    nodes = json_field(j, "nodes");
    for (size_t i = 0; i < json_size(nodes); i++)
        mend_node(m, json_elem(nodes, i));
    rc = json_print(j, &out, e);
    json_free(j);
    if (rc == RC_OK)
        rc = buf_add(&out, "\n", 1, e);
    return rc == RC_OK ? store_tree(m, tree, buf_str(&out), now, e) : rc;
}

/* ---- one tree, and those below ---- */

static enum rc
load_tree(struct mender *m, const struct id *tree, uint8_t **text, size_t *n, struct err *e)
{
    if (blob_length(m->repo, BLOB_TREE, tree, n, e))
        return err_code(e);
    *text = mem_alloc(*n);
    return blob_load(m->cx, &m->reader, BLOB_TREE, tree, *text, *n, e);
}

static enum rc
mend_tree(struct mender *m, const struct id *tree, struct id *now, struct err *e)
{
    CLEANUP(mem_free_ptr) uint8_t *text = NULL;
    const struct change *known = find_change(m, tree);
    struct judge j = {.m = m};
    struct rd_mem rd;
    size_t n = 0;
    enum rc rc;

    *now = known != NULL ? known->now : *tree;
    if (known != NULL || idset_has(&m->whole, tree))
        return RC_OK;
    rc = load_tree(m, tree, &text, &n, e);
    if (rc == RC_OK) {
        rd_mem_init(&rd, str_of(text, n), 0);
        rc = tree_decode(&rd.rd, judge_node, &j, e);
    }
    if (rc == RC_CORRUPT && m->depth > 0) {
        char shown[SHOWN_MAX];
        repair_note(m->opts, "folder \"%s\" is empty now: %s",
                    str_show(buf_str(&m->path), shown, SHOWN_MAX), e->msg);
        return store_empty_tree(m, tree, now, e);
    }
    if (rc)
        return rc;
    if (j.changes)
        return repair_snapshots_rewrite(m, tree, str_of(text, n), now, e);
    (void)idset_add(&m->whole, tree);
    return RC_OK;
}

/* ---- snapshots ---- */

enum fate { STAYS, CHANGES, GOES };

static enum rc
judge_snapshot(struct mender *m, struct snapshot *s, enum fate *fate, struct err *e)
{
    struct id now;
    char hex[ID_TEXT];
    enum rc rc;

    m->path.n = 1;
    rc = mend_tree(m, &s->tree, &now, e);
    (void)id_hex(&s->id, hex);
    if (rc == RC_CORRUPT) {
        *fate = m->opts->forget ? GOES : STAYS;
        repair_note(m->opts, "snapshot %.8s has nothing that can be read%s: %s", hex,
                    *fate == GOES ? "" : " (--forget removes it)", e->msg);
        return RC_OK;
    }
    if (rc)
        return err_wrap(e, "snapshot %.8s", hex);
    *fate = id_eq(&now, &s->tree) ? STAYS : CHANGES;
    s->tree = now;
    return RC_OK;
}

/* ---- is it lost for certain? ---- */

/* RC_CORRUPT: no index file lists the pack, and it can be read; what seems to be lost may be in it. */
static enum rc
judge_unlisted(struct mender *m, struct pack_reader *reader, size_t at, struct err *e)
{
    CLEANUP(buf_release) struct buf tail = BUF_INIT(PACK_HEADER_MAX + PACK_LENGTH_BYTES);
    const struct id *pack = &m->packs.ids[at];
    struct pack_entry *blobs = NULL;
    char hex[ID_TEXT];
    size_t n = 0;
    enum rc rc = pack_read_header(reader, pack, m->packs.bytes[at], &tail, &blobs, &n, e);

    mem_free(blobs);
    if (rc != RC_OK)
        return repair_is_damage(rc) ? RC_OK : rc;
    (void)err_set(e, RC_CORRUPT,
                  "nothing was changed: pack %s is in no index file, and may hold what seems lost",
                  id_hex(pack, hex));
    return err_hint(e, "run `cstash repair index` first");
}

static enum rc
repair_snapshots_sure(struct mender *m, struct err *e)
{
    struct pack_reader reader;
    enum rc rc = pack_reader_init(&reader, m->cx, m->repo, e);

    for (size_t i = 0; rc == RC_OK && i < m->packs.n; i++)
        if (index_pack_find(repo_index(m->repo), &m->packs.ids[i]) == INDEX_NONE)
            rc = judge_unlisted(m, &reader, i, e);
    pack_reader_release(&reader);
    return rc;
}

/* An earlier run made it, and kept the damaged one. */
static bool
is_mended_already(const struct snapshot *list, size_t n, const struct snapshot *s)
{
    const struct id *origin = s->has_original ? &s->original : &s->id;

    for (size_t i = 0; i < n; i++)
        if (&list[i] != s && list[i].has_original && id_eq(&list[i].original, origin) &&
            id_eq(&list[i].tree, &s->tree) && instant_cmp(list[i].time, s->time) == 0)
            return true;
    return false;
}

static enum rc
repair_snapshots_settle(struct mender *m, struct snapshot *s, enum fate fate, struct err *e)
{
    struct id old = s->id;
    char was[ID_TEXT], is[ID_TEXT];

    if (fate == STAYS)
        return RC_OK;
    if (fate == GOES)
        return snapshot_forget(m->cx, m->repo, &old, e);
    snapshot_set_repaired(s);
    if (snapshot_replace(m->cx, m->repo, s, !m->opts->forget, e))
        return err_code(e);
    repair_note(m->opts, "snapshot %.8s is repaired as %.8s", id_hex(&old, was),
                id_hex(&s->id, is));
    return RC_OK;
}

static enum rc
mend_all(struct mender *m, struct snapshot *list, size_t n, enum fate *fates, size_t *changed,
         struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (judge_snapshot(m, &list[i], &fates[i], e))
            return err_code(e);
        if (fates[i] == CHANGES && is_mended_already(list, n, &list[i]))
            fates[i] = m->opts->forget ? GOES : STAYS;
        *changed += fates[i] != STAYS;
    }
    if (*changed != 0 && repair_snapshots_sure(m, e))
        return err_code(e);
    if (m->writer == NULL)
        return RC_OK;
    if (blob_writer_finish(TAKE(m->writer), e))
        return err_code(e);
    for (size_t i = 0; i < n; i++)
        if (repair_snapshots_settle(m, &list[i], fates[i], e))
            return err_code(e);
    return RC_OK;
}

enum rc
repair_snapshots(struct ctx *cx, struct repo *r, struct snapshot *list, size_t n,
                 const struct repair_opts *opts, size_t *changed, struct err *e)
{
    struct mender m = {.cx = cx, .repo = r, .opts = opts, .path = BUF_INIT(TREE_PATH_MAX)};
    enum fate *fates = mem_zero(n, sizeof(*fates));
    size_t count = 0;
    enum rc rc = repo_need_index(cx, r, e);

    buf_must_add(&m.path, "/", 1);
    if (rc == RC_OK)
        rc = id_list_load(cx, r, STORE_PACK, &m.packs, e);
    if (rc == RC_OK)
        rc = blob_reader_init(&m.reader, r, e);
    if (rc == RC_OK && !opts->dry_run)
        rc = blob_writer_open(cx, r, NULL, &m.writer, e);
    if (rc == RC_OK)
        rc = mend_all(&m, list, n, fates, &count, e);
    if (rc == RC_OK)
        *changed = count;
    blob_writer_abort(m.writer);
    blob_reader_release(&m.reader);
    id_list_release(&m.packs);
    idset_release(&m.whole);
    idset_release(&m.changed);
    buf_release(&m.path);
    mem_free(m.changes);
    mem_free(fates);
    return rc;
}
