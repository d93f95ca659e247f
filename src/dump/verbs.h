/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_VERBS_H
#define DUMP_VERBS_H

/*
 * dump/verbs -- the commands that a dump may contain: those that write data, and what a server
 * answers to each.
 *
 * Why      a dump is data from outside. CONFIG SET, ACL SETUSER, REPLICAOF or EVAL in it would run
 *          with the rights of whoever restores it; and an answer of another kind than the one here
 *          means that the command did not do what it was sent for.
 * Covers   what `cstash dump` and redis-dump-go (Stash) write, what people pipe into redis-cli, and
 *          what an append-only file holds. Not the commands of modules.
 * Tests    verbs_test.c, tests/integration/redis.bats
 */
#include "dump/dump_decode.h"

enum verb {
    V_SET,
    V_APPEND,
    V_RPUSH,
    V_SADD,
    V_HSET,
    V_ZADD,
    V_STREAMING, /* those before this one are read argument by argument, whatever their length */
    V_HPEXPIREAT,
    V_XADD,
    V_XDEL, /* and XTRIM */
    V_XSETID,
    V_XGROUP,
    V_XREADGROUP,
    V_XCLAIM,
    V_PEXPIREAT,
    V_EXPIREAT,
    V_DEL,
    V_RESTORE,
    V_OTHER, /* writes a key; what it does to it is not known here */
    V_SELECT,
    V_ECHO,
    V_FUNCTION,
    V_SCRIPT,
    V_NOTHING, /* needs not be sent: PING, and the frame of a transaction */
    V_MANY     /* writes several keys, or what belongs to no key */
};

struct verb_info {
    const char *word, *sub; /* sub NULL: any first argument */
    enum verb verb;
    enum kv_type type; /* of the key that it writes; KV_N_TYPES: any */
    uint8_t key;       /* which argument names the key; 0: none */
    uint8_t least;     /* arguments, with the verb */
    enum cmd_answer answer;
    bool changes; /* only a key that is there: it makes none, and may remove it */
};

/* NULL: the command writes no data, or is not known. `first` is its first argument, or empty. */
const struct verb_info *verb_find(struct str word, struct str first);
/* The one that makes a key of that type; V_RESTORE: it goes as a payload. */
enum verb verb_making(enum kv_type type);

#endif
