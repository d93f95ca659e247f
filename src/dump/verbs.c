/* SPDX-License-Identifier: Apache-2.0 */
#include "dump/verbs.h"

#include "base/compiler.h"

#define ANY KV_N_TYPES
#define KEY(word, verb, type, least, answer)                                                       \
    {                                                                                              \
        word, NULL, verb, type, 1, least, answer,                                                  \
            (verb) > V_STREAMING && (verb) < V_OTHER && (verb) != V_XADD && (verb) != V_RESTORE    \
    }
#define OTHER(word, least, answer)                                                                 \
    {                                                                                              \
        word, NULL, V_OTHER, ANY, 1, least, answer, false                                          \
    }
#define CHANGE(word, least, answer)                                                                \
    {                                                                                              \
        word, NULL, V_OTHER, ANY, 1, least, answer, true                                           \
    }
#define MANY(word, least, answer)                                                                  \
    {                                                                                              \
        word, NULL, V_MANY, ANY, 0, least, answer, false                                           \
    }

/* The frequent ones first. */
static const struct verb_info verbs[] = {
    KEY("SET", V_SET, KV_STRING, 3, ANSWER_OK),
    KEY("RPUSH", V_RPUSH, KV_LIST, 3, ANSWER_LENGTH),
    KEY("SADD", V_SADD, KV_SET, 3, ANSWER_COUNT),
    KEY("ZADD", V_ZADD, KV_ZSET, 4, ANSWER_COUNT),
    KEY("HSET", V_HSET, KV_HASH, 4, ANSWER_COUNT),
    KEY("HMSET", V_HSET, KV_HASH, 4, ANSWER_OK),
    KEY("DEL", V_DEL, ANY, 2, ANSWER_COUNT),
    KEY("PEXPIREAT", V_PEXPIREAT, ANY, 3, ANSWER_COUNT),
    KEY("XADD", V_XADD, KV_STREAM, 5, ANSWER_BULK),
    KEY("RESTORE", V_RESTORE, ANY, 4, ANSWER_OK),
    KEY("HPEXPIREAT", V_HPEXPIREAT, KV_HASH, 6, ANSWER_ARRAY),
    KEY("XCLAIM", V_XCLAIM, KV_STREAM, 6, ANSWER_ARRAY),
    {"XGROUP", "CREATE", V_XGROUP, KV_STREAM, 2, 5, ANSWER_OK, false},
    {"XREADGROUP", "GROUP", V_XREADGROUP, KV_STREAM, 5, 7, ANSWER_ARRAY, true},
    {"XGROUP", "CREATECONSUMER", V_XGROUP, KV_STREAM, 2, 5, ANSWER_COUNT, true},
    {"XGROUP", "DESTROY", V_XGROUP, KV_STREAM, 2, 4, ANSWER_COUNT, true},
    {"XGROUP", "SETID", V_OTHER, KV_STREAM, 2, 5, ANSWER_OK, true},
    {"XGROUP", "DELCONSUMER", V_OTHER, KV_STREAM, 2, 5, ANSWER_INT, true},
    KEY("XDEL", V_XDEL, KV_STREAM, 3, ANSWER_COUNT),
    KEY("XTRIM", V_XDEL, KV_STREAM, 4, ANSWER_INT),
    KEY("XSETID", V_XSETID, KV_STREAM, 3, ANSWER_OK),
    KEY("EXPIREAT", V_EXPIREAT, ANY, 3, ANSWER_COUNT),
    KEY("APPEND", V_APPEND, KV_STRING, 3, ANSWER_INT),
    KEY("UNLINK", V_DEL, ANY, 2, ANSWER_COUNT),
    {"SELECT", NULL, V_SELECT, ANY, 0, 2, ANSWER_OK, false},
    {"ECHO", NULL, V_ECHO, ANY, 0, 2, ANSWER_BULK, false},
    {"FUNCTION", "LOAD", V_FUNCTION, ANY, 0, 3, ANSWER_BULK, false},
    {"FUNCTION", "RESTORE", V_MANY, ANY, 0, 3, ANSWER_OK, false},
    {"SCRIPT", "LOAD", V_SCRIPT, ANY, 0, 3, ANSWER_BULK, false},
    {"PING", NULL, V_NOTHING, ANY, 0, 1, ANSWER_ANY, false},
    {"MULTI", NULL, V_NOTHING, ANY, 0, 1, ANSWER_ANY, false},
    {"EXEC", NULL, V_NOTHING, ANY, 0, 1, ANSWER_ANY, false},
    /* strings */
    OTHER("SETNX", 3, ANSWER_COUNT),
    OTHER("SETEX", 4, ANSWER_OK),
    OTHER("PSETEX", 4, ANSWER_OK),
    OTHER("GETSET", 3, ANSWER_ANY),
    OTHER("SETRANGE", 4, ANSWER_INT),
    OTHER("SETBIT", 4, ANSWER_COUNT),
    OTHER("BITFIELD", 2, ANSWER_ARRAY),
    OTHER("INCR", 2, ANSWER_INT),
    OTHER("INCRBY", 3, ANSWER_INT),
    OTHER("INCRBYFLOAT", 3, ANSWER_BULK),
    OTHER("DECR", 2, ANSWER_INT),
    OTHER("DECRBY", 3, ANSWER_INT),
    OTHER("PFADD", 2, ANSWER_COUNT),
    /* lists */
    OTHER("LPUSH", 3, ANSWER_LENGTH),
    CHANGE("LPUSHX", 3, ANSWER_INT),
    CHANGE("RPUSHX", 3, ANSWER_INT),
    CHANGE("LSET", 4, ANSWER_OK),
    CHANGE("LINSERT", 5, ANSWER_INT),
    CHANGE("LREM", 4, ANSWER_INT),
    CHANGE("LTRIM", 4, ANSWER_OK),
    CHANGE("LPOP", 2, ANSWER_ANY),
    CHANGE("RPOP", 2, ANSWER_ANY),
    /* sets and sorted sets */
    CHANGE("SREM", 3, ANSWER_COUNT),
    CHANGE("SPOP", 2, ANSWER_ANY),
    OTHER("ZINCRBY", 4, ANSWER_BULK),
    CHANGE("ZREM", 3, ANSWER_COUNT),
    CHANGE("ZREMRANGEBYRANK", 4, ANSWER_INT),
    CHANGE("ZREMRANGEBYSCORE", 4, ANSWER_INT),
    CHANGE("ZREMRANGEBYLEX", 4, ANSWER_INT),
    CHANGE("ZPOPMIN", 2, ANSWER_ARRAY),
    CHANGE("ZPOPMAX", 2, ANSWER_ARRAY),
    OTHER("GEOADD", 5, ANSWER_COUNT),
    /* hashes */
    OTHER("HSETNX", 4, ANSWER_COUNT),
    OTHER("HSETEX", 5, ANSWER_COUNT),
    CHANGE("HDEL", 3, ANSWER_COUNT),
    OTHER("HINCRBY", 4, ANSWER_INT),
    OTHER("HINCRBYFLOAT", 4, ANSWER_BULK),
    CHANGE("HEXPIRE", 6, ANSWER_ARRAY),
    CHANGE("HEXPIREAT", 6, ANSWER_ARRAY),
    CHANGE("HPEXPIRE", 6, ANSWER_ARRAY),
    CHANGE("HPERSIST", 5, ANSWER_ARRAY),
    /* streams */
    CHANGE("XACK", 4, ANSWER_COUNT),
    /* expiry */
    CHANGE("EXPIRE", 3, ANSWER_COUNT),
    CHANGE("PEXPIRE", 3, ANSWER_COUNT),
    CHANGE("PERSIST", 2, ANSWER_COUNT),
    /* several keys */
    MANY("MSET", 3, ANSWER_OK),
    MANY("MSETNX", 3, ANSWER_COUNT),
    MANY("RENAME", 3, ANSWER_OK),
    MANY("RENAMENX", 3, ANSWER_COUNT),
    MANY("COPY", 3, ANSWER_COUNT),
    MANY("BITOP", 4, ANSWER_INT),
    MANY("PFMERGE", 2, ANSWER_OK),
    MANY("RPOPLPUSH", 3, ANSWER_ANY),
    MANY("LMOVE", 5, ANSWER_ANY),
    MANY("SMOVE", 4, ANSWER_COUNT),
    MANY("SINTERSTORE", 3, ANSWER_INT),
    MANY("SUNIONSTORE", 3, ANSWER_INT),
    MANY("SDIFFSTORE", 3, ANSWER_INT),
    MANY("ZUNIONSTORE", 4, ANSWER_INT),
    MANY("ZINTERSTORE", 4, ANSWER_INT),
    MANY("ZDIFFSTORE", 4, ANSWER_INT),
    MANY("ZRANGESTORE", 5, ANSWER_INT),
    MANY("GEOSEARCHSTORE", 5, ANSWER_INT),
};

const struct verb_info *
verb_find(struct str word, struct str first)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (str_is_word(word, verbs[i].word) &&
            (verbs[i].sub == NULL || str_is_word(first, verbs[i].sub)))
            return &verbs[i];
    return NULL;
}

enum verb
verb_making(enum kv_type type)
{
    const char *word = kv_info[type].makes;

    return word == NULL ? V_RESTORE : verb_find(str_c(word), STR_LIT(""))->verb;
}
