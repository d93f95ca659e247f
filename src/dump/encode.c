/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values as commands; streams in encode_stream.c, batches in encode_batch.c, bytes out in resp_writer.c. */
#define XXH_STATIC_LINKING_ONLY
#include <math.h>

#include "base/log.h"
#include "base/mem.h"
#include "dump/encode_internal.h"
#include "dump/trailer.h"
#include "rdb/payload.h"

enum { RDB_OF_REPLACE = 7, RDB_OF_ABSTTL = 9 };

struct encoder *
encoder_new(struct wr *out, enum dump_format format)
{
    struct encoder *x = MEM_NEW(struct encoder);

    x->to = out;
    x->format = format;
    x->out = mem_alloc(OUT_BYTES);
    x->hash = XXH3_createState();
    BUG_ON(x->hash == NULL);
    (void)XXH3_128bits_reset(x->hash);
    buf_init(&x->name, SIZE_MAX);
    buf_init(&x->batch, SIZE_MAX);
    buf_init(&x->claim_owner, SIZE_MAX);
    buf_init(&x->gone, SIZE_MAX);
    return x;
}

void
encoder_free(struct encoder *x)
{
    if (x == NULL)
        return;
    buf_release(&x->name);
    buf_release(&x->batch);
    buf_release(&x->claim_owner);
    buf_release(&x->gone);
    payload_decoder_free(x->decoder);
    (void)XXH3_freeState(x->hash);
    mem_free(x->out);
    mem_free(x);
}

static void
on_key(struct encoder *x, const struct ev_key *key)
{
    buf_reset(&x->name);
    buf_must_add(&x->name, key->name.p, key->name.n);
    x->key = *key;
    x->warned = x->deleted = false;
    x->n_entries = x->n_gone = 0;
    x->deleted_first = false;
    buf_reset(&x->gone);
    x->last_entry = (struct stream_id){0, 0};
    x->written = false;
}

/* Before the first element: whatever the key held must not shine through. */
static enum rc
resp_write_del_once(struct encoder *x, struct err *e)
{
    if (x->deleted)
        return RC_OK;
    x->deleted = true;
    return resp_write_verb(x, "DEL", 0, e);
}

/* One SET, or for a very long string SET and then APPEND of what one command may not hold. */
static enum rc
on_string(struct encoder *x, const struct ev_piece *p, struct err *e)
{
    struct ev_piece part = *p;
    uint64_t start;

    x->facts.longest = MAX(x->facts.longest, p->total); /* also where it comes in several */
    if (p->total <= ENC_STRING_MAX) {
        if (ev_is_first(p) && resp_write_verb(x, "SET", 1, e))
            return err_code(e);
        return resp_write_piece(x, p, e);
    }
    for (uint64_t off = p->off, end = p->off + p->p.n; off < end; off += part.p.n) {
        start = off - off % ENC_STRING_MAX;
        part.total = MIN(p->total - start, (uint64_t)ENC_STRING_MAX);
        part.off = off - start;
        part.p = str_of(p->p.p + (off - p->off), (size_t)MIN(end - off, part.total - part.off));
        if ((part.off == 0 && resp_write_verb(x, start == 0 ? "SET" : "APPEND", 1, e)) ||
            resp_write_piece(x, &part, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
on_elem(struct encoder *x, const struct ev_piece *p, struct err *e)
{
    const char *verb = kv_info[x->key.type].makes;

    if (p->total > ENC_BATCH_BYTES / 2) {
        if (ev_is_first(p) && (encode_batch_flush(x, e) || resp_write_verb(x, verb, 1, e)))
            return err_code(e);
        return resp_write_piece(x, p, e);
    }
    if (encode_batch_item(x, verb, p->p.n, e))
        return err_code(e);
    encode_batch_add(x, p->p);
    return RC_OK;
}

/* As Redis prints it: the shortest would do, 17 digits always suffice. */
static size_t
score_text(double v, char to[static NUMBER_TEXT])
{
    if (isinf(v))
        return (size_t)snprintf(to, NUMBER_TEXT, "%s", v < 0 ? "-inf" : "inf");
    if (v == trunc(v) && fabs(v) < 1e17 && !(v == 0 && signbit(v)))
        return str_put_i64((int64_t)v, (uint8_t *)to);
    return (size_t)snprintf(to, NUMBER_TEXT, "%.17g", v);
}

static enum rc
on_zelem(struct encoder *x, const struct ev *ev, struct err *e)
{
    struct str member = ev->u.zelem.member;
    char text[NUMBER_TEXT];

    if (member.n > ENC_BATCH_BYTES / 2) {
        if (encode_batch_flush(x, e) || resp_write_verb(x, "ZADD", 2, e) ||
            resp_write_arg(x, str_of(text, score_text(ev->u.zelem.score, text)), e))
            return err_code(e);
        return resp_write_arg(x, member, e);
    }
    if (encode_batch_item(x, "ZADD", member.n + NUMBER_TEXT, e))
        return err_code(e);
    encode_batch_add(x, str_of(text, score_text(ev->u.zelem.score, text)));
    encode_batch_add(x, member);
    return RC_OK;
}

/*
 * A field whose value is long has an HMSET of its own; its expiry follows at once. HMSET and not HSET,
 * which takes one field only before Redis 4.0.
 */
static enum rc
on_long_field(struct encoder *x, const struct ev *ev, struct err *e)
{
    const struct ev_piece *p = &ev->u.field.value;

    if (ev_is_first(p) && (encode_batch_flush(x, e) || resp_write_verb(x, "HMSET", 2, e) ||
                           resp_write_arg(x, ev->u.field.name, e)))
        return err_code(e);
    if (resp_write_piece(x, p, e))
        return err_code(e);
    if (!ev_is_last(p) || ev->u.field.expires_at == EV_NO_EXPIRY)
        return RC_OK;
    if (resp_write_verb(x, "HPEXPIREAT", 4, e) || resp_write_int(x, ev->u.field.expires_at, e) ||
        resp_write_word(x, "FIELDS", e) || resp_write_word(x, "1", e))
        return err_code(e);
    return resp_write_arg(x, ev->u.field.name, e);
}

static enum rc
on_field(struct encoder *x, const struct ev *ev, struct err *e)
{
    struct str name = ev->u.field.name;
    const struct ev_piece *p = &ev->u.field.value;
    size_t off;

    if (name.n + p->total > ENC_BATCH_BYTES / 2)
        return on_long_field(x, ev, e);
    if (encode_batch_item(x, "HMSET", name.n + p->p.n, e))
        return err_code(e);
    off = x->batch.n;
    encode_batch_add(x, name);
    if (ev->u.field.expires_at != EV_NO_EXPIRY)
        x->expiries[x->n_expiries++] =
            (struct expiry){.at = ev->u.field.expires_at, .off = off, .n = x->batch.n - off};
    encode_batch_add(x, p->p);
    return RC_OK;
}

/*
 * Redis 7 makes up how far each group of a stream of Redis 5 or 6 has read when it loads its payload.
 * From commands all versions make the same.
 */
static enum rc
on_old_stream(struct encoder *x, const struct ev *ev, struct err *e)
{
    if (x->decoder == NULL)
        x->decoder = payload_decoder_new();
    return payload_decode(x->decoder, ev, encoder_on, x, e);
}

/* The payload as an argument. */
static enum rc
resp_write_payload(struct encoder *x, const struct ev *ev, struct err *e)
{
    struct str meta = ev->u.payload.meta, value = ev->u.payload.value;
    uint8_t footer[PAYLOAD_FOOTER];

    payload_footer(ev, footer);
    if (resp_write_length(x, meta.n + 1 + value.n + sizeof(footer), e) ||
        put(x, meta.p, meta.n, e) || put(x, &ev->u.payload.rdb_type, 1, e) ||
        put(x, value.p, value.n, e) || put(x, footer, sizeof(footer), e))
        return err_code(e);
    return put(x, "\r\n", 2, e);
}

/* [DEL key,] RESTORE key 0 payload [REPLACE], for servers before ABSTTL; PEXPIREAT says the rest. */
static enum rc
resp_write_old_restore(struct encoder *x, const struct ev *ev, struct err *e)
{
    bool replace = x->rdb_version >= RDB_OF_REPLACE;

    if ((!replace && resp_write_verb(x, "DEL", 0, e)) ||
        resp_write_verb(x, "RESTORE", replace ? 3 : 2, e) || resp_write_word(x, "0", e) ||
        resp_write_payload(x, ev, e))
        return err_code(e);
    return replace ? resp_write_word(x, "REPLACE", e) : RC_OK;
}

/* RESTORE key ttl payload REPLACE ABSTTL [IDLETIME s | FREQ n] */
static enum rc
resp_write_restore(struct encoder *x, const struct ev *ev, struct err *e)
{
    bool expires = x->key.expires_at != EV_NO_EXPIRY, use = x->key.freq >= 0 || x->key.idle_s >= 0;

    if (resp_write_verb(x, "RESTORE", use ? 6 : 4, e) ||
        resp_write_int(x, expires ? MAX(x->key.expires_at, 1) : 0, e) ||
        resp_write_payload(x, ev, e) || resp_write_word(x, "REPLACE", e) ||
        resp_write_word(x, "ABSTTL", e))
        return err_code(e);
    x->key.expires_at = EV_NO_EXPIRY; /* said already */
    if (!use)
        return RC_OK;
    if (resp_write_word(x, x->key.freq >= 0 ? "FREQ" : "IDLETIME", e))
        return err_code(e);
    return resp_write_int(x, x->key.freq >= 0 ? x->key.freq : x->key.idle_s, e);
}

static enum rc
on_payload(struct encoder *x, const struct ev *ev, struct err *e)
{
    if (x->format == DUMP_COMMANDS && kv_info[x->key.type].opaque != NULL) {
        x->facts.opaque++;
        encode_warn(x, kv_info[x->key.type].opaque);
    }
    x->key.has_meta = false; /* in the payload */
    return x->rdb_version != 0 && x->rdb_version < RDB_OF_ABSTTL ? resp_write_old_restore(x, ev, e)
                                                                 : resp_write_restore(x, ev, e);
}

static enum rc
on_key_end(struct encoder *x, struct err *e)
{
    if (encode_batch_flush(x, e))
        return err_code(e);
    if (!x->written) /* an empty collection: no key to a server */
        return RC_OK;
    x->facts.keys++;
    if (x->key.has_meta)
        encode_warn_loss(x, "its metadata is left out; only the restore format carries it");
    if (x->key.expires_at == EV_NO_EXPIRY)
        return RC_OK;
    return resp_write_verb(x, "PEXPIREAT", 1, e) ? err_code(e)
                                                 : resp_write_int(x, x->key.expires_at, e);
}

static enum rc
on_code(struct encoder *x, const struct ev *ev, struct err *e)
{
    if (ev->kind == EV_SCRIPT)
        return resp_write_command(x, 3, e) || resp_write_word(x, "SCRIPT", e) ||
                       resp_write_word(x, "LOAD", e)
                   ? err_code(e)
                   : resp_write_arg(x, ev->u.code, e);
    if (resp_write_command(x, 4, e) || resp_write_word(x, "FUNCTION", e) ||
        resp_write_word(x, "LOAD", e) || resp_write_word(x, "REPLACE", e))
        return err_code(e);
    return resp_write_arg(x, ev->u.code, e);
}

static enum rc
on_value(struct encoder *x, const struct ev *ev, struct err *e)
{
    switch (ev->kind) {
    case EV_ELEM:
        return on_elem(x, &ev->u.piece, e);
    case EV_ZELEM:
        return on_zelem(x, ev, e);
    case EV_FIELD:
        return on_field(x, ev, e);
    default:
        return encode_stream(x, ev, e);
    }
}

/* The bytes that a reader of this event must hold at once. */
static size_t
held_bytes(const struct ev *ev)
{
    size_t n = 0;

    switch (ev->kind) {
    case EV_KEY:
        return ev->u.key.name.n;
    case EV_FUNCTION:
    case EV_SCRIPT:
        return ev->u.code.n;
    case EV_ZELEM:
        return ev->u.zelem.member.n;
    case EV_FIELD:
        return ev->u.field.name.n;
    case EV_ENTRY:
        for (size_t i = 0; i < 2 * ev->u.entry.n; i++)
            n += ev->u.entry.pairs[i].n;
        return n;
    case EV_GROUP:
        return ev->u.group.name.n;
    case EV_CONSUMER:
        return ev->u.consumer.group.n + ev->u.consumer.name.n;
    default:
        return 0;
    }
}

/* One set of limits: what a load could not take is not saved as if it could. */
static enum rc
check_limits(const struct encoder *x, const struct ev *ev, struct err *e)
{
    size_t n = held_bytes(ev) + 1024; /* the rest of the command */
    char name[100];

    if (n > EV_HELD_MAX)
        return err_set(
            e, RC_LIMIT,
            "key \"%s\": a name, member, field or entry of %zu bytes; at most %zu can be "
            "loaded again",
            str_show(ev->kind == EV_KEY ? ev->u.key.name : buf_str(&x->name), name, sizeof(name)),
            n, EV_HELD_MAX);
    return RC_OK;
}

enum rc
encoder_on(void *arg, const struct ev *ev, struct err *e)
{
    struct encoder *x = arg;

    if (check_limits(x, ev, e))
        return err_code(e);
    switch (ev->kind) {
    case EV_DB:
        return resp_write_command(x, 2, e) || resp_write_word(x, "SELECT", e)
                   ? err_code(e)
                   : resp_write_int(x, (int64_t)ev->u.db.n, e);
    case EV_FUNCTION:
    case EV_SCRIPT:
        return on_code(x, ev, e);
    case EV_KEY:
        on_key(x, &ev->u.key);
        return RC_OK;
    case EV_STRING:
        x->written = true;
        return on_string(x, &ev->u.piece, e);
    case EV_PAYLOAD:
        if (payload_is_old_stream(ev))
            return on_old_stream(x, ev, e);
        x->written = true;
        return on_payload(x, ev, e);
    case EV_KEY_END:
        if (x->key.type == KV_STREAM && encode_stream_close(x, e))
            return err_code(e);
        return on_key_end(x, e);
    default:
        x->written = true;
        if (resp_write_del_once(x, e))
            return err_code(e);
        return on_value(x, ev, e);
    }
}

void
encoder_source(struct encoder *x, unsigned rdb_version)
{
    x->rdb_version = rdb_version;
}

enum rc
encoder_begin(struct encoder *x, struct part part, struct err *e)
{
    char text[TRAILER_TEXT];

    x->part = part;
    if (resp_write_command(x, 2, e) || resp_write_word(x, "ECHO", e))
        return err_code(e);
    return resp_write_word(x, header_text(x->format, part, text), e);
}

enum rc
encoder_flush(struct encoder *x, struct err *e)
{
    return resp_write_flush(x, e);
}

enum rc
encoder_end(struct encoder *x, struct trailer *out, struct err *e)
{
    struct trailer t;
    char text[TRAILER_TEXT];
    XXH128_canonical_t hash;

    if (resp_write_flush(x, e))
        return err_code(e);
    XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(x->hash));
    memcpy(t.hash, hash.digest, sizeof(t.hash));
    t.commands = x->facts.commands;
    t.bytes = x->facts.bytes;
    t.keys = x->facts.keys;
    if (resp_write_command(x, 2, e) || resp_write_word(x, "ECHO", e) ||
        resp_write_word(x, trailer_text(x->part.n == 0 ? TRAILER_DUMP : TRAILER_PART, &t, text), e))
        return err_code(e);
    if (out != NULL)
        *out = t;
    return resp_write_flush(x, e);
}

struct encoder_facts
encoder_facts(const struct encoder *x)
{
    struct encoder_facts f = x->facts;

    f.bytes += x->n; /* not passed on yet */
    return f;
}
