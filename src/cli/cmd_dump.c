/* SPDX-License-Identifier: Apache-2.0 */
/* cstash dump: a Redis, or an RDB file, as RESP on stdout. */
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/app.h"
#include "cli/out.h"
#include "cli/redis_opts.h"
#include "job/source.h"

struct dump_args {
    struct app_opts app;
    const char *from_rdb;
    struct redis_access redis;
    struct source_opts source;
    struct filter keys;
};
static const struct opt opts_dump[] = {
    {"from-rdb", 0, OPT_FILE(struct dump_args, from_rdb), NULL,
     "convert an RDB file (- for standard input)"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_dump, 0},
    {opts_source, offsetof(struct dump_args, source)},
    GROUPS_REDIS(struct dump_args, redis),
    {opts_keys, offsetof(struct dump_args, keys)},
    {opts_app, 0},
    {.table = NULL},
};

static enum rc
dump_file(struct ctx *cx, const char *path, const struct source_opts *o, struct wr *out,
          struct source_facts *f, struct err *e)
{
    bool from_stdin = strcmp(path, "-") == 0;
    struct rd_fd in;
    enum rc rc;
    int fd;

    if (app_open_input(path, &fd, e))
        return err_code(e);
    rd_fd_init(&in, cx, fd, from_stdin ? "standard input" : path);
    rc = source_rdb(cx, &in.rd, o, out, NULL, f, e);
    app_close_input(fd);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not convert %s", in.name);
}

static enum rc
dump_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct dump_args *a = args;
    struct app_source src;
    struct source_facts facts;
    struct progress progress;
    struct source_stream to;
    struct wr_fd out;
    enum rc rc;

    if (app_source_open(&a->redis, &a->source, &a->keys, &src, e))
        return err_code(e);
    wr_fd_init(&out, cx, STDOUT_FILENO, "standard output");
    progress_start(&progress, "dumped", a->app.quiet);
    src.opts.bytes = &progress.bytes;
    src.opts.keys = &progress.keys;
    rc = a->from_rdb != NULL
             ? dump_file(cx, a->from_rdb, &src.opts, &out.wr, &facts, e)
             : source_dump(cx, &src.opts, source_stream(&to, &out.wr), NULL, &facts, e);
    source_facts_release(&facts);
    progress_stop(&progress);
    app_source_close(&src);
    if (rc == RC_OK)
        log_info("%llu %s, %llu bytes", (unsigned long long)facts.enc.keys,
                 str_plural(facts.enc.keys, "key", "keys"), (unsigned long long)facts.enc.bytes);
    return rc;
}

const struct command cmd_dump = {.name = "dump",
                                 .summary = "write a Redis or an RDB file as RESP to stdout",
                                 .groups = groups,
                                 .size = sizeof(struct dump_args),
                                 .run = dump_main};
