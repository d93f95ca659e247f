/* SPDX-License-Identifier: Apache-2.0 */
/* cstash stats: how much there is. */
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "json/write.h"
#include "repo/stats.h"

static const struct opt opts_stats[] = {
    {"mode", 0, OPT_TEXT, OPT_AT(mode), "restore-size|raw-data", "what to count [restore-size]"},
    {.name = NULL},
};
static const struct opt *const tables[] = {opts_stats, opts_repo, opts_snapshot, opts_global, NULL};

/* restic's field names. */
static void
print_json(const struct stats *s, bool raw)
{
    struct out_json j;

    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_u64(&j.w, "total_size", s->total_size);
    if (raw) {
        jw_field_u64(&j.w, "total_uncompressed_size", s->total_uncompressed_size);
        jw_key(&j.w, "compression_ratio");
        jw_double(&j.w, s->compressed_size == 0
                            ? 1
                            : (double)s->uncompressed_size / (double)s->compressed_size);
        jw_field_u64(&j.w, "total_blob_count", s->blobs);
    } else {
        jw_field_u64(&j.w, "total_file_count", s->files);
    }
    jw_field_u64(&j.w, "snapshots_count", s->snapshots);
    jw_close_object(&j.w);
    out_json_end(&j);
}

static void
print_text(const struct stats *s, bool raw)
{
    char size[OUT_TEXT], plain[OUT_TEXT];

    (void)printf("snapshots       %llu\n", (unsigned long long)s->snapshots);
    if (raw)
        (void)printf("blobs           %llu\nstored          %s\nuncompressed    %s\n",
                     (unsigned long long)s->blobs, out_bytes(s->total_size, size),
                     out_bytes(s->total_uncompressed_size, plain));
    else
        (void)printf("files           %llu\ntotal size      %s\n", (unsigned long long)s->files,
                     out_bytes(s->total_size, size));
}

/* Keep what the filter wants at the front; the others are released. */
static size_t
select_wanted(struct snapshot *all, size_t n, const struct snapshot_filter *filter)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (snapshot_matches(&all[i], filter)) {
            struct snapshot x = all[kept];
            all[kept++] = all[i];
            all[i] = x;
        }
    return kept;
}

static enum rc
run(struct ctx *cx, const struct args *a, struct err *e)
{
    static const char *const modes[] = {"restore-size", "raw-data", NULL};
    struct snapshot_filter filter = app_snapshot_filter(a);
    struct snapshot *all = NULL;
    struct app_repo r = {0};
    struct stats s;
    size_t n = 0, kept;
    int mode;
    enum rc rc;

    if (app_word(a->mode, "mode", modes, &mode, e))
        return e->code;
    rc = app_repo_open(cx, a, APP_LOCK_SHARED, &r, e);
    if (rc == RC_OK)
        rc = snapshots_list(cx, r.repo, &all, &n, e);
    if (rc == RC_OK) {
        kept = select_wanted(all, n, &filter);
        rc = mode == 1 ? stats_raw_data(cx, r.repo, all, kept, &s, e)
                       : stats_restore_size(cx, r.repo, all, kept, &s, e);
    }
    if (rc == RC_OK && a->json)
        print_json(&s, mode == 1);
    else if (rc == RC_OK)
        print_text(&s, mode == 1);
    snapshots_free(all, n);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_stats = {"stats", "", "count what a repository holds", tables, 0, 0, run};
