/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RDB_EVENT_H
#define RDB_EVENT_H

/*
 * rdb/event -- a dataset as a stream of small events: the one language between whatever reads a
 * dataset (RDB, RESP, SCAN) and whatever uses it (encoders, digest, counters).
 *
 * Why      a 5 GB list is many events, never an object; each consumer keeps only what it needs.
 * Order    EV_DB, then for each key EV_KEY, its value, EV_KEY_END. EV_FUNCTION and EV_SCRIPT stand
 *          between keys. The value is, by enum kv_type:
 *            KV_STRING  EV_STRING pieces
 *            KV_LIST    EV_ELEM pieces, in order
 *            KV_SET     EV_ELEM pieces, any order
 *            KV_ZSET    EV_ZELEM, any order
 *            KV_HASH    EV_FIELD pieces of the value, any order; a reader that learns a field's
 *                       expiry later (RESP) sends EV_FIELD_EXPIRY for it
 *            KV_STREAM  EV_ENTRY*, EV_STREAM (last of all, where a reader learns it late: RESP), then for each group EV_GROUP, then for each of its
 *                       consumers EV_CONSUMER and EV_PENDING*; EV_IDMP* may end it.
 *                       EV_DELETED stands where an entry was that is deleted but still pending;
 *                       a reader says it that has the whole value before it
 *            others (kv_info.opaque)  EV_PAYLOAD
 *          or, in place of all that and for any type, one EV_PAYLOAD.
 * Pieces   a long string (above EV_WHOLE_MAX) may come in pieces: same item, growing `off`, the
 *          last one ends at `total`. A short one is always one piece. An empty string is one piece
 *          of no bytes.
 * Ownership  everything an event points at is borrowed until the callback returns.
 * Source   Redis rdb.h and t_stream.c; reference: Redis RDB versions 1 to 15, Valkey 80.
 */
#include "base/err.h"
#include "base/str.h"
#include "rdb/kv.h"

enum { EV_WHOLE_MAX = 1024 * 1024 };

/*
 * What must be whole in memory, for whoever reads or writes a dataset: EV_HELD_MAX for names of
 * keys, fields, groups and consumers, members, a node or entry of a stream, a library; and
 * EV_OPAQUE_MAX for a value that we cannot look into. Redis takes 512 MB of the former (its
 * proto-max-bulk-len) and entries of streams up to 1 GiB. Everything longer comes in pieces.
 */
#define EV_HELD_MAX ((size_t)1025 * 1024 * 1024)
#define EV_OPAQUE_MAX ((size_t)16 * 1024 * 1024 * 1024)

#define EV_NO_EXPIRY INT64_MIN /* for expires_at: none */
#define EV_UNKNOWN UINT64_MAX  /* for counts: not said */

struct stream_id {
    uint64_t ms, seq;
};

enum ev_kind {
    EV_DB,
    EV_FUNCTION,
    EV_SCRIPT,
    EV_KEY,
    EV_STRING,
    EV_ELEM,
    EV_ZELEM,
    EV_FIELD,
    EV_FIELD_EXPIRY,
    EV_ENTRY,
    EV_DELETED,
    EV_STREAM,
    EV_GROUP,
    EV_CONSUMER,
    EV_PENDING,
    EV_IDMP,
    EV_PAYLOAD,
    EV_KEY_END
};

/* A run of bytes of a longer item; p.n == total when it is whole. */
struct ev_piece {
    struct str p;
    uint64_t off, total;
};

static inline struct ev_piece
ev_whole(struct str s)
{
    return (struct ev_piece){.p = s, .off = 0, .total = s.n};
}
static inline bool
ev_is_first(const struct ev_piece *x)
{
    return x->off == 0;
}
static inline bool
ev_is_last(const struct ev_piece *x)
{
    return x->off + x->p.n == x->total;
}

/* What is known of a key besides its value. */
struct ev_key {
    struct str name;
    enum kv_type type;
    int64_t expires_at; /* unix ms or EV_NO_EXPIRY; readers of RESP learn it late, see EV_KEY_END */
    int64_t idle_s;     /* seconds since last use, -1 not said */
    int freq;           /* LFU counter 0..255, -1 not said */
    bool has_meta;      /* metadata of Redis 8.6 that only a payload can carry */
};

struct ev {
    enum ev_kind kind;
    union {
        struct {
            uint64_t n, keys, expires; /* keys, expires: what the source says, or EV_UNKNOWN */
        } db;
        struct str code;       /* EV_FUNCTION: a library's source; EV_SCRIPT: a Lua script */
        struct ev_key key;     /* EV_KEY, and EV_KEY_END: the same key, expires_at now final */
        struct ev_piece piece; /* EV_STRING, EV_ELEM */
        struct {
            struct str member;
            double score;
        } zelem;
        struct {
            struct str name; /* whole, repeated with each piece */
            struct ev_piece value;
            int64_t expires_at; /* valid with the last piece; EV_NO_EXPIRY: none */
        } field;                /* EV_FIELD; EV_FIELD_EXPIRY: name and expires_at only */
        struct {                /* EV_ENTRY; EV_DELETED: the ID only */
            struct stream_id id;
            const struct str *pairs; /* field, value, field, value, ... */
            size_t n;                /* how many pairs */
        } entry;
        struct {
            uint64_t length;
            struct stream_id last, max_deleted;
            uint64_t added;
            bool modern; /* false: max_deleted, added and entries_read are not said (before Redis 7)
                          */
        } stream;
        struct {
            struct str name;
            struct stream_id last;
            int64_t entries_read; /* -1: unknown */
            bool modern;
        } group;
        struct {
            struct str group, name;
            int64_t seen_at, active_at; /* unix ms; active_at -1: never */
        } consumer;
        struct {
            struct str group, consumer; /* consumer may be empty: a NACK zone (Redis 8.8) */
            struct stream_id id;
            int64_t delivered_at; /* unix ms */
            uint64_t count;
        } pending;
        struct {
            uint64_t duration_s, max_entries; /* of the stream, repeated */
            struct str producer, iid;         /* iid.p NULL: only the settings */
            struct stream_id id;
        } idmp;
        struct {
            uint8_t rdb_type; /* the value type of RDB */
            struct str value; /* as in DUMP, without type byte, version and checksum */
            uint16_t version; /* the smallest RDB version that knows the type */
            struct str meta;  /* KEY_META block with its opcode (Redis 8.6), or empty */
        } payload;
    } u;
};

/* Take one event. An error stops the reader, which gives it back to its caller. */
typedef enum rc ev_fn(void *arg, const struct ev *ev, struct err *e);

#endif
