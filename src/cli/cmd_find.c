/* SPDX-License-Identifier: Apache-2.0 */
/* cstash find: where in the snapshots something is. */
#include "base/log.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "maintain/find.h"

struct find_args {
    struct app_opts app;
    bool blob, tree, pack, ignore_case;
    struct repo_access repo;
    struct snapshot_choice snapshots;
};
static const struct opt opts_find[] = {
    {"blob", 0, OPT_FLAG(struct find_args, blob), NULL, "search for blobs by ID"},
    {"tree", 0, OPT_FLAG(struct find_args, tree), NULL, "search for trees by ID"},
    {"pack", 0, OPT_FLAG(struct find_args, pack), NULL,
     "search for packs by ID, and list their blobs"},
    {"ignore-case", 'i', OPT_FLAG(struct find_args, ignore_case), NULL, "ignore case in names"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_find, 0},
    GROUPS_SNAPSHOTS(struct find_args, snapshots),
    {opts_repo, offsetof(struct find_args, repo)},
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

struct show {
    const struct find_args *args;
    struct out_json json;
    const struct snapshot *last; /* whose matches are shown */
    size_t hits;                 /* in it */
};

/* ---- text ---- */

static void
print_hit(struct show *s, const struct find_hit *hit)
{
    char id[ID_TEXT], snapshot[ID_TEXT], when[OUT_TIME];

    (void)id_hex(&hit->snapshot->id, snapshot);
    (void)out_time(hit->snapshot->time, when);
    if (hit->kind == FIND_NAME) {
        if (s->last != hit->snapshot)
            (void)printf("in snapshot %.8s from %s\n", snapshot, when);
        out_words(hit->path, 0);
        (void)puts("");
        return;
    }
    (void)printf("%s %s\n", hit->kind == FIND_TREE ? "tree" : "blob", id_hex(hit->id, id));
    (void)printf("  in %s ", hit->kind == FIND_TREE ? "path" : "file");
    out_words(hit->path, 0);
    (void)puts("");
    if (hit->kind == FIND_BLOB)
        (void)printf("  (tree %s)\n", id_hex(hit->tree, id));
    (void)printf("  in snapshot %.8s from %s\n", snapshot, when);
}

/* ---- JSON, as restic's ---- */

static void
end_matches(struct show *s)
{
    char id[ID_TEXT];

    if (s->args->blob || s->args->tree || s->args->pack || s->last == NULL)
        return;
    jw_close_array(&s->json.w);
    jw_field_u64(&s->json.w, "hits", s->hits);
    jw_field_cstr(&s->json.w, "snapshot", id_hex(&s->last->id, id));
    jw_close_object(&s->json.w);
}

static void
json_name(struct show *s, const struct find_hit *hit)
{
    struct jw *w = &s->json.w;

    if (s->last != hit->snapshot) {
        end_matches(s);
        jw_open_object(w);
        jw_key(w, "matches");
        jw_open_array(w);
        s->hits = 0;
    }
    s->hits++;
    jw_open_object(w);
    jw_field_cstr(w, "path", hit->path);
    jw_field_cstr(w, "type", hit->type);
    if (hit->size != 0)
        jw_field_u64(w, "size", hit->size);
    jw_close_object(w);
}

static void
json_object(struct show *s, const struct find_hit *hit)
{
    struct jw *w = &s->json.w;
    char id[ID_TEXT], when[INSTANT_TEXT];

    jw_open_object(w);
    jw_field_cstr(w, "object_type", hit->kind == FIND_TREE ? "tree" : "blob");
    jw_field_cstr(w, "id", id_hex(hit->id, id));
    jw_field_cstr(w, "path", hit->path);
    if (hit->kind == FIND_BLOB)
        jw_field_cstr(w, "parent_tree", id_hex(hit->tree, id));
    jw_field_cstr(w, "snapshot", id_hex(&hit->snapshot->id, id));
    jw_field_cstr(w, "time", instant_format(hit->snapshot->time, when));
    jw_close_object(w);
}

static enum rc
on_hit(void *arg, const struct find_hit *hit, struct err *e)
{
    struct show *s = arg;

    (void)e;
    if (!s->args->app.json)
        print_hit(s, hit);
    else if (hit->kind == FIND_NAME)
        json_name(s, hit);
    else
        json_object(s, hit);
    s->last = hit->snapshot;
    return RC_OK;
}

static void
on_bad(void *arg, const struct snapshot *s, const struct err *why)
{
    char id[ID_TEXT];

    (void)arg;
    log_warn("snapshot %.8s: %s", id_hex(&s->id, id), why->msg);
}

/* ---- the command ---- */

/* The words are for find, not for app_snapshots. Newest first. */
static enum rc
list_snapshots(struct ctx *cx, const struct find_args *a, struct repo *r, struct app_snapshots *out,
               struct err *e)
{
    const struct opt_list none = {.n = 0};

    if (app_snapshots(cx, &a->snapshots, &none, r, out, e))
        return err_code(e);
    for (size_t i = 0; i < out->n / 2; i++) {
        struct snapshot x = out->list[i];
        out->list[i] = out->list[out->n - 1 - i];
        out->list[out->n - 1 - i] = x;
    }
    return RC_OK;
}

static enum rc
find_in_repo(struct ctx *cx, const struct find_args *a, struct repo *r, struct err *e)
{
    struct show s = {.args = a};
    struct find_query q = {.kind = a->blob   ? FIND_BLOB
                                   : a->tree ? FIND_TREE
                                   : a->pack ? FIND_PACK
                                             : FIND_NAME,
                           .words = a->app.words.v,
                           .n = a->app.words.n,
                           .ignore_case = a->ignore_case,
                           .hit = on_hit,
                           .bad = on_bad,
                           .arg = &s};
    struct app_snapshots all;
    enum rc rc = list_snapshots(cx, a, r, &all, e);

    out_json_begin(&s.json);
    jw_open_array(&s.json.w);
    if (rc == RC_OK)
        rc = find_run(cx, r, all.list, all.n, &q, e);
    end_matches(&s);
    jw_close_array(&s.json.w);
    if (rc == RC_OK && a->app.json)
        out_json_end(&s.json);
    else
        buf_release(&s.json.text);
    return app_snapshots_close(rc, &all, e);
}

static enum rc
find_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct find_args *a = args;
    struct app_repo r = {0};
    enum rc rc;

    if (a->blob + a->tree + a->pack > 1)
        return err_set(e, RC_USAGE, "only one of --blob, --tree and --pack");
    for (size_t i = 0; i < a->app.words.n && a->blob + a->tree + a->pack > 0; i++)
        if (app_check_id(a->app.words.v[i], e))
            return err_code(e);
    rc = app_repo_lock(cx, &a->repo, APP_LOCK_SHARED, &r, e);
    if (rc == RC_OK)
        rc = find_in_repo(cx, a, r.repo, e);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_find = {.name = "find",
                                 .usage = "PATTERN...|ID...",
                                 .summary = "find names, blobs, trees or packs in the snapshots",
                                 .groups = groups,
                                 .size = sizeof(struct find_args),
                                 .words_min = 1,
                                 .words_max = OPT_LIST_MAX,
                                 .run = find_main};
