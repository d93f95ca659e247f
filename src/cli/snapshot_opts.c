/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/snapshot_opts.h"

#include "json/write.h"

const struct opt opts_snapshot[] = {
    {"host", 0, OPT_LIST, OPT_AT(hosts), "NAME", "only snapshots of this host (repeatable)"},
    {"tag", 0, OPT_LIST, OPT_AT(tags), "TAGS",
     "only snapshots with these tags: a,b (repeatable: one of them)"},
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
                                    .paths = a->paths.v,
                                    .n_paths = a->paths.n};
}

void
app_snapshot_json(struct jw *w, const struct snapshot *s, struct str manifest)
{
    char id[ID_TEXT];

    jw_open_object(w);
    snapshot_write_fields(w, s);
    if (manifest.n != 0) {
        jw_key(w, "manifest");
        jw_raw(w, manifest);
    }
    jw_field_cstr(w, "id", id_hex(&s->id, id));
    id[8] = '\0';
    jw_field_cstr(w, "short_id", id);
    jw_close_object(w);
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
