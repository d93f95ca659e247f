/* SPDX-License-Identifier: Apache-2.0 */
/* cstash backup: dump a Redis (or stdin) into a snapshot. */
#include <unistd.h>

#include "api/notes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/out.h"
#include "cli/redis_opts.h"
#include "cli/run_metrics.h"
#include "job/backup.h"
#include "job/target.h"
#include "json/write.h"

struct backup_args {
    struct app_opts app;
    const char *host, *target;
    int shrink_below; /* as backup_opts has it */
    bool accept_shrink, from_stdin;
    struct opt_list tags;
    const char *stdin_filename;
    struct opt_time time;
    struct compression_opts compression;
    struct beside_opts beside;
    struct source_opts source;
    struct redis_access redis;
    struct filter keys;
    struct repo_access repo;
    struct metrics_opts metrics;
};

static enum rc
backup_shrink(const struct opt *o, const char *text, void *to, struct err *e)
{
    (void)o;
    if (text != NULL && !shrink_below_parse(text, to))
        return err_set(e, RC_USAGE, "must be a percentage from 1 to 100, or off");
    return RC_OK;
}
static const struct opt_type shrink_type = {.value = "PERCENT|off", .parse = backup_shrink};

/* A file in the snapshot: what no restore could name is refused before anything is read. */
static enum rc
backup_filename(const struct opt *o, const char *text, void *to, struct err *e)
{
    (void)o;
    if (!save_name_is_good(text[0] == '/' ? text + 1 : text))
        return err_set(e, RC_USAGE,
                       "must be the name of a file, such as dump.rdb or folder/dump.rdb");
    memcpy(to, &text, sizeof(text));
    return RC_OK;
}
static const struct opt_type filename_type = {.value = "NAME", .parse = backup_filename};

static const struct opt opts_backup[] = {
    {"host", 0, OPT_TEXT(struct backup_args, host), "NAME",
     "host name of the snapshot [the address of the Redis; host-0 for standard input]"},
    {"target", 0, OPT_TEXT(struct backup_args, target), "NAME",
     "name under which the snapshots of this Redis are grouped [from its address]"},
    {"shrink-below", 0, OPT_OWN(shrink_type, struct backup_args, shrink_below, int, "50"), NULL,
     "pin the last good snapshot when less than PERCENT of its keys are left"},
    {"accept-shrink", 0, OPT_FLAG(struct backup_args, accept_shrink), NULL,
     "accept that the Redis has lost keys: pin nothing"},
    {"tag", 0, OPT_LIST(struct backup_args, tags), "TAG", "add a tag to the snapshot (repeatable)"},
    {"stdin", 0, OPT_FLAG(struct backup_args, from_stdin), NULL,
     "back up standard input instead of a Redis"},
    {"stdin-filename", 0,
     OPT_OWN(filename_type, struct backup_args, stdin_filename, const char *, DUMP_NAME), NULL,
     "file name for standard input"},
    {"time", 0, OPT_TIME(struct backup_args, time), NULL,
     "snapshot time, such as '2012-11-01 22:08:41', local time zone [now]"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_backup, 0},
    {opts_compression, offsetof(struct backup_args, compression)},
    {opts_beside, offsetof(struct backup_args, beside)},
    {opts_source, offsetof(struct backup_args, source)},
    GROUPS_REDIS(struct backup_args, redis),
    {opts_keys, offsetof(struct backup_args, keys)},
    {opts_repo, offsetof(struct backup_args, repo)},
    {opts_metrics, offsetof(struct backup_args, metrics)},
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

/* The last line of restic's `backup --json`, and what we know besides. */
static void
print_json(const struct backup_args *a, const struct backup_result *r, int64_t ms)
{
    struct out_json j;
    char id[ID_TEXT];

    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "summary");
    jw_field_cstr(&j.w, "snapshot_id", id_hex(&r->snapshot, id));
    jw_field_u64(&j.w, "data_blobs", r->save.data_blobs);
    jw_field_u64(&j.w, "tree_blobs", r->save.tree_blobs);
    jw_field_u64(&j.w, "data_added", r->save.data_added);
    jw_field_u64(&j.w, "data_added_packed", r->save.data_added_packed);
    jw_field_u64(&j.w, "total_bytes_processed", r->save.bytes_processed);
    jw_key(&j.w, "total_duration");
    jw_double(&j.w, (double)ms / 1000);
    if (!a->from_stdin) {
        jw_field_u64(&j.w, "keys", r->keys);
        jw_field_cstr(&j.w, "digest", r->digest);
        jw_field_cstr(&j.w, "source", source_kind_name(r->source.kind));
        if (r->source.n_shards > 0) {
            jw_field_u64(&j.w, "shards", r->source.n_shards);
            if (r->source.point_in_time)
                jw_field_u64(&j.w, "skew_ms", r->skew_ms);
        }
        if (r->source.unmatched > 0)
            jw_field_u64(&j.w, "keys_unmatched", r->source.unmatched);
        if (a->beside.users)
            jw_field_u64(&j.w, "users", r->users);
        if (r->part[0] != '\0')
            jw_field_cstr(&j.w, "partial", r->part);
        if (r->shrink.pinned)
            jw_field_cstr(&j.w, "pinned_snapshot", id_hex(&r->shrink.pin, id));
    }
    jw_close_object(&j.w);
    out_json_end(&j);
}

static void
print_result(const struct backup_args *a, const struct backup_result *r, int64_t ms)
{
    char id[ID_TEXT], in[OUT_TEXT], added[OUT_TEXT], packed[OUT_TEXT], took[OUT_TEXT],
        rate[OUT_TEXT], shards[40] = "";

    if (a->app.json) {
        print_json(a, r, ms);
        return;
    }
    if (!a->from_stdin && r->source.n_shards > 0)
        (void)snprintf(shards, sizeof(shards), " of %zu %s", r->source.n_shards,
                       str_plural(r->source.n_shards, "shard", "shards"));
    if (!a->from_stdin)
        (void)printf("%llu %s%s by %s, digest %s\n", (unsigned long long)r->keys,
                     str_plural(r->keys, "key", "keys"), shards, source_kind_name(r->source.kind),
                     r->digest);
    (void)printf("processed %s in %s (%s/s), added %s (%s stored)\n",
                 out_bytes(r->save.bytes_processed, in), out_duration(ms, took),
                 out_bytes(r->save.bytes_processed * 1000 / (uint64_t)MAX(ms, 1), rate),
                 out_bytes(r->save.data_added, added),
                 out_bytes(r->save.data_added_packed, packed));
    (void)printf("snapshot %.8s saved%s%s%s\n", id_hex(&r->snapshot, id),
                 r->source.unmatched > 0 ? "; it holds nothing: no key matched" : "",
                 r->part[0] != '\0' ? "; partial: " : "", r->part);
    if (r->shrink.pinned)
        (void)printf("the Redis has lost keys: it held %llu of late; snapshot %.8s with %llu keys "
                     "is kept, whatever the retention policy\n",
                     (unsigned long long)MAX(r->shrink.peak, r->shrink.pin_keys),
                     id_hex(&r->shrink.pin, id), (unsigned long long)r->shrink.pin_keys);
}

static enum rc
from_stdin(struct ctx *cx, const struct backup_args *a, struct repo *r, const struct backup_opts *o,
           struct backup_result *out, struct err *e)
{
    struct rd_fd in;

    rd_fd_init(&in, cx, STDIN_FILENO, "standard input");
    return backup_stream(cx, r, &in.rd, a->stdin_filename, o, out, e);
}

static enum rc
from_redis(struct ctx *cx, const struct backup_args *a, struct repo *r, const struct backup_opts *o,
           struct backup_result *out, struct err *e)
{
    struct app_source src;
    struct progress progress;
    struct backup_opts opts = *o;
    struct target_id target;
    char *host;
    enum rc rc;

    if (app_source_open(&a->redis, &a->source, &a->keys, &src, e))
        return err_code(e);
    target = a->target != NULL ? target_of_text(a->target) : target_of_address(&src.addr);
    host = target_host(&src.addr);
    opts.target = target_view(&target);
    opts.by_address = a->target == NULL;
    opts.host = opts.host != NULL ? opts.host : host;
    progress_start(&progress, "backed up", a->app.quiet);
    src.opts.bytes = &progress.bytes;
    src.opts.keys = &progress.keys;
    rc = backup_redis(cx, r, &src.opts, &opts, out, e);
    progress_stop(&progress);
    app_source_close(&src);
    target_release(&target);
    mem_free(host);
    return rc;
}

/* As its snapshots name it; the caller frees. */
static enum rc
backup_name(const struct backup_args *a, char **out, struct err *e)
{
    struct redis_addr addr;
    struct conn_opts conn;
    struct target_id target;

    if (a->target != NULL || a->from_stdin) {
        *out = mem_strdup(a->target != NULL ? a->target : a->stdin_filename);
        return RC_OK;
    }
    if (app_redis(&a->redis, &addr, &conn, e))
        return err_code(e);
    target = target_of_address(&addr);
    *out = mem_strdup(target.name);
    target_release(&target);
    redis_addr_release(&addr);
    return RC_OK;
}

static enum rc
backup_check(const struct backup_args *a, struct err *e)
{
    if (a->repo.no_lock)
        return err_set(e, RC_USAGE,
                       "--no-lock is only for commands that do not write to the repository");
    if (a->from_stdin && a->beside.users)
        return err_set(e, RC_USAGE, "--acl needs a Redis: standard input has no users");
    if (a->from_stdin && a->redis.url != NULL)
        return err_set(e, RC_USAGE, "give --stdin or --redis, not both");
    if (a->from_stdin && !filter_is_all(&a->keys)) {
        CLEANUP(mem_free_ptr) char *keys = filter_text(&a->keys);
        return err_set(e, RC_USAGE, "--stdin is stored as it is: %s chooses keys of a Redis", keys);
    }
    return run_metrics_check(&a->metrics, e);
}

static enum rc
backup_run(struct ctx *cx, const struct backup_args *a, struct backup_result *res, struct err *e)
{
    struct backup_opts opts = {.host = a->host,
                               .tags = a->tags.v,
                               .n_tags = a->tags.n,
                               .compression = a->compression.level,
                               .users = a->beside.users,
                               .time = a->time.given ? &a->time.at : NULL,
                               .shrink_below = a->shrink_below,
                               .accept_shrink = a->accept_shrink};
    struct app_repo r = {0};
    enum rc rc = app_repo_open(cx, &a->repo, APP_LOCK_SHARED, &r, e);

    if (rc == RC_OK)
        rc = a->from_stdin ? from_stdin(cx, a, r.repo, &opts, res, e)
                           : from_redis(cx, a, r.repo, &opts, res, e);
    app_repo_close(&r);
    return rc;
}

static enum rc
backup_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct backup_args *a = args;
    CLEANUP(mem_free_ptr) char *name = NULL;
    struct backup_result res = {0};
    struct run_metrics m = {.began_ms = clock_real_ms(), .keys = -1};
    int64_t start = clock_mono_ms();
    enum rc rc;

    if (backup_check(a, e) || (run_metrics_wanted(&a->metrics) && backup_name(a, &name, e)))
        return err_code(e);
    rc = backup_run(cx, a, &res, e);
    m.took_ms = clock_mono_ms() - start;
    m.target = name;
    m.success = rc == RC_OK;
    if (rc == RC_OK) {
        print_result(a, &res, m.took_ms);
        m.keys = a->from_stdin ? -1 : (int64_t)res.keys;
        m.bytes = res.save.bytes_processed;
        m.stored = res.save.data_added_packed;
        m.shrank = res.shrink.pinned;
    }
    if (name != NULL && rc != RC_USAGE)
        run_metrics_tell(&a->metrics, &m);
    return rc;
}

const struct command cmd_backup = {.name = "backup",
                                   .summary = "back up a Redis (or standard input) into a snapshot",
                                   .groups = groups,
                                   .size = sizeof(struct backup_args),
                                   .run = backup_main};
