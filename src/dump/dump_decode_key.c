/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of one key as events; dump_decode.c decides which key that is. */
#include "dump/dump_decode_internal.h"
#include "rdb/payload.h"

enum rc
dump_decode_emit(struct dump_decode *u, const struct ev *ev, struct err *e)
{
    return u->on == NULL ? RC_OK : u->on(u->arg, ev, e);
}

/* A stream that never needed an XSETID is what its entries made it; known when nothing follows. */
static enum rc
say_stream(struct dump_decode *u, struct err *e)
{
    struct ev ev = {.kind = EV_STREAM};

    if (u->stream_said || u->type != KV_STREAM)
        return RC_OK;
    u->stream_said = true;
    ev.u.stream.length = u->n_entries;
    ev.u.stream.last = u->last_entry;
    ev.u.stream.added = u->n_entries;
    return dump_decode_emit(u, &ev, e);
}

enum rc
dump_decode_end_key(struct dump_decode *u, struct err *e)
{
    struct ev ev = {.kind = EV_KEY_END};

    if (u->named && !u->open && !u->facts.ours) { /* only a DEL */
        u->facts.removes = true;
        dump_decode_not_exact(u);
    }
    u->named = false;
    if (!u->open)
        return RC_OK;
    if (say_stream(u, e))
        return err_code(e);
    u->facts.uncounted = u->facts.uncounted || u->uncounted;
    u->open = false;
    ev.u.key = (struct ev_key){.name = buf_str(&u->name),
                               .type = u->type,
                               .expires_at = u->expires_at,
                               .idle_s = -1,
                               .freq = -1};
    return dump_decode_emit(u, &ev, e);
}

enum rc
dump_decode_start_key(struct dump_decode *u, struct str name, struct err *e)
{
    if (dump_decode_end_key(u, e))
        return err_code(e);
    buf_reset(&u->name);
    u->named = true;
    u->expires_at = EV_NO_EXPIRY;
    return buf_add_str(&u->name, name, e);
}

/* A change of type means that we misread the stream. */
enum rc
dump_decode_open_key(struct dump_decode *u, enum kv_type type, struct err *e)
{
    struct ev ev = {.kind = EV_KEY};

    if (u->open) {
        if (type != u->type)
            dump_decode_not_exact(u);
        return RC_OK;
    }
    if (!u->db_said) {
        struct ev db = {.kind = EV_DB};
        db.u.db.n = u->db;
        db.u.db.keys = db.u.db.expires = EV_UNKNOWN;
        u->db_said = true;
        if (dump_decode_emit(u, &db, e))
            return err_code(e);
    }
    u->open = true;
    u->keys++;
    u->type = type;
    u->n_entries = u->string_bytes = 0;
    u->last_entry = (struct stream_id){0, 0};
    u->stream_said = u->uncounted = false;
    ev.u.key = (struct ev_key){.name = buf_str(&u->name),
                               .type = type,
                               .expires_at = EV_NO_EXPIRY,
                               .idle_s = -1,
                               .freq = -1};
    return dump_decode_emit(u, &ev, e);
}

static bool
parse_id(struct str s, struct stream_id *out)
{
    const uint8_t *dash = memchr(s.p, '-', s.n);
    size_t n = dash == NULL ? s.n : (size_t)(dash - s.p);

    out->seq = 0;
    return str_to_u64(str_of(s.p, n), &out->ms) &&
           (dash == NULL || str_to_u64(str_of(dash + 1, s.n - n - 1), &out->seq));
}

enum rc
dump_decode_bad_argument(const struct dump_decode *u, const char *what, struct err *e)
{
    char name[100];

    return err_set(e, RC_CORRUPT, "a %s that cannot be read, for key \"%s\"", what,
                   str_show(buf_str(&u->name), name, sizeof(name)));
}

/* A score, or a piece of one. */
static enum rc
take_score(struct dump_decode *u, const struct ev_piece *p, struct err *e)
{
    char text[64], *end;

    if (ev_is_first(p) && ev_is_last(p) && p->p.n != 0 && p->p.n < sizeof(text)) {
        memcpy(text, p->p.p, p->p.n);
        text[p->p.n] = '\0';
        u->score = strtod(text, &end);
        if (end == text + p->p.n)
            return RC_OK;
    }
    if (u->facts.ours)
        return dump_decode_bad_argument(u, "score", e);
    dump_decode_not_exact(u); /* NX, INCR and the like */
    u->verb = V_OTHER;
    return RC_OK;
}

static enum rc
take_member(struct dump_decode *u, const struct ev_piece *p, struct err *e)
{
    struct ev ev = {.kind = EV_ZELEM};

    ev.u.zelem.score = u->score;
    ev.u.zelem.member = p->p;
    if (!ev_is_first(p) || !ev_is_last(p)) {
        if (ev_is_first(p))
            buf_reset(&u->held);
        if (buf_add_str(&u->held, p->p, e))
            return err_code(e);
        ev.u.zelem.member = buf_str(&u->held);
    }
    return ev_is_last(p) ? dump_decode_emit(u, &ev, e) : RC_OK;
}

enum rc
dump_decode_streaming_arg(struct dump_decode *u, uint32_t i, const struct ev_piece *p,
                          struct err *e)
{
    struct ev ev = {.kind = EV_ELEM};

    ev.u.piece = *p;
    switch (u->verb) {
    case V_SET:
    case V_APPEND:
        if (i > 2) {
            dump_decode_not_exact(u); /* SET with options */
            return RC_OK;
        }
        ev.kind = EV_STRING;
        if (u->verb == V_APPEND) {
            if (u->string_bytes == 0)
                dump_decode_not_exact(u);
            ev.u.piece.off = u->string_bytes;
            ev.u.piece.total = EV_UNKNOWN;
        }
        u->string_bytes += p->p.n;
        return dump_decode_emit(u, &ev, e);
    case V_ZADD:
        return i % 2 == 0 ? take_score(u, p, e) : take_member(u, p, e);
    case V_HSET:
        if (i % 2 == 0) { /* the field's name: kept until its value comes */
            if (ev_is_first(p))
                buf_reset(&u->held);
            return buf_add_str(&u->held, p->p, e);
        }
        ev.kind = EV_FIELD;
        ev.u.field.name = buf_str(&u->held);
        ev.u.field.value = *p;
        ev.u.field.expires_at = EV_NO_EXPIRY;
        return dump_decode_emit(u, &ev, e);
    default:
        return dump_decode_emit(u, &ev, e);
    }
}

static enum rc
on_hpexpireat(struct dump_decode *u, const struct str *v, uint32_t n, struct err *e)
{
    struct ev ev = {.kind = EV_FIELD_EXPIRY};

    if (!str_to_i64(v[2], &ev.u.field.expires_at) || !str_is_word(v[3], "FIELDS"))
        return dump_decode_bad_argument(u, "HPEXPIREAT", e);
    for (uint32_t i = 5; i < n; i++) {
        ev.u.field.name = v[i];
        if (dump_decode_emit(u, &ev, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
on_xadd(struct dump_decode *u, const struct str *v, uint32_t n, struct err *e)
{
    struct ev ev = {.kind = EV_ENTRY};

    if (n == 7 && u->facts.ours && str_is_word(v[2], "MAXLEN")) /* of a deleted entry: goes again */
        return parse_id(v[4], &u->last_entry) ? RC_OK : dump_decode_bad_argument(u, "XADD", e);
    if (n % 2 == 0 || !parse_id(v[2], &ev.u.entry.id)) {
        dump_decode_not_exact(u); /* MAXLEN, "*" and the like: not of our making */
        return RC_OK;
    }
    ev.u.entry.pairs = v + 3;
    ev.u.entry.n = (n - 3) / 2;
    u->n_entries++;
    u->last_entry = ev.u.entry.id;
    return dump_decode_emit(u, &ev, e);
}

static enum rc
on_xsetid(struct dump_decode *u, const struct str *v, uint32_t n, struct err *e)
{
    struct ev ev = {.kind = EV_STREAM};

    if (!parse_id(v[2], &ev.u.stream.last))
        return dump_decode_bad_argument(u, "XSETID", e);
    ev.u.stream.length = ev.u.stream.added = u->n_entries;
    for (uint32_t i = 3; i + 1 < n; i += 2) {
        if (str_is_word(v[i], "ENTRIESADDED") ? !str_to_u64(v[i + 1], &ev.u.stream.added)
                                              : !parse_id(v[i + 1], &ev.u.stream.max_deleted))
            return dump_decode_bad_argument(u, "XSETID", e);
        ev.u.stream.modern = true;
    }
    u->uncounted = u->uncounted && !ev.u.stream.modern;
    u->stream_said = true;
    return dump_decode_emit(u, &ev, e);
}

static enum rc
say_consumer(struct dump_decode *u, struct str group, struct str name, struct err *e)
{
    struct ev ev = {.kind = EV_CONSUMER};

    ev.u.consumer.group = group;
    ev.u.consumer.name = name;
    ev.u.consumer.seen_at = 0;
    ev.u.consumer.active_at = -1;
    return dump_decode_emit(u, &ev, e);
}

/* XREADGROUP GROUP group consumer STREAMS key 0 makes a consumer; anything else is not of our making. */
static enum rc
on_xreadgroup(struct dump_decode *u, const struct str *v, uint32_t n, struct err *e)
{
    if (n == 7 && str_is_word(v[4], "STREAMS") && str_eq(v[6], STR_LIT("0")))
        return say_consumer(u, v[2], v[3], e);
    dump_decode_not_exact(u);
    return RC_OK;
}

static enum rc
on_xgroup(struct dump_decode *u, const struct str *v, uint32_t n, struct err *e)
{
    struct ev ev = {.kind = EV_GROUP};

    if (str_is_word(v[1], "DESTROY"))
        return RC_OK;
    if (n < 5)
        return dump_decode_bad_argument(u, "XGROUP", e);
    if (str_is_word(v[1], "CREATECONSUMER"))
        return say_consumer(u, v[3], v[4], e);
    if (!str_is_word(v[1], "CREATE") || !parse_id(v[4], &ev.u.group.last))
        return dump_decode_bad_argument(u, "XGROUP", e);
    if (n == 6 && str_is_word(v[5], "MKSTREAM")) /* how an empty stream is made */
        return RC_OK;
    ev.u.group.name = v[3];
    ev.u.group.entries_read = -1;
    ev.u.group.modern = true;
    if (n == 7 && !str_to_i64(v[6], &ev.u.group.entries_read))
        return dump_decode_bad_argument(u, "XGROUP", e);
    return dump_decode_emit(u, &ev, e);
}

/* XCLAIM key group consumer 0 id... TIME ms RETRYCOUNT n JUSTID FORCE */
static enum rc
on_xclaim(struct dump_decode *u, const struct str *v, uint32_t n, struct err *e)
{
    struct ev ev = {.kind = EV_PENDING};
    uint32_t ids_end = 5;

    while (ids_end < n && !str_is_word(v[ids_end], "TIME"))
        ids_end++;
    if (ids_end + 4 > n || !str_to_i64(v[ids_end + 1], &ev.u.pending.delivered_at) ||
        !str_is_word(v[ids_end + 2], "RETRYCOUNT") ||
        !str_to_u64(v[ids_end + 3], &ev.u.pending.count))
        return dump_decode_bad_argument(u, "XCLAIM", e);
    ev.u.pending.group = v[2];
    ev.u.pending.consumer = v[3];
    for (uint32_t i = 5; i < ids_end; i++)
        if (!parse_id(v[i], &ev.u.pending.id))
            return dump_decode_bad_argument(u, "XCLAIM", e);
        else if (dump_decode_emit(u, &ev, e))
            return err_code(e);
    return RC_OK;
}

static enum rc
on_restore(struct dump_decode *u, const struct str *v, uint32_t n, struct err *e)
{
    struct ev ev;
    enum kv_type type;
    bool absolute = false;
    int64_t ttl;
    enum rc rc;

    for (uint32_t i = 4; i < n; i++)
        absolute = absolute || str_is_word(v[i], "ABSTTL");
    if (!str_to_i64(v[2], &ttl))
        return dump_decode_bad_argument(u, "time to live", e);
    rc = payload_split(v[3], &ev, e);
    if (rc != RC_OK || !rdb_kv_type(ev.u.payload.rdb_type, &type))
        return dump_decode_bad_argument(u, "RESTORE payload", e);
    if (ttl != 0 && !absolute)
        dump_decode_not_exact(u);
    if (dump_decode_open_key(u, type, e) || dump_decode_emit(u, &ev, e))
        return err_code(e);
    u->stream_said = true;                         /* the payload says it */
    u->expires_at = ttl == 0 ? EV_NO_EXPIRY : ttl; /* PEXPIREAT may follow */
    return RC_OK;
}

static enum rc
on_expire(struct dump_decode *u, const struct str *v, int64_t unit, struct err *e)
{
    int64_t at;

    if (!str_to_i64(v[2], &at) || __builtin_mul_overflow(at, unit, &at))
        return dump_decode_bad_argument(u, "time", e);
    u->expires_at = at;
    return RC_OK;
}

enum rc
dump_decode_key_command(struct dump_decode *u, const struct str *v, uint32_t n, struct err *e)
{
    switch (u->verb) {
    case V_HPEXPIREAT:
        return on_hpexpireat(u, v, n, e);
    case V_XADD:
        return on_xadd(u, v, n, e);
    case V_XDEL:
        if (!u->facts.ours)
            dump_decode_not_exact(u);
        u->uncounted = true;
        return RC_OK;
    case V_XSETID:
        return on_xsetid(u, v, n, e);
    case V_XGROUP:
        return on_xgroup(u, v, n, e);
    case V_XREADGROUP:
        return on_xreadgroup(u, v, n, e);
    case V_XCLAIM:
        return on_xclaim(u, v, n, e);
    case V_PEXPIREAT:
        return on_expire(u, v, 1, e);
    case V_EXPIREAT:
        return on_expire(u, v, 1000, e);
    case V_RESTORE:
        return on_restore(u, v, n, e);
    default:
        return RC_OK;
    }
}
