/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "redis/scan_internal.h"

enum { ID_TEXT = 48, ENTRIES = 100, PENDING = 1000 };

/* A list of names that outlive their reply; each is at off with n bytes. */
struct names {
    struct buf bytes;
    struct name {
        size_t off, n;
        struct stream_id last;
        int64_t read, seen_at, active_at;
    } * items;
    size_t n;
};

static bool
parse_id(struct str s, struct stream_id *id)
{
    const uint8_t *dash = s.n == 0 ? NULL : memchr(s.p, '-', s.n);

    if (dash == NULL)
        return false;
    return str_to_u64(str_of(s.p, (size_t)(dash - s.p)), &id->ms) &&
           str_to_u64(str_of(dash + 1, s.n - (size_t)(dash - s.p) - 1), &id->seq);
}

static struct str
id_text(struct stream_id id, char to[static ID_TEXT])
{
    return str_of(to, (size_t)snprintf(to, ID_TEXT, "%llu-%llu", (unsigned long long)id.ms,
                                       (unsigned long long)id.seq));
}

/* The next id; false behind the last one there can be. */
static bool
id_after(struct stream_id *id)
{
    if (++id->seq == 0 && ++id->ms == 0)
        return false;
    return true;
}

static int
id_cmp(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

/* The value behind `name` in a flat list of names and values; NULL without it. */
static const struct reply *
scan_stream_field(const struct reply *r, const char *name)
{
    for (size_t i = 0; i + 1 < r->n; i += 2) {
        if (str_eq(r->items[i].s, str_c(name)))
            return &r->items[i + 1];
    }
    return NULL;
}

static int64_t
scan_stream_number(const struct reply *r, const char *name, int64_t missing)
{
    const struct reply *v = scan_stream_field(r, name);

    return v != NULL && v->type == REPLY_INT ? v->integer : missing;
}

static void
names_release(struct names *l)
{
    buf_release(&l->bytes);
    mem_free(l->items);
}

static struct str
name_at(const struct names *l, size_t i)
{
    return str_of(l->bytes.p + l->items[i].off, l->items[i].n);
}

/* Keep what XINFO GROUPS or XINFO CONSUMERS says. */
static enum rc
take_names(struct scan *s, const struct ev_key *k, struct names *l, struct err *e)
{
    struct reply r;

    buf_init(&l->bytes, EV_HELD_MAX);
    if (scan_take_time(s, e) || conn_recv(s->cx, s->c, &r, e))
        return err_code(e);
    if (reply_is_error(&r, "WRONGTYPE"))
        return scan_changed(k, e);
    if (r.type == REPLY_ERROR && !reply_is_error(&r, "ERR") && !reply_is_error(&r, "NOGROUP"))
        return scan_key_failed(s, k->name, &r, e);
    l->items = mem_zero(r.n + 1, sizeof(*l->items));
    for (size_t i = 0; i < r.n && r.type == REPLY_ARRAY; i++) {
        const struct reply *one = &r.items[i], *name = scan_stream_field(one, "name");
        const struct reply *last = scan_stream_field(one, "last-delivered-id");
        int64_t idle = scan_stream_number(one, "idle", 0),
                inactive = scan_stream_number(one, "inactive", idle);
        struct name *to = &l->items[l->n];

        if (name == NULL)
            return scan_odd(s, "XINFO", e);
        *to = (struct name){.off = l->bytes.n, .n = name->s.n};
        to->read = scan_stream_number(one, "entries-read", -1);
        to->seen_at = s->now_ms - idle;
        to->active_at = inactive < 0 ? -1 : s->now_ms - inactive;
        if (buf_add_str(&l->bytes, name->s, e))
            return err_wrap(e, "too many consumers or groups");
        if (last != NULL && !parse_id(last->s, &to->last))
            return scan_odd(s, "XINFO GROUPS", e);
        l->n++;
    }
    return RC_OK;
}

static enum rc
emit_entry(struct scan *s, const struct reply *one, struct stream_id *id, struct err *e)
{
    struct ev ev = {.kind = EV_ENTRY};
    struct str *pairs;
    size_t n;
    enum rc rc;

    if (one->type != REPLY_ARRAY || one->n != 2 || !parse_id(one->items[0].s, id) ||
        one->items[1].type != REPLY_ARRAY || one->items[1].n % 2 != 0)
        return scan_odd(s, "XRANGE", e);
    n = one->items[1].n;
    pairs = mem_zero(n + 1, sizeof(*pairs));
    for (size_t i = 0; i < n; i++)
        pairs[i] = one->items[1].items[i].s;
    ev.u.entry.id = *id;
    ev.u.entry.pairs = pairs;
    ev.u.entry.n = n / 2;
    rc = scan_emit(s, &ev, e);
    mem_free(pairs);
    return rc;
}

/* Entries up to `last`, counted. */
static enum rc
scan_stream_entries(struct scan *s, const struct ev_key *k, struct stream_id last, uint64_t *n,
                    struct err *e)
{
    struct stream_id from = {0, 0};
    uint64_t window = ENTRIES, bytes;
    char a[ID_TEXT], b[ID_TEXT], count[24];
    struct reply r;

    *n = 0;
    for (;;) {
        (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)window);
        if (CONN_CALL(s->cx, s->c, &r, e, STR_LIT("XRANGE"), k->name, id_text(from, a),
                      id_text(last, b), STR_LIT("COUNT"), str_c(count)))
            return err_code(e);
        if (reply_is_error(&r, "WRONGTYPE"))
            return scan_changed(k, e);
        if (r.type == REPLY_ERROR)
            return scan_key_failed(s, k->name, &r, e);
        if (r.type != REPLY_ARRAY)
            return scan_odd(s, "XRANGE", e);
        for (size_t i = 0; i < r.n; i++) {
            if (emit_entry(s, &r.items[i], &from, e))
                return err_code(e);
        }
        *n += r.n;
        if (r.n < window || !id_after(&from))
            return RC_OK;
        /* Entries differ in size: the next window follows what this one took. */
        bytes = (uint64_t)s->c->in.pos / r.n + 1;
        window = MAX(MIN(SCAN_STEP_BYTES / bytes, (uint64_t)SCAN_SMALL_ITEMS), UINT64_C(1));
    }
}

static enum rc
emit_pending(struct scan *s, const struct reply *one, struct str group, struct stream_id *id,
             struct err *e)
{
    struct ev ev = {.kind = EV_PENDING};

    if (one->type != REPLY_ARRAY || one->n != 4 || !parse_id(one->items[0].s, id))
        return scan_odd(s, "XPENDING", e);
    ev.u.pending.group = group;
    ev.u.pending.consumer = one->items[1].s;
    ev.u.pending.id = *id;
    ev.u.pending.delivered_at = s->now_ms - one->items[2].integer;
    ev.u.pending.count = one->items[3].integer > 0 ? (uint64_t)one->items[3].integer : 0;
    return scan_emit(s, &ev, e);
}

/* What one consumer was given and has not acknowledged, up to `last`. */
static enum rc
scan_stream_pending(struct scan *s, const struct ev_key *k, struct str group, struct str consumer,
                    struct stream_id last, struct err *e)
{
    struct stream_id from = {0, 0};
    char a[ID_TEXT], b[ID_TEXT];
    struct reply r;

    for (;;) {
        scan_ask_time(s);
        RESP_CMD(&s->c->out, STR_LIT("XPENDING"), k->name, group, id_text(from, a),
                 id_text(last, b), STR_LIT("1000"), consumer);
        if (conn_flush(s->cx, s->c, e) || scan_take_time(s, e) || conn_recv(s->cx, s->c, &r, e))
            return err_code(e);
        if (reply_is_error(&r, "NOGROUP"))
            return RC_OK; /* gone since */
        if (reply_is_error(&r, "WRONGTYPE"))
            return scan_changed(k, e);
        if (r.type == REPLY_ERROR)
            return scan_key_failed(s, k->name, &r, e);
        if (r.type != REPLY_ARRAY)
            return scan_odd(s, "XPENDING", e);
        for (size_t i = 0; i < r.n; i++) {
            if (emit_pending(s, &r.items[i], group, &from, e))
                return err_code(e);
        }
        if (r.n < PENDING || !id_after(&from))
            return RC_OK;
    }
}

static enum rc
one_group(struct scan *s, const struct ev_key *k, struct str group, struct stream_id last,
          struct err *e)
{
    CLEANUP(names_release) struct names l = {.n = 0};

    scan_ask_time(s);
    RESP_CMD(&s->c->out, STR_LIT("XINFO"), STR_LIT("CONSUMERS"), k->name, group);
    if (conn_flush(s->cx, s->c, e) || take_names(s, k, &l, e))
        return err_code(e);
    for (size_t i = 0; i < l.n; i++) {
        struct ev ev = {.kind = EV_CONSUMER};
        ev.u.consumer.group = group;
        ev.u.consumer.name = name_at(&l, i);
        ev.u.consumer.seen_at = l.items[i].seen_at;
        ev.u.consumer.active_at = l.items[i].active_at;
        if (scan_emit(s, &ev, e) || scan_stream_pending(s, k, group, name_at(&l, i), last, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
scan_stream_groups(struct scan *s, const struct ev_key *k, const struct ev *stream, struct err *e)
{
    CLEANUP(names_release) struct names l = {.n = 0};
    struct stream_id last = stream->u.stream.last;

    scan_ask_time(s);
    RESP_CMD(&s->c->out, STR_LIT("XINFO"), STR_LIT("GROUPS"), k->name);
    if (conn_flush(s->cx, s->c, e) || take_names(s, k, &l, e))
        return err_code(e);
    for (size_t i = 0; i < l.n; i++) {
        struct ev ev = {.kind = EV_GROUP};
        ev.u.group.name = name_at(&l, i);
        /* What was added and delivered while we read is not part of what we read. */
        ev.u.group.last = id_cmp(l.items[i].last, last) < 0 ? l.items[i].last : last;
        ev.u.group.entries_read = l.items[i].read;
        ev.u.group.modern = stream->u.stream.modern;
        if (scan_emit(s, &ev, e) || one_group(s, k, name_at(&l, i), last, e))
            return err_code(e);
    }
    return RC_OK;
}

enum rc
scan_stream(struct scan *s, const struct ev_key *key, bool *gone, bool *changed, struct err *e)
{
    struct ev ev = {.kind = EV_STREAM};
    const struct reply *last, *deleted;
    struct reply r;

    if (CONN_CALL(s->cx, s->c, &r, e, STR_LIT("XINFO"), STR_LIT("STREAM"), key->name))
        return err_code(e);
    *changed = reply_is_error(&r, "WRONGTYPE");
    *gone = r.type == REPLY_ERROR && memmem(r.s.p, r.s.n, "no such key", 11) != NULL;
    if (*changed || *gone)
        return RC_OK;
    if (r.type == REPLY_ERROR)
        return scan_key_failed(s, key->name, &r, e);
    last = scan_stream_field(&r, "last-generated-id");
    deleted = scan_stream_field(&r, "max-deleted-entry-id");
    if (last == NULL || !parse_id(last->s, &ev.u.stream.last))
        return scan_odd(s, "XINFO STREAM", e);
    ev.u.stream.modern = deleted != NULL && parse_id(deleted->s, &ev.u.stream.max_deleted);
    ev.u.stream.added = (uint64_t)MAX(scan_stream_number(&r, "entries-added", 0), INT64_C(0));
    if (scan_begin(s, key, e) ||
        scan_stream_entries(s, key, ev.u.stream.last, &ev.u.stream.length, e))
        return err_code(e);
    if (!ev.u.stream.modern)
        ev.u.stream.added = ev.u.stream.length;
    if (scan_emit(s, &ev, e))
        return err_code(e);
    return scan_stream_groups(s, key, &ev, e);
}
