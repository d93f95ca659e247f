/* SPDX-License-Identifier: Apache-2.0 */
/* cstash check: is everything in the repository what it should be? */
#include "base/log.h"
#include "cli/app.h"
#include "cli/out.h"
#include "job/check_dumps.h"
#include "json/write.h"
#include "maintain/check.h"

struct check_args {
    struct app_opts app;
    bool read_data;
    struct subset {
        bool given;
        struct check_subset part;
    } subset;
    struct repo_access repo;
};

static enum rc
check_part(const struct opt *o, const char *text, void *to, struct err *e)
{
    struct subset *s = to;

    (void)o;
    *s = (struct subset){.given = text != NULL};
    return text != NULL ? check_subset_parse(text, &s->part, e) : RC_OK;
}
static const struct opt_type part_type = {.value = "PART", .parse = check_part};

static const struct opt opts_check[] = {
    {"read-data", 0, OPT_FLAG(struct check_args, read_data), NULL,
     "read and verify every pack, and the newest dump of each Redis as a restore would"},
    {"read-data-subset", 0, OPT_OWN(part_type, struct check_args, subset, struct subset, NULL),
     NULL, "read only a part of the packs: 1/10, or at random 5%, 500M"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_check, 0}, {opts_repo, offsetof(struct check_args, repo)}, {opts_json, 0}, {opts_app, 0},
    {.table = NULL},
};

static void
on_problem(void *arg, const char *text)
{
    (void)arg;
    log_error("%s", text);
}

static void
on_hint(void *arg, const char *text)
{
    (void)arg;
    log_info("%s", text);
}

static void
print_json(const struct check_result *res, const struct checked_dumps *dumps, bool good)
{
    struct out_json j;

    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "summary");
    jw_field_bool(&j.w, "ok", good);
    jw_field_u64(&j.w, "num_errors", res->errors);
    jw_field_u64(&j.w, "snapshots", res->snapshots);
    jw_field_u64(&j.w, "packs", res->packs);
    jw_field_u64(&j.w, "blobs", res->blobs);
    jw_field_u64(&j.w, "bytes_read", res->bytes_read);
    jw_field_u64(&j.w, "dumps_read", dumps->read);
    jw_close_object(&j.w);
    out_json_end(&j);
}

/* The packs are whole; are the dumps in them? */
static enum rc
read_dumps(struct ctx *cx, const struct check_args *a, struct repo *r, struct check_result *res,
           struct checked_dumps *dumps, struct err *e)
{
    static const struct check_dumps_on on = {.problem = on_problem, .hint = on_hint};

    if (!a->read_data)
        return RC_OK;
    if (check_dumps(cx, r, &on, dumps, e))
        return err_code(e);
    res->errors += dumps->refused;
    return dumps->refused == 0
               ? RC_OK
               : err_set(e, RC_CORRUPT, "%llu of %llu dumps cannot be restored",
                         (unsigned long long)dumps->refused, (unsigned long long)dumps->read);
}

static enum rc
check_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct check_args *a = args;
    struct checked_dumps dumps = {.read = 0};
    struct check_opts opts = {.read_data = a->read_data || a->subset.given,
                              .subset = a->subset.part,
                              .problem = on_problem,
                              .hint = on_hint};
    struct check_result res = {0};
    struct app_repo r = {0};
    char bytes[OUT_TEXT];
    enum rc rc;

    if (a->read_data && a->subset.given)
        return err_set(e, RC_USAGE, "--read-data reads all: leave out --read-data-subset");
    rc = app_repo_address(cx, &a->repo, &r, e);
    /* The index is check's to load: a broken one is a finding. */
    if (rc == RC_OK)
        rc = repo_open(cx, r.store, secret_str(&r.password), &r.repo, e);
    if (rc == RC_OK && !a->repo.no_lock)
        rc = repo_lock(cx, r.repo, true, e);
    if (rc == RC_OK) {
        rc = check_run(cx, r.repo, &opts, &res, e);
        if (rc == RC_OK)
            rc = read_dumps(cx, a, r.repo, &res, &dumps, e);
        if (a->app.json && (rc == RC_OK || rc == RC_CORRUPT))
            print_json(&res, &dumps, rc == RC_OK);
        else if (rc == RC_OK)
            (void)printf("%llu %s, %llu %s, %llu %s, %s read: no errors were found\n",
                         (unsigned long long)res.snapshots,
                         str_plural(res.snapshots, "snapshot", "snapshots"),
                         (unsigned long long)res.packs, str_plural(res.packs, "pack", "packs"),
                         (unsigned long long)res.blobs, str_plural(res.blobs, "blob", "blobs"),
                         out_bytes(res.bytes_read, bytes));
    }
    app_repo_close(&r);
    return rc;
}

const struct command cmd_check = {.name = "check",
                                  .summary = "check a repository for errors",
                                  .groups = groups,
                                  .size = sizeof(struct check_args),
                                  .run = check_main};

struct unlock_args {
    struct app_opts app;
    bool all;
    struct repo_access repo;
};
static const struct opt opts_unlock[] = {
    {"remove-all", 0, OPT_FLAG(struct unlock_args, all), NULL,
     "also remove locks of running processes"},
    {.name = NULL},
};
static const struct opt_group unlock_groups[] = {
    {opts_unlock, 0}, {opts_repo, offsetof(struct unlock_args, repo)},
    {opts_json, 0},   {opts_app, 0},
    {.table = NULL},
};

static enum rc
run_unlock(struct ctx *cx, const void *args, struct err *e)
{
    const struct unlock_args *a = args;
    struct app_repo r = {0};
    size_t removed;
    enum rc rc = app_repo_open(cx, &a->repo, APP_LOCK_NONE, &r, e);

    if (rc == RC_OK)
        rc = repo_unlock_stale(cx, r.repo, a->all, &removed, e);
    if (rc == RC_OK && a->app.json)
        (void)printf("{\"message_type\":\"summary\",\"removed_locks\":%zu}\n", removed);
    else if (rc == RC_OK)
        (void)printf("removed %zu %s\n", removed, str_plural(removed, "lock", "locks"));
    app_repo_close(&r);
    return rc;
}

const struct command cmd_unlock = {.name = "unlock",
                                   .summary = "remove stale locks",
                                   .groups = unlock_groups,
                                   .size = sizeof(struct unlock_args),
                                   .run = run_unlock};
