/* SPDX-License-Identifier: Apache-2.0 */
/* cstash show: a snapshot's dump, or its manifest, on stdout. */
#include <unistd.h>

#include "cli/snapshot_opts.h"

struct show_args {
    struct app_opts app;
    bool manifest;
    struct repo_access repo;
    struct snapshot_choice snapshot;
};
static const struct opt opts_show[] = {
    {"manifest", 0, OPT_FLAG(struct show_args, manifest), NULL,
     "print the manifest instead of the dump"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_show, 0},
    {opts_repo, offsetof(struct show_args, repo)},
    GROUPS_SNAPSHOT(struct show_args, snapshot),
    {opts_app, 0},
    {.table = NULL},
};

static enum rc
show_dump(struct ctx *cx, const struct show_args *a, struct app_snapshot *s, struct err *e)
{
    struct wr_fd out;
    struct rd *dump;

    wr_fd_init(&out, cx, STDOUT_FILENO, "standard output");
    if (!a->manifest)
        return snapshot_rd(cx, &s->from, &dump, e) ? err_code(e)
                                                   : stream_copy(dump, &out.wr, NULL, e);
    if (s->from.manifest.n == 0)
        return err_set(e, RC_NOT_FOUND, "the snapshot has no manifest");
    if (wr_write(&out.wr, s->from.manifest.p, s->from.manifest.n, e))
        return err_code(e);
    return wr_write(&out.wr, "\n", 1, e);
}

static enum rc
show_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct show_args *a = args;
    const struct app_wanted wanted = {.spec = a->app.words.n == 1 ? a->app.words.v[0] : NULL,
                                      .choice = &a->snapshot};
    struct app_snapshot s = {0};
    enum rc rc = app_snapshot_open(cx, &a->repo, &wanted, &s, e);

    if (rc == RC_OK)
        rc = show_dump(cx, a, &s, e);
    app_snapshot_close(&s);
    return rc;
}

const struct command cmd_show = {.name = "show",
                                 .usage = "[SNAPSHOT|latest]",
                                 .summary = "print the dump of a snapshot",
                                 .groups = groups,
                                 .size = sizeof(struct show_args),
                                 .words_max = 1,
                                 .words_are_snapshots = true,
                                 .run = show_main};
