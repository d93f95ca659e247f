/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"
#include "cli/prune_opts.h"
#include "json/write.h"

static enum rc
prune_unused(const struct opt *o, const char *text, void *to, struct err *e)
{
    (void)o;
    return prune_limit_parse(str_c(text), to, e);
}
static const struct opt_type unused_type = {.value = "5%|SIZE|unlimited", .parse = prune_unused};

const struct opt opts_prune[] = {
    {"max-unused", 0,
     OPT_OWN(unused_type, struct prune_choice, max_unused, struct prune_limit, "5%"), NULL,
     "unused data to tolerate in packs"},
    {"max-repack-size", 0, OPT_SIZE(struct prune_choice, max_repack_bytes), NULL,
     "repack at most SIZE, such as 10G; 0: only remove unused packs"},
    {"repack-cacheable-only", 0, OPT_FLAG(struct prune_choice, cacheable_only), NULL,
     "repack only packs of trees"},
    {"repack-small", 0, OPT_FLAG(struct prune_choice, repack_small), NULL,
     "also repack packs below 80% of 16 MiB"},
    {"repack-uncompressed", 0, OPT_FLAG(struct prune_choice, repack_uncompressed), NULL,
     "compress uncompressed data"},
    {.name = NULL},
};

struct prune_opts
app_prune_opts(const struct prune_choice *c, bool dry_run)
{
    return (struct prune_opts){.max_unused = c->max_unused,
                               .max_repack_bytes = (uint64_t)MAX(c->max_repack_bytes, 0),
                               .no_repack = c->max_repack_bytes == 0,
                               .cacheable_only = c->cacheable_only,
                               .repack_small = c->repack_small,
                               .repack_uncompressed = c->repack_uncompressed,
                               .dry_run = dry_run};
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

    (void)printf("%-20s %10llu %-5s  %s\n", what, (unsigned long long)n.blobs,
                 str_plural(n.blobs, "blob", "blobs"), out_bytes(n.bytes, size));
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
        (void)printf("%-20s %10llu %-5s  %s\n", "not referenced",
                     (unsigned long long)s->packs_unreferenced,
                     str_plural(s->packs_unreferenced, "pack", "packs"),
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
app_prune(struct ctx *cx, struct repo *r, const struct prune_opts *opts, bool as_json,
          struct err *e)
{
    struct prune_stats stats;

    if (prune_run(cx, r, opts, &stats, e))
        return err_code(e);
    if (as_json)
        print_json(&stats, opts->dry_run);
    else
        print_text(&stats, opts->dry_run);
    return RC_OK;
}

struct prune_args {
    struct app_opts app;
    struct prune_choice choice;
    bool dry_run, allow_remove_all;
    struct repo_access repo;
};
static const struct opt opts_only_prune[] = {
    {"dry-run", 'n', OPT_FLAG(struct prune_args, dry_run), NULL, "only show what would be done"},
    {"unsafe-allow-remove-all", 0, OPT_FLAG(struct prune_args, allow_remove_all), NULL,
     "allow to remove all data when there is no snapshot"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_prune, offsetof(struct prune_args, choice)},
    {opts_only_prune, 0},
    {opts_repo, offsetof(struct prune_args, repo)},
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

static enum rc
prune_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct prune_args *a = args;
    struct prune_opts opts = app_prune_opts(&a->choice, a->dry_run);
    struct app_repo r = {0};
    enum rc rc = app_repo_lock(cx, &a->repo, APP_LOCK_EXCLUSIVE, &r, e);

    opts.allow_remove_all = a->allow_remove_all;
    if (rc == RC_OK)
        rc = app_prune(cx, r.repo, &opts, a->app.json, e);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_prune = {.name = "prune",
                                  .summary = "remove data that no snapshot references",
                                  .groups = groups,
                                  .size = sizeof(struct prune_args),
                                  .run = prune_main};
