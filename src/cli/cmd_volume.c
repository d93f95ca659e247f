/* SPDX-License-Identifier: Apache-2.0 */
/* What runs in the Pod of cli/volume_job. */
#include <unistd.h>

#include "cli/app.h"
#include "cli/volume_job.h"
#include "store/wire.h"

struct volume_args {
    struct app_opts app;
};

static enum rc
run_serve(struct ctx *cx, const void *args, struct err *e)
{
    const struct volume_args *a = args;
    struct store *s = NULL;
    struct rd_fd rd;
    struct wr_fd wr;
    enum rc rc;

    if (store_open(a->app.words.v[0], NULL, &s, e))
        return err_code(e);
    rd_fd_init(&rd, cx, STDIN_FILENO, "standard input");
    wr_fd_init(&wr, cx, STDOUT_FILENO, "standard output");
    rc = store_wire_serve(cx, s, &rd.rd, &wr.wr, e);
    store_release(s);
    return rc;
}

static enum rc
run_hold(struct ctx *cx, const void *args, struct err *e)
{
    (void)args;
    return volume_job_hold(cx, e);
}

static const struct opt_group groups[] = {{opts_app, 0}, {.table = NULL}};

const struct command cmd_hold_volume = {.name = "hold-volume",
                                        .summary =
                                            "Job: keep a volume mounted for a command elsewhere",
                                        .groups = groups,
                                        .size = sizeof(struct volume_args),
                                        .run = run_hold};
const struct command cmd_serve_volume = {
    .name = "serve-volume",
    .usage = "FOLDER",
    .summary = "Job: give the repository in it to a command elsewhere",
    .groups = groups,
    .size = sizeof(struct volume_args),
    .words_min = 1,
    .words_max = 1,
    .run = run_serve};
