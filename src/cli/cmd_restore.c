/* SPDX-License-Identifier: Apache-2.0 */
/* cstash restore: load a snapshot into a Redis. */
#include "cli/load_opts.h"
#include "cli/snapshot_opts.h"

static const struct opt *const tables[] = {opts_load,     opts_redis,  opts_filter, opts_repo,
                                           opts_snapshot, opts_global, NULL};

static enum rc
restore_main(struct ctx *cx, const struct args *a, struct err *e)
{
    struct app_snapshot s = {0};
    struct app_target t = {0};
    struct restore_result res;
    char from[OUT_SNAPSHOT] = "";
    enum rc rc;

    if (a->target != NULL && (a->target[0] == '/' || a->target[0] == '.'))
        return err_set(e, RC_USAGE,
                       "--target is the name of a server here, not a folder; use cstash show "
                       "SNAPSHOT >FILE");
    rc = app_snapshot_open(cx, a, a->n_rest == 1 ? a->rest[0] : NULL, true, &s, e);

    if (rc == RC_OK)
        rc = app_target_open(cx, a, &s.from.snap, out_snapshot(&s.from.snap, from), &t, e);
    if (rc == RC_OK) {
        rc = restore_redis(cx, &s.from, t.conn, &t.opts, &res, e);
        if (rc == RC_OK && a->verify && !a->dry_run)
            rc = restore_verify(cx, &s.from, t.conn, &t.opts, &res, e);
        app_target_report(a, &t, from, &res, rc);
    }
    app_target_close(&t);
    app_snapshot_close(&s);
    return rc;
}

const struct command cmd_restore = {
    "restore", "[SNAPSHOT|latest]", "restore a snapshot into a Redis", tables, 0, 1, restore_main};
