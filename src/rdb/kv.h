/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RDB_KV_H
#define RDB_KV_H

/*
 * rdb/kv -- the types of values, a row each: what is to be known of one besides how it is encoded.
 *
 * Why      whoever reads, writes, counts or asks for values takes the words from here, so that a
 *          type is added once.
 * Order    the number of a type is part of digests (docs/format/digest.md): new ones come last.
 * Source   Redis' commands reference; TYPE.
 */
#include <stdbool.h>

enum { KV_WORDS = 4 }; /* at most, of one command */

struct kv_info {
    const char *name; /* as TYPE says it; "module" */
    /* What it needs, for a warning: nobody looks into it, it goes as a payload. NULL: we do. */
    const char *opaque;
    bool ordered; /* the order of its elements is data */
    bool pairs;   /* a server gives its elements by two: member and score, field and value */

    const char *makes;           /* the command that a dump makes it by; NULL: RESTORE only */
    const char *probe[KV_WORDS]; /* arguments of that, behind the key: may it be used? */
    bool probe_makes;            /* even they would make a key that is missing */

    const char *length;          /* the command that counts its bytes or elements */
    const char *cursor;          /* that reads it step by step; NULL: it is read in another way */
    const char *whole[KV_WORDS]; /* that reads it at once, and arguments behind the key; or NULL */
};

#define KV_TYPES(X)                                                                                \
    X(KV_STRING, .name = "string", .makes = "SET", .probe = {"x", "XX"}, .length = "STRLEN",       \
      .whole = {"GET"})                                                                            \
    X(KV_LIST, .name = "list", .ordered = true, .makes = "RPUSH", .probe = {"x"},                  \
      .probe_makes = true, .length = "LLEN", .whole = {"LRANGE", "0", "-1"})                       \
    X(KV_SET, .name = "set", .makes = "SADD", .probe = {"x"}, .probe_makes = true,                 \
      .length = "SCARD", .cursor = "SSCAN", .whole = {"SMEMBERS"})                                 \
    X(KV_ZSET, .name = "zset", .pairs = true, .makes = "ZADD", .probe = {"x", "m"},                \
      .length = "ZCARD", .cursor = "ZSCAN", .whole = {"ZRANGE", "0", "-1", "WITHSCORES"})          \
    X(KV_HASH, .name = "hash", .pairs = true, .makes = "HSET", .probe = {"f", "v", "f"},           \
      .length = "HLEN", .cursor = "HSCAN", .whole = {"HGETALL"})                                   \
    X(KV_STREAM, .name = "stream", .makes = "XADD", .probe = {"0-0", "f", "v"}, .length = "XLEN")  \
    X(KV_MODULE, .name = "module",                                                                 \
      .opaque = "a module's value, stored as a RESTORE payload that needs the same module")        \
    X(KV_ARRAY, .name = "array",                                                                   \
      .opaque = "an array, stored as a RESTORE payload that needs Redis 8.8")

#define KV_NUMBER(type, ...) type,
enum kv_type { KV_TYPES(KV_NUMBER) KV_N_TYPES };
#undef KV_NUMBER

extern const struct kv_info kv_info[KV_N_TYPES];

#endif
