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

static const struct opt *const tables[] = {opts_redis,    opts_source, opts_filter, opts_repo,
                                           opts_snapshot, opts_global, NULL};

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

    if (dump_reader_open(cx, in, &feed, e))
        return e->code;
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
        return e->code;
    rd_fd_init(&in, cx, fd, path);
    rc = digest_stream(cx, &in.rd, filter, t, e);
    app_close_input(fd);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not digest %s", path);
}

static enum rc
digest_snapshot(struct ctx *cx, const struct args *a, const struct filter *filter,
                struct dataset_digest *t, struct err *e)
{
    struct app_snapshot s = {0};
    enum rc rc = app_snapshot_open(cx, a, a->rest[0], false, &s, e);

    if (rc == RC_OK)
        rc = digest_stream(cx, load_rd(s.from.load), filter, t, e);
    app_snapshot_close(&s);
    return rc;
}

static enum rc
digest_input(struct ctx *cx, const struct args *a, struct dataset_digest *t, struct err *e)
{
    struct app_source src;
    struct source_facts facts;
    struct filter filter;
    enum rc rc;

    if (app_filter(a, &filter, e))
        return e->code;
    if (a->n_rest == 1 && a->redis != NULL)
        return err_set(e, RC_USAGE, "give either --redis, or a snapshot or file");
    if (a->n_rest == 1)
        return strcmp(a->rest[0], "-") == 0 || access(a->rest[0], F_OK) == 0
                   ? digest_file(cx, a->rest[0], &filter, t, e)
                   : digest_snapshot(cx, a, &filter, t, e);
    if (app_source_open(a, &src, e))
        return e->code;
    rc = source_dump(cx, &src.opts, NULL, t, &facts, e);
    app_source_close(&src);
    return rc;
}

static enum rc
digest_main(struct ctx *cx, const struct args *a, struct err *e)
{
    struct dataset_digest *t = dataset_digest_new();
    enum rc rc = digest_input(cx, a, t, e);

    if (rc == RC_OK && a->json)
        print_json(t);
    else if (rc == RC_OK)
        print_text(t);
    dataset_digest_free(t);
    return rc;
}

const struct command cmd_digest = {
    "digest",
    "[SNAPSHOT | FILE | -]",
    "print a digest of the data in a Redis (--redis), a snapshot, or a RESP or RDB file",
    tables,
    0,
    1,
    digest_main};
