/* SPDX-License-Identifier: Apache-2.0 */
/* cstash digest: what a dataset holds, in a form that can be compared. */
#include <unistd.h>

#include "base/log.h"
#include "cli/app.h"
#include "cli/out.h"
#include "cli/redis_opts.h"
#include "cli/snapshot_opts.h"
#include "job/dump_reader.h"
#include "job/manifest.h"
#include "redis/load.h"

struct digest_args {
    struct app_opts app;
    struct redis_access redis;
    struct source_opts source;
    struct filter keys;
    struct repo_access repo;
    struct snapshot_choice snapshot;
};
static const struct opt_group groups[] = {
    GROUPS_REDIS(struct digest_args, redis),
    {opts_source, offsetof(struct digest_args, source)},
    {opts_keys, offsetof(struct digest_args, keys)},
    {opts_repo, offsetof(struct digest_args, repo)},
    GROUPS_SNAPSHOT(struct digest_args, snapshot),
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

static void
print_text(const struct dataset_digest *t)
{
    char text[TALLY_DIGEST_TEXT];
    struct dataset_digest_sum functions;
    uint64_t n_functions = dataset_digest_functions(t, &functions);
    size_t n;
    const struct dataset_digest_db *dbs = dataset_digest_dbs(t, &n);

    for (size_t i = 0; i < n; i++) {
        struct dataset_digest_type sum = dataset_digest_db_total(&dbs[i]);
        if (sum.keys != 0)
            (void)printf("db%-4llu %s  %llu %s, %llu expiring, %llu %s\n",
                         (unsigned long long)dbs[i].n, dataset_digest_sum_text(dbs[i].digest, text),
                         (unsigned long long)sum.keys, str_plural(sum.keys, "key", "keys"),
                         (unsigned long long)sum.expiring, (unsigned long long)sum.elements,
                         str_plural(sum.elements, "element", "elements"));
    }
    if (n_functions != 0)
        (void)printf("func   %s  %llu %s\n", dataset_digest_sum_text(functions, text),
                     (unsigned long long)n_functions,
                     str_plural(n_functions, "library", "libraries"));
    (void)printf("all    %s  %llu %s\n", dataset_digest_sum_text(dataset_digest_whole(t), text),
                 (unsigned long long)dataset_digest_keys(t),
                 str_plural(dataset_digest_keys(t), "key", "keys"));
}

static void
print_json(const struct dataset_digest *t)
{
    struct out_json j;

    out_json_begin(&j);
    jw_open_object(&j.w);
    manifest_tally(&j.w, t);
    jw_close_object(&j.w);
    out_json_end(&j);
}

static enum rc
digest_stream(struct ctx *cx, struct rd *in, const struct filter *filter, struct dataset_digest *t,
              struct err *e)
{
    struct filtered to = {.filter = *filter, .on = dataset_digest_on, .arg = t};
    struct load_opts opts = {
        .dry_run = true, .filter = FILTER_ALL, .on = filtered_on, .on_arg = &to};
    struct load_result res;
    struct dump_reader *feed;
    enum rc rc;

    if (dump_reader_open(cx, in, NULL, &feed, e))
        return err_code(e);
    rc = load_run(cx, NULL, dump_reader_rd(feed), &opts, &res, e);
    dump_reader_close(feed);
    if (rc == RC_OK && !res.facts.exact) {
        (void)err_set(
            e, RC_UNSUPPORTED,
            "this stream cannot be digested: the commands of its keys are interleaved, or not "
            "all of them are known here");
        return err_hint(e, "load it into a Redis and digest that");
    }
    return rc;
}

static enum rc
digest_file(struct ctx *cx, const char *path, const struct filter *filter, struct dataset_digest *t,
            struct err *e)
{
    struct rd_fd in;
    enum rc rc;
    int fd;

    if (app_open_input(path, &fd, e))
        return err_code(e);
    rd_fd_init(&in, cx, fd, path);
    rc = digest_stream(cx, &in.rd, filter, t, e);
    app_close_input(fd);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not digest %s", path);
}

static enum rc
digest_snapshot(struct ctx *cx, const struct digest_args *a, struct dataset_digest *t,
                struct err *e)
{
    const struct app_wanted wanted = {
        .spec = a->app.words.v[0], .choice = &a->snapshot, .keys = &a->keys};
    struct app_snapshot s = {0};
    struct rd *dump;
    enum rc rc = app_check_snapshot(wanted.spec, e);

    if (rc == RC_OK)
        rc = app_snapshot_open(cx, &a->repo, &wanted, &s, e);
    if (rc == RC_OK)
        rc = snapshot_rd(cx, &s.from, &dump, e);
    if (rc == RC_OK)
        rc = digest_stream(cx, dump, &a->keys, t, e);
    app_snapshot_close(&s);
    return rc;
}

static enum rc
digest_input(struct ctx *cx, const struct digest_args *a, struct dataset_digest *t, struct err *e)
{
    const char *word = a->app.words.n == 1 ? a->app.words.v[0] : NULL;
    struct app_source src;
    struct source_facts facts;
    struct source_stream nowhere;
    enum rc rc;

    if (word != NULL && a->redis.url != NULL)
        return err_set(e, RC_USAGE, "give either --redis, or a snapshot or file");
    if (word != NULL)
        return strcmp(word, "-") == 0 || access(word, F_OK) == 0
                   ? digest_file(cx, word, &a->keys, t, e)
                   : digest_snapshot(cx, a, t, e);
    if (app_source_open(&a->redis, &a->source, &a->keys, &src, e))
        return err_code(e);
    rc = source_dump(cx, &src.opts, source_stream(&nowhere, NULL), t, &facts, e);
    source_facts_release(&facts);
    app_source_close(&src);
    return rc;
}

static enum rc
digest_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct digest_args *a = args;
    struct dataset_digest *t = dataset_digest_new();
    enum rc rc = digest_input(cx, a, t, e);

    if (rc == RC_OK && a->app.json)
        print_json(t);
    else if (rc == RC_OK)
        print_text(t);
    dataset_digest_free(t);
    return rc;
}

const struct command cmd_digest = {
    .name = "digest",
    .usage = "[SNAPSHOT | FILE | -]",
    .summary = "print a digest of the data in a Redis (--redis), a snapshot, or a RESP or RDB file",
    .groups = groups,
    .size = sizeof(struct digest_args),
    .words_max = 1,
    .run = digest_main};
