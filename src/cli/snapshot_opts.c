/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/snapshot_opts.h"

const struct opt opts_snapshot[] = {
    {"host", 0, OPT_LIST, OPT_AT(hosts), "NAME", "only snapshots of this host (repeatable)"},
    {"tag", 0, OPT_LIST, OPT_AT(tags), "TAG",
     "only snapshots with this tag (repeatable: all of them)"},
    {"path", 0, OPT_TEXT, OPT_AT(path), "FILE", "the file that holds the dump [dumpfile.resp]"},
    {.name = NULL},
};

struct snapshot_filter
app_snapshot_filter(const struct args *a)
{
    return (struct snapshot_filter){.hosts = a->hosts.v,
                                    .n_hosts = a->hosts.n,
                                    .tags = a->tags.v,
                                    .n_tags = a->tags.n,
                                    .path = NULL};
}

enum rc
app_snapshot_open(struct ctx *cx, const struct args *a, const char *spec, struct app_snapshot *out,
                  struct err *e)
{
    struct snapshot_filter filter = app_snapshot_filter(a);

    if (app_repo_open(cx, a, APP_LOCK_SHARED, &out->repo, e))
        return e->code;
    return snapshot_open(cx, out->repo.repo, spec != NULL ? spec : "latest", &filter, a->path,
                         &out->from, e);
}

void
app_snapshot_close(struct app_snapshot *s)
{
    snapshot_close(&s->from);
    app_repo_close(&s->repo);
}
