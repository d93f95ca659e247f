/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RDB_RDB_INTERNAL_H
#define RDB_RDB_INTERNAL_H

/*
 * rdb/rdb_internal -- what the files of this folder share: the reader's state and the small reads.
 */
#include "base/lookahead.h"
#include "rdb/payload.h"
#include "rdb/rdb.h"

/*
 * Every value type (reference redis-dump section 9): its number, of which kind, the smallest RDB
 * version that knows it, and how it is laid out, see layout.c. 22 means two things: see there.
 */
#define RDB_STREAM_NODES "(ss)"
#define RDB_STREAM_MODERN "llllllll"
#define RDB_STREAM_IDMP "ll(s(sll))ll"
#define RDB_TYPES(X)                                                                               \
    X(T_STRING, 0, KV_STRING, 1, "s")                                                              \
    X(T_LIST, 1, KV_LIST, 1, "(s)")                                                                \
    X(T_SET, 2, KV_SET, 1, "(s)")                                                                  \
    X(T_ZSET, 3, KV_ZSET, 1, "(sd)")                                                               \
    X(T_HASH, 4, KV_HASH, 1, "(ss)")                                                               \
    X(T_ZSET_2, 5, KV_ZSET, 8, "(s8)")                                                             \
    X(T_MODULE_2, 7, KV_MODULE, 8, "m")                                                            \
    X(T_HASH_ZIPMAP, 9, KV_HASH, 1, "s")                                                           \
    X(T_LIST_ZIPLIST, 10, KV_LIST, 2, "s")                                                         \
    X(T_SET_INTSET, 11, KV_SET, 2, "s")                                                            \
    X(T_ZSET_ZIPLIST, 12, KV_ZSET, 2, "s")                                                         \
    X(T_HASH_ZIPLIST, 13, KV_HASH, 4, "s")                                                         \
    X(T_LIST_QUICKLIST, 14, KV_LIST, 7, "(s)")                                                     \
    X(T_STREAM, 15, KV_STREAM, 9, RDB_STREAM_NODES "lll(sll(x8l)(s8(x)))")                         \
    X(T_HASH_LISTPACK, 16, KV_HASH, 10, "s")                                                       \
    X(T_ZSET_LISTPACK, 17, KV_ZSET, 10, "s")                                                       \
    X(T_LIST_QUICKLIST_2, 18, KV_LIST, 10, "(ls)")                                                 \
    X(T_STREAM_2, 19, KV_STREAM, 10, RDB_STREAM_NODES RDB_STREAM_MODERN "(slll(x8l)(s8(x)))")      \
    X(T_SET_LISTPACK, 20, KV_SET, 11, "s")                                                         \
    X(T_STREAM_3, 21, KV_STREAM, 11, RDB_STREAM_NODES RDB_STREAM_MODERN "(slll(x8l)(s88(x)))")     \
    X(T_HASH_22, 22, KV_HASH, 12, "(lss)")                                                         \
    X(T_HASH_LISTPACK_EX_RC, 23, KV_HASH, 12, "s")                                                 \
    X(T_HASH_METADATA, 24, KV_HASH, 12, "8(lss)")                                                  \
    X(T_HASH_LISTPACK_EX, 25, KV_HASH, 12, "8s")                                                   \
    X(T_STREAM_4, 26, KV_STREAM, 13,                                                               \
      RDB_STREAM_NODES RDB_STREAM_MODERN "(slll(x8l)(s88(x)))" RDB_STREAM_IDMP)                    \
    X(T_STREAM_5, 27, KV_STREAM, 14,                                                               \
      RDB_STREAM_NODES RDB_STREAM_MODERN "(slll(x8l)(s88(x))(x))" RDB_STREAM_IDMP)                 \
    X(T_ARRAY, 28, KV_ARRAY, 14, "a")                                                              \
    X(T_HASH_TMPL_LP, 29, KV_HASH, 15, "")                                                         \
    X(T_HASH_TMPL_LP_REF, 30, KV_HASH, 15, "s")                                                    \
    X(T_HASH_TMPL_ARRAY, 31, KV_HASH, 15, "")                                                      \
    X(T_HASH_TMPL_ARRAY_REF, 32, KV_HASH, 15, "")

#define RDB_TYPE_NUMBER(type, number, ...) type = (number),
enum rdb_type { RDB_TYPES(RDB_TYPE_NUMBER) T_COUNT };
#undef RDB_TYPE_NUMBER

struct rdb_template { /* field names shared by many hashes (Redis 8.10) */
    uint64_t id;
    struct buf names; /* each: size_t length, bytes */
    uint64_t n;
};

struct rdb {
    struct lookahead w;
    unsigned version;
    bool valkey, started, ended;
    uint64_t crc;
    struct ev_key key;
    uint8_t type;               /* of the current value */
    bool value_waits, captured; /* captured: the window holds the whole value */
    bool key_given;             /* what was said of a key (expiry, use) is not for the next one */
    const char *oddity;         /* of the value read last, see rdb_oddity */
    uint64_t value_at;
    size_t opaque_max;                            /* bytes of a value that we cannot look into */
    struct buf name, aux, meta, blob, field, lzf; /* scratch, reused */
    uint8_t num[STR_INT_MAX];
    unsigned keyless;       /* items since the last key */
    uint64_t keyless_bytes; /* of them, but for the data of modules */
    uint64_t keyless_max;   /* how many of those there may be */
    void *templates;        /* a tree of struct rdb_template by id, for tsearch */
    size_t templates_bytes;
};

/* Where the events of the value go. */
struct rdb_out {
    ev_fn *on;
    void *arg;
};

static inline enum rc
rdb_emit(const struct rdb_out *o, const struct ev *ev, struct err *e)
{
    return o->on(o->arg, ev, e);
}

void rdb_init(struct rdb *r, struct rd *in);
void rdb_release(struct rdb *r);

/* read.c: each takes its bytes off the window. */
NODISCARD enum rc rdb_u8(struct rdb *r, uint8_t *out, struct err *e);
NODISCARD enum rc rdb_take(struct rdb *r, size_t n, const uint8_t **out, struct err *e);
/* A length (6.3). */
NODISCARD enum rc rdb_len(struct rdb *r, uint64_t *out, struct err *e);
/* A length that counts what follows; more than any server holds is RC_CORRUPT. */
NODISCARD enum rc rdb_count(struct rdb *r, uint64_t *out, struct err *e);
NODISCARD enum rc rdb_i64(struct rdb *r, int64_t *out, struct err *e);
/* Two lengths: the ID of a stream entry. */
NODISCARD enum rc rdb_id2(struct rdb *r, struct stream_id *out, struct err *e);
/* 16 bytes, big endian. */
NODISCARD enum rc rdb_id16(struct rdb *r, struct stream_id *out, struct err *e);
/* A whole string; *out points into the window, `hold` or r->num until the next read. */
NODISCARD enum rc rdb_string(struct rdb *r, struct buf *hold, struct str *out, struct err *e);
/* The same, but always kept in `hold`, so that it survives further reads. */
NODISCARD enum rc rdb_string_held(struct rdb *r, struct buf *hold, struct str *out, struct err *e);
/*
 * A string of any length as events: `ev` is sent for each piece with *slot (inside ev) filled in.
 */
NODISCARD enum rc rdb_string_pieces(struct rdb *r, const struct rdb_out *o, struct ev *ev,
                                    struct ev_piece *slot, struct err *e);
NODISCARD enum rc rdb_string_skip(struct rdb *r, struct err *e);
NODISCARD enum rc rdb_old_double(struct rdb *r, double *out, struct err *e);
NODISCARD enum rc rdb_double(struct rdb *r, double *out, struct err *e);
/* RC_CORRUPT with the offset. */
enum rc rdb_corrupt(const struct rdb *r, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define rdb_corrupt(r, e, ...) ((void)rdb_corrupt((r), (e), __VA_ARGS__), err_code(e))

void rdb_module_name(uint64_t id, char to[static PAYLOAD_MODULE_TEXT]);

/* layout.c */
/* Skip a value of r->type. */
NODISCARD enum rc rdb_skip_value(struct rdb *r, struct err *e);
/* Skip the opcodes of a module's data up to its end. */
NODISCARD enum rc rdb_skip_module(struct rdb *r, struct err *e);

/* value.c, hash.c, stream.c: decode a value of r->type. */
NODISCARD enum rc rdb_decode_value(struct rdb *r, const struct rdb_out *o, struct err *e);
NODISCARD enum rc rdb_decode_hash(struct rdb *r, const struct rdb_out *o, struct err *e);
NODISCARD enum rc rdb_decode_stream(struct rdb *r, const struct rdb_out *o, struct err *e);

/* template.c */
void rdb_free_templates(struct rdb *r);
NODISCARD enum rc rdb_read_template(struct rdb *r, struct err *e);
NODISCARD enum rc rdb_decode_template_hash(struct rdb *r, const struct rdb_out *o, struct err *e);

#endif
