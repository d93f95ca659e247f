/* SPDX-License-Identifier: Apache-2.0 */
/* cstash verify: is a snapshot good, and how long does the way back take? */
#include "base/log.h"
#include "base/mem.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "job/verification.h"
#include "json/write.h"

struct verify_args {
    struct app_opts app;
    enum verdict_level level;
    struct opt_list ask;
    const char *server;
    int64_t max_memory;
    bool no_record;
    struct repo_access repo;
    struct snapshot_choice snapshot;
};
static const char *const level_words[] = {"data", "restore", NULL};
static const struct opt opts_verify[] = {
    {"level", 0, OPT_ENUM(struct verify_args, level, level_words, "restore"), NULL,
     "data: read all of it and compare with its manifest; restore: load it into a throw-away "
     "server "
     "as well, and compare what that holds"},
    {"server", 0, OPT_FILE(struct verify_args, server), NULL,
     "program of the throw-away server [redis-server or valkey-server in the PATH]"},
    {"max-memory", 0, OPT_SIZE(struct verify_args, max_memory), NULL,
     "memory that the throw-away server may take [what is free]"},
    {"ask", 0, OPT_LIST(struct verify_args, ask), "QUESTION",
     "ask the throw-away server, such as 'GET greeting => hello' or 'DBSIZE >= 1000' (repeatable)"},
    {"no-record", 0, OPT_FLAG(struct verify_args, no_record), NULL,
     "do not keep the result in the repository"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_verify, 0},
    {opts_repo, offsetof(struct verify_args, repo)},
    {opts_host, offsetof(struct verify_args, snapshot)},
    {opts_tag, offsetof(struct verify_args, snapshot)},
    {opts_target, offsetof(struct verify_args, snapshot)},
    {opts_before, offsetof(struct verify_args, snapshot)},
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

struct verify_questions {
    struct question *list[OPT_LIST_MAX];
    size_t n;
};

static void
verify_progress(void *arg, uint64_t bytes, uint64_t commands)
{
    struct progress *p = (struct progress *)arg;

    atomic_store_explicit(&p->bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(&p->keys, commands, memory_order_relaxed);
}

static void
verify_json(const struct snapshot *s, const struct verification *v, enum rc rc, const struct err *e)
{
    static const char *const outcomes[] = {"verified", "failed", "not verifiable"};
    struct out_json j;
    char id[ID_TEXT];

    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "summary");
    jw_field_cstr(&j.w, "outcome", outcomes[rc == RC_OK ? 0 : rc == RC_CORRUPT ? 1 : 2]);
    jw_field_cstr(&j.w, "snapshot_id", id_hex(&s->id, id));
    if (rc == RC_UNVERIFIED)
        jw_field_cstr(&j.w, "why", e->msg);
    else
        verdict_fields(&j.w, &v->verdict);
    if (v->modules != 0)
        jw_field_u64(&j.w, "module_keys_not_compared", v->modules);
    if (v->left_out != 0)
        jw_field_u64(&j.w, "expiring_not_read_back", v->left_out);
    jw_close_object(&j.w);
    out_json_end(&j);
}

static void
verify_text(const struct snapshot *s, const struct verification *v)
{
    char from[OUT_SNAPSHOT], n[STR_GROUPED_MAX], words[VERIFICATION_WORDS];
    const struct verdict *d = &v->verdict;

    (void)printf("%s: %s\n", out_snapshot(s, from), verification_words(d, words));
    (void)printf("%s %s, counts and digest %s are those of the manifest%s\n",
                 str_grouped(d->keys, n), str_plural(d->keys, "key", "keys"), d->digest,
                 d->level == VERDICT_RESTORE ? "; the server holds the same" : "");
    if (v->modules != 0)
        (void)printf("the values of %s %s of modules were not read back\n",
                     str_grouped(v->modules, n), str_plural(v->modules, "key", "keys"));
    if (v->left_out != 0)
        (void)printf("%s %s not read back: their time to expire is part of their payload\n",
                     str_grouped(v->left_out, n),
                     str_plural(v->left_out, "field was", "fields were"));
    if (d->questions != 0)
        (void)printf("%s %s answered as expected\n", str_grouped(d->questions, n),
                     str_plural(d->questions, "question was", "questions were"));
}

static enum rc
verify_one(struct ctx *cx, const struct verify_args *a, const struct verify_questions *q,
           struct repo *r, const struct snapshot *s, struct err *e)
{
    struct progress progress = {.started_ms = 0};
    const struct verification_opts o = {
        .level = a->level,
        .program = a->server,
        .max_memory = a->max_memory != OPT_UNSET ? (uint64_t)a->max_memory : 0,
        .questions = (const struct question *const *)q->list,
        .n_questions = q->n,
        .progress = verify_progress,
        .progress_arg = &progress};
    struct verification v;
    struct err kept = ERR_INIT;
    enum rc rc;

    progress_start(&progress, "verified", a->app.quiet);
    rc = verification_run(cx, r, s, &o, &v, e);
    progress_stop(&progress);
    if (verification_is_verdict(rc) && !a->no_record && verdict_save(cx, r, s, &v.verdict, &kept)) {
        if (rc != RC_OK)
            log_warn("%s", kept.msg);
        else
            *e = kept;
        rc = rc == RC_OK ? kept.code : rc;
    }
    if (a->app.json && (verification_is_verdict(rc) || rc == RC_UNVERIFIED))
        verify_json(s, &v, rc, e);
    else if (rc == RC_OK)
        verify_text(s, &v);
    return rc;
}

static enum rc
verify_find(struct ctx *cx, const struct verify_args *a, const struct verify_questions *q,
            struct err *e)
{
    const char *spec = a->app.words.n == 1 ? a->app.words.v[0] : "latest";
    struct snapshot_filter filter = app_snapshot_filter(&a->snapshot);
    struct snapshot s = {.uid = 0};
    struct app_repo r = {0};
    enum rc rc = app_repo_open(cx, &a->repo, APP_LOCK_SHARED, &r, e);

    if (rc == RC_OK)
        rc = snapshot_find(cx, r.repo, spec, &filter, &s, e);
    if (rc == RC_OK)
        rc = verify_one(cx, a, q, r.repo, &s, e);
    snapshot_release(&s);
    app_repo_close(&r);
    return rc;
}

static enum rc
verify_check(const struct verify_args *a, struct err *e)
{
    bool server = a->server != NULL || a->max_memory != OPT_UNSET;

    if (a->level == VERDICT_DATA && (server || a->ask.n != 0))
        return err_set(e, RC_USAGE, "--level data needs no server: leave out %s",
                       a->ask.n != 0       ? "--ask"
                       : a->server != NULL ? "--server"
                                           : "--max-memory");
    if (a->repo.no_lock && !a->no_record)
        return err_set(e, RC_USAGE, "--no-lock needs --no-record: the result could not be kept");
    return RC_OK;
}

static enum rc
verify_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct verify_args *a = args;
    struct verify_questions q = {.n = 0};
    enum rc rc = verify_check(a, e);

    for (size_t i = 0; rc == RC_OK && i < a->ask.n; i++) {
        rc = question_parse(a->ask.v[i], &q.list[q.n], e);
        q.n += rc == RC_OK;
    }
    if (rc == RC_OK)
        rc = verify_find(cx, a, &q, e);
    for (size_t i = 0; i < q.n; i++)
        question_free(q.list[i]);
    return rc;
}

const struct command cmd_verify = {
    .name = "verify",
    .usage = "[SNAPSHOT|latest]",
    .summary = "read a snapshot back and restore it into a throw-away server, and compare",
    .groups = groups,
    .size = sizeof(struct verify_args),
    .words_max = 1,
    .words_are_snapshots = true,
    .run = verify_main};
