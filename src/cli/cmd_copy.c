/* SPDX-License-Identifier: Apache-2.0 */
/* cstash copy: snapshots of another repository into this one. */
#include "base/log.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "repo/copy.h"

static const struct opt opts_copy[] = {
    {"compression", 0, OPT_TEXT, OPT_AT(compression), "auto|off|max", "compression level [auto]"},
    {.name = NULL},
};
static const struct opt *const tables[] = {opts_copy,      opts_from,   opts_repo,
                                           opts_snapshots, opts_global, NULL};

static void
print_line(const struct args *a, const char *what, const struct snapshot *from, const struct id *to)
{
    char id[ID_TEXT], copy[ID_TEXT], when[INSTANT_TEXT];

    if (a->json)
        return;
    (void)printf("%-7s  %.8s  %.19s  ", what, id_hex(&from->id, id),
                 instant_format(from->time, when));
    out_words(from->hostname, 16);
    (void)printf("  as %.8s\n", id_hex(to, copy));
}

static void
on_copied(void *arg, const struct snapshot *from, const struct id *to)
{
    print_line(arg, "copied", from, to);
}

static void
on_skipped(void *arg, const struct snapshot *from, const struct id *known)
{
    print_line(arg, "is here", from, known);
}

static void
on_failed(void *arg, const struct snapshot *from, const struct err *why)
{
    char id[ID_TEXT];

    (void)arg;
    log_error("snapshot %.8s cannot be copied: %s", id_hex(&from->id, id), why->msg);
}

static void
print_result(const struct args *a, const struct copy_result *r)
{
    struct out_json j;
    char bytes[OUT_TEXT], stored[OUT_TEXT];

    if (!a->json) {
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
copy_chosen(struct ctx *cx, struct args *a, int mode, struct repo *from, struct repo *to,
            struct err *e)
{
    struct copy_opts opts = {.from = from,
                             .compression = (enum save_compression)mode,

                             .copied = on_copied,
                             .skipped = on_skipped,
                             .failed = on_failed,
                             .arg = a};
    struct copy_result result;
    struct snapshots_unread unread = {.n = 0};
    struct snapshot *list = NULL;
    size_t n = 0;
    enum rc rc;

    if (app_snapshots(cx, a, from, &list, &n, &unread, e))
        return e->code;
    if (repo_polynomial(from) != repo_polynomial(to)) {
        log_warn("the two repositories cut data at different places: copies and backups here will "
                 "share nothing");
        log_info("hint: make this one with `cstash init --from-repo ... --copy-chunker-params`");
    }
    rc = copy_snapshots(cx, to, list, n, &opts, &result, e);
    snapshots_free(list, n);
    if (rc == RC_OK || rc == RC_CORRUPT)
        print_result(a, &result);
    return app_unread(rc, &unread, e);
}

static enum rc
copy_main(struct ctx *cx, const struct args *a, struct err *e)
{
    static const char *const modes[] = {"auto", "off", "max", NULL};
    struct args to_args = *a;
    struct app_repo from = {0}, to = {0};
    int mode;
    enum rc rc = app_word(a->compression, "compression", modes, &mode, e);

    to_args.no_lock = false; /* is for reading only */
    if (rc == RC_OK)
        rc = app_repo_from(cx, a, &from, e);
    if (rc == RC_OK)
        rc = app_repo_lock(cx, &to_args, APP_LOCK_SHARED, &to, e);
    if (rc == RC_OK)
        rc = copy_chosen(cx, &to_args, mode, from.repo, to.repo, e);
    app_repo_close(&to);
    app_repo_close(&from);
    return rc;
}

const struct command cmd_copy = {"copy",   "[ID...]", "copy snapshots from another repository",
                                 tables,   0,         ARGS_REST_MAX,
                                 copy_main};
