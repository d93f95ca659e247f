/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_URL_H
#define REDIS_URL_H

/*
 * redis/url -- the address of a Redis as people write it.
 *
 * Shape    redis://[user[:pass]@]host[:port][/db], rediss:// (TLS),
 *          unix://[user[:pass]@]/path[?db=N], and plain host[:port][/db]. valkey:// and valkeys://
 *          mean the same. redis-sentinel://[user[:pass]@]host[:port],.../NAME[/db] (rediss-sentinel://: TLS)
 *          is the server that these Sentinels call NAME; user and password are the server's.
 *          redis-cluster://[user[:pass]@]host[:port],... (rediss-cluster://: TLS) is the cluster of which these are
 *          nodes. User, password and path may be percent-encoded; IPv6 addresses stand in
 *          brackets.
 * Errors   never quote the address itself, since it may hold a password. 
 * Ownership  redis_addr_release frees; release after a failed parse is harmless.
 * Tests    url_test.c, fuzz/redis_url.c
 */
#include "base/secret.h"

enum { REDIS_PORT = 6379, SENTINEL_PORT = 26379, REDIS_ADDR_TEXT = 400, REDIS_SEEDS_MAX = 16 };

/* One of those who know where the server is. */
struct redis_seed {
    char *host;
    uint16_t port;
};

struct redis_login {
    bool tls;
    char *user;         /* NULL: the default user */
    struct secret pass; /* p is NULL when there is none */
};

struct redis_addr {
    bool tls;
    char *host; /* NULL for a Unix socket and behind Sentinels; brackets removed */
    char *path; /* of a Unix socket, else NULL */
    uint16_t port;
    char *user; /* NULL: the default user */
    bool
        user_unsure; /* Stash never sent it: when the server refuses it, the password alone is tried */
    struct secret pass; /* p is NULL when there is none */
    char *no_pass;      /* why not, for a person whose server wants one; NULL: nobody gave one */
    int64_t db;         /* -1 when the address names none */
    bool assumed;       /* nobody named a server: this is the default */
    bool
        cluster; /* it was called a cluster: the seeds are nodes of it, the first also host and port */
    /* Behind Sentinels: the name by which they know the server, and who they are, in order. */
    char *master;
    struct redis_seed *seeds;
    size_t n_seeds;
    struct redis_login
        sentinel; /* how to log in there: TLS as at the server, unless told otherwise */
    char text[REDIS_ADDR_TEXT];
};

/* `pass` (may be NULL) is used when `url` holds no password, as redis-cli uses REDISCLI_AUTH. */
NODISCARD enum rc redis_addr_parse(struct str url, const struct secret *pass,
                                   struct redis_addr *out, struct err *e);
void redis_addr_release(struct redis_addr *a);
/* From now on the server that Sentinels know: "host[:port],.../NAME" in place of a host and port. */
NODISCARD enum rc redis_addr_behind(struct redis_addr *a, struct str sentinels, struct err *e);
/* The same server, without the Sentinels. The caller releases `out`. */
void redis_addr_copy(const struct redis_addr *a, struct redis_addr *out);
/* Log in as `l` says, and as nobody else. */
void redis_addr_login(struct redis_addr *a, const struct redis_login *l);
/* The same login, database and TLS at another host and port. The caller releases `out`. */
void redis_addr_at(const struct redis_addr *a, const char *host, uint16_t port,
                   struct redis_addr *out);

/* "host:port", "[v6]:port"; mem_free. */
char *redis_host_text(const char *host, uint16_t port);

/* For messages: scheme, host and port or path, database. Never user or password. */
const char *redis_addr_text(const struct redis_addr *a);

#endif
