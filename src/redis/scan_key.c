/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/endian.h"
#include "redis/scan_internal.h"

/* How an attempt to read a key's value went. */
enum outcome { READ_DONE, READ_GONE, READ_CHANGED };

/*
 * Sort out the reply of a read: an error that is about the type means that the key was replaced,
 * which can be met by starting over, but only while nothing of it was emitted.
 */
static enum rc
scan_key_check(struct scan *s, const struct ev_key *k, const struct reply *r, bool begun,
               bool *changed, struct err *e)
{
    *changed = reply_is_error(r, "WRONGTYPE");
    if (*changed && begun)
        return scan_changed(k, e);
    if (r->type == REPLY_ERROR && !*changed)
        return scan_key_failed(s, k->name, r, e);
    return RC_OK;
}

static enum rc
read_string(struct scan *s, const struct ev_key *k, enum outcome *out, struct err *e)
{
    struct reply r;
    bool changed;
    uint64_t total, off = 0;

    if (CONN_CALL(s->cx, s->c, &r, e, STR_LIT("STRLEN"), k->name) ||
        scan_key_check(s, k, &r, false, &changed, e))
        return err_code(e);
    total = r.type == REPLY_INT && r.integer > 0 ? (uint64_t)r.integer : 0;
    if (!changed && total <= SCAN_STEP_BYTES) {
        if (CONN_CALL(s->cx, s->c, &r, e, STR_LIT("GET"), k->name) ||
            scan_key_check(s, k, &r, false, &changed, e))
            return err_code(e);
        *out = r.type == REPLY_NIL ? READ_GONE : changed ? READ_CHANGED : READ_DONE;
        if (*out != READ_DONE)
            return RC_OK;
        return scan_begin(s, k, e) ? err_code(e) : scan_items(s, KV_STRING, &r, e);
    }
    *out = changed ? READ_CHANGED : READ_DONE;
    while (!changed && off < total) {
        uint64_t n = MIN(total - off, (uint64_t)SCAN_STEP_BYTES);
        struct ev ev = {.kind = EV_STRING};
        char from[24], to[24];

        (void)snprintf(from, sizeof(from), "%llu", (unsigned long long)off);
        (void)snprintf(to, sizeof(to), "%llu", (unsigned long long)(off + n - 1));
        if (CONN_CALL(s->cx, s->c, &r, e, STR_LIT("GETRANGE"), k->name, str_c(from), str_c(to)) ||
            scan_key_check(s, k, &r, off != 0, &changed, e))
            return err_code(e);
        if (r.type != REPLY_BULK || r.s.n != n) {
            if (off != 0)
                return scan_changed(k, e);
            *out = READ_CHANGED;
            return RC_OK;
        }
        if (off == 0 && scan_begin(s, k, e))
            return err_code(e);
        ev.u.piece = (struct ev_piece){.p = r.s, .off = off, .total = total};
        if (scan_emit(s, &ev, e))
            return err_code(e);
        off += n;
    }
    return RC_OK;
}

/* So many elements that a window stays near SCAN_STEP_BYTES. */
static enum rc
window_of(struct scan *s, const struct ev_key *k, uint64_t *window, struct err *e)
{
    struct reply r;
    uint64_t bytes = 0, items = 0;

    *window = SCAN_SMALL_ITEMS;
    if (s->no_memory)
        return RC_OK;
    RESP_CMD(&s->c->out, STR_LIT("MEMORY"), STR_LIT("USAGE"), k->name, STR_LIT("SAMPLES"),
             STR_LIT("50"));
    RESP_CMD(&s->c->out, str_c(kv_info[k->type].length), k->name);
    if (conn_flush(s->cx, s->c, e) || conn_recv(s->cx, s->c, &r, e))
        return err_code(e);
    if (r.type == REPLY_INT && r.integer > 0)
        bytes = (uint64_t)r.integer;
    if (conn_recv(s->cx, s->c, &r, e))
        return err_code(e);
    if (r.type == REPLY_INT && r.integer > 0)
        items = (uint64_t)r.integer;
    if (items != 0 && bytes / items > SCAN_STEP_BYTES / SCAN_SMALL_ITEMS)
        *window = MAX(SCAN_STEP_BYTES / (bytes / items), UINT64_C(1));
    return RC_OK;
}

static enum rc
read_list(struct scan *s, const struct ev_key *k, enum outcome *out, struct err *e)
{
    uint64_t at = 0, window;
    bool changed;

    if (window_of(s, k, &window, e))
        return err_code(e);
    for (;;) {
        struct reply r;
        char from[24], to[24];

        (void)snprintf(from, sizeof(from), "%llu", (unsigned long long)at);
        (void)snprintf(to, sizeof(to), "%llu", (unsigned long long)(at + window - 1));
        if (CONN_CALL(s->cx, s->c, &r, e, STR_LIT("LRANGE"), k->name, str_c(from), str_c(to)) ||
            scan_key_check(s, k, &r, at != 0, &changed, e))
            return err_code(e);
        if (changed || (r.type == REPLY_ARRAY && r.n == 0)) {
            *out = changed ? READ_CHANGED : at == 0 ? READ_GONE : READ_DONE;
            return RC_OK;
        }
        if ((at == 0 && scan_begin(s, k, e)) || scan_items(s, KV_LIST, &r, e))
            return err_code(e);
        at += r.n;
        if (r.n < window) {
            *out = READ_DONE;
            return RC_OK;
        }
    }
}

/* A field or value in s->copy: four bytes of length, then the bytes. */
static enum rc
copy_items(struct scan *s, const struct reply *items, struct err *e)
{
    buf_reset(&s->copy);
    for (size_t i = 0; i < items->n; i++) {
        uint8_t n[4];
        if (items->items[i].type != REPLY_BULK)
            return scan_odd(s, "HSCAN", e);
        le32_store(n, (uint32_t)items->items[i].s.n);
        if (buf_add(&s->copy, n, sizeof(n), e) || buf_add_str(&s->copy, items->items[i].s, e))
            return err_code(e);
    }
    return RC_OK;
}

static struct str
scan_key_copied(const struct scan *s, size_t *at)
{
    uint32_t n = le32_load(s->copy.p + *at);
    struct str v = str_of(s->copy.p + *at + 4, n);

    *at += 4 + (size_t)n;
    return v;
}

/* The fields of one HSCAN with their times to live, which only a second command tells. */
static enum rc
fields_with_ttl(struct scan *s, const struct ev_key *k, const struct reply *items, struct err *e)
{
    size_t at = 0, n = items->n / 2;
    struct reply r;

    if (copy_items(s, items, e))
        return err_code(e);
    resp_head(&s->c->out, '*', 4 + n);
    resp_arg(&s->c->out, STR_LIT("HPEXPIRETIME"));
    resp_arg(&s->c->out, k->name);
    resp_arg(&s->c->out, STR_LIT("FIELDS"));
    resp_arg_u64(&s->c->out, n);
    for (size_t i = 0; i < n; i++) {
        resp_arg(&s->c->out, scan_key_copied(s, &at));
        (void)scan_key_copied(s, &at);
    }
    if (conn_flush(s->cx, s->c, e) || conn_recv(s->cx, s->c, &r, e))
        return err_code(e);
    if (r.type == REPLY_ERROR && !reply_is_error(&r, "WRONGTYPE"))
        return scan_key_failed(s, k->name, &r, e);
    if (r.type == REPLY_NIL || r.type == REPLY_ERROR)
        return RC_OK; /* the key is gone since */
    if (r.type != REPLY_ARRAY || r.n != n)
        return scan_odd(s, "HPEXPIRETIME", e);
    at = 0;
    for (size_t i = 0; i < n; i++) {
        struct ev ev = {.kind = EV_FIELD};
        ev.u.field.name = scan_key_copied(s, &at);
        ev.u.field.value = ev_whole(scan_key_copied(s, &at));
        ev.u.field.expires_at = r.items[i].integer >= 0 ? r.items[i].integer : EV_NO_EXPIRY;
        if (r.items[i].integer != -2 && scan_emit(s, &ev, e)) /* -2: expired since */
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
read_by_cursor(struct scan *s, const struct ev_key *k, enum outcome *out, struct err *e)
{
    const char *verb = kv_info[k->type].cursor;
    char cursor[CURSOR_TEXT] = "0", count[24];
    uint64_t window;
    bool begun = false, changed;

    if (window_of(s, k, &window, e))
        return err_code(e);
    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)window);
    do {
        struct reply r;
        const struct reply *items;

        if (CONN_CALL(s->cx, s->c, &r, e, str_c(verb), k->name, str_c(cursor), STR_LIT("COUNT"),
                      str_c(count)) ||
            scan_key_check(s, k, &r, begun, &changed, e))
            return err_code(e);
        if (changed) {
            *out = READ_CHANGED;
            return RC_OK;
        }
        if (r.type != REPLY_ARRAY || r.n != 2 || r.items[0].s.n >= CURSOR_TEXT ||
            r.items[1].type != REPLY_ARRAY || r.items[0].s.n == 0)
            return scan_odd(s, verb, e);
        memcpy(cursor, r.items[0].s.p, r.items[0].s.n);
        cursor[r.items[0].s.n] = '\0';
        items = &r.items[1];
        if (items->n == 0)
            continue;
        if (!begun && scan_begin(s, k, e))
            return err_code(e);
        begun = true;
        if (k->type == KV_HASH && s->has_field_ttl && items->n % 2 == 0
                ? fields_with_ttl(s, k, items, e)
                : scan_items(s, k->type, items, e))
            return err_code(e);
    } while (strcmp(cursor, "0") != 0);
    *out = begun ? READ_DONE : READ_GONE;
    return RC_OK;
}

/* What has no reading commands that we know: modules, types of newer servers. */
static enum rc
read_by_dump(struct scan *s, struct ev_key *k, enum outcome *out, struct err *e)
{
    struct reply r;
    struct ev ev;

    if (CONN_CALL(s->cx, s->c, &r, e, STR_LIT("DUMP"), k->name))
        return err_code(e);
    if (r.type == REPLY_ERROR) {
        (void)scan_key_failed(s, k->name, &r, e);
        return e->code == RC_DENIED
                   ? err_code(e)
                   : err_hint(e, "keys of modules can only be read where DUMP is to be had");
    }
    *out = r.type == REPLY_NIL ? READ_GONE : READ_DONE;
    if (r.type == REPLY_NIL)
        return RC_OK;
    if (r.type != REPLY_BULK)
        return scan_odd(s, "DUMP", e);
    if (payload_split(r.s, &ev, e))
        return scan_wrap_key(k->name, e);
    if (!rdb_kv_type(ev.u.payload.rdb_type, &k->type))
        k->type = KV_MODULE;
    if (scan_begin(s, k, e))
        return err_code(e);
    return scan_payload(s, &ev, e);
}

static enum rc
read_value(struct scan *s, struct ev_key *k, bool known, enum outcome *out, struct err *e)
{
    bool gone = false, changed = false;

    if (!known)
        return read_by_dump(s, k, out, e);
    switch (k->type) {
    case KV_STRING:
        return read_string(s, k, out, e);
    case KV_LIST:
        return read_list(s, k, out, e);
    case KV_STREAM:
        if (scan_stream(s, k, &gone, &changed, e))
            return err_code(e);
        *out = gone ? READ_GONE : changed ? READ_CHANGED : READ_DONE;
        return RC_OK;
    default:
        return read_by_cursor(s, k, out, e);
    }
}

enum rc
scan_one(struct scan *s, struct str name, struct err *e)
{
    for (unsigned try = 0; try < SCAN_TRIES; try++) {
        struct scan_key k = {.name = name};
        struct ev_key key = {.name = name, .idle_s = -1, .freq = -1};
        enum outcome out = READ_DONE;
        struct reply r;

        scan_ask_time(s);
        scan_ask_expiry(s, name);
        RESP_CMD(&s->c->out, STR_LIT("TYPE"), name);
        if (conn_flush(s->cx, s->c, e) || scan_take_time(s, e) ||
            scan_take_expiry(s, &k, &key, e) || conn_recv(s->cx, s->c, &r, e))
            return err_code(e);
        if (r.type == REPLY_ERROR)
            return scan_key_failed(s, name, &r, e);
        if (reply_is_status(&r, "none")) {
            s->result->vanished++;
            return RC_OK;
        }
        k.type_known = scan_type(&r, &key.type);
        if (read_value(s, &key, k.type_known, &out, e))
            return err_code(e);
        if (out == READ_DONE)
            return scan_end(s, &key, e);
        if (out == READ_GONE) {
            s->result->vanished++;
            return RC_OK;
        }
        s->result->reread++;
    }
    (void)err_set(e, RC_CONFLICT, "it changed its type %d times while it was read", SCAN_TRIES);
    e->retry = true;
    return scan_wrap_key(name, e);
}
