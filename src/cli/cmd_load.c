/* SPDX-License-Identifier: Apache-2.0 */
/* cstash load: a RESP stream or an RDB file into a Redis. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/load_opts.h"
#include "cli/redis_opts.h"
#include "job/resume.h"

static const struct opt_group groups[] = {
    GROUPS_LOAD, {opts_json, 0}, {opts_app, 0}, {.table = NULL}};

/* Only a regular file can be read twice. */
static bool
is_file(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* A restore that was left unfinished there cannot go on after this. */
static void
load_forget(const struct redis_addr *a)
{
    CLEANUP(mem_free_ptr) char *dir = app_state_dir();
    struct resume r;

    resume_init(&r, dir, a);
    resume_forget(&r);
    resume_release(&r);
}

static enum rc
load_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct load_args *a = args;
    const char *path = a->app.words.n == 1 ? a->app.words.v[0] : "-";
    struct app_target t = {0};
    struct restore_result res;
    struct rd_fd in, again, third;
    enum rc rc;
    int fd, second = -1, last = -1;

    if (app_open_input(path, &fd, e))
        return err_code(e);
    rd_fd_init(&in, cx, fd, strcmp(path, "-") == 0 ? "standard input" : path);
    rc = app_target_open(cx, a, NULL, in.name, &t, e);
    if (rc == RC_OK && is_file(fd) && fd != STDIN_FILENO)
        rc = app_open_input(path, &second, e) || app_open_input(path, &last, e) ? err_code(e)
                                                                                : RC_OK;
    if (rc == RC_OK && a->load.verify && last < 0)
        rc = err_set(e, RC_USAGE, "--verify reads the dump again, which only a file allows");
    if (rc == RC_OK) {
        rd_fd_init(&again, cx, second, path);
        if (!a->load.dry_run)
            load_forget(&t.addr);
        rc = restore_stream(cx, &in.rd, second < 0 ? NULL : &again.rd, &t.to, &t.opts, &res, e);
        if (rc == RC_OK && a->load.verify && !a->load.dry_run) {
            rd_fd_init(&third, cx, last, path);
            rc = restore_verify_stream(cx, &third.rd, &t.to, &t.opts, &res, e);
        }
        app_target_report(a, &t, in.name, &res, rc);
        if (rc == RC_CORRUPT || rc == RC_UNSUPPORTED)
            (void)err_wrap(e, "could not load %s", in.name);
    }
    app_target_close(&t);
    if (second >= 0)
        app_close_input(second);
    if (last >= 0)
        app_close_input(last);
    app_close_input(fd);
    return rc;
}

const struct command cmd_load = {.name = "load",
                                 .usage = "[FILE]",
                                 .summary = "load a RESP or RDB file into a Redis",
                                 .groups = groups,
                                 .size = sizeof(struct load_args),
                                 .words_max = 1,
                                 .run = load_main};
