/* SPDX-License-Identifier: Apache-2.0 */
#include "job/backup.h"

#include "api/notes.h"
#include "base/endian.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stream.h"
#include "job/dump_reader.h"
#include "job/manifest.h"
#include "job/target.h"
#include "job/users.h"
#include "redis/load.h"
#include "repo/engine.h"
#include "repo/snapshots.h"

bool
snapshot_is_dump(const struct snapshot *s)
{
    return s->n_paths == 1 && strcmp(s->paths[0], "/" DUMP_NAME) == 0;
}

static struct save_meta
meta_of(const struct backup_opts *o, const char *path)
{
    return (struct save_meta){.hostname = o->host != NULL ? o->host : DUMP_HOST,
                              .tags = o->tags,
                              .n_tags = o->n_tags,
                              .path = path,
                              .time = o->time != NULL ? *o->time : instant_now()};
}

static enum rc
store_manifest(struct save *s, const struct source_opts *source, const struct source_facts *f,
               const struct dataset_digest *t, const struct before_restore *before, struct err *e)
{
    struct buf json = BUF_INIT(MANIFEST_MAX);
    enum rc rc = manifest_write(source, f, t, before, &json, e);

    if (rc == RC_OK)
        rc = wr_write(save_file(s), json.p, json.n, e);
    if (rc == RC_OK)
        rc = save_file_end(s, MANIFEST_NAME, e);
    buf_release(&json);
    return rc;
}

/* The parts of a dump, each a lane of the file, and the index of its keys. */
struct backup_sink {
    struct source_sink sink;
    struct key_index_sink keys;
    struct save *save;
    struct key_index *index;
    uint64_t seed;
    unsigned n_lanes;
};

static enum rc
sink_keys_blob(struct key_index_sink *s, struct str bytes, struct err *e)
{
    return save_side_blob(CONTAINER_OF(s, struct backup_sink, keys)->save, bytes, e);
}

static void
sink_open(struct source_sink *s, unsigned n_lanes)
{
    struct backup_sink *to = CONTAINER_OF(s, struct backup_sink, sink);

    save_lanes(to->save, n_lanes);
    save_side(to->save);
    to->n_lanes = n_lanes;
    to->index = key_index_new(to->seed, n_lanes, &to->keys);
}

static struct key_lane *
sink_index(struct source_sink *s, unsigned i)
{
    return key_index_lane(CONTAINER_OF(s, struct backup_sink, sink)->index, i);
}

/* All lanes are ended: what stands where is known. */
static enum rc
sink_index_end(struct backup_sink *to, struct err *e)
{
    uint64_t *starts = mem_zero(to->n_lanes, sizeof(*starts)), size = 0;
    enum rc rc;

    for (unsigned i = 0; i < to->n_lanes; i++) {
        starts[i] = size;
        size += save_lane_bytes(to->save, i);
    }
    rc = key_index_end(to->index, starts, size, e);
    mem_free(starts);
    return rc == RC_OK ? save_side_end(to->save, KEYS_NAME, e) : rc;
}

static struct wr *
sink_lane(struct source_sink *s, unsigned i)
{
    return save_lane(CONTAINER_OF(s, struct backup_sink, sink)->save, i);
}

static enum rc
sink_end(struct source_sink *s, unsigned i, struct err *e)
{
    return save_lane_end(CONTAINER_OF(s, struct backup_sink, sink)->save, i, e);
}

/*
 * A copy that lacks something cannot be the way back. Masters with different libraries have all keys in it; a restore that was left
 * unfinished makes them differ, and must be able to finish.
 */
static enum rc
check_whole(const struct source_facts *f, struct err *e)
{
    uint64_t lossy = f->enc.lossy + f->member_expiries;

    if (lossy != 0)
        return err_set(e, RC_UNSUPPORTED, "%llu %s would lack something in the copy",
                       (unsigned long long)lossy, str_plural(lossy, "key", "keys"));
    if (f->functions_denied)
        return err_set(
            e, RC_UNSUPPORTED,
            "the copy would lack the libraries of functions, which the user may not list");
    if (f->link_down)
        return err_set(e, RC_UNSUPPORTED,
                       "the copy would be of a replica that has lost its master");
    return RC_OK;
}

static enum rc
store_dump(struct ctx *cx, struct repo *r, struct save *s, struct source_opts *source,
           struct dataset_digest *t, struct source_facts *f, const struct before_restore *before,
           struct err *e)
{
    struct backup_sink to = {.sink = {.width = SAVE_LANES_MAX,
                                      .again = true,
                                      .open = sink_open,
                                      .lane = sink_lane,
                                      .index = sink_index,
                                      .end = sink_end},
                             .keys.blob = sink_keys_blob,
                             .save = s,
                             .seed = le64_load(repo_config(r)->id.b)};
    enum rc rc = source_dump(cx, source, &to.sink, t, f, e);

    if (rc == RC_OK)
        rc = sink_index_end(&to, e);
    key_index_free(to.index);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; f->n_shards > 1 && i < f->n_shards; i++) /* as source_shards numbers them */
        f->shards[i].blobs = save_lane_blobs(s, (unsigned)i + 1);
    if (save_lanes_end(s, DUMP_NAME, e) || (before != NULL && check_whole(f, e)))
        return err_code(e);
    if (source->node)
        source->filter.node = f->node;
    return store_manifest(s, source, f, t, before, e);
}

/* How the number of keys stands to that of the target's snapshots before. */
static enum rc
measure_shrink(struct ctx *cx, struct repo *r, const struct backup_opts *o, struct instant now,
               struct backup_result *out, struct err *e)
{
    struct shrink_opts opts = {.target = o->target, .accept = o->accept_shrink};
    struct snapshots_unread unread = {.n = 0};
    struct snapshot *list = NULL;
    size_t n = 0;
    enum rc rc = RC_OK;

    opts.below = o->shrink_below == 0                  ? SHRINK_BELOW
                 : o->shrink_below == SHRINK_BELOW_OFF ? 0
                                                       : (unsigned)o->shrink_below;
    if (snapshots_readable(cx, r, &list, &n, &unread, e))
        return err_wrap(e, "could not read what was backed up before");
    mem_free(unread.ids);
    targets_number(list, n);
    if (out->keys == 0 && !o->accept_shrink && shrink_is_namesake(list, n, &o->target))
        rc = err_set(e, RC_INVALID,
                     "%s holds no keys, and the repository has snapshots of another %s: restore "
                     "one of them first, or accept that it is empty",
                     o->target.name, o->target.name);
    else
        shrink_next(list, n, &opts, now, out->keys, &out->shrink);
    snapshots_free(list, n);
    return rc;
}

/* A cluster is known by its nodes, and one of them may have been named today, another one yesterday. */
static enum rc
find_cluster(struct ctx *cx, struct repo *r, const struct source_facts *f,
             const struct backup_opts *o, struct target_id *out, struct err *e)
{
    struct snapshots_unread unread = {.n = 0};
    struct snapshot *list = NULL;
    size_t n = 0;

    *out =
        (struct target_id){.name = o->target.name != NULL ? mem_strdup(o->target.name) : NULL,
                           .scope = o->target.scope != NULL ? mem_strdup(o->target.scope) : NULL};
    if (f->nodes == NULL || !o->by_address)
        return RC_OK;
    if (snapshots_readable(cx, r, &list, &n, &unread, e))
        return err_wrap(e, "could not read what was backed up before");
    mem_free(unread.ids);
    for (size_t i = n; i-- > 0;)
        if (target_has_node(&list[i], f->nodes)) {
            target_release(out);
            *out = (struct target_id){.name = mem_strdup(list[i].target),
                                      .scope =
                                          list[i].scope != NULL ? mem_strdup(list[i].scope) : NULL};
            break;
        }
    snapshots_free(list, n);
    return RC_OK;
}

static enum rc
backup_once(struct ctx *cx, struct repo *r, const struct source_opts *o,
            const struct backup_opts *given, struct backup_result *out, struct err *e)
{
    struct backup_opts own = *given;
    const struct backup_opts *opts = &own;
    struct target_id target = {.name = NULL};
    struct source_opts source = *o;
    struct save_opts save_opts = {.compression = opts->compression};
    struct save_meta meta = meta_of(opts, "/" DUMP_NAME);
    struct buf brief = BUF_INIT(MANIFEST_MAX);
    struct dataset_digest *t;
    struct save *s;
    bool guarded;
    enum rc rc;

    memset(out, 0, sizeof(*out));
    if (save_open(cx, r, &save_opts, &s, e))
        return err_code(e);
    t = dataset_digest_new();
    rc = store_dump(cx, r, s, &source, t, &out->source, opts->before_restore, e);
    if (rc == RC_OK && opts->users)
        rc = users_save(cx, &source, s, &out->users, e);
    if (rc == RC_OK)
        rc = find_cluster(cx, r, &out->source, given, &target, e);
    own.target = target_view(&target);
    guarded =
        opts->target.name != NULL && filter_is_all(&source.filter) && opts->before_restore == NULL;
    out->keys = dataset_digest_keys(t);
    (void)dataset_digest_sum_text(dataset_digest_whole(t), out->digest);
    if (rc == RC_OK && guarded)
        rc = measure_shrink(cx, r, opts, meta.time, out, e);
    if (rc == RC_OK)
        rc = manifest_brief_write(&source, &out->source, t,
                                  &(struct manifest_about){.target = opts->target,
                                                           .shrink = guarded ? &out->shrink : NULL,
                                                           .before = opts->before_restore},
                                  &brief, e);
    if (rc == RC_OK) {
        meta.brief = buf_c(&brief);
        rc = save_commit(s, &meta, &out->snapshot, &out->save, e);
    } else {
        save_abort(s);
    }
    buf_release(&brief);
    target_release(&target);
    dataset_digest_free(t);
    if (rc == RC_OK) {
        CLEANUP(mem_free_ptr) char *part = filter_text(&source.filter);

        (void)snprintf(out->part, sizeof(out->part), "%s", part != NULL ? part : "");
    }
    out->skew_ms = source_skew_ms(&out->source);
    source_facts_release(&out->source);
    return rc;
}

/* Anew, and the progress with it. What was stored before is there as far as it is in an index. */
static enum rc
backup_again(struct ctx *cx, struct repo *r, const struct source_opts *source,
             const struct backup_opts *opts, struct backup_result *out, struct err *e)
{
    *e = (struct err)ERR_INIT;
    if (source->bytes != NULL)
        atomic_store(source->bytes, 0);
    if (source->keys != NULL)
        atomic_store(source->keys, 0);
    return backup_once(cx, r, source, opts, out, e);
}

/* Behind Sentinels the node may have gone, or lost its role: they lead to another one. So does a cluster. */
static bool
may_be_failover(const struct source_opts *source, const struct backup_result *r, enum rc rc)
{
    return r->source.changed ||
           (source->addr->master != NULL && (rc == RC_UNAVAILABLE || rc == RC_TIMEOUT));
}

enum rc
backup_redis(struct ctx *cx, struct repo *r, const struct source_opts *source,
             const struct backup_opts *opts, struct backup_result *out, struct err *e)
{
    struct source_opts scan = *source;
    enum rc rc = backup_once(cx, r, source, opts, out, e);

    if (may_be_failover(source, out, rc)) {
        log_warn("%s; starting anew", e->msg);
        rc = backup_again(cx, r, source, opts, out, e);
    }
    if (rc == RC_OK || source->kind != SOURCE_AUTO || !out->source.fork_too_dear)
        return rc;
    log_warn("%s; falling back to SCAN: keys that change meanwhile may be inconsistent with each "
             "other",
             e->msg);
    scan.kind = SOURCE_SCAN;
    return backup_again(cx, r, &scan, opts, out, e);
}

/* Would a restore take it? RC_CANCELLED, or what it would say. */
static enum rc
judge_stream(struct ctx *cx, struct rd *in, struct load_result *found, struct err *e)
{
    const struct load_opts opts = {.filter = FILTER_ALL, .dry_run = true};
    struct dump_reader *reader = NULL;
    enum rc rc = dump_reader_open(cx, in, NULL, &reader, e);

    if (rc == RC_OK)
        rc = load_run(cx, NULL, dump_reader_rd(reader), &opts, found, e);
    dump_reader_close(reader);
    return rc;
}

/*
 * Anything may be stored. It is read as a restore would read it while it passes, so that what no
 * restore will take is told while its source is at hand.
 */
static enum rc
store_stream(struct ctx *cx, struct rd *in, struct wr *to, struct err *e)
{
    struct load_result found = {.bytes = 0};
    struct err why = ERR_INIT;
    struct rd_tee tee;
    struct wr_null rest;

    rd_tee_init(&tee, in, to);
    wr_null_init(&rest);
    if (judge_stream(cx, &tee.rd, &found, &why) && tee.bytes != 0 && tee.why.code == RC_OK &&
        ctx_check(cx, &why) == RC_OK)
        log_warn("the input is stored as it is, but cannot be restored into a Redis: %s", why.msg);
    else if (why.code == RC_OK && !found.facts.ours && !found.facts.has_marker)
        log_info("the input has no end mark; it may be cut short");
    if (ctx_check(cx, e) || stream_copy(&tee.rd, &rest.wr, NULL, e))
        return err_code(e);
    if (tee.bytes == 0)
        return err_set(e, RC_INVALID, "there is nothing to store: the input is empty");
    return RC_OK;
}

enum rc
backup_stream(struct ctx *cx, struct repo *r, struct rd *in, const char *name,
              const struct backup_opts *opts, struct backup_result *out, struct err *e)
{
    struct save_opts save_opts = {.compression = opts->compression};
    char path[4096];
    struct save_meta meta = meta_of(opts, path);
    struct save *s;
    enum rc rc;

    memset(out, 0, sizeof(*out));
    if ((size_t)snprintf(path, sizeof(path), "/%s", name[0] == '/' ? name + 1 : name) >=
        sizeof(path))
        return err_set(e, RC_INVALID, "the name of the file is too long: at most %zu bytes",
                       sizeof(path) - 2);
    if (save_open(cx, r, &save_opts, &s, e))
        return err_code(e);
    rc = store_stream(cx, in, save_file(s), e);
    if (rc == RC_OK)
        rc = save_file_end(s, path + 1, e);
    if (rc != RC_OK) {
        save_abort(s);
        return rc;
    }
    return save_commit(s, &meta, &out->snapshot, &out->save, e);
}
