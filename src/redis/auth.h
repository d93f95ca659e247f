/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_AUTH_H
#define REDIS_AUTH_H

/* redis/auth -- the first words on a connection: who we are, and is the server ready. For conn.c.
 */
#include "redis/conn.h"

/* AUTH, when the address holds a password. */
NODISCARD enum rc conn_login(struct ctx *cx, struct conn *c, const struct redis_addr *addr,
                             struct err *e);
/* PING until the answer is not transient; a user who may not PING counts as ready. */
NODISCARD enum rc conn_ready(struct ctx *cx, struct conn *c, const struct redis_addr *addr,
                             struct err *e);

#endif
