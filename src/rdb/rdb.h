/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RDB_RDB_H
#define RDB_RDB_H

/*
 * rdb/rdb -- read an RDB file, item by item, without any I/O of its own and with bounded memory.
 *
 * Shape    rdb_next gives the next item. For a key the caller then takes its value as events
 *          (rdb_value), or as the opaque payload of a RESTORE (rdb_payload), or both in this order:
 *          payload, value (once or more); or nothing: rdb_next then skips it.
 * Memory   one window (256 KiB), plus whatever must be whole: the key's name, one hash field, sorted
 *          set member or packed blob, up to EV_HELD_MAX each (memory follows the bytes that really
 *          come), an opaque value (RDB_OPAQUE_MAX), 32 bytes per pending entry of one stream's group, hash templates up to
 *          RDB_TEMPLATES_MAX.
 * Covers   "REDIS" versions 1 to 15 and "VALKEY" 80, all opcodes and types of the reference,
 *          sections 6 to 9. Not understood: value types 6, 8, 33 and opcode 246, which no release
 *          writes.
 * Errors   RC_CORRUPT and RC_UNSUPPORTED name the byte offset and, inside a value, the key.
 *          RC_LIMIT past the limits above. The events' consumer and the rd add their own.
 * Checksum verified at the end of the file, unless the writer left it out (all zero).
 * Threads  one at a time.
 * Source   Redis src/rdb.h, rdb.c, listpack.c, ziplist.c, t_stream.c; reference redis-dump sections
 *          6-9.
 * Tests    rdb_test.c, tests/integration/fixtures.bats, fuzz/rdb.c
 */
#include "base/stream.h"
#include "rdb/event.h"

/* An opaque value is believed up to this, or to the memory that the RDB says its server uses. */
#define RDB_OPAQUE_MAX ((size_t)128 * 1024 * 1024)
#define RDB_TEMPLATES_MAX ((size_t)64 * 1024 * 1024)
/* Bytes of libraries, fields and the like that may come without a key among them. */
#define RDB_KEYLESS_MAX ((uint64_t)2 * EV_HELD_MAX)

enum rdb_item_kind {
    RDB_AUX,        /* name, value */
    RDB_DB,         /* db */
    RDB_FUNCTION,   /* value: source code of a library */
    RDB_SCRIPT,     /* value: a cached Lua script (Redis 6.2 and older, replication only) */
    RDB_MODULE_AUX, /* name: the module's; its data is skipped */
    RDB_KEY,        /* key */
    RDB_END
};

struct rdb_item {
    enum rdb_item_kind kind;
    struct str name, value; /* valid until the next call */
    struct {
        uint64_t n, keys, expires; /* EV_UNKNOWN before Redis 3.2 */
    } db;
    struct ev_key key; /* name is valid until the next rdb_next */
};

struct rdb;

/*
 * `in` is borrowed and not read past the end of the RDB by more than what its reads happen to give.
 */
struct rdb *rdb_new(struct rd *in);
void rdb_free(struct rdb *r);

NODISCARD enum rc rdb_next(struct rdb *r, struct rdb_item *out, struct err *e);

/* The value of the current key as events, without EV_KEY and EV_KEY_END. */
NODISCARD enum rc rdb_value(struct rdb *r, ev_fn *on, void *arg, struct err *e);

/*
 * The value of the current key as an EV_PAYLOAD, valid until the next call but rdb_value. `*fits` =
 * false (and *out untouched) when it is longer than `max` bytes, or of a kind that RESTORE does not
 * take: use rdb_value then.
 */
NODISCARD enum rc rdb_payload(struct rdb *r, size_t max, struct ev *out, bool *fits, struct err *e);

/*
 * What is odd about the value that rdb_value read last, for people; NULL: nothing. Servers load such
 * a value from a file, but not all of them take it as a payload.
 */
const char *rdb_oddity(const struct rdb *r);

/* After RDB_END: bytes that were read from `in` behind the RDB. Valid until rdb_free. */
struct str rdb_leftover(const struct rdb *r);
/* Offset of the next byte: at RDB_END, the size of the RDB. */
uint64_t rdb_at(const struct rdb *r);
/* Version digits of the header (after the first rdb_next), and whose they are. */
unsigned rdb_version(const struct rdb *r);
bool rdb_is_valkey(const struct rdb *r);

#endif
