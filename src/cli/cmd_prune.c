/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"
#include "cli/prune_opts.h"
#include "json/write.h"

const struct opt opts_prune[] = {
    {"max-unused", 0, OPT_TEXT, OPT_AT(max_unused), "5%|SIZE|unlimited",
     "unused data to tolerate in packs [5%]"},
    {"max-repack-size", 0, OPT_TEXT, OPT_AT(max_repack_size), "SIZE",
     "repack at most SIZE, such as 10G; 0: only remove unused packs"},
    {"repack-cacheable-only", 0, OPT_FLAG, OPT_AT(repack_cacheable_only), NULL,
     "repack only packs of trees"},
    {"repack-small", 0, OPT_FLAG, OPT_AT(repack_small), NULL,
     "also repack packs below 80% of 16 MiB"},
    {"repack-uncompressed", 0, OPT_FLAG, OPT_AT(repack_uncompressed), NULL,
     "compress uncompressed data"},
    {.name = NULL},
};

enum rc
app_prune_opts(const struct args *a, struct prune_opts *out, struct err *e)
{
    struct prune_opts o = {.max_unused = PRUNE_UNUSED_DEFAULT,
                           .cacheable_only = a->repack_cacheable_only,
                           .repack_small = a->repack_small,
                           .repack_uncompressed = a->repack_uncompressed,
                           .dry_run = a->dry_run};

    if (a->max_unused != NULL && prune_limit_parse(str_c(a->max_unused), &o.max_unused, e))
        return err_wrap(e, "--max-unused");
    if (a->max_repack_size != NULL && !str_to_size(str_c(a->max_repack_size), &o.max_repack_bytes))
        return err_set(e, RC_USAGE,
                       "--max-repack-size: \"%s\" is not a size such as 500K, 200M or 1G",
                       a->max_repack_size);
    o.no_repack = a->max_repack_size != NULL && o.max_repack_bytes == 0;
    *out = o;
    return RC_OK;
}

static void
json_amount(struct jw *w, const char *name, struct prune_amount n)
{
    jw_key(w, name);
    jw_open_object(w);
    jw_field_u64(w, "blobs", n.blobs);
    jw_field_u64(w, "bytes", n.bytes);
    jw_close_object(w);
}

static void
print_json(const struct prune_stats *s, bool dry_run)
{
    struct out_json j;

    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_key(&j.w, "dry_run");
    jw_bool(&j.w, dry_run);
    json_amount(&j.w, "used", s->used);
    json_amount(&j.w, "duplicate", s->duplicate);
    json_amount(&j.w, "unused", s->unused);
    json_amount(&j.w, "repack", s->repack);
    json_amount(&j.w, "repack_removed", s->repack_removed);
    json_amount(&j.w, "removed", s->removed);
    json_amount(&j.w, "total_removed", prune_total(s));
    json_amount(&j.w, "unused_after", prune_unused_after(s));
    jw_field_u64(&j.w, "unreferenced_bytes", s->unreferenced_bytes);
    jw_field_u64(&j.w, "packs_kept", s->packs_kept);
    jw_field_u64(&j.w, "packs_repacked", s->packs_repacked);
    jw_field_u64(&j.w, "packs_removed", s->packs_removed);
    jw_field_u64(&j.w, "packs_unreferenced", s->packs_unreferenced);
    jw_field_u64(&j.w, "index_files_rewritten", s->index_files_rewritten);
    jw_close_object(&j.w);
    out_json_end(&j);
}

static void
print_amount(const char *what, struct prune_amount n)
{
    char size[OUT_TEXT];

    (void)printf("%-20s %10llu blobs  %s\n", what, (unsigned long long)n.blobs,
                 out_bytes(n.bytes, size));
}

static void
print_text(const struct prune_stats *s, bool dry_run)
{
    struct prune_amount after = prune_unused_after(s);
    uint64_t all = s->used.bytes + after.bytes;
    char size[OUT_TEXT];

    print_amount("used", s->used);
    print_amount("unused", s->unused);
    print_amount("duplicate", s->duplicate);
    if (s->packs_unreferenced > 0)
        (void)printf("%-20s %10llu packs  %s\n", "not referenced",
                     (unsigned long long)s->packs_unreferenced,
                     out_bytes(s->unreferenced_bytes, size));
    print_amount("to repack", s->repack);
    print_amount(dry_run ? "would be removed" : "removed", prune_total(s));
    print_amount("unused, kept", after);
    (void)printf("%llu %s kept, %llu rewritten, %llu removed; %.2f%% of what stays is unused\n",
                 (unsigned long long)s->packs_kept, str_plural(s->packs_kept, "pack", "packs"),
                 (unsigned long long)s->packs_repacked,
                 (unsigned long long)(s->packs_removed + s->packs_unreferenced),
                 all == 0 ? 0.0 : 100.0 * (double)after.bytes / (double)all);
}

enum rc
app_prune(struct ctx *cx, const struct args *a, struct repo *r, const struct prune_opts *opts,
          struct err *e)
{
    struct prune_stats stats;

    if (prune_run(cx, r, opts, &stats, e))
        return e->code;
    if (a->json)
        print_json(&stats, opts->dry_run);
    else
        print_text(&stats, opts->dry_run);
    return RC_OK;
}

static const struct opt opts_dry_run[] = {
    {"dry-run", 'n', OPT_FLAG, OPT_AT(dry_run), NULL, "only show what would be done"},
    {.name = NULL},
};
static const struct opt *const tables[] = {opts_prune, opts_dry_run, opts_repo, opts_global, NULL};

static enum rc
prune_main(struct ctx *cx, const struct args *a, struct err *e)
{
    struct app_repo r = {0};
    struct prune_opts opts;
    enum rc rc = app_prune_opts(a, &opts, e);

    if (rc == RC_OK)
        rc = app_repo_lock(cx, a, APP_LOCK_EXCLUSIVE, &r, e);
    if (rc == RC_OK)
        rc = app_prune(cx, a, r.repo, &opts, e);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_prune = {
    "prune", "", "remove data that no snapshot references", tables, 0, 0, prune_main};
