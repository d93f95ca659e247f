/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes as events, with the expiry of their fields in the four forms it has been written in. */
#include "rdb/packed.h"
#include "rdb/rdb_internal.h"

/* How a plain hash says when a field expires. */
enum ttl_form {
    TTL_NONE,
    TTL_BEFORE_ABSOLUTE, /* a length before the field: absolute ms, 0 none (7.4 release candidates)
                          */
    TTL_BEFORE_RELATIVE, /* the same, counted from min-expire - 1 (Redis 7.4) */
    TTL_BEHIND           /* 8 bytes behind the value, -1 none (Valkey 9) */
};

static enum rc
read_ttl_before(struct rdb *r, enum ttl_form form, int64_t min_expire, int64_t *out, struct err *e)
{
    uint64_t ttl;

    if (rdb_len(r, &ttl, e))
        return err_code(e);
    if (ttl > INT64_MAX)
        return rdb_corrupt(r, e, "a field expiry out of range");
    if (ttl == 0)
        *out = EV_NO_EXPIRY;
    else if (form == TTL_BEFORE_ABSOLUTE)
        *out = (int64_t)ttl;
    else if (__builtin_add_overflow(min_expire, (int64_t)ttl - 1, out))
        return rdb_corrupt(r, e, "a field expiry out of range");
    return RC_OK;
}

/* The expiry comes behind the value, so the value must be whole before anything is said. */
static enum rc
decode_valkey_field(struct rdb *r, const struct rdb_out *o, struct ev *ev, struct err *e)
{
    struct str value;
    int64_t at;

    if (rdb_string_held(r, &r->blob, &value, e) || rdb_i64(r, &at, e))
        return err_code(e);
    ev->u.field.expires_at = at == -1 ? EV_NO_EXPIRY : at;
    ev->u.field.value = ev_whole(value);
    return rdb_emit(o, ev, e);
}

static enum rc
decode_plain(struct rdb *r, enum ttl_form form, const struct rdb_out *o, struct err *e)
{
    struct ev ev = {.kind = EV_FIELD};
    int64_t min_expire = 0;
    uint64_t n;

    ev.u.field.expires_at = EV_NO_EXPIRY;
    if ((form == TTL_BEFORE_RELATIVE && rdb_i64(r, &min_expire, e)) || rdb_count(r, &n, e))
        return err_code(e);
    for (; n > 0; n--) {
        if ((form == TTL_BEFORE_ABSOLUTE || form == TTL_BEFORE_RELATIVE) &&
            read_ttl_before(r, form, min_expire, &ev.u.field.expires_at, e))
            return err_code(e);
        if (rdb_string_held(r, &r->field, &ev.u.field.name, e))
            return err_code(e);
        if (form == TTL_BEHIND ? decode_valkey_field(r, o, &ev, e)
                               : rdb_string_pieces(r, o, &ev, &ev.u.field.value, e))
            return err_code(e);
    }
    return RC_OK;
}

/* Pairs, or triples with an absolute expiry in ms (0: none) as their third. */
static enum rc
decode_packed(struct rdb *r, enum packed_kind kind, bool with_ttl, const struct rdb_out *o,
              struct err *e)
{
    struct ev ev = {.kind = EV_FIELD};
    struct packed_entry name, value;
    struct packed b;
    struct str s;
    int64_t ttl = 0;
    bool over;

    if (rdb_string(r, &r->blob, &s, e) || packed_open(&b, kind, s, e))
        return err_code(e);
    for (;;) {
        if (packed_next(&b, &name, &over, e))
            return err_code(e);
        if (over)
            return RC_OK;
        if (packed_must(&b, &value, e) || (with_ttl && packed_int(&b, &ttl, e)))
            return err_code(e);
        ev.u.field.name = name.s;
        ev.u.field.value = ev_whole(value.s);
        ev.u.field.expires_at = ttl == 0 ? EV_NO_EXPIRY : ttl;
        if (rdb_emit(o, &ev, e))
            return err_code(e);
    }
}

enum rc
rdb_decode_hash(struct rdb *r, const struct rdb_out *o, struct err *e)
{
    int64_t min_expire;

    switch (r->type) {
    case T_HASH:
        return decode_plain(r, TTL_NONE, o, e);
    case T_HASH_ZIPMAP:
        return decode_packed(r, BLOB_ZIPMAP, false, o, e);
    case T_HASH_ZIPLIST:
        return decode_packed(r, BLOB_ZIPLIST, false, o, e);
    case T_HASH_LISTPACK:
        return decode_packed(r, BLOB_LISTPACK, false, o, e);
    case T_HASH_22:
        return decode_plain(r, r->valkey ? TTL_BEHIND : TTL_BEFORE_ABSOLUTE, o, e);
    case T_HASH_METADATA:
        return decode_plain(r, TTL_BEFORE_RELATIVE, o, e);
    case T_HASH_LISTPACK_EX_RC:
        return decode_packed(r, BLOB_LISTPACK, true, o, e);
    case T_HASH_LISTPACK_EX: /* the smallest expiry stands first; each field has its own */
        return rdb_i64(r, &min_expire, e) ? err_code(e)
                                          : decode_packed(r, BLOB_LISTPACK, true, o, e);
    default:
        BUG("type %u is not a hash", r->type);
    }
}
