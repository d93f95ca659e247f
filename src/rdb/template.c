/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes that share their field names through a template (Redis 8.10). */
#include <search.h>

#include "base/mem.h"
#include "rdb/packed.h"
#include "rdb/rdb_internal.h"

static enum rc
add_bytes(struct rdb *r, size_t n, struct err *e)
{
    r->templates_bytes += n;
    return r->templates_bytes <= RDB_TEMPLATES_MAX
               ? RC_OK
               : err_set(e, RC_LIMIT, "hash templates take more than %zu bytes", RDB_TEMPLATES_MAX);
}

static enum rc
add_name(struct rdb *r, struct rdb_template *t, struct str name, struct err *e)
{
    if (add_bytes(r, name.n + sizeof(name.n), e) ||
        buf_add(&t->names, &name.n, sizeof(name.n), e) || buf_add_str(&t->names, name, e))
        return err_code(e);
    t->n++;
    return RC_OK;
}

/* `n` field names as strings. */
static enum rc
read_names(struct rdb *r, struct rdb_template *t, struct err *e)
{
    struct str name;
    uint64_t n;

    if (rdb_len(r, &n, e))
        return err_code(e);
    for (; n > 0; n--)
        if (rdb_string(r, &r->field, &name, e) || add_name(r, t, name, e))
            return err_code(e);
    return RC_OK;
}

static int
template_compare(const void *a, const void *b)
{
    uint64_t x = ((const struct rdb_template *)a)->id;
    uint64_t y = ((const struct rdb_template *)b)->id;

    return (x > y) - (x < y);
}

static void
template_free(void *t)
{
    buf_release(&((struct rdb_template *)t)->names);
    mem_free(t);
}

void
rdb_free_templates(struct rdb *r)
{
    tdestroy(r->templates, template_free);
}

/* A later template takes the place of an earlier one with its number. */
enum rc
rdb_read_template(struct rdb *r, struct err *e)
{
    struct rdb_template *t, **kept;
    uint64_t id;

    if (add_bytes(r, sizeof(*t), e) || rdb_len(r, &id, e))
        return err_code(e);
    t = mem_alloc(sizeof(*t));
    *t = (struct rdb_template){.id = id, .names = BUF_INIT(RDB_TEMPLATES_MAX)};
    kept = tsearch(t, &r->templates, template_compare);
    if (kept == NULL) {
        template_free(t);
        return err_set(e, RC_LIMIT, "no memory for one more hash template");
    }
    if (*kept != t) {
        template_free(*kept);
        *kept = t;
    }
    return read_names(r, t, e);
}

static enum rc
find_template(struct rdb *r, uint64_t id, const struct rdb_template **out, struct err *e)
{
    const struct rdb_template key = {.id = id};
    struct rdb_template *const *kept = tfind(&key, &r->templates, template_compare);

    if (kept == NULL)
        return rdb_corrupt(r, e, "hash template %llu does not exist", (unsigned long long)id);
    *out = *kept;
    return RC_OK;
}

/* The names that a DUMP payload carries itself: packed or one by one. */
static enum rc
read_own_names(struct rdb *r, struct rdb_template *t, struct err *e)
{
    struct packed_entry x;
    struct packed b;
    struct str s;
    uint64_t form;
    bool over = false;

    if (rdb_len(r, &form, e))
        return err_code(e);
    if (form == 1)
        return read_names(r, t, e);
    if (form != 0)
        return rdb_corrupt(r, e, "unknown form of field names");
    if (rdb_string(r, &r->blob, &s, e) || packed_open(&b, BLOB_LISTPACK, s, e))
        return err_code(e);
    for (;;) {
        if (packed_next(&b, &x, &over, e))
            return err_code(e);
        if (over)
            return RC_OK;
        if (add_name(r, t, x.s, e))
            return err_code(e);
    }
}

static struct str
next_name(const struct rdb_template *t, size_t *at)
{
    struct str s;

    memcpy(&s.n, t->names.p + *at, sizeof(s.n));
    s.p = t->names.p + *at + sizeof(s.n);
    *at += sizeof(s.n) + s.n;
    return s;
}

static enum rc
emit_field(const struct rdb_out *o, struct ev *ev, struct err *e)
{
    return o->on == NULL ? RC_OK : rdb_emit(o, ev, e);
}

static enum rc
template_ignore(void *arg, const struct ev *ev, struct err *e)
{
    (void)arg;
    (void)ev;
    (void)e;
    return RC_OK;
}

/* Values one by one, as many as the template has names. */
static enum rc
decode_array(struct rdb *r, const struct rdb_template *t, const struct rdb_out *o, struct err *e)
{
    struct rdb_out nowhere = {.on = template_ignore, .arg = NULL};
    struct ev ev = {.kind = EV_FIELD};
    size_t at = 0;

    ev.u.field.expires_at = EV_NO_EXPIRY;
    for (uint64_t i = 0; i < t->n; i++) {
        ev.u.field.name = next_name(t, &at);
        if (rdb_string_pieces(r, o->on == NULL ? &nowhere : o, &ev, &ev.u.field.value, e))
            return err_code(e);
    }
    return RC_OK;
}

/* A listpack: the template's id, then the values. `t` NULL: look it up by that id. */
static enum rc
decode_listpack(struct rdb *r, const struct rdb_template *t, const struct rdb_out *o, struct err *e)
{
    struct ev ev = {.kind = EV_FIELD};
    struct packed_entry x;
    struct packed b;
    struct str s;
    size_t at = 0;
    int64_t id;
    bool over;

    ev.u.field.expires_at = EV_NO_EXPIRY;
    if (rdb_string(r, &r->blob, &s, e) || packed_open(&b, BLOB_LISTPACK, s, e) ||
        packed_int(&b, &id, e) || (t == NULL && find_template(r, (uint64_t)id, &t, e)))
        return err_code(e);
    for (uint64_t i = 0; i < t->n; i++) {
        ev.u.field.name = next_name(t, &at);
        if (packed_must(&b, &x, e))
            return err_code(e);
        ev.u.field.value = ev_whole(x.s);
        if (emit_field(o, &ev, e))
            return err_code(e);
    }
    if (packed_next(&b, &x, &over, e))
        return err_code(e);
    return over ? RC_OK : rdb_corrupt(r, e, "a hash with more values than its template has names");
}

enum rc
rdb_decode_template_hash(struct rdb *r, const struct rdb_out *o, struct err *e)
{
    struct rdb_template own = {.names = BUF_INIT(RDB_TEMPLATES_MAX)};
    const struct rdb_template *t = &own;
    size_t bytes_before = r->templates_bytes;
    uint64_t id;
    enum rc rc;

    switch (r->type) {
    case T_HASH_TMPL_LP_REF:
        return decode_listpack(r, NULL, o, e);
    case T_HASH_TMPL_ARRAY_REF:
        if (rdb_len(r, &id, e) || find_template(r, id, &t, e))
            return err_code(e);
        return decode_array(r, t, o, e);
    default:
        rc = read_own_names(r, &own, e);
        if (rc == RC_OK)
            rc = r->type == T_HASH_TMPL_LP ? decode_listpack(r, t, o, e) : decode_array(r, t, o, e);
        r->templates_bytes = bytes_before;
        buf_release(&own.names);
        return rc;
    }
}
