/* SPDX-License-Identifier: Apache-2.0 */
#include "dump/verbs.h"

#include "base/compiler.h"

#define ANY KV_N_TYPES
#define KEY(word, verb, type, least, answer)                                                       \
    {                                                                                              \
        word, NULL, verb, type, 1, least, answer                                                   \
    }
#define OTHER(word, least, answer)                                                                 \
    {                                                                                              \
        word, NULL, V_OTHER, ANY, 1, least, answer                                                 \
    }
#define MANY(word, least, answer)                                                                  \
    {                                                                                              \
        word, NULL, V_MANY, ANY, 0, least, answer                                                  \
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
    {"XGROUP", "CREATE", V_XGROUP, KV_STREAM, 2, 5, ANSWER_OK},
    {"XREADGROUP", "GROUP", V_XREADGROUP, KV_STREAM, 5, 7, ANSWER_ARRAY},
    {"XGROUP", "CREATECONSUMER", V_XGROUP, KV_STREAM, 2, 5, ANSWER_COUNT},
    {"XGROUP", "DESTROY", V_XGROUP, KV_STREAM, 2, 4, ANSWER_COUNT},
    {"XGROUP", "SETID", V_OTHER, KV_STREAM, 2, 5, ANSWER_OK},
    {"XGROUP", "DELCONSUMER", V_OTHER, KV_STREAM, 2, 5, ANSWER_INT},
    KEY("XDEL", V_XDEL, KV_STREAM, 3, ANSWER_COUNT),
    KEY("XTRIM", V_XDEL, KV_STREAM, 4, ANSWER_INT),
    KEY("XSETID", V_XSETID, KV_STREAM, 3, ANSWER_OK),
    KEY("EXPIREAT", V_EXPIREAT, ANY, 3, ANSWER_COUNT),
    KEY("APPEND", V_APPEND, KV_STRING, 3, ANSWER_INT),
    KEY("UNLINK", V_DEL, ANY, 2, ANSWER_COUNT),
    {"SELECT", NULL, V_SELECT, ANY, 0, 2, ANSWER_OK},
    {"ECHO", NULL, V_ECHO, ANY, 0, 2, ANSWER_BULK},
    {"FUNCTION", "LOAD", V_FUNCTION, ANY, 0, 3, ANSWER_BULK},
    {"FUNCTION", "RESTORE", V_MANY, ANY, 0, 3, ANSWER_OK},
    {"SCRIPT", "LOAD", V_SCRIPT, ANY, 0, 3, ANSWER_BULK},
    {"PING", NULL, V_NOTHING, ANY, 0, 1, ANSWER_ANY},
    {"MULTI", NULL, V_NOTHING, ANY, 0, 1, ANSWER_ANY},
    {"EXEC", NULL, V_NOTHING, ANY, 0, 1, ANSWER_ANY},
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
    OTHER("LPUSHX", 3, ANSWER_INT),
    OTHER("RPUSHX", 3, ANSWER_INT),
    OTHER("LSET", 4, ANSWER_OK),
    OTHER("LINSERT", 5, ANSWER_INT),
    OTHER("LREM", 4, ANSWER_INT),
    OTHER("LTRIM", 4, ANSWER_OK),
    OTHER("LPOP", 2, ANSWER_ANY),
    OTHER("RPOP", 2, ANSWER_ANY),
    /* sets and sorted sets */
    OTHER("SREM", 3, ANSWER_COUNT),
    OTHER("SPOP", 2, ANSWER_ANY),
    OTHER("ZINCRBY", 4, ANSWER_BULK),
    OTHER("ZREM", 3, ANSWER_COUNT),
    OTHER("ZREMRANGEBYRANK", 4, ANSWER_INT),
    OTHER("ZREMRANGEBYSCORE", 4, ANSWER_INT),
    OTHER("ZREMRANGEBYLEX", 4, ANSWER_INT),
    OTHER("ZPOPMIN", 2, ANSWER_ARRAY),
    OTHER("ZPOPMAX", 2, ANSWER_ARRAY),
    OTHER("GEOADD", 5, ANSWER_COUNT),
    /* hashes */
    OTHER("HSETNX", 4, ANSWER_COUNT),
    OTHER("HSETEX", 5, ANSWER_COUNT),
    OTHER("HDEL", 3, ANSWER_COUNT),
    OTHER("HINCRBY", 4, ANSWER_INT),
    OTHER("HINCRBYFLOAT", 4, ANSWER_BULK),
    OTHER("HEXPIRE", 6, ANSWER_ARRAY),
    OTHER("HEXPIREAT", 6, ANSWER_ARRAY),
    OTHER("HPEXPIRE", 6, ANSWER_ARRAY),
    OTHER("HPERSIST", 5, ANSWER_ARRAY),
    /* streams */
    OTHER("XACK", 4, ANSWER_COUNT),
    /* expiry */
    OTHER("EXPIRE", 3, ANSWER_COUNT),
    OTHER("PEXPIRE", 3, ANSWER_COUNT),
    OTHER("PERSIST", 2, ANSWER_COUNT),
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
