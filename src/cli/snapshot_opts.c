/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/snapshot_opts.h"

#include "base/mem.h"
#include "job/target.h"
#include "json/write.h"

const struct opt opts_snapshot[] = {
    {"host", 0, OPT_LIST, OPT_AT(hosts), "NAME", "only snapshots of this host (repeatable)"},
    {"tag", 0, OPT_LIST_OR_NONE, OPT_AT(tags), "TAGS",
     "only snapshots with these tags: a,b (repeatable: any of the lists)"},
    {"target", 0, OPT_TEXT, OPT_AT(target), "NAME",
     "only snapshots of this target, as `snapshots` lists it, or NAME@SCOPE"},
    {"path", 0, OPT_TEXT, OPT_AT(path), "FILE", "path of the dump in the snapshot [dumpfile.resp]"},
    {.name = NULL},
};

const struct opt opts_snapshots[] = {
    {"host", 'H', OPT_LIST, OPT_AT(hosts), "NAME", "only snapshots of this host (repeatable)"},
    {"tag", 0, OPT_LIST_OR_NONE, OPT_AT(tags), "TAGS",
     "only snapshots with these tags: a,b (repeatable: any of the lists)"},
    {"target", 0, OPT_TEXT, OPT_AT(target), "NAME",
     "only snapshots of this target, as `snapshots` lists it, or NAME@SCOPE"},
    {"path", 0, OPT_LIST, OPT_AT(paths), "PATH",
     "only snapshots of this path (repeatable: all of them)"},
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
                                    .n_paths = a->paths.n,
                                    .target = a->target};
}

/* Which of the list the words mean. */
static enum rc
mark_named(struct ctx *cx, const struct args *a, struct repo *r, const struct snapshot *list,
           size_t n, bool *wanted, struct err *e)
{
    struct snapshot_filter filter = app_snapshot_filter(a);

    for (size_t i = 0; i < a->n_rest; i++) {
        struct snapshot s;

        if (snapshot_find(cx, r, a->rest[i], &filter, &s, e))
            return e->code;
        for (size_t k = 0; k < n; k++)
            wanted[k] = wanted[k] || id_eq(&list[k].id, &s.id);
        snapshot_release(&s);
    }
    return RC_OK;
}

enum rc
app_snapshots(struct ctx *cx, const struct args *a, struct repo *r, struct snapshot **out,
              size_t *n, struct snapshots_unread *unread, struct err *e)
{
    struct snapshot_filter filter = app_snapshot_filter(a);
    struct snapshot *list = NULL;
    size_t all = 0, kept = 0;
    bool *wanted;
    enum rc rc = snapshots_readable(cx, r, &list, &all, unread, e);

    if (rc)
        return rc;
    wanted = mem_zero(all, sizeof(*wanted));
    if (a->n_rest > 0)
        rc = mark_named(cx, a, r, list, all, wanted, e);
    for (size_t i = 0; i < all; i++) {
        if (rc == RC_OK && (a->n_rest > 0 ? wanted[i] : snapshot_matches(&list[i], &filter)))
            list[kept++] = list[i];
        else
            snapshot_release(&list[i]);
    }
    mem_free(wanted);
    if (rc) {
        mem_free(list);
        return rc;
    }
    *out = list;
    *n = kept;
    return RC_OK;
}

enum rc
app_unread(enum rc rc, struct snapshots_unread *unread, struct err *e)
{
    if (rc == RC_OK && unread->n != 0) {
        rc = err_set(e, RC_CORRUPT, "%zu %s could not be read", unread->n,
                     str_plural(unread->n, "snapshot", "snapshots"));
        (void)err_hint(e, "`cstash repair snapshots --forget` removes what cannot be read");
    }
    mem_free(unread->ids);
    return rc;
}

void
app_snapshot_json(struct jw *w, const struct snapshot *s)
{
    char id[ID_TEXT];

    jw_open_object(w);
    snapshot_write_fields(w, s);
    jw_field_cstr(w, "id", id_hex(&s->id, id));
    id[8] = '\0';
    jw_field_cstr(w, "short_id", id);
    jw_close_object(w);
}

/* The Redis of --redis asks: its own snapshots come first. */
static enum rc
own_target(const struct args *a, struct target_id *out, struct err *e)
{
    struct redis_addr addr;
    struct conn_opts none;

    if (app_redis(a, &addr, &none, e))
        return e->code;
    *out = target_of_address(&addr);
    redis_addr_release(&addr);
    return RC_OK;
}

enum rc
app_snapshot_open(struct ctx *cx, const struct args *a, const char *spec, bool for_redis,
                  struct app_snapshot *out, struct err *e)
{
    struct snapshot_filter filter = app_snapshot_filter(a);
    struct target_id own = {.name = NULL};
    struct filter keys;
    char *part = NULL;
    enum rc rc = app_filter(a, &keys, e);

    if (rc == RC_OK && for_redis)
        rc = own_target(a, &own, e);
    if (rc == RC_OK && !filter_is_all(&keys))
        part = target_part(keys.db, keys.match);
    filter.own = target_view(&own);
    filter.part = part;
    if (rc == RC_OK)
        rc = app_repo_open(cx, a, APP_LOCK_SHARED, &out->repo, e);
    if (rc == RC_OK)
        rc = snapshot_open(cx, out->repo.repo, spec != NULL ? spec : "latest", &filter, a->path,
                           &out->from, e);
    target_release(&own);
    mem_free(part);
    return rc;
}

void
app_snapshot_close(struct app_snapshot *s)
{
    snapshot_close(&s->from);
    app_repo_close(&s->repo);
}
