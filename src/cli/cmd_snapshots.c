/* SPDX-License-Identifier: Apache-2.0 */
/* cstash snapshots: what is in a repository. */
#include "base/log.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "job/manifest.h"
#include "job/verification.h"
#include "json/write.h"
#include "maintain/group.h"

enum { SHOWN = 200 /* of a text that somebody else wrote */ };

struct snapshots_args {
    struct app_opts app;
    int64_t latest; /* OPT_UNSET: all */
    struct repo_access repo;
    struct snapshot_choice choice;
};
static const struct opt opts_list[] = {
    {"latest", 0, OPT_COUNT(struct snapshots_args, latest, 1, INT64_MAX, NULL), NULL,
     "only the last N snapshots of each target, host and path"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_list, 0},
    {opts_repo, offsetof(struct snapshots_args, repo)},
    GROUPS_SNAPSHOTS(struct snapshots_args, choice),
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

/* What the program that wrote it says of it; a broken one is a warning, not the end. */
static bool
brief_of(const struct snapshot *s, struct manifest_brief *out)
{
    struct err e = ERR_INIT;
    char id[ID_TEXT];

    if (s->brief == NULL || s->repaired)
        return false;
    if (manifest_brief(str_c(s->brief), out, &e) == RC_OK)
        return true;
    log_warn("snapshot %.8s: %s", id_hex(&s->id, id), e.msg);
    return false;
}

/* What it lacks, though it is of the whole target; of how many servers it is. */
static void
print_marks(const struct manifest_brief *m)
{
    char took[OUT_TEXT];

    if (m != NULL && m->shards > 0 && m->skew_ms != UINT64_MAX)
        (void)printf("  (%llu %s within %llu ms)", (unsigned long long)m->shards,
                     str_plural(m->shards, "shard", "shards"), (unsigned long long)m->skew_ms);
    else if (m != NULL && m->shards > 0)
        (void)printf("  (%llu %s)", (unsigned long long)m->shards,
                     str_plural(m->shards, "shard", "shards"));
    if (m != NULL && m->lost_master)
        (void)printf("  (of a replica without its master, for %s)",
                     out_duration((int64_t)MIN(m->lost_for_s, (uint64_t)INT32_MAX) * 1000, took));
    if (m != NULL && m->lacks_functions)
        (void)printf("  (without functions)");
}

/* What its last verification found, and when. */
static void
print_verdict(const struct snapshot *s)
{
    char words[VERIFICATION_WORDS], shown[VERIFICATION_WORDS], when[OUT_TIME];

    if (s->verdict != NULL)
        (void)printf("  (%s: %s)", out_time(s->verdict->time, when),
                     str_show(str_c(verification_words(s->verdict, words)), shown, sizeof(shown)));
}

static void
print_row(const struct snapshot *s, const struct manifest_brief *m)
{
    char id[ID_TEXT], when[OUT_TIME], bytes[OUT_TEXT], host[SHOWN], target[SHOWN], part[SHOWN],
        digest[16];

    (void)printf("%.8s  %-*s  %-16s  %-24s ", id_hex(&s->id, id), OUT_TIME_COLUMNS,
                 out_time(s->time, when),
                 str_show(str_c(s->hostname != NULL ? s->hostname : ""), host, sizeof(host)),
                 str_show(str_c(s->target != NULL ? s->target : "-"), target, sizeof(target)));
    if (m != NULL) {
        (void)printf(" %10llu  %12s  ", (unsigned long long)m->keys, out_bytes(m->bytes, bytes));
        out_words(m->source, 11);
        (void)printf("  ");
        out_words(m->server, 14);
        (void)printf("  %.12s", str_show(str_c(m->digest), digest, sizeof(digest)));
    } else {
        (void)printf(" %10s  %12s  %-11s  %-14s  %-12s", "-",
                     s->has_summary ? out_bytes(s->summary.total_bytes_processed, bytes) : "-", "-",
                     "-", "-");
    }
    for (size_t i = 0; i < s->n_paths; i++) {
        (void)printf("  ");
        out_words(s->paths[i], 0);
    }
    for (size_t i = 0; i < s->n_tags; i++) {
        (void)printf("%s", i == 0 ? "  [" : ",");
        out_words(s->tags[i], 0);
    }
    (void)printf("%s", s->n_tags != 0 ? "]" : "");
    if (s->part != NULL)
        (void)printf("  (partial: %s)", str_show(str_c(s->part), part, sizeof(part)));
    if (s->safety)
        (void)printf("  (before a restore)");
    print_verdict(s);
    print_marks(m);
    (void)puts("");
}

struct listing {
    const struct snapshots_args *args;
    struct buf json;
    struct jw w;
};

static void
list_one(struct listing *l, const struct snapshot *s)
{
    struct manifest_brief brief;

    if (l->args->app.json)
        app_snapshot_json(&l->w, s);
    else
        print_row(s, brief_of(s, &brief) ? &brief : NULL);
}

static enum rc
snapshots_print(struct listing *l, const struct snapshot *all, size_t n, struct err *e)
{
    jw_init(&l->w, &l->json);
    if (l->args->app.json)
        jw_open_array(&l->w);
    else
        (void)printf("%-8s  %-*s  %-16s  %-24s  %10s  %12s  %-11s  %-14s  %-12s  %s\n", "ID",
                     OUT_TIME_COLUMNS, "Time", "Host", "Target", "Keys", "Size", "Source", "Server",
                     "Digest", "Paths [Tags]");
    for (size_t i = 0; i < n; i++)
        list_one(l, &all[i]);
    if (!l->args->app.json) {
        (void)printf("%zu %s\n", n, str_plural(n, "snapshot", "snapshots"));
        return RC_OK;
    }
    jw_close_array(&l->w);
    if (jw_end(&l->w, e))
        return err_code(e);
    (void)puts(buf_c(&l->json));
    return RC_OK;
}

/* Keep the last `most` of each host and path, oldest first as they were. */
static void
keep_latest(struct snapshot *all, size_t *n, uint64_t most)
{
    const unsigned by = GROUP_HOST | GROUP_PATHS | GROUP_OWNER;
    size_t kept = 0;

    targets_number(all, *n);
    group_sort(all, *n, by);
    for (size_t at = 0, len; at < *n; at += len) {
        len = group_length(all + at, *n - at, by);
        for (size_t i = at; i < at + len; i++) {
            if (i - at < most)
                all[kept++] = all[i];
            else
                snapshot_release(&all[i]);
        }
    }
    *n = kept;
    group_sort(all, kept, 0);
    for (size_t i = 0; i < kept / 2; i++) {
        struct snapshot newer = all[i];
        all[i] = all[kept - 1 - i];
        all[kept - 1 - i] = newer;
    }
}

static enum rc
snapshots_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct snapshots_args *a = args;
    struct listing l = {.args = a, .json = BUF_INIT((size_t)1 << 32)};
    struct app_repo r = {0};
    struct app_snapshots all = {.n = 0};
    enum rc rc;

    rc = app_repo_lock(cx, &a->repo, APP_LOCK_SHARED, &r, e);
    if (rc == RC_OK)
        rc = app_snapshots(cx, &a->choice, &a->app.words, r.repo, &all, e);
    if (rc == RC_OK && a->latest != OPT_UNSET)
        keep_latest(all.list, &all.n, (uint64_t)a->latest);
    if (rc == RC_OK)
        rc = snapshots_print(&l, all.list, all.n, e);
    buf_release(&l.json);
    app_repo_close(&r);
    return app_snapshots_close(rc, &all, e);
}

const struct command cmd_snapshots = {.name = "snapshots",
                                      .usage = "[ID...]",
                                      .summary = "list snapshots",
                                      .groups = groups,
                                      .size = sizeof(struct snapshots_args),
                                      .words_max = OPT_LIST_MAX,
                                      .words_are_snapshots = true,
                                      .run = snapshots_main};
