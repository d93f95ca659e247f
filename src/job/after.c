/* SPDX-License-Identifier: Apache-2.0 */
#include "job/after.h"

#include "base/log.h"
#include "base/mem.h"
#include "job/backup.h"
#include "repo/check.h"
#include "repo/policy.h"
#include "repo/snapshots.h"
#include "repo/stats.h"

enum { TAGS_MAX = 64 };

static struct policy
policy_of(const struct json *j, const char **tags)
{
    const struct json *list = json_field(j, "keepTags");
    static const char *const fields[POLICY_PERIODS] = {"keepLast",   "keepHourly",  "keepDaily",
                                                       "keepWeekly", "keepMonthly", "keepYearly"};
    struct policy p = {.tags = tags};

    for (size_t k = 0; k < POLICY_PERIODS; k++)
        p.count[k] = json_int_or(json_field(j, fields[k]), 0);
    while (p.n_tags < MIN(json_size(list), (size_t)TAGS_MAX)) {
        tags[p.n_tags] = json_text_or(json_elem(list, p.n_tags), "");
        p.n_tags++;
    }
    return p;
}

static bool
is_in_group(const struct snapshot *s, const char *host)
{
    return s->hostname != NULL && strcmp(s->hostname, host) == 0 && s->n_paths == 1 &&
           strcmp(s->paths[0], "/" DUMP_NAME) == 0;
}

/* The group at the front of the list; returns how many. */
static size_t
move_group(struct snapshot *list, size_t n, const char *host)
{
    size_t group = 0;

    for (size_t i = 0; i < n; i++)
        if (is_in_group(&list[i], host)) {
            struct snapshot swap = list[group];

            list[group++] = list[i];
            list[i] = swap;
        }
    return group;
}

struct group {
    const struct snapshot *list;
    size_t n;
};

static enum rc
forget(struct ctx *cx, struct repo *r, const struct policy *p, struct group g, bool dry_run,
       struct after *out, struct err *e)
{
    struct policy_mark *marks = (struct policy_mark *)mem_zero(g.n + 1, sizeof(*marks));
    int64_t removed = 0;
    enum rc rc = RC_OK;

    policy_apply(p, g.list, g.n, instant_now(), marks);
    for (size_t i = 0; i < g.n && rc == RC_OK; i++) {
        char id[ID_TEXT];

        if (marks[i].keep)
            continue;
        log_info("snapshot %.8s is %s", id_hex(&g.list[i].id, id),
                 dry_run ? "to be removed (dry run)" : "removed");
        if (!dry_run)
            rc = snapshot_forget(cx, r, &g.list[i].id, e);
        removed++;
    }
    mem_free(marks);
    if (!dry_run) {
        out->removed = removed;
        out->kept -= removed;
        (void)snprintf(out->note, sizeof(out->note), "Successfully applied retention policy.");
    } else {
        (void)snprintf(out->note, sizeof(out->note),
                       "Dry run: %lld snapshots would be removed, none was.", (long long)removed);
    }
    return rc;
}

enum rc
after_retention(struct ctx *cx, struct repo *r, const struct json *policy, const char *host,
                struct after *out, struct err *e)
{
    const char *tags[TAGS_MAX];
    struct policy p = policy_of(policy, tags);
    struct snapshot *list;
    struct group group;
    size_t n;
    enum rc rc = RC_OK;

    if (snapshots_list(cx, r, &list, &n, e))
        return e->code;
    out->kept = (int64_t)n;
    out->removed = 0;
    group = (struct group){list, move_group(list, n, host)};
    if (policy_is_empty(&p))
        (void)snprintf(out->note, sizeof(out->note),
                       "Skipped: the retention policy has no keep value, so every snapshot stays.");
    else
        rc = forget(cx, r, &p, group, json_is_true(json_field(policy, "dryRun")), out, e);
    if (rc == RC_OK && out->removed > 0 && json_is_true(json_field(policy, "prune")))
        log_warn(
            "the data of removed snapshots stay until the repository is pruned (restic prune)");
    snapshots_free(list, n);
    return rc;
}

static void
on_problem(void *arg, const char *text)
{
    struct after *out = (struct after *)arg;

    log_error("%s", text);
    if (out->problem[0] == '\0')
        (void)snprintf(out->problem, sizeof(out->problem), "%s", text);
}

enum rc
after_check(struct ctx *cx, struct repo *r, struct after *out, struct err *e)
{
    struct check_opts o = {.problem = on_problem, .arg = out};
    struct check_result found;
    struct snapshot *list;
    struct stats s;
    struct err why = ERR_INIT;
    size_t n;
    enum rc rc = check_run(cx, r, &o, &found, &why);

    out->integrity = rc == RC_OK;
    if (rc == RC_CORRUPT)
        return RC_OK;
    if (rc != RC_OK) {
        *e = why;
        return rc;
    }
    if (snapshots_list(cx, r, &list, &n, e))
        return e->code;
    rc = stats_raw_data(cx, r, list, n, &s, e);
    if (rc == RC_OK)
        out->bytes = s.total_size;
    snapshots_free(list, n);
    return rc;
}
