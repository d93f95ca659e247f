/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_URL_H
#define REDIS_URL_H

/*
 * redis/url -- the address of a Redis server as people write it.
 *
 * Shape    redis://[user[:pass]@]host[:port][/db], rediss:// (TLS),
 *          unix://[user[:pass]@]/path[?db=N], and plain host[:port][/db]. valkey:// and valkeys://
 *          mean the same. User, password and path may be percent-encoded; IPv6 addresses stand in
 *          brackets.
 * Errors   never quote the address itself, since it may hold a password. RC_UNSUPPORTED:
 *          redis-sentinel://, redis-cluster://.
 * Ownership  redis_addr_release frees; release after a failed parse is harmless.
 * Tests    url_test.c, fuzz/redis_url.c
 */
#include "base/secret.h"

enum { REDIS_PORT = 6379, REDIS_ADDR_TEXT = 400 };

struct redis_addr {
    bool tls;
    char *host; /* NULL for a Unix socket; brackets removed */
    char *path; /* of a Unix socket, else NULL */
    uint16_t port;
    char *user;         /* NULL: the default user */
    struct secret pass; /* p is NULL when there is none */
    char *no_pass;      /* why not, for a person whose server wants one; NULL: nobody gave one */
    int64_t db;         /* -1 when the address names none */
    bool assumed;       /* nobody named a server: this is the default */
    char text[REDIS_ADDR_TEXT];
};

/* `pass` (may be NULL) is used when `url` holds no password, as redis-cli uses REDISCLI_AUTH. */
NODISCARD enum rc redis_addr_parse(struct str url, const struct secret *pass,
                                   struct redis_addr *out, struct err *e);
void redis_addr_release(struct redis_addr *a);

/* For messages: scheme, host and port or path, database. Never user or password. */
const char *redis_addr_text(const struct redis_addr *a);

#endif
