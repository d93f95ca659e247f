/* SPDX-License-Identifier: Apache-2.0 */
/* cstash stats: how much there is. */
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "json/write.h"
#include "maintain/stats.h"

struct stats_args {
    struct app_opts app;
    enum stats_mode mode;
    struct repo_access repo;
    struct snapshot_choice snapshots;
};
/* In the order of the enum. */
static const char *const modes[] = {"restore-size", "files-by-contents", "blobs-per-file",
                                    "raw-data", NULL};
static const struct opt opts_stats[] = {
    {"mode", 0, OPT_ENUM(struct stats_args, mode, modes, "restore-size"), "MODE",
     "what to count: restore-size, files-by-contents, blobs-per-file or raw-data"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_stats, 0},
    {opts_repo, offsetof(struct stats_args, repo)},
    GROUPS_SNAPSHOTS(struct stats_args, snapshots),
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

/* restic leaves out what is 0. */
static void
field_unless_0(struct jw *w, const char *key, uint64_t v)
{
    if (v != 0)
        jw_field_u64(w, key, v);
}

/* restic's field names. */
static void
print_json(const struct stats *s)
{
    double plain = (double)s->total_uncompressed_size;
    struct out_json j;

    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_u64(&j.w, "total_size", s->total_size);
    field_unless_0(&j.w, "total_uncompressed_size", s->total_uncompressed_size);
    if (s->compressed_size != 0) {
        jw_key(&j.w, "compression_ratio");
        jw_double(&j.w, (double)s->uncompressed_size / (double)s->compressed_size);
        jw_key(&j.w, "compression_progress");
        jw_double(&j.w, (double)s->uncompressed_size / plain * 100);
        jw_key(&j.w, "compression_space_saving");
        jw_double(&j.w, (1 - (double)s->total_size / plain) * 100);
    }
    field_unless_0(&j.w, "total_file_count", s->files);
    field_unless_0(&j.w, "total_blob_count", s->blobs);
    jw_field_u64(&j.w, "snapshots_count", s->snapshots);
    jw_close_object(&j.w);
    out_json_end(&j);
}

static void
print_text(const struct stats *s, bool raw)
{
    char size[OUT_TEXT], plain[OUT_TEXT];

    (void)printf("snapshots       %llu\n", (unsigned long long)s->snapshots);
    if (!raw)
        (void)printf("files           %llu\n", (unsigned long long)s->files);
    if (s->blobs != 0)
        (void)printf("blobs           %llu\n", (unsigned long long)s->blobs);
    (void)printf("%-14s  %s\n", raw ? "stored" : "total size", out_bytes(s->total_size, size));
    if (s->total_uncompressed_size != 0)
        (void)printf("uncompressed    %s\n", out_bytes(s->total_uncompressed_size, plain));
}

static enum rc
stats_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct stats_args *a = args;
    struct app_snapshots all = {.n = 0};
    struct app_repo r = {0};
    struct stats s;
    enum rc rc = app_repo_lock(cx, &a->repo, APP_LOCK_SHARED, &r, e);

    if (rc == RC_OK)
        rc = app_snapshots(cx, &a->snapshots, &a->app.words, r.repo, &all, e);
    if (rc == RC_OK)
        rc = stats_count(cx, r.repo, a->mode, all.list, all.n, &s, e);
    if (rc == RC_OK && a->app.json)
        print_json(&s);
    else if (rc == RC_OK)
        print_text(&s, a->mode == STATS_RAW_DATA);
    app_repo_close(&r);
    return app_snapshots_close(rc, &all, e);
}

const struct command cmd_stats = {.name = "stats",
                                  .usage = "[ID...]",
                                  .summary = "show the size of a repository",
                                  .groups = groups,
                                  .size = sizeof(struct stats_args),
                                  .words_max = OPT_LIST_MAX,
                                  .words_are_snapshots = true,
                                  .run = stats_main};
