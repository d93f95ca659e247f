/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_EMPTY_H
#define REDIS_EMPTY_H

/*
 * redis/empty -- empty a server that is about to be loaded (LOAD_FLUSH). For load.c.
 *
 * Why      what the user may not write, or may not write to, would leave the server empty.
 * Rights   empty_check_rights asks before anything is removed: by ACL DRYRUN (7.0 on) where the user may
 *          ask that, else by commands that write nothing whatever the server answers. A right that
 *          cannot be asked for so counts as there.
 * Shape    two calls, when nothing is in flight. With a database in the filter only that one is
 *          emptied, and it is the one selected afterwards; else all of them, and the functions.
 * Errors   as conn_fail; `*emptied` says whether the server may have removed something.
 */
#include "dump/filter.h"
#include "redis/conn.h"

struct empty_for {
    const char *no_key; /* a name that no key has */
    struct str first;   /* the key that is written first; may be empty */
    uint32_t verbs;     /* bits of enum verb: what will be sent */
};

/* RC_DENIED: the user lacks a right that the load needs. */
NODISCARD enum rc empty_check_rights(struct ctx *cx, struct conn *c, const struct filter *f,
                                     const struct empty_for *load, struct err *e);
NODISCARD enum rc empty_target(struct ctx *cx, struct conn *c, const struct filter *f,
                               bool *emptied, struct err *e);

#endif
