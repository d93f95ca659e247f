/* SPDX-License-Identifier: Apache-2.0 */
/* cstash restore: load a snapshot into a Redis. */
#include "cli/load_opts.h"
#include "cli/snapshot_opts.h"

struct restore_args {
    struct load_args load;
    struct repo_access repo;
    struct snapshot_choice snapshot;
};
static const struct opt_group groups[] = {
    GROUPS_LOAD,
    {opts_repo, offsetof(struct restore_args, repo)},
    GROUPS_SNAPSHOT(struct restore_args, snapshot),
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

static enum rc
restore_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct restore_args *a = args;
    const struct opt_list *words = &a->load.app.words;
    const struct app_wanted wanted = {.spec = words->n == 1 ? words->v[0] : NULL,
                                      .choice = &a->snapshot,
                                      .keys = &a->load.keys,
                                      .own = &a->load.redis};
    const char *target = a->snapshot.target;
    struct app_snapshot s = {0};
    struct app_target t = {0};
    struct restore_result res;
    char from[OUT_SNAPSHOT] = "";
    enum rc rc;

    if (target != NULL && (target[0] == '/' || target[0] == '.'))
        return err_set(e, RC_USAGE,
                       "--target is the name of a server here, not a folder; use cstash show "
                       "SNAPSHOT >FILE");
    rc = app_snapshot_open(cx, &a->repo, &wanted, &s, e);
    if (rc == RC_OK)
        rc = app_target_open(cx, &a->load, &s.from.snap, out_snapshot(&s.from.snap, from), &t, e);
    if (rc == RC_OK) {
        rc = restore_redis(cx, &s.from, &t.to, &t.opts, &res, e);
        if (rc == RC_OK && a->load.load.verify && !a->load.load.dry_run)
            rc = restore_verify(cx, &s.from, &t.to, &t.opts, &res, e);
        app_target_report(&a->load, &t, from, &res, rc);
    }
    app_target_close(&t);
    app_snapshot_close(&s);
    return rc;
}

const struct command cmd_restore = {.name = "restore",
                                    .usage = "[SNAPSHOT|latest]",
                                    .summary = "restore a snapshot into a Redis",
                                    .groups = groups,
                                    .size = sizeof(struct restore_args),
                                    .words_max = 1,
                                    .words_are_snapshots = true,
                                    .run = restore_main};
