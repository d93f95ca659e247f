/* SPDX-License-Identifier: Apache-2.0 */
/* cstash load: a RESP stream or an RDB file into a Redis. */
#include "cli/load_opts.h"
#include "cli/redis_opts.h"

static const struct opt *const tables[] = {opts_load, opts_redis, opts_filter, opts_global, NULL};

static enum rc
run(struct ctx *cx, const struct args *a, struct err *e)
{
    const char *path = a->n_rest == 1 ? a->rest[0] : "-";
    struct app_target t = {0};
    struct restore_result res;
    struct rd_fd in;
    enum rc rc;
    int fd;

    if (app_open_input(path, &fd, e))
        return e->code;
    rd_fd_init(&in, cx, fd, strcmp(path, "-") == 0 ? "standard input" : path);
    rc = app_target_open(cx, a, &t, e);
    if (rc == RC_OK) {
        rc = restore_stream(cx, &in.rd, str_of(NULL, 0), t.conn, &t.opts, &res, e);
        app_target_report(a, &t, &res, rc);
        if (rc == RC_CORRUPT || rc == RC_UNSUPPORTED)
            (void)err_wrap(e, "could not load %s", in.name);
    }
    app_target_close(&t);
    app_close_input(fd);
    return rc;
}

const struct command cmd_load = {
    "load", "[FILE]", "load RESP (or an RDB file) from a file or stdin into a Redis", tables, 0,
    1,      run};
