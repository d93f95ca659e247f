/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/snapshot_opts.h"

#include "base/mem.h"
#include "job/target.h"
#include "json/write.h"
#include "repo/lookup.h"
#include "repo/verdict.h"

const struct opt opts_host[] = {
    {"host", 'H', OPT_LIST(struct snapshot_choice, hosts), "NAME",
     "only snapshots of this host (repeatable)"},
    {.name = NULL},
};
const struct opt opts_tag[] = {
    {"tag", 0, OPT_LIST_OR_NONE(struct snapshot_choice, tags), "TAGS",
     "only snapshots with these tags: a,b (repeatable: any of the lists)"},
    {.name = NULL},
};
const struct opt opts_target[] = {
    {"target", 0, OPT_TEXT(struct snapshot_choice, target), "NAME",
     "only snapshots of this target, as `snapshots` lists it, or NAME@SCOPE"},
    {.name = NULL},
};
const struct opt opts_paths[] = {
    {"path", 0, OPT_LIST(struct snapshot_choice, paths), "PATH",
     "only snapshots of this path (repeatable: all of them)"},
    {.name = NULL},
};
const struct opt opts_dump_path[] = {
    {"path", 0, OPT_TEXT(struct snapshot_choice, path), "FILE",
     "path of the dump in the snapshot [dumpfile.resp]"},
    {.name = NULL},
};

const struct opt opts_before[] = {
    {"before", 0, OPT_TIME(struct snapshot_choice, before), NULL,
     "the latest of those that are not younger, such as '2012-11-01 22:08:41', local time zone"},
    {.name = NULL},
};

struct snapshot_filter
app_snapshot_filter(const struct snapshot_choice *c)
{
    return (struct snapshot_filter){.hosts = c->hosts.v,
                                    .n_hosts = c->hosts.n,
                                    .tags = c->tags.v,
                                    .n_tags = c->tags.n,
                                    .paths = c->paths.v,
                                    .n_paths = c->paths.n,
                                    .target = c->target,
                                    .before = c->before.given ? &c->before.at : NULL};
}

enum rc
app_check_id(const char *word, struct err *e)
{
    struct err why = ERR_INIT;

    if (id_check_prefix(word, &why) == RC_OK)
        return RC_OK;
    return err_set(e, RC_USAGE, "%s: IDs are hexadecimal", why.msg);
}

/* Which of the list the words mean. */
static enum rc
mark_named(struct ctx *cx, const struct snapshot_filter *filter, const struct opt_list *words,
           struct repo *r, const struct app_snapshots *all, bool *wanted, struct err *e)
{
    for (size_t i = 0; i < words->n; i++) {
        struct snapshot s;

        if (snapshot_find(cx, r, words->v[i], filter, &s, e))
            return err_code(e);
        for (size_t k = 0; k < all->n; k++)
            wanted[k] = wanted[k] || id_eq(&all->list[k].id, &s.id);
        snapshot_release(&s);
    }
    return RC_OK;
}

enum rc
app_snapshots(struct ctx *cx, const struct snapshot_choice *c, const struct opt_list *words,
              struct repo *r, struct app_snapshots *out, struct err *e)
{
    struct snapshot_filter filter = app_snapshot_filter(c);
    size_t kept = 0;
    bool *wanted;
    enum rc rc;

    *out = (struct app_snapshots){.n = 0};
    if (snapshots_readable(cx, r, &out->list, &out->n, &out->unread, e))
        return err_code(e);
    wanted = mem_zero(out->n, sizeof(*wanted));
    rc = mark_named(cx, &filter, words, r, out, wanted, e);
    for (size_t i = 0; i < out->n; i++) {
        if (words->n > 0 ? wanted[i] : snapshot_matches(&out->list[i], &filter))
            out->list[kept++] = out->list[i];
        else
            snapshot_release(&out->list[i]);
    }
    out->n = kept;
    mem_free(wanted);
    return rc;
}

enum rc
app_snapshots_close(enum rc rc, struct app_snapshots *s, struct err *e)
{
    snapshots_free(s->list, s->n);
    return app_unread(rc, &s->unread, e);
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
    if (s->safety)
        jw_field_bool(w, "before_restore", true);
    if (s->verdict != NULL) {
        jw_key(w, "verification");
        jw_open_object(w);
        verdict_fields(w, s->verdict);
        jw_close_object(w);
    }
    jw_close_object(w);
}

/* The Redis of --redis asks: its own snapshots come first. */
static enum rc
own_target(const struct redis_access *a, struct target_id *out, struct err *e)
{
    struct redis_addr addr;
    struct conn_opts none;

    if (app_redis(a, &addr, &none, e))
        return err_code(e);
    *out = target_of_address(&addr);
    redis_addr_release(&addr);
    return RC_OK;
}

enum rc
app_snapshot_open(struct ctx *cx, const struct repo_access *a, const struct app_wanted *w,
                  struct app_snapshot *out, struct err *e)
{
    struct snapshot_filter filter = app_snapshot_filter(w->choice);
    struct target_id own = {.name = NULL};
    char *part = NULL;
    enum rc rc = RC_OK;

    if (w->choice->before.given && w->spec != NULL && strncmp(w->spec, "latest", 6) != 0)
        return err_set(e, RC_USAGE, "--before chooses a snapshot: leave out %s", w->spec);
    if (w->own != NULL)
        rc = own_target(w->own, &own, e);
    if (rc == RC_OK && w->keys != NULL)
        part = filter_text(w->keys);
    filter.own = target_view(&own);
    filter.part = part;
    if (rc == RC_OK)
        rc = app_repo_open(cx, a, APP_LOCK_SHARED, &out->repo, e);
    if (rc == RC_OK)
        rc = snapshot_open(cx, out->repo.repo, w->spec != NULL ? w->spec : "latest", &filter,
                           w->choice->path, &out->from, e);
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
