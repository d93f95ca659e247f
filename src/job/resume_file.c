/* SPDX-License-Identifier: Apache-2.0 */
/* The file of job/resume. */
#include "job/resume.h"

#include <ctype.h>

#include "base/mem.h"
#include "dump/trailer.h"
#include "json/node.h"

enum { RESUME_VERSION = 1, RESUME_MASTERS = 16384 };

void
resume_state_release(struct resume_state *s)
{
    mem_free(s->masters);
    mem_free(s->place.keys);
    *s = (struct resume_state){.n_masters = 0};
}

/* ---- writing ---- */

static void
set_id(struct json *o, const char *name, const struct id *id)
{
    char text[ID_TEXT];

    json_set_cstr(o, name, id_hex(id, text));
}

static void
write_safety(struct json *o, const struct safety_result *s)
{
    json_set_cstr(o, "state", safety_state_name(s->state));
    if (s->state != SAFETY_TAKEN)
        return;
    set_id(o, "copy", &s->copy);
    set_id(o, "back", &s->back);
    json_set_int(o, "keys", (int64_t)MIN(s->keys, (uint64_t)INT64_MAX));
}

char *
resume_write(const struct resume_state *s, const struct load_place *now, struct target of)
{
    CLEANUP(json_free_ptr) struct json *o = json_new_object();
    struct json *list;

    json_set_int(o, "version", RESUME_VERSION);
    json_set_cstr(o, "target", of.name);
    json_set_cstr(o, "scope", of.scope);
    set_id(o, "snapshot", &s->snapshot);
    set_id(o, "tree", &s->tree);
    json_set_cstr(o, "asked", s->asked);
    json_set_int(o, "shift_ms", s->shift_ms);
    if (s->before != EV_UNKNOWN)
        json_set_int(o, "before", (int64_t)s->before);
    list = json_need_array(o, "masters");
    for (size_t i = 0; i < s->n_masters; i++) {
        struct json *m = json_new_object();

        json_set_cstr(m, "run_id", s->masters[i].run_id);
        json_set_int(m, "evicted", (int64_t)s->masters[i].evicted);
        json_set_int(m, "expired", (int64_t)s->masters[i].expired);
        json_push(list, m);
    }
    write_safety(json_need_object(o, "safety_copy"), &s->safety);
    json_set_bool(o, "emptied", now->emptied);
    json_set_int(o, "keys_there", (int64_t)now->there);
    json_set_int(o, "lost_pending", (int64_t)now->lost_pending);
    list = json_need_array(o, "streams");
    for (uint32_t i = 0; i < now->n; i++)
        json_push(list, json_new_int((int64_t)now->keys[i]));
    return json_to_text(o, false);
}

/* ---- reading ---- */

/* A word of letters and digits. */
static enum rc
get_word(const struct json *o, const char *name, char *to, size_t n, struct err *e)
{
    struct str text;

    if (json_get_str(o, name, &text, e))
        return err_code(e);
    if (text.n >= n)
        return err_set(e, RC_CORRUPT, "\"%s\" is too long", name);
    for (size_t i = 0; i < text.n; i++)
        if (!isalnum(text.p[i]))
            return err_set(e, RC_CORRUPT, "\"%s\" is not a word", name);
    if (text.n != 0)
        memcpy(to, text.p, text.n);
    to[text.n] = '\0';
    return RC_OK;
}

static enum rc
get_id(const struct json *o, const char *name, struct id *out, struct err *e)
{
    struct str text;

    if (json_get_str(o, name, &text, e))
        return err_code(e);
    return id_from_hex(text, out) ? RC_OK : err_set(e, RC_CORRUPT, "\"%s\" is not an ID", name);
}

static enum rc
parse_safety(const struct json *o, struct safety_result *out, struct err *e)
{
    struct str word;

    if (json_get_str(o, "state", &word, e))
        return err_code(e);
    while (!str_eq(word, str_c(safety_state_name(out->state))))
        if (++out->state > SAFETY_TAKEN)
            return err_set(e, RC_CORRUPT, "\"safety_copy\" has a state that is not known");
    if (out->state != SAFETY_TAKEN)
        return RC_OK;
    return get_id(o, "copy", &out->copy, e) || get_id(o, "back", &out->back, e)
               ? err_code(e)
               : json_get_u64(o, "keys", &out->keys, e);
}

static enum rc
parse_masters(const struct json *list, struct resume_state *out, struct err *e)
{
    size_t n = json_len(list);

    if (n == 0 || n > RESUME_MASTERS)
        return err_set(e, RC_CORRUPT, "%zu masters", n);
    out->masters = mem_zero(n, sizeof(*out->masters));
    for (; out->n_masters < n; out->n_masters++) {
        struct resume_master *m = &out->masters[out->n_masters];
        const struct json *o = json_at(list, out->n_masters);

        if (!json_node_is_object(o))
            return err_set(e, RC_CORRUPT, "a master that is not an object");
        if (get_word(o, "run_id", m->run_id, sizeof(m->run_id), e) ||
            json_get_u64(o, "evicted", &m->evicted, e) ||
            json_get_u64(o, "expired", &m->expired, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
parse_place(const struct json *o, struct load_place *out, struct err *e)
{
    const struct json *list;
    size_t n;

    if (json_get_bool(o, "emptied", &out->emptied, e) ||
        json_get_u64(o, "keys_there", &out->there, e) ||
        json_get_u64(o, "lost_pending", &out->lost_pending, e) ||
        json_get_array(o, "streams", &list, e))
        return err_code(e);
    n = json_len(list);
    if (n == 0 || n > PARTS_MAX + 1)
        return err_set(e, RC_CORRUPT, "%zu streams", n);
    out->keys = mem_zero(n, sizeof(*out->keys));
    for (out->n = 0; out->n < n; out->n++) {
        int64_t v = json_int_or(json_at(list, out->n), -1);

        if (v < 0)
            return err_set(e, RC_CORRUPT, "a stream without a number of keys");
        out->keys[out->n] = (uint64_t)v;
    }
    return RC_OK;
}

static enum rc
parse_state(const struct json *o, struct target of, struct resume_state *out, struct err *e)
{
    struct str name, scope = str_of(NULL, 0);
    const struct json *masters, *safety;
    uint64_t version, shift;

    if (!json_node_is_object(o))
        return err_set(e, RC_CORRUPT, "it is not an object");
    if (json_get_u64(o, "version", &version, e) || json_get_str(o, "target", &name, e) ||
        json_opt_str(o, "scope", &scope, e))
        return err_code(e);
    if (version != RESUME_VERSION)
        return err_set(e, RC_UNSUPPORTED, "it is of another version of cstash");
    if (!str_eq(name, str_c(of.name)) ||
        !str_eq(scope, of.scope != NULL ? str_c(of.scope) : str_of(NULL, 0)))
        return err_set(e, RC_NOT_FOUND, "it is of another target");
    if (get_id(o, "snapshot", &out->snapshot, e) || get_id(o, "tree", &out->tree, e) ||
        get_word(o, "asked", out->asked, sizeof(out->asked), e) ||
        json_get_u64(o, "shift_ms", &shift, e) || json_opt_u64(o, "before", &out->before, e) ||
        json_get_array(o, "masters", &masters, e) ||
        json_get_object(o, "safety_copy", &safety, e) || parse_masters(masters, out, e) ||
        parse_safety(safety, &out->safety, e) || parse_place(o, &out->place, e))
        return err_code(e);
    out->shift_ms = (int64_t)MIN(shift, (uint64_t)INT64_MAX);
    return RC_OK;
}

enum rc
resume_parse(struct str json, struct target of, struct resume_state *out, struct err *e)
{
    struct resume_state s = {.before = EV_UNKNOWN};
    CLEANUP(json_free_ptr) struct json *o = NULL;

    if (json_parse(json, &o, e))
        return err_code(e);
    if (parse_state(o, of, &s, e)) {
        resume_state_release(&s);
        return err_code(e);
    }
    *out = s;
    return RC_OK;
}
