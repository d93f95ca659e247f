/* SPDX-License-Identifier: Apache-2.0 */
/* cstash copy: snapshots of another repository into this one. */
#include "base/log.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "maintain/copy.h"

struct copy_args {
    struct app_opts app;
    struct compression_opts compression;
    struct from_access from;
    struct repo_access repo;
    struct snapshot_choice snapshots;
};
static const struct opt_group groups[] = {
    {opts_compression, offsetof(struct copy_args, compression)},
    {opts_from, offsetof(struct copy_args, from)},
    {opts_repo, offsetof(struct copy_args, repo)},
    GROUPS_SNAPSHOTS(struct copy_args, snapshots),
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

static void
print_line(bool as_json, const char *what, const struct snapshot *from, const struct id *to)
{
    char id[ID_TEXT], copy[ID_TEXT], when[OUT_TIME];

    if (as_json)
        return;
    (void)printf("%-7s  %.8s  %-*s  ", what, id_hex(&from->id, id), OUT_TIME_COLUMNS,
                 out_time(from->time, when));
    out_words(from->hostname, 16);
    (void)printf("  as %.8s\n", id_hex(to, copy));
}

static void
on_copied(void *arg, const struct snapshot *from, const struct id *to)
{
    print_line(*(const bool *)arg, "copied", from, to);
}

static void
on_skipped(void *arg, const struct snapshot *from, const struct id *known)
{
    print_line(*(const bool *)arg, "is here", from, known);
}

static void
on_failed(void *arg, const struct snapshot *from, const struct err *why)
{
    char id[ID_TEXT];

    (void)arg;
    log_error("snapshot %.8s cannot be copied: %s", id_hex(&from->id, id), why->msg);
}

static void
print_result(const struct copy_args *a, const struct copy_result *r)
{
    struct out_json j;
    char bytes[OUT_TEXT], stored[OUT_TEXT];

    if (!a->app.json) {
        (void)printf("%llu %s copied, %llu %s here already; %llu %s added, %s, %s stored\n",
                     (unsigned long long)r->copied, str_plural(r->copied, "snapshot", "snapshots"),
                     (unsigned long long)r->skipped, str_plural(r->skipped, "was", "were"),
                     (unsigned long long)r->blobs, str_plural(r->blobs, "blob", "blobs"),
                     out_bytes(r->bytes, bytes), out_bytes(r->stored_bytes, stored));
        return;
    }
    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "summary");
    jw_field_u64(&j.w, "snapshots_copied", r->copied);
    jw_field_u64(&j.w, "snapshots_skipped", r->skipped);
    jw_field_u64(&j.w, "snapshots_failed", r->failed);
    jw_field_u64(&j.w, "blobs_added", r->blobs);
    jw_field_u64(&j.w, "bytes_added", r->bytes);
    jw_field_u64(&j.w, "bytes_added_packed", r->stored_bytes);
    jw_close_object(&j.w);
    out_json_end(&j);
}

static enum rc
copy_chosen(struct ctx *cx, const struct copy_args *a, struct repo *from, struct repo *to,
            struct err *e)
{
    bool as_json = a->app.json;
    struct copy_opts opts = {.from = from,
                             .compression = a->compression.level,
                             .copied = on_copied,
                             .skipped = on_skipped,
                             .failed = on_failed,
                             .arg = &as_json};
    struct copy_result result;
    struct app_snapshots all;
    enum rc rc = app_snapshots(cx, &a->snapshots, &a->app.words, from, &all, e);

    if (rc)
        return app_snapshots_close(rc, &all, e);
    if (repo_polynomial(from) != repo_polynomial(to)) {
        log_warn("the two repositories cut data at different places: copies and backups here will "
                 "share nothing");
        log_info("hint: make this one with `cstash init --from-repo ... --copy-chunker-params`");
    }
    rc = copy_snapshots(cx, to, all.list, all.n, &opts, &result, e);
    if (rc == RC_OK || rc == RC_CORRUPT)
        print_result(a, &result);
    return app_snapshots_close(rc, &all, e);
}

static enum rc
copy_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct copy_args *a = args;
    struct repo_access to_access = a->repo;
    struct app_repo from = {0}, to = {0};
    enum rc rc = app_repo_from(cx, &a->repo, &a->from, &from, e);

    to_access.no_lock = false; /* is for reading only */
    if (rc == RC_OK)
        rc = app_repo_lock(cx, &to_access, APP_LOCK_SHARED, &to, e);
    if (rc == RC_OK)
        rc = copy_chosen(cx, a, from.repo, to.repo, e);
    app_repo_close(&to);
    app_repo_close(&from);
    return rc;
}

const struct command cmd_copy = {.name = "copy",
                                 .usage = "[ID...]",
                                 .summary = "copy snapshots from another repository",
                                 .groups = groups,
                                 .size = sizeof(struct copy_args),
                                 .words_max = OPT_LIST_MAX,
                                 .words_are_snapshots = true,
                                 .run = copy_main};
