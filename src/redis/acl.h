/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_ACL_H
#define REDIS_ACL_H

/*
 * redis/acl -- the users of a server, as commands that make them elsewhere.
 *
 * Shape    acl_read gives, for each line of ACL LIST, ACL SETUSER NAME reset RULES..; acl_write plays them back. Passwords are
 *          the hashes that the server itself shows.
 * Trust    acl_write sends nothing but ACL SETUSER .. reset .., whatever the text holds: RC_CORRUPT.
 * Itself   the user that writes is left as he is: nobody locks himself out in the middle of a restore.
 * Errors   RC_UNSUPPORTED: a server before Redis 6, or a rule that the server does not know, with the user's name;
 *          RC_DENIED names the right.
 * Tests    acl_test.c, tests/integration/acl.bats
 */
#include "redis/masters.h"

enum { ACL_TEXT_MAX = 16 * 1024 * 1024 };

/* Appends to `out`; *n counts users. */
NODISCARD enum rc acl_read(struct ctx *cx, struct conn *c, struct buf *out, uint64_t *n,
                           struct err *e);

enum acl_how { ACL_NONE, ACL_ADD, ACL_REPLACE }; /* ADD: who is there already stays as he is */
struct acl_result {
    uint64_t made, replaced, kept;
};
/* May the user of each master see who is there? Before anything is written. */
NODISCARD enum rc acl_check(struct ctx *cx, struct masters *m, struct err *e);
/* To each master; *out is of the last one. */
NODISCARD enum rc acl_write(struct ctx *cx, struct masters *m, struct str commands,
                            enum acl_how how, struct acl_result *out, struct err *e);

/* ---- pure, for tests ---- */
/* A line of ACL LIST becomes a command. RC_CORRUPT. */
NODISCARD enum rc acl_command(struct str line, struct buf *out, struct err *e);

#endif
