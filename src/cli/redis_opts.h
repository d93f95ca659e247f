/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_REDIS_OPTS_H
#define CLI_REDIS_OPTS_H

/*
 * cli/redis_opts -- the options that say which Redis and how, and the files that stand in for one.
 */
#include "cli/app.h"
#include "job/source.h"

extern const struct opt opts_source[]; /* --source --format --psync */

/* The server and the way to read it, from options. */
struct app_source {
    struct redis_addr addr;
    struct conn_opts conn;
    struct source_opts opts; /* points into this struct */
};
NODISCARD enum rc app_source_open(const struct args *a, struct app_source *out, struct err *e);
void app_source_close(struct app_source *s);

/* A file to read, or stdin for "-". app_close_input leaves stdin open. */
NODISCARD enum rc app_open_input(const char *path, int *fd, struct err *e);
void app_close_input(int fd);

#endif
