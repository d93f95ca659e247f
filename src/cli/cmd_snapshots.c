/* SPDX-License-Identifier: Apache-2.0 */
/* cstash snapshots: what is in a repository. */
#include "base/log.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "job/manifest.h"
#include "json/write.h"

static const struct opt *const tables[] = {opts_repo, opts_snapshot, opts_global, NULL};

/*
 * The manifest of a snapshot, if it has one that can be read; a broken one is a warning, not the
 * end.
 */
static bool
brief_of(struct ctx *cx, struct repo *r, const struct snapshot *s, struct buf *raw,
         struct manifest_brief *out)
{
    struct err e = ERR_INIT;
    char id[ID_TEXT];

    if (snapshot_manifest(cx, r, s, raw, &e) == RC_OK &&
        (raw->n == 0 || manifest_brief(buf_str(raw), out, &e) == RC_OK))
        return raw->n != 0;
    log_warn("snapshot %.8s: %s", id_hex(&s->id, id), e.msg);
    buf_reset(raw);
    return false;
}

static void
print_row(const struct snapshot *s, const struct manifest_brief *m)
{
    char id[ID_TEXT], when[INSTANT_TEXT], bytes[OUT_TEXT];

    (void)printf("%.8s  %.19s  %-16s ", id_hex(&s->id, id), instant_format(s->time, when),
                 s->hostname != NULL ? s->hostname : "");
    if (m != NULL)
        (void)printf(" %10llu  %12s  %-11s  %-14s  %.12s", (unsigned long long)m->keys,
                     out_bytes(m->bytes, bytes), m->source, m->server, m->digest);
    else
        (void)printf(" %10s  %12s  %-11s  %-14s  %-12s", "-",
                     s->has_summary ? out_bytes(s->summary.total_bytes_processed, bytes) : "-", "-",
                     "-", "-");
    for (size_t i = 0; i < s->n_paths; i++)
        (void)printf("  %s", s->paths[i]);
    for (size_t i = 0; i < s->n_tags; i++)
        (void)printf("%s%s", i == 0 ? "  [" : ",", s->tags[i]);
    (void)puts(s->n_tags != 0 ? "]" : "");
}

struct listing {
    const struct args *args;
    struct repo *repo;
    struct buf manifest, json;
    struct jw w;
    size_t shown;
};

static void
list_one(struct ctx *cx, struct listing *l, const struct snapshot *s)
{
    struct manifest_brief brief;
    bool has = brief_of(cx, l->repo, s, &l->manifest, &brief);

    if (l->args->json)
        app_snapshot_json(&l->w, s, buf_str(&l->manifest));
    else
        print_row(s, has ? &brief : NULL);
    l->shown++;
}

static enum rc
list(struct ctx *cx, struct listing *l, const struct snapshot *all, size_t n, struct err *e)
{
    struct snapshot_filter filter = app_snapshot_filter(l->args);

    jw_init(&l->w, &l->json);
    if (l->args->json)
        jw_open_array(&l->w);
    else
        (void)printf("%-8s  %-19s  %-16s  %10s  %12s  %-11s  %-14s  %-12s  %s\n", "ID", "Time",
                     "Host", "Keys", "Size", "Source", "Server", "Digest", "Paths [Tags]");
    for (size_t i = 0; i < n; i++) {
        if (ctx_check(cx, e))
            return e->code;
        if (snapshot_matches(&all[i], &filter))
            list_one(cx, l, &all[i]);
    }
    if (!l->args->json) {
        (void)printf("%zu snapshots\n", l->shown);
        return RC_OK;
    }
    jw_close_array(&l->w);
    if (jw_end(&l->w, e))
        return e->code;
    (void)puts(buf_c(&l->json));
    return RC_OK;
}

static enum rc
run(struct ctx *cx, const struct args *a, struct err *e)
{
    struct listing l = {
        .args = a, .manifest = BUF_INIT(MANIFEST_MAX), .json = BUF_INIT((size_t)1 << 32)};
    struct app_repo r = {0};
    struct snapshot *all = NULL;
    size_t n = 0;
    enum rc rc = app_repo_open(cx, a, APP_LOCK_SHARED, &r, e);

    l.repo = r.repo;
    if (rc == RC_OK)
        rc = snapshots_list(cx, r.repo, &all, &n, e);
    if (rc == RC_OK)
        rc = list(cx, &l, all, n, e);
    snapshots_free(all, n);
    buf_release(&l.manifest);
    buf_release(&l.json);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_snapshots = {
    "snapshots", "", "list the snapshots of a repository", tables, 0, 0, run};
