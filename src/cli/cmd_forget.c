/* SPDX-License-Identifier: Apache-2.0 */
/* cstash forget: remove snapshots, by their IDs or by a policy. */
#include "base/mem.h"
#include "cli/out.h"
#include "cli/prune_opts.h"
#include "cli/snapshot_opts.h"
#include "job/check_dumps.h"
#include "maintain/group.h"
#include "repo/lookup.h"
#include "maintain/policy.h"
#include "maintain/removal_guard.h"
#include "maintain/whole.h"

struct forget_args {
    struct app_opts app;
    struct policy policy;
    struct opt_list keep_tags;
    unsigned by; /* of GROUP_HOST ... */
    struct policy_span keep_safety;
    bool dry_run, prune, allow_remove_all, read_data, guarded, allow_removal;
    struct snapshot_choice snapshots;
    struct prune_choice pruning;
    struct repo_access repo;
};

static enum rc
keep_count_parse(const struct opt *o, const char *text, void *to, struct err *e)
{
    (void)o;
    *(int64_t *)to = 0;
    return text != NULL ? policy_count_parse(str_c(text), to, e) : RC_OK;
}

static enum rc
keep_span_parse(const struct opt *o, const char *text, void *to, struct err *e)
{
    (void)o;
    *(struct policy_span *)to = (struct policy_span){.years = 0};
    return text != NULL ? policy_span_parse(str_c(text), to, e) : RC_OK;
}

static enum rc
group_by_parse(const struct opt *o, const char *text, void *to, struct err *e)
{
    (void)o;
    return group_parse(text, to, e);
}

static const struct opt_type count_type = {.value = "N", .parse = keep_count_parse};
static const struct opt_type span_type = {.value = "TIME", .parse = keep_span_parse};
static const struct opt_type by_type = {
    .value = "KEYS", .may_be_empty = true, .parse = group_by_parse};
#define COUNT(period) OPT_OWN(count_type, struct forget_args, policy.count[period], int64_t, NULL)
#define SPAN(period)                                                                               \
    OPT_OWN(span_type, struct forget_args, policy.within[period], struct policy_span, NULL)

static const struct opt opts_forget[] = {
    {"keep-last", 'l', COUNT(POLICY_LAST), NULL, "keep the last N snapshots"},
    {"keep-hourly", 'H', COUNT(POLICY_HOURLY), NULL, "keep the last snapshot of each of N hours"},
    {"keep-daily", 'd', COUNT(POLICY_DAILY), NULL, "... of N days"},
    {"keep-weekly", 'w', COUNT(POLICY_WEEKLY), NULL, "... of N weeks"},
    {"keep-monthly", 'm', COUNT(POLICY_MONTHLY), NULL, "... of N months"},
    {"keep-yearly", 'y', COUNT(POLICY_YEARLY), NULL,
     "... of N years; N may be \"unlimited\" in all of these"},
    {"keep-within", 0, SPAN(POLICY_LAST), NULL,
     "keep all snapshots within TIME (such as 1y5m7d2h) of the latest"},
    {"keep-within-hourly", 0, SPAN(POLICY_HOURLY), NULL,
     "keep the last snapshot of each hour within TIME"},
    {"keep-within-daily", 0, SPAN(POLICY_DAILY), NULL, "... of each day"},
    {"keep-within-weekly", 0, SPAN(POLICY_WEEKLY), NULL, "... of each week"},
    {"keep-within-monthly", 0, SPAN(POLICY_MONTHLY), NULL, "... of each month"},
    {"keep-within-yearly", 0, SPAN(POLICY_YEARLY), NULL, "... of each year"},
    {"keep-tag", 0, OPT_LIST_OR_NONE(struct forget_args, keep_tags), "TAGS",
     "keep snapshots with these tags: a,b (repeatable: any of the lists)"},
    {"keep-safety", 0,
     OPT_OWN(span_type, struct forget_args, keep_safety, struct policy_span, NULL), NULL,
     "keep the copies that restores took of their targets for so long [7d]; no policy counts them"},
    {"host", 0, OPT_LIST(struct forget_args, snapshots.hosts), "NAME",
     "only snapshots of this host (repeatable)"},
    {"group-by", 'g', OPT_OWN(by_type, struct forget_args, by, unsigned, "host,paths"), NULL,
     "apply the policy per target and per group of host,paths,tags"},
    {"dry-run", 'n', OPT_FLAG(struct forget_args, dry_run), NULL,
     "only show what would be removed"},
    {"prune", 0, OPT_FLAG(struct forget_args, prune), NULL, "prune if a snapshot was removed"},
    {"unsafe-allow-remove-all", 0, OPT_FLAG(struct forget_args, allow_remove_all), NULL,
     "allow to remove all snapshots of a group"},
    {"read-data", 0, OPT_FLAG(struct forget_args, read_data), NULL,
     "first read the newest snapshot that would stay of each group, as a restore would"},
    {"guarded", 0, OPT_FLAG(struct forget_args, guarded), NULL,
     "of snapshots by ID: refuse one that is pinned, or the newest whole one of its target"},
    {"allow-removal", 0, OPT_FLAG(struct forget_args, allow_removal), NULL,
     "remove what --guarded refuses"},
    {.name = NULL},
};
#undef COUNT
#undef SPAN
static const struct opt_group groups[] = {
    {opts_forget, 0},
    {opts_tag, offsetof(struct forget_args, snapshots)},
    {opts_target, offsetof(struct forget_args, snapshots)},
    {opts_paths, offsetof(struct forget_args, snapshots)},
    {opts_prune, offsetof(struct forget_args, pruning)},
    {opts_repo, offsetof(struct forget_args, repo)},
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

/* Beside those of restic. */
#define PINNED_REASON "pinned: the target has lost keys since"
#define VERIFIED_REASON "last one that was verified"
#define SAFETY_REASON "copy before a restore"

struct work {
    const struct forget_args *args;
    struct repo *repo;
    struct policy policy;
    unsigned by;
    struct snapshot *list; /* groups together, newest first; what has no part in this is behind */
    size_t n, total;
    size_t copies; /* that restores took: list[n] to list[n + copies - 1] */
    struct snapshots_unread unread;
    struct instant now;
    struct policy_span keep_copies;
    struct policy_mark *marks;
    struct id *gone; /* what is to be removed */
    size_t n_gone;
};

/* ---- what is to be done ---- */

static enum rc
forget_decide(struct work *w, struct err *e)
{
    w->marks = (struct policy_mark *)mem_zero(w->n + 1, sizeof(*w->marks));
    for (size_t at = 0, n; at < w->n; at += n) {
        size_t kept = 0;

        n = group_length(w->list + at, w->n - at, w->by);
        if (policy_is_empty(&w->policy)) { /* only copies are to go */
            for (size_t i = at; i < at + n; i++)
                w->marks[i].keep = true;
            continue;
        }
        policy_apply(&w->policy, w->list + at, n, w->now, w->marks + at);
        for (size_t i = at; i < at + n; i++) {
            w->marks[i].keep = w->marks[i].keep || w->list[i].pinned || w->list[i].last_verified;
            kept += w->marks[i].keep;
        }
        if (kept == 0 && !w->args->allow_remove_all)
            return err_set(
                e, RC_INVALID,
                "nothing would be left of the %zu %s of host %s, path %s: nothing is removed "
                "(--unsafe-allow-remove-all allows it)",
                n, str_plural(n, "snapshot", "snapshots"),
                w->list[at].hostname != NULL ? w->list[at].hostname : "\"\"",
                w->list[at].n_paths > 0 ? w->list[at].paths[0] : "\"\"");
    }
    return RC_OK;
}

/* ---- what is shown ---- */

static void
print_reason(void *arg, const char *text)
{
    bool *first = (bool *)arg;

    (void)printf("%s%s", *first ? "" : ", ", text);
    *first = false;
}

enum { HOST_COLUMNS = 16 };

static bool
forget_keeps(const struct work *w, size_t i)
{
    return i < w->n ? w->marks[i].keep : !policy_is_old_copy(&w->keep_copies, &w->list[i], w->now);
}

static void
print_row(const struct work *w, size_t i)
{
    const struct snapshot *s = &w->list[i];
    char id[ID_TEXT], when[OUT_TIME];
    bool first = true;

    (void)printf("%-6s  %.8s  %-*s  ", forget_keeps(w, i) ? "keep" : "remove", id_hex(&s->id, id),
                 OUT_TIME_COLUMNS, out_time(s->time, when));
    out_words(s->hostname, HOST_COLUMNS);
    for (size_t k = 0; k < s->n_paths; k++) {
        (void)printf("%s", k > 0 ? " " : "  ");
        out_words(s->paths[k], 0);
    }
    for (size_t k = 0; k < s->n_tags; k++) {
        (void)printf("%s", k == 0 ? " [" : ",");
        out_words(s->tags[k], 0);
    }
    (void)printf("%s  ", s->n_tags > 0 ? "]" : "");
    if (s->safety)
        print_reason(&first, SAFETY_REASON);
    else
        policy_reasons(&w->policy, s, &w->marks[i], print_reason, &first);
    if (s->pinned)
        print_reason(&first, PINNED_REASON);
    if (s->last_verified)
        print_reason(&first, VERIFIED_REASON);
    (void)puts("");
}

static void
json_reason(void *arg, const char *text)
{
    jw_cstr((struct jw *)arg, text);
}

static void
json_list(struct jw *w, const char *name, char *const *list, size_t n, bool wanted)
{
    jw_key(w, name);
    if (!wanted || n == 0) {
        jw_null(w);
        return;
    }
    jw_open_array(w);
    for (size_t i = 0; i < n; i++)
        jw_cstr(w, list[i]);
    jw_close_array(w);
}

static void
json_marked(struct jw *out, const struct work *w, size_t at, size_t n, bool keep)
{
    size_t shown = 0;

    jw_key(out, keep ? "keep" : "remove");
    for (size_t i = at; i < at + n; i++) {
        if (w->marks[i].keep != keep)
            continue;
        if (shown++ == 0)
            jw_open_array(out);
        app_snapshot_json(out, &w->list[i]);
    }
    if (shown > 0)
        jw_close_array(out);
    else
        jw_null(out);
}

/* As restic's. */
static void
json_group(struct jw *out, const struct work *w, size_t at, size_t n)
{
    const struct snapshot *s = &w->list[at];

    jw_open_object(out);
    json_list(out, "tags", s->tags, s->n_tags, (w->by & GROUP_TAGS) != 0);
    jw_field_cstr(out, "host", (w->by & GROUP_HOST) != 0 && s->hostname != NULL ? s->hostname : "");
    json_list(out, "paths", s->paths, s->n_paths, (w->by & GROUP_PATHS) != 0);
    json_marked(out, w, at, n, true);
    json_marked(out, w, at, n, false);
    jw_key(out, "reasons");
    jw_open_array(out);
    for (size_t i = at; i < at + n; i++) {
        if (!w->marks[i].keep)
            continue;
        jw_open_object(out);
        jw_key(out, "snapshot");
        app_snapshot_json(out, &w->list[i]);
        jw_key(out, "matches");
        jw_open_array(out);
        policy_reasons(&w->policy, &w->list[i], &w->marks[i], json_reason, out);
        if (w->list[i].pinned)
            json_reason(out, PINNED_REASON);
        if (w->list[i].last_verified)
            json_reason(out, VERIFIED_REASON);
        jw_close_array(out);
        jw_close_object(out);
    }
    jw_close_array(out);
    jw_close_object(out);
}

/* A group of their own, as the others are, with a field that restic's have not. */
static void
json_copies(struct jw *out, const struct work *w)
{
    jw_open_object(out);
    jw_field_bool(out, "before_restore", true);
    for (int keep = 1; keep >= 0; keep--) {
        jw_key(out, keep ? "keep" : "remove");
        jw_open_array(out);
        for (size_t i = w->n; i < w->n + w->copies; i++)
            if (forget_keeps(w, i) == (keep != 0))
                app_snapshot_json(out, &w->list[i]);
        jw_close_array(out);
    }
    jw_close_object(out);
}

static void
forget_show(const struct work *w)
{
    struct out_json j;

    if (w->args->app.json) {
        out_json_begin(&j);
        jw_open_array(&j.w);
    }
    for (size_t at = 0, n; at < w->n; at += n) {
        n = group_length(w->list + at, w->n - at, w->by);
        if (w->args->app.json)
            json_group(&j.w, w, at, n);
        for (size_t i = at; i < at + n && !w->args->app.json; i++)
            print_row(w, i);
    }
    if (w->args->app.json) {
        if (w->copies > 0)
            json_copies(&j.w, w);
        jw_close_array(&j.w);
        out_json_end(&j);
    }
    for (size_t i = w->n; i < w->n + w->copies && !w->args->app.json; i++)
        print_row(w, i);
}

/* ---- doing it ---- */

/* Of each group that loses one, the newest that stays must be one that can be restored. */
static enum rc
prove_those_that_stay(struct ctx *cx, const struct work *w, struct err *e)
{
    struct snapshot *newest = NULL;
    size_t n_newest = 0;
    enum rc rc = RC_OK;

    for (size_t at = 0, n; at < w->n; at += n) {
        size_t first = SIZE_MAX, gone = 0;

        n = group_length(w->list + at, w->n - at, w->by);
        for (size_t i = at; i < at + n; i++) {
            gone += !w->marks[i].keep;
            if (w->marks[i].keep && first == SIZE_MAX)
                first = i;
        }
        if (gone == 0 || first == SIZE_MAX)
            continue;
        newest = (struct snapshot *)mem_more(newest, n_newest, sizeof(*newest));
        newest[n_newest++] = w->list[first]; /* its strings stay the list's */
    }
    if (n_newest > 0)
        rc = snapshots_prove(cx, w->repo, newest, n_newest, e);
    for (size_t i = 0; rc == RC_OK && w->args->read_data && i < n_newest; i++)
        rc = snapshot_read(cx, w->repo, &newest[i], e);
    mem_free(newest);
    if (rc == RC_OK || rc == RC_CANCELLED || rc == RC_TIMEOUT)
        return rc;
    (void)err_wrap(e, "nothing is removed, since the newest snapshot that would stay %s",
                   rc == RC_CORRUPT ? "is damaged" : "could not be read");
    return err_hint(e, "see what `cstash check` says, and repair that first; "
                       "`cstash forget ID` removes a single snapshot all the same");
}

/* Behind the others, which a policy is about; returns how many. */
static size_t
forget_copies_apart(struct work *w)
{
    size_t all = w->n;

    for (size_t i = w->n; i-- > 0;)
        if (w->list[i].safety) {
            struct snapshot swap = w->list[--w->n];

            w->list[w->n] = w->list[i];
            w->list[i] = swap;
        }
    return all - w->n;
}

/* All are found before the first is removed: a word that is wrong removes nothing. */
static enum rc
by_policy(struct ctx *cx, struct work *w, struct err *e)
{
    struct snapshot_filter f = app_snapshot_filter(&w->args->snapshots);

    removal_pins(w->list, w->total);
    for (size_t i = 0; i < w->total; i++)
        if (snapshot_matches(&w->list[i], &f)) {
            struct snapshot swap = w->list[w->n];

            w->list[w->n++] = w->list[i];
            w->list[i] = swap;
        }
    w->copies = forget_copies_apart(w);
    group_sort(w->list, w->n, w->by);
    if (forget_decide(w, e))
        return err_code(e);
    forget_show(w);
    if (prove_those_that_stay(cx, w, e))
        return err_code(e);
    w->gone = (struct id *)mem_zero(w->n + w->copies, sizeof(*w->gone));
    for (size_t i = 0; i < w->n; i++)
        if (!w->marks[i].keep)
            w->gone[w->n_gone++] = w->list[i].id;
    for (size_t i = w->n; i < w->n + w->copies; i++)
        if (policy_is_old_copy(&w->keep_copies, &w->list[i], w->now))
            w->gone[w->n_gone++] = w->list[i].id;
    return RC_OK;
}

/* One whose file is damaged goes too, by its ID. */
static enum rc
find_named(struct ctx *cx, struct repo *r, const char *spec, const struct snapshot_filter *f,
           struct snapshot *out, struct err *e)
{
    struct err why = ERR_INIT;
    enum rc rc = snapshot_find(cx, r, spec, f, out, &why);

    if (rc == RC_CORRUPT) {
        *out = (struct snapshot){.uid = 0};
        return lookup_file(cx, r, STORE_SNAPSHOT, spec, &out->id, e);
    }
    if (rc != RC_OK)
        *e = why;
    return rc;
}

static enum rc
by_ids(struct ctx *cx, struct work *w, struct err *e)
{
    struct snapshot_filter f = app_snapshot_filter(&w->args->snapshots);

    w->gone = (struct id *)mem_zero(w->args->app.words.n, sizeof(*w->gone));
    for (size_t i = 0; i < w->args->app.words.n; i++) {
        struct snapshot s;
        bool again = false;

        if (find_named(cx, w->repo, w->args->app.words.v[i], &f, &s, e))
            return err_code(e);
        for (size_t k = 0; k < w->n_gone; k++)
            again = again || id_eq(&w->gone[k], &s.id);
        if (!again)
            w->gone[w->n_gone++] = s.id;
        snapshot_release(&s);
    }
    return RC_OK;
}

/* As the deletion of a Snapshot asks (job/step_forget): one of them after the other. */
static enum rc
check_guarded(struct ctx *cx, const struct work *w, struct err *e)
{
    struct snapshot *list;
    const char *why = NULL;
    char id[ID_TEXT];
    size_t n;

    if (snapshots_list(cx, w->repo, &list, &n, e))
        return err_code(e);
    removal_pins(list, n);
    for (size_t i = 0; i < w->n_gone && why == NULL; i++) {
        size_t at = 0;

        while (at < n && !id_eq(&list[at].id, &w->gone[i]))
            at++;
        why = at < n ? removal_guard(list, n, at) : NULL;
        if (why != NULL)
            (void)err_set(e, RC_DENIED, "nothing was removed: snapshot %.8s should stay, since %s",
                          id_hex(&w->gone[i], id), why);
        if (at < n && why == NULL) {
            snapshot_release(&list[at]);
            memmove(&list[at], &list[at + 1], (--n - at) * sizeof(*list));
        }
    }
    snapshots_free(list, n);
    return why == NULL ? RC_OK : err_hint(e, "remove it nevertheless with --allow-removal");
}

static void
print_named(const struct work *w)
{
    char id[ID_TEXT];

    for (size_t i = 0; i < w->n_gone && !w->args->app.json; i++)
        (void)printf("remove  %.8s\n", id_hex(&w->gone[i], id));
}

static enum rc
forget_choose(struct ctx *cx, struct work *w, struct err *e)
{
    if (w->args->app.words.n > 0 && by_ids(cx, w, e))
        return err_code(e);
    if (w->args->app.words.n > 0 && w->args->guarded && !w->args->allow_removal &&
        check_guarded(cx, w, e))
        return err_code(e);
    if (w->args->app.words.n > 0) {
        print_named(w);
        return RC_OK;
    }
    if (snapshots_readable(cx, w->repo, &w->list, &w->total, &w->unread, e))
        return err_code(e);
    return by_policy(cx, w, e);
}

static enum rc
remove_chosen(struct ctx *cx, struct work *w, const struct prune_opts *prune, struct err *e)
{
    const struct forget_args *a = w->args;
    struct prune_opts opts = *prune;

    if (!a->dry_run && snapshots_forget(cx, w->repo, w->gone, w->n_gone, NULL, e))
        return err_code(e);
    if (!a->app.json)
        (void)printf("%zu %s %sremoved\n", w->n_gone,
                     str_plural(w->n_gone, "snapshot", "snapshots"), a->dry_run ? "would be " : "");
    if (!a->prune || w->n_gone == 0)
        return RC_OK;
    opts.allow_remove_all =
        true; /* the last ones may just have been removed, by name or with leave */
    if (a->dry_run) {
        opts.ignore = w->gone;
        opts.n_ignore = w->n_gone;
    }
    return app_prune(cx, w->repo, &opts, a->app.json, e);
}

static enum rc
forget_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct forget_args *a = args;
    static const struct policy_span none = {.days = 0};
    bool exclusive = !a->dry_run || a->prune;
    struct prune_opts prune = app_prune_opts(&a->pruning, a->dry_run);
    struct app_repo r = {0};
    struct work w = {
        .args = a, .policy = a->policy, .by = a->by | GROUP_OWNER, .now = instant_now()};
    bool aged = memcmp(&a->keep_safety, &none, sizeof(none)) != 0;
    enum rc rc;

    w.policy.tags = a->keep_tags.v;
    w.policy.n_tags = a->keep_tags.n;
    w.keep_copies = aged ? a->keep_safety : (struct policy_span){.days = POLICY_SAFETY_DAYS};
    if (a->app.words.n == 0 && policy_is_empty(&w.policy) && !aged)
        return err_set(e, RC_USAGE,
                       "no policy and no snapshot was named, so nothing is removed; see --help");
    rc = app_repo_lock(cx, &a->repo, exclusive ? APP_LOCK_EXCLUSIVE : APP_LOCK_SHARED, &r, e);
    w.repo = r.repo;
    if (rc == RC_OK)
        rc = forget_choose(cx, &w, e);
    if (rc == RC_OK)
        rc = remove_chosen(cx, &w, &prune, e);
    snapshots_free(w.list, w.total);
    mem_free(w.marks);
    mem_free(w.gone);
    app_repo_close(&r);
    return app_unread(rc, &w.unread, e);
}

const struct command cmd_forget = {.name = "forget",
                                   .usage = "[ID...]",
                                   .summary = "remove snapshots by ID or by policy",
                                   .groups = groups,
                                   .size = sizeof(struct forget_args),
                                   .words_max = OPT_LIST_MAX,
                                   .words_are_snapshots = true,
                                   .run = forget_main};
