/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "json/pull.h"
#include "json/write.h"
#include "repo/format/index_json.h"

static void
write_id(struct jw *w, const char *key, const struct id *id)
{
    char hex[ID_TEXT];

    jw_key(w, key);
    jw_cstr(w, id_hex(id, hex));
}

static void
write_blob(struct jw *w, const struct pack_entry *b)
{
    jw_open_object(w);
    write_id(w, "id", &b->id);
    jw_key(w, "type");
    jw_cstr(w, b->type == BLOB_TREE ? "tree" : "data");
    jw_key(w, "offset");
    jw_u64(w, b->offset);
    jw_key(w, "length");
    jw_u64(w, b->sealed);
    if (b->plain != 0) {
        jw_key(w, "uncompressed_length");
        jw_u64(w, b->plain);
    }
    jw_close_object(w);
}

enum rc
index_encode(const struct index_pack *packs, size_t n, struct buf *out, struct err *e)
{
    struct jw w;

    jw_init(&w, out);
    jw_open_object(&w);
    jw_key(&w, "packs");
    jw_open_array(&w);
    for (size_t i = 0; i < n; i++) {
        jw_open_object(&w);
        write_id(&w, "id", &packs[i].id);
        jw_key(&w, "blobs");
        jw_open_array(&w);
        for (size_t k = 0; k < packs[i].n; k++)
            write_blob(&w, &packs[i].blobs[k]);
        jw_close_array(&w);
        jw_close_object(&w);
    }
    jw_close_array(&w);
    jw_close_object(&w);
    if (jw_end(&w, e))
        return err_code(e);
    return buf_add(out, "\n", 1, e);
}

enum { USUAL_BLOB_MAX = 200 /* bytes of the text of one, of all digits */ };

/* The blobs of the pack being read; the memory serves for the next one too. */
struct reader {
    struct pull *j;
    unsigned version;
    struct pack_entry *blobs;
    size_t n, cap;
};

static enum rc
read_u32(struct pull *j, uint32_t *out, struct err *e)
{
    uint64_t v = 0;

    if (pull_u64(j, &v, e))
        return err_code(e);
    if (v > UINT32_MAX)
        return pull_bad(j, "a length or offset is too large", e);
    *out = (uint32_t)v;
    return RC_OK;
}

static enum rc
read_type(struct pull *j, enum blob_type *out, struct err *e)
{
    struct str s = {0};

    if (pull_str(j, &s, e))
        return err_code(e);
    if (str_eq(s, STR_LIT("data")))
        *out = BLOB_DATA;
    else if (str_eq(s, STR_LIT("tree")))
        *out = BLOB_TREE;
    else
        return pull_bad(j, "wanted \"data\" or \"tree\"", e);
    return RC_OK;
}

/* Takes `want` from the front of s. */
static bool
take_text(struct str *s, struct str want)
{
    if (s->n < want.n || memcmp(s->p, want.p, want.n) != 0)
        return false;
    *s = str_of(s->p + want.n, s->n - want.n);
    return true;
}

static bool
take_u32(struct str *s, uint32_t *out)
{
    uint64_t v = 0;
    size_t n = 0;

    for (; n < s->n && n < 10 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        v = v * 10 + (uint64_t)(s->p[n] - '0');
    *out = (uint32_t)v;
    *s = str_of(s->p + n, s->n - n);
    return n > 0 && v <= UINT32_MAX;
}

/*
 * A blob in the one layout that restic, rustic and we write. Years of backups have millions of
 * them, and reading them key by key takes four times as long. Anything else is left to read_blob.
 */
static bool
take_usual_blob(struct str *s, struct pack_entry *b)
{
    if (!take_text(s, STR_LIT("{\"id\":\"")) || s->n < 2 * ID_BYTES ||
        !id_from_hex(str_of(s->p, 2 * ID_BYTES), &b->id))
        return false;
    *s = str_of(s->p + 2 * ID_BYTES, s->n - 2 * ID_BYTES);
    if (take_text(s, STR_LIT("\",\"type\":\"data\",\"offset\":")))
        b->type = BLOB_DATA;
    else if (take_text(s, STR_LIT("\",\"type\":\"tree\",\"offset\":")))
        b->type = BLOB_TREE;
    else
        return false;
    b->plain = 0;
    return take_u32(s, &b->offset) && take_text(s, STR_LIT(",\"length\":")) &&
           take_u32(s, &b->sealed) &&
           (!take_text(s, STR_LIT(",\"uncompressed_length\":")) || take_u32(s, &b->plain)) &&
           take_text(s, STR_LIT("}"));
}

static enum rc
check_blob(const struct reader *r, const struct pack_entry *b, struct err *e)
{
    if (b->sealed < SEAL_OVERHEAD || b->sealed > UINT32_MAX - b->offset)
        return pull_bad(r->j, "a blob has an impossible length", e);
    if (b->plain != 0 && r->version < 2)
        return pull_bad(r->j, "compressed blobs do not belong into a repository of version 1", e);
    return RC_OK;
}

static enum rc
read_blob(struct reader *r, struct pack_entry *b, struct err *e)
{
    struct pull *j = r->j;
    struct str key = {0};
    bool more = true, has_id = false, has_type = false, has_length = false;

    *b = (struct pack_entry){.type = BLOB_DATA};
    if (pull_object(j, e))
        return err_code(e);
    for (;;) {
        enum rc rc = RC_OK;
        if (pull_key(j, &key, &more, e))
            return err_code(e);
        if (!more)
            break;
        if (str_eq(key, STR_LIT("id"))) {
            rc = pull_hex(j, b->id.b, ID_BYTES, e);
            has_id = true;
        } else if (str_eq(key, STR_LIT("type"))) {
            rc = read_type(j, &b->type, e);
            has_type = true;
        } else if (str_eq(key, STR_LIT("offset"))) {
            rc = read_u32(j, &b->offset, e);
        } else if (str_eq(key, STR_LIT("length"))) {
            rc = read_u32(j, &b->sealed, e);
            has_length = true;
        } else if (str_eq(key, STR_LIT("uncompressed_length"))) {
            rc = read_u32(j, &b->plain, e);
        } else {
            rc = pull_skip(j, e);
        }
        if (rc)
            return rc;
    }
    if (!has_id || !has_type || !has_length)
        return pull_bad(j, "a blob lacks its id, type or length", e);
    return RC_OK;
}

/* Either way. */
static enum rc
read_any_blob(struct reader *r, struct pack_entry *b, struct err *e)
{
    struct str all = {0}, rest;

    if (pull_look(r->j, USUAL_BLOB_MAX, &all, e))
        return err_code(e);
    rest = all;
    if (take_usual_blob(&rest, b))
        pull_take(r->j, all.n - rest.n);
    else if (read_blob(r, b, e))
        return err_code(e);
    return check_blob(r, b, e);
}

static enum rc
read_blobs(struct reader *r, struct err *e)
{
    bool more = true;

    if (pull_array(r->j, e))
        return err_code(e);
    for (;;) {
        if (pull_item(r->j, &more, e))
            return err_code(e);
        if (!more)
            return RC_OK;
        if (r->n == INDEX_PACK_BLOBS)
            return err_set(e, RC_LIMIT, "a pack has more than %d blobs", INDEX_PACK_BLOBS);
        if (r->n == r->cap) {
            r->cap = r->cap * 2 + 64;
            r->blobs = mem_grow(r->blobs, r->cap, sizeof(*r->blobs));
        }
        if (read_any_blob(r, &r->blobs[r->n], e))
            return err_code(e);
        r->n++;
    }
}

static enum rc
read_pack(struct reader *r, index_pack_fn *fn, void *arg, struct err *e)
{
    struct index_pack pack = {.n = 0};
    struct str key = {0};
    bool more = true, has_id = false;

    r->n = 0;
    if (pull_object(r->j, e))
        return err_code(e);
    for (;;) {
        enum rc rc = RC_OK;
        if (pull_key(r->j, &key, &more, e))
            return err_code(e);
        if (!more)
            break;
        if (str_eq(key, STR_LIT("id"))) {
            rc = pull_hex(r->j, pack.id.b, ID_BYTES, e);
            has_id = true;
        } else if (str_eq(key, STR_LIT("blobs"))) {
            rc = read_blobs(r, e);
        } else {
            rc = pull_skip(r->j, e);
        }
        if (rc)
            return rc;
    }
    if (!has_id)
        return pull_bad(r->j, "a pack has no id", e);
    pack.blobs = r->blobs;
    pack.n = r->n;
    return fn(arg, &pack, e);
}

static enum rc
read_packs(struct reader *r, index_pack_fn *fn, void *arg, struct err *e)
{
    bool more = true;

    if (pull_array(r->j, e))
        return err_code(e);
    for (;;) {
        if (pull_item(r->j, &more, e))
            return err_code(e);
        if (!more)
            return RC_OK;
        if (read_pack(r, fn, arg, e))
            return err_code(e);
    }
}

enum rc
index_decode(struct rd *json, unsigned version, index_pack_fn *fn, void *arg, struct err *e)
{
    struct reader r = {.j = MEM_NEW(struct pull), .version = version};
    struct str key = {0};
    bool more = true, null = false;
    enum rc rc;

    pull_init(r.j, json);
    rc = pull_object(r.j, e);
    while (rc == RC_OK) {
        rc = pull_key(r.j, &key, &more, e);
        if (rc || !more)
            break;
        if (!str_eq(key, STR_LIT("packs"))) {
            rc = pull_skip(r.j, e);
            continue;
        }
        rc = pull_null(r.j, &null, e); /* how Go writes an empty list now and then */
        if (rc == RC_OK && !null)
            rc = read_packs(&r, fn, arg, e);
    }
    if (rc == RC_OK)
        rc = pull_end(r.j, e);
    pull_release(r.j);
    mem_free(r.j);
    mem_free(r.blobs);
    return rc;
}
