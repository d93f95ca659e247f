/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_EMPTY_H
#define REDIS_EMPTY_H

/*
 * redis/empty -- empty a server that is about to be loaded (LOAD_FLUSH). For load.c.
 *
 * Shape    when nothing is in flight, and after redis/rights said that it may be filled again. With a database in the
 *          filter only that one is emptied, and it is the one selected afterwards; else all of them, and the functions.
 * Errors   as conn_fail; `*emptied` says whether the server may have removed something.
 */
#include "dump/filter.h"
#include "redis/conn.h"

NODISCARD enum rc empty_target(struct ctx *cx, struct conn *c, const struct filter *f,
                               bool *emptied, struct err *e);

#endif
