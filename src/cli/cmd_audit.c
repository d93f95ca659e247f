/* SPDX-License-Identifier: Apache-2.0 */
/* cstash audit: is each backup what its maker said that it is? */
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "job/audit.h"
#include "json/write.h"

struct audit_args {
    struct app_opts app;
    struct repo_access repo;
    struct snapshot_choice snapshots;
};
static const struct opt_group groups[] = {
    {opts_repo, offsetof(struct audit_args, repo)},
    GROUPS_SNAPSHOTS(struct audit_args, snapshots),
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

static const char *const makers[] = {
    [AUDIT_OURS] = "cstash", [AUDIT_STASH] = "stash", [AUDIT_RDB] = "rdb", [AUDIT_NOBODY] = "-"};
static const char *const states[] = {
    [AUDIT_COMPLETE] = "complete", [AUDIT_INCOMPLETE] = "incomplete", [AUDIT_NO_DUMP] = "no dump"};

static void
print_count(bool known, uint64_t n)
{
    if (known)
        (void)printf("  %12llu", (unsigned long long)n);
    else
        (void)printf("  %12s", "-");
}

static void
print_row(const struct snapshot *s, const struct audit_row *row)
{
    char id[ID_TEXT], when[OUT_TIME];

    (void)printf("%.8s  %-*s  ", id_hex(&s->id, id), OUT_TIME_COLUMNS, out_time(s->time, when));
    out_words(s->hostname, 16);
    (void)printf("  %-6s", makers[row->maker]);
    print_count(row->told, row->said);
    print_count(row->state != AUDIT_NO_DUMP, row->found);
    (void)printf("  %s", states[row->state]);
    if (row->why[0] != '\0') {
        (void)printf(": ");
        out_words(row->why, 0);
    }
    (void)puts("");
}

static void
print_json(struct jw *w, const struct snapshot *s, const struct audit_row *row)
{
    char id[ID_TEXT], when[INSTANT_TEXT];

    jw_open_object(w);
    jw_field_cstr(w, "id", id_hex(&s->id, id));
    jw_field_cstr(w, "time", instant_format(s->time, when));
    if (s->hostname != NULL)
        jw_field_cstr(w, "hostname", s->hostname);
    if (row->maker != AUDIT_NOBODY)
        jw_field_cstr(w, "maker", makers[row->maker]);
    jw_field_cstr(w, "state", states[row->state]);
    if (row->told)
        jw_field_u64(w, "said", row->said);
    jw_field_u64(w, "found", row->found);
    jw_key(w, "types");
    jw_open_object(w);
    for (size_t i = 0; i < KV_N_TYPES; i++)
        if (row->types[i] != 0)
            jw_field_u64(w, kv_info[i].name, row->types[i]);
    jw_close_object(w);
    if (row->why[0] != '\0')
        jw_field_cstr(w, "why", row->why);
    jw_close_object(w);
}

struct audit_sum {
    size_t dumps, incomplete;
};

static enum rc
audit_all(struct ctx *cx, const struct audit_args *a, struct repo *r,
          const struct app_snapshots *all, struct audit_sum *sum, struct err *e)
{
    struct out_json j;
    enum rc rc = RC_OK;

    if (a->app.json) {
        out_json_begin(&j);
        jw_open_array(&j.w);
    } else {
        (void)printf("%-8s  %-*s  %-16s  %-6s  %12s  %12s  %s\n", "ID", OUT_TIME_COLUMNS, "Time",
                     "Host", "Maker", "Said", "Found", "State");
    }
    for (size_t i = 0; i < all->n && rc == RC_OK; i++) {
        struct audit_row row;

        rc = audit_snapshot(cx, r, &all->list[i], &row, e);
        if (rc != RC_OK)
            break;
        sum->dumps += row.state != AUDIT_NO_DUMP;
        sum->incomplete += row.state == AUDIT_INCOMPLETE;
        if (a->app.json)
            print_json(&j.w, &all->list[i], &row);
        else
            print_row(&all->list[i], &row);
    }
    if (!a->app.json)
        return rc;
    jw_close_array(&j.w);
    if (rc == RC_OK)
        out_json_end(&j);
    else
        buf_release(&j.text);
    return rc;
}

static enum rc
audit_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct audit_args *a = args;
    struct app_snapshots all = {.n = 0};
    struct audit_sum sum = {.dumps = 0};
    struct app_repo r = {0};
    enum rc rc = app_repo_open(cx, &a->repo, APP_LOCK_SHARED, &r, e);

    if (rc == RC_OK)
        rc = app_snapshots(cx, &a->snapshots, &a->app.words, r.repo, &all, e);
    if (rc == RC_OK)
        rc = audit_all(cx, a, r.repo, &all, &sum, e);
    if (rc == RC_OK && sum.incomplete != 0)
        rc = err_set(e, RC_CORRUPT, "%zu of %zu %s %s incomplete", sum.incomplete, sum.dumps,
                     str_plural(sum.dumps, "dump", "dumps"),
                     str_plural(sum.incomplete, "is", "are"));
    app_repo_close(&r);
    return app_snapshots_close(rc, &all, e);
}

const struct command cmd_audit = {.name = "audit",
                                  .usage = "[ID...]",
                                  .summary = "read every backup, and say which are incomplete",
                                  .groups = groups,
                                  .size = sizeof(struct audit_args),
                                  .words_max = OPT_LIST_MAX,
                                  .words_are_snapshots = true,
                                  .run = audit_main};
