/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "redis/scan_internal.h"

enum {
    COUNT_FIRST = 16,
    COUNT_MAX = 1000,
    PAGE_KEYS_MAX = 100 * COUNT_MAX, /* servers may give some more than they are asked for */
    NAMES_BYTES = 1024 * 1024,       /* of a page, about */
    SMALL_GUESS = 1024
};

/* The keys of one SCAN. */
struct page {
    struct buf names;
    struct scan_key *keys;
    size_t n, cap;
    char cursor[CURSOR_TEXT]; /* "0": the last one */
};

static void
ask_page(struct scan *s, const char *cursor)
{
    struct buf *out = &s->c->out;
    const struct globs *globs = &s->opts->filter.match;
    const char *match = globs->n == 1 ? globs->v[0] : NULL; /* SCAN takes one */

    resp_head(out, '*', match != NULL ? 6 : 4);
    resp_arg(out, STR_LIT("SCAN"));
    resp_arg(out, str_c(cursor));
    resp_arg(out, STR_LIT("COUNT"));
    resp_arg_u64(out, s->opts->count != 0 ? s->opts->count : s->count);
    if (match != NULL) {
        resp_arg(out, STR_LIT("MATCH"));
        resp_arg(out, str_c(match));
    }
}

/*
 * A cursor that comes again is a list without an end. One is kept, a later one each time that the
 * number of pages has doubled, so that a ring of any length is found.
 */
static enum rc
check_cursor(struct scan *s, const char *cursor, struct err *e)
{
    if (strcmp(cursor, "0") != 0 && strcmp(cursor, s->kept_cursor) == 0)
        return err_set(e, RC_CORRUPT, "%s gives the cursor %s of SCAN again: a list without an end",
                       conn_peer(s->c), cursor);
    s->pages++;
    if ((s->pages & (s->pages - 1)) == 0)
        (void)snprintf(s->kept_cursor, sizeof(s->kept_cursor), "%s", cursor);
    return RC_OK;
}

/* Long names: fewer of them at once. */
static void
adapt_count(struct scan *s, const struct reply *names)
{
    uint64_t bytes = 1;

    for (size_t i = 0; i < names->n; i++)
        bytes += names->items[i].s.n;
    s->count = MIN(MIN(s->count * 8, (uint64_t)COUNT_MAX),
                   MAX(s->count * NAMES_BYTES / bytes, UINT64_C(1)));
}

/* Copy names out of the reply, and only then point at them: the buffer moves while it grows. */
static enum rc
take_page(struct scan *s, struct page *p, struct err *e)
{
    struct reply r;
    size_t at = 0, n;

    if (conn_recv(s->cx, s->c, &r, e))
        return err_code(e);
    if (r.type == REPLY_ERROR)
        return conn_fail(s->c, &r, "could not list the keys (SCAN)", e);
    if (r.type != REPLY_ARRAY || r.n != 2 || r.items[0].type != REPLY_BULK ||
        r.items[0].s.n >= CURSOR_TEXT || r.items[1].type != REPLY_ARRAY)
        return scan_odd(s, "SCAN", e);
    memcpy(p->cursor, r.items[0].s.p, r.items[0].s.n);
    p->cursor[r.items[0].s.n] = '\0';
    if (check_cursor(s, p->cursor, e))
        return err_code(e);
    n = r.items[1].n;
    if (n > PAGE_KEYS_MAX)
        return err_set(e, RC_LIMIT, "%s gave %zu keys for a SCAN of at most %d", conn_peer(s->c), n,
                       COUNT_MAX);
    adapt_count(s, &r.items[1]);
    if (n > p->cap) {
        p->cap = n;
        p->keys = mem_grow(p->keys, p->cap, sizeof(*p->keys));
    }
    buf_reset(&p->names);
    p->n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct reply *name = &r.items[1].items[i];
        if (name->type != REPLY_BULK)
            return scan_odd(s, "SCAN", e);
        s->result->foreign += !filter_owns(&s->opts->filter, name->s);
        if (!filter_wants(&s->opts->filter, s->db.u.db.n, name->s))
            continue;
        if (buf_add(&p->names, name->s.p, name->s.n, e))
            return err_wrap(e, "too long key names");
        p->keys[p->n++] = (struct scan_key){.name.n = name->s.n, .type = KV_MODULE};
    }
    for (size_t i = 0; i < p->n; i++) {
        p->keys[i].name.p = p->names.p + at;
        at += p->keys[i].name.n;
    }
    return RC_OK;
}

/* MEMORY USAGE and, for plain reads, TYPE for each key; then the next page, all in one flight. */
static enum rc
scan_page_measure(struct scan *s, struct page *p, struct page *next, struct err *e)
{
    const bool memory = !s->no_memory, types = s->result->plain || !memory;
    struct reply r;

    for (size_t i = 0; i < p->n; i++) {
        if (memory)
            RESP_CMD(&s->c->out, STR_LIT("MEMORY"), STR_LIT("USAGE"), p->keys[i].name);
        if (types)
            RESP_CMD(&s->c->out, STR_LIT("TYPE"), p->keys[i].name);
    }
    if (strcmp(p->cursor, "0") != 0)
        ask_page(s, p->cursor);
    if (conn_flush(s->cx, s->c, e))
        return err_code(e);
    for (size_t i = 0; i < p->n; i++) {
        struct scan_key *k = &p->keys[i];
        k->bytes = SMALL_GUESS;
        if (memory) {
            if (conn_recv(s->cx, s->c, &r, e))
                return err_code(e);
            if (r.type != REPLY_ERROR)
                k->bytes = r.type == REPLY_INT && r.integer > 0 ? (uint64_t)r.integer : 0;
        }
        if (types) {
            if (conn_recv(s->cx, s->c, &r, e))
                return err_code(e);
            if (r.type == REPLY_ERROR)
                return scan_key_failed(s, k->name, &r, e);
            k->type_known = scan_type(&r, &k->type);
            if (reply_is_status(&r, "none"))
                k->bytes = 0;
        }
    }
    if (strcmp(p->cursor, "0") != 0)
        return take_page(s, next, e);
    next->n = 0;
    return RC_OK;
}

/* Where MEMORY USAGE is not to be had, the length by type must do: bytes, or elements times a
 * guess. */
static enum rc
measure_by_type(struct scan *s, struct page *p, struct err *e)
{
    struct reply r;

    for (size_t i = 0; i < p->n; i++) {
        if (p->keys[i].bytes != 0 && p->keys[i].type_known)
            RESP_CMD(&s->c->out, str_c(kv_info[p->keys[i].type].length), p->keys[i].name);
    }
    if (conn_flush(s->cx, s->c, e))
        return err_code(e);
    for (size_t i = 0; i < p->n; i++) {
        struct scan_key *k = &p->keys[i];
        if (k->bytes == 0 || !k->type_known)
            continue;
        if (conn_recv(s->cx, s->c, &r, e))
            return err_code(e);
        if (r.type == REPLY_ERROR && !reply_is_error(&r, "WRONGTYPE"))
            return scan_key_failed(s, k->name, &r, e);
        k->items = r.type == REPLY_INT && r.integer > 0 ? (uint64_t)r.integer : 0;
        k->bytes = SMALL_GUESS + k->items * (k->type == KV_STRING ? 1 : 128);
    }
    return RC_OK;
}

static void
ask_access(struct scan *s, struct str name)
{
    if (s->access != NULL) /* before the key is touched */
        RESP_CMD(&s->c->out, STR_LIT("OBJECT"), str_c(s->access), name);
}

static enum rc
take_access(struct scan *s, struct ev_key *to, struct err *e)
{
    struct reply r;

    if (s->access == NULL)
        return RC_OK;
    if (conn_recv(s->cx, s->c, &r, e))
        return err_code(e);
    if (r.type != REPLY_INT || r.integer < 0)
        return RC_OK; /* an ornament, not worth an error */
    if (s->access[0] == 'F')
        to->freq = (int)MIN(r.integer, (int64_t)255);
    else
        to->idle_s = r.integer;
    return RC_OK;
}

/*
 * One payload as events. When the first one that we see is not what DUMP should give (a server that
 * is like Redis but for this), or DUMP is not to be had, *unusable: read plainly from now on.
 */
static enum rc
take_payload(struct scan *s, const struct scan_key *k, struct ev_key *key, bool *unusable,
             struct err *e)
{
    struct reply r;
    struct ev ev;

    if (conn_recv(s->cx, s->c, &r, e))
        return err_code(e);
    if (r.type == REPLY_NIL) {
        s->result->vanished++;
        return RC_OK;
    }
    if (r.type == REPLY_ERROR && !s->dumped && !reply_is_error(&r, "LOADING")) {
        *unusable = true;
        return RC_OK;
    }
    if (r.type == REPLY_ERROR)
        return scan_key_failed(s, k->name, &r, e);
    if (r.type != REPLY_BULK)
        return scan_odd(s, "DUMP", e);
    if (payload_split(r.s, &ev, e)) {
        *unusable = !s->dumped;
        if (!*unusable)
            return scan_wrap_key(k->name, e);
        e->code = RC_OK;
        return RC_OK;
    }
    s->dumped = true;
    if (!rdb_kv_type(ev.u.payload.rdb_type, &key->type))
        key->type = KV_MODULE;
    if (scan_begin(s, key, e))
        return err_code(e);
    if (scan_payload(s, &ev, e))
        return err_code(e);
    return scan_end(s, key, e);
}

static struct ev_key
blank_key(const struct scan_key *k)
{
    return (struct ev_key){
        .name = k->name, .type = k->type, .expires_at = EV_NO_EXPIRY, .idle_s = -1, .freq = -1};
}

/* Expiry and DUMP of n keys in one flight. */
static enum rc
dump_batch(struct scan *s, const struct scan_key *keys, size_t n, bool *unusable, struct err *e)
{
    scan_ask_time(s);
    for (size_t i = 0; i < n; i++) {
        ask_access(s, keys[i].name);
        scan_ask_expiry(s, keys[i].name);
        RESP_CMD(&s->c->out, STR_LIT("DUMP"), keys[i].name);
    }
    if (conn_flush(s->cx, s->c, e) || scan_take_time(s, e))
        return err_code(e);
    for (size_t i = 0; i < n; i++) {
        struct ev_key key = blank_key(&keys[i]);
        if (take_access(s, &key, e) || scan_take_expiry(s, &keys[i], &key, e) ||
            take_payload(s, &keys[i], &key, unusable, e))
            return err_code(e);
    }
    return RC_OK;
}

static bool
is_big(const struct scan *s, const struct scan_key *k)
{
    return k->bytes > s->big_bytes;
}

/* Read the keys [from, to) of a page, which are small together. */
static enum rc
read_batch(struct scan *s, struct page *p, size_t from, size_t to, struct err *e)
{
    bool unusable = false;

    if (from == to)
        return RC_OK;
    if (s->result->plain)
        return scan_plain(s, p->keys + from, to - from, e);
    if (dump_batch(s, p->keys + from, to - from, &unusable, e))
        return err_code(e);
    if (!unusable)
        return RC_OK;
    log_info("%s does not give keys as a whole (DUMP): reading them element by element",
             conn_peer(s->c));
    s->result->plain = true;
    for (size_t i = from; i < to; i++) {
        if (scan_one(s, p->keys[i].name, e))
            return err_code(e);
    }
    return RC_OK;
}

/* Cut the page into batches; keys that are too big for one go alone. */
static enum rc
read_page(struct scan *s, struct page *p, struct err *e)
{
    uint64_t sum = 0;
    size_t from = 0;

    for (size_t i = 0; i < p->n; i++) {
        struct scan_key *k = &p->keys[i];
        bool alone = k->bytes == 0 || is_big(s, k);

        if ((alone || sum + k->bytes > s->batch_bytes) && from < i) {
            if (read_batch(s, p, from, i, e))
                return err_code(e);
            sum = 0;
            from = i;
        }
        if (!alone) {
            sum += k->bytes;
            continue;
        }
        from = i + 1;
        if (k->bytes == 0)
            s->result->vanished++;
        else if (scan_one(s, k->name, e))
            return err_code(e);
    }
    return read_batch(s, p, from, p->n, e);
}

static enum rc
all_pages(struct scan *s, struct page pages[static 2], struct err *e)
{
    unsigned at = 0;

    ask_page(s, "0");
    if (conn_flush(s->cx, s->c, e) || take_page(s, &pages[0], e))
        return err_code(e);
    for (;;) {
        struct page *p = &pages[at], *next = &pages[1 - at];
        bool last = strcmp(p->cursor, "0") == 0;

        if (scan_page_measure(s, p, next, e))
            return err_code(e);
        if (s->no_memory && measure_by_type(s, p, e))
            return err_code(e);
        if (read_page(s, p, e))
            return err_code(e);
        if (last)
            return RC_OK;
        at = 1 - at;
    }
}

enum rc
scan_db(struct scan *s, struct err *e)
{
    struct page pages[2] = {{.n = 0}, {.n = 0}};
    enum rc rc;

    s->count = COUNT_FIRST;
    s->pages = 0;
    s->kept_cursor[0] = '\0';
    for (unsigned i = 0; i < 2; i++)
        buf_init(&pages[i].names, SIZE_MAX); /* of a reply, which has its limit */
    rc = all_pages(s, pages, e);
    for (unsigned i = 0; i < 2; i++) {
        buf_release(&pages[i].names);
        mem_free(pages[i].keys);
    }
    return rc;
}

enum rc
scan_names(struct scan *s, const struct str *names, size_t n, struct err *e)
{
    struct page none = {.n = 0}, page = {.n = n, .cursor = "0"};
    enum rc rc;

    page.keys = mem_zero(n + 1, sizeof(*page.keys));
    for (size_t i = 0; i < n; i++)
        page.keys[i] = (struct scan_key){.name = names[i], .type = KV_MODULE};
    rc = scan_page_measure(s, &page, &none, e);
    if (rc == RC_OK && s->no_memory)
        rc = measure_by_type(s, &page, e);
    if (rc == RC_OK)
        rc = read_page(s, &page, e);
    mem_free(page.keys);
    return rc;
}
