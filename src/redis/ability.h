/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_ABILITY_H
#define REDIS_ABILITY_H

/*
 * redis/ability -- what a target takes, found out by trying.
 *
 * Why      INFO may be denied, and servers that are like Redis, and proxies, say versions that mean
 *          little. What counts is what a command is answered.
 * Shape    one round trip of commands for a key that there is not: none of them can write anything,
 *          and a server that does not know one refuses it before it looks at the key.
 * Verdict  only a refusal of the words (unknown command, wrong number of arguments, syntax error, a
 *          payload of a newer version) says no; a user who may not try is taken for one who may.
 * Tests    tests/integration/versions.bats, ability_test.c
 */
#include "dump/adapt.h"
#include "redis/conn.h"

/*
 * A write that changes nothing, repeated as long as the answer passes with time (conn_wait): as conn_fail, where the server
 * takes none. That a user may not do it does not count as an answer. `key`: a name that no key has, here and below.
 */
NODISCARD enum rc ability_try_write(struct ctx *cx, struct conn *c, const char *key, struct err *e);

NODISCARD enum rc ability_ask(struct ctx *cx, struct conn *c, const char *key,
                              struct adapt_target *out, struct err *e);

#endif
