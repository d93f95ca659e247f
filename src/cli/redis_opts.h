/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_REDIS_OPTS_H
#define CLI_REDIS_OPTS_H

/*
 * cli/redis_opts -- which Redis and how, on a command line; and the files that stand in for one.
 */
#include "cli/app.h"
#include "job/data_opts.h"

struct redis_access {
    const char *url, *password_file;
    const char *sentinel_user, *sentinel_password_file, *sentinel_cacert;
    int sentinel_tls; /* enum sentinel_tls in redis_opts.c */
    struct tls_opts tls;
    int wait_ms;
};
extern const struct opt opts_redis[];
/* The groups of a struct redis_access `f` of `T`. */
#define GROUPS_REDIS(T, f)                                                                         \
    {opts_redis, offsetof(T, f)},                                                                  \
    {                                                                                              \
        opts_tls, offsetof(T, f.tls)                                                               \
    }

/* The Redis of --redis, with its password and TLS options. The caller releases *addr. */
NODISCARD enum rc app_redis(const struct redis_access *a, struct redis_addr *addr,
                            struct conn_opts *opts, struct err *e);

/* The server and the way to read it, from options. */
struct app_source {
    struct redis_addr addr;
    struct conn_opts conn;
    struct source_opts opts; /* points into this struct */
};
/* `how`: what opts_source fills; `keys` as in opts_keys. */
NODISCARD enum rc app_source_open(const struct redis_access *a, const struct source_opts *how,
                                  const struct filter *keys, struct app_source *out, struct err *e);
void app_source_close(struct app_source *s);

/* A file to read, or stdin for "-". app_close_input leaves stdin open. */
NODISCARD enum rc app_open_input(const char *path, int *fd, struct err *e);
void app_close_input(int fd);

#endif
