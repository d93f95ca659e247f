/* SPDX-License-Identifier: Apache-2.0 */
/* cstash diff: which keys of two snapshots differ. */
#include "base/mem.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "cli/value_print.h"
#include "job/data_opts.h"
#include "job/diff.h"

enum { PREFIXES_MAX = 1000, PREFIX_BYTES = 64 };

struct diff_args {
    struct app_opts app;
    bool summary;
    struct filter keys;
    struct repo_access repo;
    struct snapshot_choice snapshot;
};
static const struct opt opts_diff[] = {
    {"summary", 0, OPT_FLAG(struct diff_args, summary), NULL,
     "only how many, by the part of their names in front of the first colon"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_diff, 0},
    {opts_keys, offsetof(struct diff_args, keys)},
    {opts_repo, offsetof(struct diff_args, repo)},
    {opts_host, offsetof(struct diff_args, snapshot)},
    {opts_tag, offsetof(struct diff_args, snapshot)},
    {opts_target, offsetof(struct diff_args, snapshot)},
    {opts_dump_path, offsetof(struct diff_args, snapshot)},
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

static const char *const kinds[] = {[DIFF_ADDED] = "added",
                                    [DIFF_REMOVED] = "removed",
                                    [DIFF_CHANGED] = "changed",
                                    [DIFF_EXPIRY] = "expiry",
                                    [DIFF_SAME] = "same"};
static const char marks[] = {
    [DIFF_ADDED] = '+', [DIFF_REMOVED] = '-', [DIFF_CHANGED] = 'M', [DIFF_EXPIRY] = 'T'};

struct prefix {
    char name[PREFIX_BYTES]; /* for people; "" for those without one, and when there are too many */
    uint64_t counts[DIFF_KINDS];
};

struct differ {
    const struct diff_args *args;
    struct prefix *prefixes; /* the first is of all others */
    size_t n;
};

static struct prefix *
prefix_of(struct differ *d, struct str name)
{
    const uint8_t *colon = memchr(name.p, ':', name.n);
    char shown[PREFIX_BYTES];

    if (colon == NULL)
        return &d->prefixes[0];
    (void)str_show(str_of(name.p, (size_t)(colon - name.p) + 1), shown, sizeof(shown));
    for (size_t i = 1; i < d->n; i++)
        if (strcmp(d->prefixes[i].name, shown) == 0)
            return &d->prefixes[i];
    if (d->n == PREFIXES_MAX)
        return &d->prefixes[0];
    memcpy(d->prefixes[d->n].name, shown, sizeof(shown));
    return &d->prefixes[d->n++];
}

static enum rc
on_difference(void *arg, enum diff_kind kind, const struct dataset_digest_key *k, struct err *e)
{
    struct differ *d = arg;
    char name[1024];
    struct out_json j;

    (void)e;
    if (d->args->summary) {
        prefix_of(d, k->name)->counts[kind]++;
        return RC_OK;
    }
    if (!d->args->app.json) {
        (void)printf("%c  %3llu  %-6s  %s\n", marks[kind], (unsigned long long)k->db,
                     kv_info[k->type].name, str_show(k->name, name, sizeof(name)));
        return RC_OK;
    }
    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "change");
    jw_field_cstr(&j.w, "change", kinds[kind]);
    jw_field_u64(&j.w, "db", k->db);
    jw_key(&j.w, "key");
    value_print_json(&j.w, k->name);
    jw_field_cstr(&j.w, "type", kv_info[k->type].name);
    jw_close_object(&j.w);
    out_json_end(&j);
    return RC_OK;
}

static void
json_counts(struct jw *w, const uint64_t counts[static DIFF_KINDS], size_t n)
{
    for (size_t i = 0; i < n; i++)
        jw_field_u64(w, kinds[i], counts[i]);
}

static void
print_json(const struct differ *d, const uint64_t counts[static DIFF_KINDS])
{
    struct out_json j;

    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "summary");
    json_counts(&j.w, counts, DIFF_KINDS);
    if (d->args->summary) {
        jw_key(&j.w, "prefixes");
        jw_open_array(&j.w);
        for (size_t i = 0; i < d->n; i++) {
            jw_open_object(&j.w);
            jw_field_cstr(&j.w, "prefix", d->prefixes[i].name);
            json_counts(&j.w, d->prefixes[i].counts, DIFF_SAME);
            jw_close_object(&j.w);
        }
        jw_close_array(&j.w);
    }
    jw_close_object(&j.w);
    out_json_end(&j);
}

static void
print_row(const char *name, const uint64_t counts[static DIFF_KINDS])
{
    (void)printf("%12llu  %12llu  %12llu  %12llu  %s\n", (unsigned long long)counts[DIFF_ADDED],
                 (unsigned long long)counts[DIFF_REMOVED], (unsigned long long)counts[DIFF_CHANGED],
                 (unsigned long long)counts[DIFF_EXPIRY], name);
}

static uint64_t
sum_of(const uint64_t counts[static DIFF_KINDS])
{
    return counts[DIFF_ADDED] + counts[DIFF_REMOVED] + counts[DIFF_CHANGED] + counts[DIFF_EXPIRY];
}

static void
print_text(const struct differ *d, const uint64_t counts[static DIFF_KINDS])
{
    if (d->args->summary) {
        (void)printf("%12s  %12s  %12s  %12s  %s\n", "Added", "Removed", "Changed", "Expiry only",
                     "Prefix");
        for (size_t i = 0; i < d->n; i++)
            if (sum_of(d->prefixes[i].counts) != 0)
                print_row(i == 0 ? "(other names)" : d->prefixes[i].name, d->prefixes[i].counts);
    }
    (void)printf("%llu added, %llu removed, %llu changed, %llu of another expiry, %llu the same\n",
                 (unsigned long long)counts[DIFF_ADDED], (unsigned long long)counts[DIFF_REMOVED],
                 (unsigned long long)counts[DIFF_CHANGED], (unsigned long long)counts[DIFF_EXPIRY],
                 (unsigned long long)counts[DIFF_SAME]);
}

/* Both, of one repository. */
static enum rc
diff_open(struct ctx *cx, const struct diff_args *a, struct app_repo *r,
          struct snapshot_source from[static 2], struct err *e)
{
    const struct snapshot_filter filter = app_snapshot_filter(&a->snapshot);

    if (app_repo_open(cx, &a->repo, APP_LOCK_SHARED, r, e))
        return err_code(e);
    for (size_t i = 0; i < 2; i++)
        if (snapshot_open(cx, r->repo, a->app.words.v[i], &filter, a->snapshot.path, &from[i], e))
            return err_code(e);
    return RC_OK;
}

static enum rc
diff_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct diff_args *a = args;
    struct snapshot_source from[2] = {{.repo = NULL}, {.repo = NULL}};
    struct differ d = {.args = a, .n = 1};
    uint64_t counts[DIFF_KINDS];
    struct app_repo r = {0};
    enum rc rc = diff_open(cx, a, &r, from, e);

    d.prefixes = (struct prefix *)mem_zero(PREFIXES_MAX, sizeof(*d.prefixes));
    if (rc == RC_OK)
        rc = diff_snapshots(cx, &from[0], &from[1], &a->keys, on_difference, &d, counts, e);
    if (rc == RC_OK)
        (a->app.json ? print_json : print_text)(&d, counts);
    mem_free(d.prefixes);
    snapshot_close(&from[0]);
    snapshot_close(&from[1]);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_diff = {.name = "diff",
                                 .usage = "SNAPSHOT SNAPSHOT",
                                 .summary = "which keys of two snapshots differ",
                                 .groups = groups,
                                 .size = sizeof(struct diff_args),
                                 .words_min = 2,
                                 .words_max = 2,
                                 .words_are_snapshots = true,
                                 .run = diff_main};
