/* SPDX-License-Identifier: Apache-2.0 */
/* kubectl-stash gen rules: which snapshots a RestoreSession is to name, to be at a moment again. */
#include "base/log.h"
#include "base/mem.h"
#include "cli/plugin.h"
#include "cli/snapshot_opts.h"
#include "cli/print.h"

struct rules_args {
    struct app_opts app;
    const char *timestamp;
    int interval_ms;
    struct cluster_access cluster;
};
static const struct opt opts_rules[] = {
    {"timestamp", 0, OPT_TEXT(struct rules_args, timestamp), "TIME",
     "the moment, such as 2026-11-30T02:00:00Z"},
    {"group-interval", 0, OPT_MS(struct rules_args, interval_ms, "4m"), NULL,
     "snapshots belong together up to so long after the first"},
    {"request-timeout", 0, OPT_IGNORED, NULL, "accepted and ignored: the repository is read"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_rules, 0},
    {opts_cluster_access, offsetof(struct rules_args, cluster)},
    {opts_app, 0},
    {.table = NULL}};

/* Snapshots of one run of a batch, a member each: [from, to) of a list in order of time. */
struct run {
    size_t from, to;
};

static const char *
host_of(const struct snapshot *s)
{
    return s->hostname != NULL ? s->hostname : "";
}

/* A host has one snapshot in it, or nobody knows which one is meant. */
static enum rc
run_check(const struct snapshot *list, const struct run *run, struct err *e)
{
    char id[ID_TEXT], other[ID_TEXT], host[200];

    for (size_t i = run->from; i < run->to; i++)
        for (size_t k = run->from; k < i; k++)
            if (strcmp(host_of(&list[i]), host_of(&list[k])) == 0) {
                (void)err_set(e, RC_CONFLICT,
                              "snapshots %.8s and %.8s are both of the host %s and less than the "
                              "--group-interval apart",
                              id_hex(&list[k].id, id), id_hex(&list[i].id, other),
                              str_show(str_c(host_of(&list[i])), host, sizeof(host)));
                return err_hint(e, "use a --group-interval that is shorter than the time between "
                                   "two backups");
            }
    return RC_OK;
}

static struct json *
run_rules(const struct snapshot *list, const struct run *run)
{
    struct json *rules = json_new_array();

    for (size_t i = run->from; i < run->to; i++) {
        struct json *rule = json_new_object();
        char id[ID_TEXT];

        if (run->to - run->from > 1)
            json_push_cstr(json_need_array(rule, "targetHosts"), host_of(&list[i]));
        (void)id_hex(&list[i].id, id);
        id[8] = '\0';
        json_push_cstr(json_need_array(rule, "snapshots"), id);
        json_push(rules, rule);
    }
    return rules;
}

/* As a comment and a list that may stand below "rules:". */
static enum rc
run_print(const struct snapshot *list, const struct run *run, const char *where, struct err *e)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(PRINT_MAX);
    CLEANUP(json_free_ptr) struct json *rules = NULL;
    char when[INSTANT_TEXT];

    if (run->from == run->to)
        return RC_OK;
    if (run_check(list, run, e))
        return err_code(e);
    rules = run_rules(list, run);
    buf_must_printf(&out, "# the nearest snapshots %s: %s\n", where,
                    instant_format(list[run->from].time, when));
    if (print_yaml(rules, &out, e))
        return err_code(e);
    return cluster_print(&out, e);
}

/* Puts what is not a backup of a whole target behind the others, of which there are so many: nothing is as it was by them. */
static size_t
whole_first(struct app_snapshots *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        struct snapshot one = s->list[i];

        if (!snapshot_is_backup(&one))
            continue;
        s->list[i] = s->list[n];
        s->list[n++] = one;
    }
    return n;
}

/* The last run that began before the moment, and the first that did not. */
static enum rc
rules_around(const struct snapshot *list, size_t n, struct instant at, int interval_ms,
             struct err *e)
{
    struct run before = {0, 0}, after = {0, 0};

    for (size_t i = 0; i < n && after.to == 0;) {
        struct run run = {i, i + 1};

        while (run.to < n &&
               instant_ms(list[run.to].time) - instant_ms(list[i].time) <= interval_ms)
            run.to++;
        if (instant_cmp(list[i].time, at) < 0)
            before = run;
        else
            after = run;
        i = run.to;
    }
    if (run_print(list, &before, "before that", e))
        return err_code(e);
    return run_print(list, &after, "then or after that", e);
}

static enum rc
rules_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct rules_args *a = args;
    CLEANUP(mem_free_ptr) char *url = plugin_repo(&a->cluster, a->app.words.v[0]);
    const struct repo_access access = plugin_access(&a->cluster, url);
    const struct opt_list all = {.n = 0};
    const struct snapshot_choice choice = {.target = NULL};
    struct app_snapshots s = {.n = 0};
    struct app_repo r = {0};
    struct instant at;
    size_t whole;
    enum rc rc;

    if (a->timestamp == NULL || instant_parse(str_c(a->timestamp), &at, e)) {
        *e = (struct err)ERR_INIT;
        return err_set(e, RC_USAGE, "use --timestamp with a time such as 2026-11-30T02:00:00Z");
    }
    rc = app_repo_open(cx, &access, APP_LOCK_NONE, &r, e);
    if (rc == RC_OK)
        rc = app_snapshots(cx, &choice, &all, r.repo, &s, e);
    whole = whole_first(&s);
    if (rc == RC_OK && whole == 0)
        rc = err_set(e, RC_NOT_FOUND, "no snapshots of a whole target in %s", url);
    if (rc == RC_OK && whole < s.n)
        log_warn("%zu %s passed over, of a part of a target or of before a restore", s.n - whole,
                 str_plural(s.n - whole, "snapshot is", "snapshots are"));
    if (rc == RC_OK)
        rc = rules_around(s.list, whole, at, a->interval_ms, e);
    rc = app_snapshots_close(rc, &s, e);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_plugin_rules = {.name = "gen rules",
                                         .usage = "REPOSITORY",
                                         .summary = "the rules of a RestoreSession for a moment",
                                         .groups = groups,
                                         .size = sizeof(struct rules_args),
                                         .words_min = 1,
                                         .words_max = 1,
                                         .run = rules_main};
