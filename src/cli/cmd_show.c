/* SPDX-License-Identifier: Apache-2.0 */
/* cstash show: a snapshot's dump, or its manifest, on stdout. */
#include <unistd.h>

#include "cli/snapshot_opts.h"

static const struct opt opts_show[] = {
    {"manifest", 0, OPT_FLAG, OPT_AT(manifest), NULL, "print the manifest instead of the dump"},
    {.name = NULL},
};
static const struct opt *const tables[] = {opts_show, opts_repo, opts_snapshot, opts_global, NULL};

static enum rc
show_dump(struct ctx *cx, const struct args *a, struct app_snapshot *s, struct err *e)
{
    struct wr_fd out;

    wr_fd_init(&out, cx, STDOUT_FILENO, "standard output");
    if (!a->manifest)
        return stream_copy(load_rd(s->from.load), &out.wr, NULL, e);
    if (s->from.manifest.n == 0)
        return err_set(e, RC_NOT_FOUND, "the snapshot has no manifest");
    if (wr_write(&out.wr, s->from.manifest.p, s->from.manifest.n, e))
        return e->code;
    return wr_write(&out.wr, "\n", 1, e);
}

static enum rc
show_main(struct ctx *cx, const struct args *a, struct err *e)
{
    struct app_snapshot s = {0};
    enum rc rc = app_snapshot_open(cx, a, a->n_rest == 1 ? a->rest[0] : NULL, false, &s, e);

    if (rc == RC_OK)
        rc = show_dump(cx, a, &s, e);
    app_snapshot_close(&s);
    return rc;
}

const struct command cmd_show = {
    "show", "[SNAPSHOT|latest]", "print the dump of a snapshot", tables, 0, 1, show_main};
