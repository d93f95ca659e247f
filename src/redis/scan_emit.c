/* SPDX-License-Identifier: Apache-2.0 */
/* What was read becomes events. */
#include "redis/scan_internal.h"

enum rc
scan_emit(struct scan *s, const struct ev *ev, struct err *e)
{
    /* A database is told of with its first key: that there is one is known only then. */
    if (ev->kind == EV_KEY && s->db_due) {
        s->db_due = false;
        if (s->on(s->arg, &s->db, e))
            return err_code(e);
    }
    return s->on(s->arg, ev, e);
}

enum rc
scan_payload(struct scan *s, const struct ev *ev, struct err *e)
{
    char module[PAYLOAD_MODULE_TEXT];

    s->result->series += strcmp(payload_module(ev, module), "TSDB-TYPE") == 0;
    if (s->opts->format == DUMP_RESTORE)
        return scan_emit(s, ev, e);
    return payload_decode(s->decoder, ev, s->on, s->arg, e);
}

enum rc
scan_begin(struct scan *s, const struct ev_key *key, struct err *e)
{
    struct ev ev = {.kind = EV_KEY, .u.key = *key};

    return scan_emit(s, &ev, e);
}

enum rc
scan_end(struct scan *s, const struct ev_key *key, struct err *e)
{
    struct ev ev = {.kind = EV_KEY_END, .u.key = *key};

    s->result->keys++;
    return scan_emit(s, &ev, e);
}

static double
score_of(struct str s)
{
    char text[64];
    size_t n = MIN(s.n, sizeof(text) - 1);

    if (n != 0)
        memcpy(text, s.p, n);
    text[n] = '\0';
    return strtod(text, NULL); /* knows inf and -inf */
}

static enum rc
emit_piece(struct scan *s, enum ev_kind kind, struct str p, struct err *e)
{
    struct ev ev = {.kind = kind, .u.piece = ev_whole(p)};

    return scan_emit(s, &ev, e);
}

static enum rc
emit_pair(struct scan *s, enum kv_type type, struct str a, struct str b, struct err *e)
{
    struct ev ev;

    if (type == KV_ZSET)
        ev = (struct ev){.kind = EV_ZELEM, .u.zelem = {.member = a, .score = score_of(b)}};
    else
        ev = (struct ev){.kind = EV_FIELD,
                         .u.field = {.name = a, .value = ev_whole(b), .expires_at = EV_NO_EXPIRY}};
    return scan_emit(s, &ev, e);
}

enum rc
scan_items(struct scan *s, enum kv_type type, const struct reply *r, struct err *e)
{
    bool pairs = kv_info[type].pairs;

    if (type == KV_STRING) {
        if (r->type != REPLY_BULK)
            return scan_odd(s, "GET", e);
        return emit_piece(s, EV_STRING, r->s, e);
    }
    if (r->type != REPLY_ARRAY || (pairs && r->n % 2 != 0))
        return scan_odd(s, "a read", e);
    for (size_t i = 0; i < r->n; i += pairs ? 2 : 1) {
        if (r->items[i].type != REPLY_BULK || (pairs && r->items[i + 1].type != REPLY_BULK))
            return scan_odd(s, "a read", e);
        if (pairs ? emit_pair(s, type, r->items[i].s, r->items[i + 1].s, e)
                  : emit_piece(s, EV_ELEM, r->items[i].s, e))
            return err_code(e);
    }
    return RC_OK;
}
