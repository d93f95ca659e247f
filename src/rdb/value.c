/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as events: strings, lists, sets, sorted sets; hashes and streams have files of their own.
 */
#include "rdb/packed.h"
#include "rdb/payload.h"
#include "rdb/rdb_internal.h"

/* `n` strings, each an element. */
static enum rc
decode_elems(struct rdb *r, const struct rdb_out *o, struct err *e)
{
    struct ev ev = {.kind = EV_ELEM};
    uint64_t n;

    if (rdb_count(r, &n, e))
        return err_code(e);
    for (; n > 0; n--)
        if (rdb_string_pieces(r, o, &ev, &ev.u.piece, e))
            return err_code(e);
    return RC_OK;
}

static enum rc
decode_zset(struct rdb *r, const struct rdb_out *o, struct err *e)
{
    struct ev ev = {.kind = EV_ZELEM};
    bool binary = r->type == T_ZSET_2;
    uint64_t n;

    if (rdb_count(r, &n, e))
        return err_code(e);
    for (; n > 0; n--) {
        if (rdb_string_held(r, &r->field, &ev.u.zelem.member, e) ||
            (binary ? rdb_double(r, &ev.u.zelem.score, e)
                    : rdb_old_double(r, &ev.u.zelem.score, e)) ||
            rdb_emit(o, &ev, e))
            return err_code(e);
    }
    return RC_OK;
}

/* The entries of a packed string, each an element. */
static enum rc
decode_packed_elems(struct rdb *r, enum packed_kind kind, const struct rdb_out *o, struct err *e)
{
    struct ev ev = {.kind = EV_ELEM};
    struct packed_entry x;
    struct packed b;
    struct str s;
    bool over;

    if (rdb_string(r, &r->blob, &s, e) || packed_open(&b, kind, s, e))
        return err_code(e);
    for (;;) {
        if (packed_next(&b, &x, &over, e))
            return err_code(e);
        if (over)
            return RC_OK;
        ev.u.piece = ev_whole(x.s);
        if (rdb_emit(o, &ev, e))
            return err_code(e);
    }
}

static enum rc
decode_packed_zset(struct rdb *r, enum packed_kind kind, const struct rdb_out *o, struct err *e)
{
    struct ev ev = {.kind = EV_ZELEM};
    struct packed_entry member, score;
    struct packed b;
    struct str s;
    bool over;

    if (rdb_string(r, &r->blob, &s, e) || packed_open(&b, kind, s, e))
        return err_code(e);
    for (;;) {
        if (packed_next(&b, &member, &over, e))
            return err_code(e);
        if (over)
            return RC_OK;
        ev.u.zelem.member = member.s;
        if (packed_must(&b, &score, e) || packed_entry_score(&score, &ev.u.zelem.score, e) ||
            rdb_emit(o, &ev, e))
            return err_code(e);
    }
}

/*
 * Nodes: packed ones hold many elements, a plain one (quicklist 2 only) is a long element by
 * itself.
 */
static enum rc
decode_quicklist(struct rdb *r, const struct rdb_out *o, struct err *e)
{
    enum { PLAIN = 1, PACKED = 2 };
    struct ev ev = {.kind = EV_ELEM};
    bool two = r->type == T_LIST_QUICKLIST_2;
    uint64_t n, container = PACKED;

    if (rdb_count(r, &n, e))
        return err_code(e);
    for (; n > 0; n--) {
        if (two && rdb_len(r, &container, e))
            return err_code(e);
        if (container != PLAIN && container != PACKED)
            return rdb_corrupt(r, e, "unknown list node %llu", (unsigned long long)container);
        if (container == PLAIN ? rdb_string_pieces(r, o, &ev, &ev.u.piece, e)
                               : decode_packed_elems(r, two ? BLOB_LISTPACK : BLOB_ZIPLIST, o, e))
            return err_code(e);
    }
    return RC_OK;
}

/* What we cannot look into goes on as it is. */
static enum rc
decode_opaque(struct rdb *r, const struct rdb_out *o, struct err *e)
{
    struct ev ev = {.kind = EV_PAYLOAD};
    size_t window_max = r->w.max;
    enum rc rc;

    lookahead_pin(&r->w);
    r->w.max = r->opaque_max;
    rc = rdb_skip_value(r, e);
    r->w.max = window_max;
    if (rc == RC_OK) {
        ev.u.payload.rdb_type = r->type;
        ev.u.payload.value = lookahead_pinned(&r->w);
        ev.u.payload.version = rdb_min_version(r->type, r->valkey);
        rc = rdb_emit(o, &ev, e);
    }
    lookahead_unpin(&r->w);
    return rc;
}

enum rc
rdb_decode_value(struct rdb *r, const struct rdb_out *o, struct err *e)
{
    struct ev ev = {.kind = EV_STRING};
    enum kv_type kv;

    if (rdb_kv_type(r->type, &kv) && kv_info[kv].opaque != NULL)
        return decode_opaque(r, o, e);
    switch (r->type) {
    case T_STRING:
        return rdb_string_pieces(r, o, &ev, &ev.u.piece, e);
    case T_LIST:
    case T_SET:
        return decode_elems(r, o, e);
    case T_ZSET:
    case T_ZSET_2:
        return decode_zset(r, o, e);
    case T_LIST_ZIPLIST:
        return decode_packed_elems(r, BLOB_ZIPLIST, o, e);
    case T_SET_INTSET:
        return decode_packed_elems(r, BLOB_INTSET, o, e);
    case T_SET_LISTPACK:
        return decode_packed_elems(r, BLOB_LISTPACK, o, e);
    case T_ZSET_ZIPLIST:
        return decode_packed_zset(r, BLOB_ZIPLIST, o, e);
    case T_ZSET_LISTPACK:
        return decode_packed_zset(r, BLOB_LISTPACK, o, e);
    case T_LIST_QUICKLIST:
    case T_LIST_QUICKLIST_2:
        return decode_quicklist(r, o, e);
    case T_STREAM:
    case T_STREAM_2:
    case T_STREAM_3:
    case T_STREAM_4:
    case T_STREAM_5:
        return rdb_decode_stream(r, o, e);
    case T_HASH_TMPL_LP:
    case T_HASH_TMPL_LP_REF:
    case T_HASH_TMPL_ARRAY:
    case T_HASH_TMPL_ARRAY_REF:
        return rdb_decode_template_hash(r, o, e);
    default:
        return rdb_decode_hash(r, o, e);
    }
}
