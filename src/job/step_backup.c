/* SPDX-License-Identifier: Apache-2.0 */
/* backup-redis: the container that dumps a Redis into the repository. Source: Stash. */
#include "api/conditions.h"
#include "api/duration.h"
#include "api/kinds.h"
#include "api/notes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/backup.h"
#include "job/step_internal.h"
#include "job/target.h"
#include "maintain/snapshot_edit.h"
#include "kube/object.h"

struct backup_work {
    struct ctx *cx;
    const struct step_flags *f;
    struct kube *k;
    struct target_id target;
    struct json *config;     /* the BackupConfiguration or BackupBatch, or NULL */
    struct notes notes;      /* of it */
    struct json *repository; /* the Repository, or NULL */
    struct step_repo vault;
    struct redis_args args;
    struct redis_target redis;
    int64_t started_ms;
};

/* ---- the repository ---- */

static enum rc
read_repository(struct backup_work *w, struct err *e)
{
    struct invoker inv;

    if (w->config == NULL)
        return RC_OK;
    invoker_view(w->config, &inv);
    if (kube_get(w->cx, w->k, &GVR_REPOSITORY, inv.repo_ns, inv.repo_name, &w->repository, e))
        return err_wrap(e, "could not read Repository %s/%s", inv.repo_ns, inv.repo_name);
    return RC_OK;
}

/* Open or make the repository, and say so in the session. */
static enum rc
prepare_repository(struct backup_work *w, struct err *e)
{
    struct step_verdict v = {.id = COND_REPOSITORY_INITIALIZED, .state = COND_TRUE};
    const char *session = step_text(w->f->backupsession, NULL);
    struct err why = ERR_INIT, note = ERR_INIT;
    enum rc rc = read_repository(w, &why);

    if (rc == RC_OK)
        rc = step_repo_ensure(w->cx, &w->vault, w->repository, &why);
    if (rc != RC_OK)
        v.state = COND_FALSE, v.text = why.msg;
    if (session != NULL && step_tell(w->cx, w->k, w->f, &v, &note) && rc == RC_OK) {
        *e = note;
        return err_code(e);
    }
    if (rc != RC_OK)
        *e = why;
    return rc;
}

/* ---- whose data it is, and what is known of its size ---- */

/* By what the Job itself works with, whatever the configuration says of it by now. */
static enum rc
step_backup_may_adopt(const struct backup_work *w, struct err *e)
{
    const struct adopter by = {.ns = step_text(w->f->ns, ""),
                               .target_ns = step_text(w->f->appbinding_ns, step_text(w->f->ns, "")),
                               .repo_ns = step_text(w->f->secret_ns, step_text(w->f->ns, ""))};

    return adoption_check(&by, w->notes.adopt_target, e);
}

static enum rc
read_notes(struct backup_work *w, struct err *e)
{
    const char *session = step_text(w->f->backupsession, NULL);
    struct json *s = NULL;
    const struct kube_gvr *kind;
    const char *name;
    enum rc rc = RC_OK;

    w->target = target_of_object(step_text(w->f->appbinding_ns, w->f->ns), GVR_APP_BINDING.kind,
                                 step_text(w->f->appbinding, ""));
    if (session == NULL)
        return RC_OK;
    if (kube_get(w->cx, w->k, &GVR_BACKUP_SESSION, w->f->ns, session, &s, e))
        return err_wrap(e, "could not read BackupSession %s/%s", w->f->ns, session);
    name = json_text_or(json_dig(s, "spec", "invoker", "name"), "");
    kind = step_backup_invoker(json_text_or(json_dig(s, "spec", "invoker", "kind"), ""), e);
    rc = kind == NULL ? err_code(e) : kube_get(w->cx, w->k, kind, w->f->ns, name, &w->config, e);
    if (rc == RC_OK)
        rc = notes_read(kind->kind, json_dig(w->config, "metadata", "annotations"), &w->notes, e);
    if (rc != RC_OK && kind != NULL)
        rc = err_wrap(e, "could not read %s %s/%s", kind->kind, w->f->ns, name);
    json_free(s);
    return rc == RC_OK ? step_backup_may_adopt(w, e) : rc;
}

/* The snapshots of another name, or of a namesake, become ours: a new cluster, a new name. */
static enum rc
step_backup_adopt(struct backup_work *w, struct err *e)
{
    const char *from = w->notes.adopt_target;
    struct target to = target_view(&w->target);
    size_t n;

    if (from == NULL)
        return RC_OK;
    if (step_repo_lock(w->cx, &w->vault, true, e) ||
        snapshots_adopt(w->cx, w->vault.repo, from, &to, &n, e))
        return err_wrap(e, "could not adopt the snapshots of target %s", from);
    repo_unlock(w->vault.repo);
    if (n > 0)
        log_info("%zu %s of target %s now %s to %s", n, str_plural(n, "snapshot", "snapshots"),
                 from, str_plural(n, "belongs", "belong"), to.name);
    return RC_OK;
}

/* ---- the dump ---- */

static void
source_of(const struct backup_work *w, struct source_opts *s, struct backup_opts *b)
{
    *s = w->args.source;
    s->addr = &w->redis.addr;
    s->conn = &w->redis.conn;
    s->filter = w->args.keys;
    if (s->node_map.n == 0)
        s->node_map = w->redis.node_map;
    *b = (struct backup_opts){.host = step_text(w->f->hostname, DUMP_HOST),
                              .compression = w->args.compression.level,
                              .users = w->args.beside.users,
                              .target = target_view(&w->target),
                              .shrink_below = w->notes.shrink_below,
                              .accept_shrink = w->notes.accept_shrink};
}

static struct json *
step_backup_result(const struct backup_work *w, const struct backup_result *r, int64_t ms)
{
    struct json *h = output_host(step_text(w->f->hostname, DUMP_HOST), "Succeeded", ms, NULL),
                *s = json_new_object(), *files = json_need_object(s, "fileStats");
    char text[DURATION_TEXT], id[ID_TEXT];

    json_set_cstr(s, "name", id_hex(&r->snapshot, id));
    json_set_cstr(s, "path", DUMP_NAME);
    json_set_cstr(s, "totalSize", size_format(r->save.bytes_processed, text));
    json_set_cstr(s, "uploaded", size_format(r->save.data_added_packed, text));
    json_set_cstr(s, "processingTime", duration_clock(ms, text));
    json_set_int(files, "totalFiles", 1);
    json_set_int(files, "newFiles", 1);
    json_set_int(files, "modifiedFiles", 0);
    json_set_int(files, "unmodifiedFiles", 0);
    json_set_int(s, "keys", (int64_t)r->keys);
    if (r->source.n_shards > 0)
        json_set_int(s, "shards", (int64_t)r->source.n_shards);
    if (r->source.n_shards > 0 && r->source.point_in_time)
        json_set_cstr(s, "skew", duration_format((int64_t)r->skew_ms, text));
    if (r->part[0] != '\0')
        json_set_cstr(s, "partial", r->part);
    json_push(json_need_array(h, "snapshots"), s);
    return h;
}

/* A snapshot of nothing succeeded, and is hardly what was meant. */
static void
tell_unmatched(struct backup_work *w, const struct source_facts *f)
{
    CLEANUP(mem_free_ptr) char *filter = filter_text(&w->args.keys);
    CLEANUP(mem_free_ptr) char *text = NULL;
    struct step_verdict v = {.id = COND_NOTHING_MATCHED, .state = COND_TRUE, .event = "Warning"};

    if (f->unmatched == 0)
        return;
    text = mem_printf(
        "The snapshot holds nothing: %s in args chooses none of the target's keys (%llu).", filter,
        (unsigned long long)f->unmatched);
    v.text = text;
    step_note(w->cx, w->k, w->f, &v);
}

static enum rc
step_backup_dump(struct backup_work *w, struct err *e)
{
    struct source_opts source;
    struct backup_opts opts;
    struct backup_result r;
    struct conn *probe;
    int64_t start;
    char id[ID_TEXT], size[DURATION_TEXT], took[DURATION_TEXT];

    source_of(w, &source, &opts);
    if (source.prefer == PREFER_AUTO) /* what args say counts more than the AppBinding */
        source.prefer = w->redis.prefer;
    w->redis.prefer = source.prefer;
    if (redis_target_wait(w->cx, w->k, w->f, &w->redis, &probe, e))
        return err_code(e);
    conn_close(probe);
    if (step_backup_adopt(w, e) || step_repo_lock(w->cx, &w->vault, false, e))
        return err_code(e);
    start = clock_mono_ms();
    log_info("dumping %s", redis_addr_text(&w->redis.addr));
    if (backup_redis(w->cx, w->vault.repo, &source, &opts, &r, e))
        return err_code(e);
    tell_unmatched(w, &r.source);
    log_info("snapshot %.8s: %llu %s, %s in %s by %s", id_hex(&r.snapshot, id),
             (unsigned long long)r.keys, str_plural(r.keys, "key", "keys"),
             size_format(r.save.bytes_processed, size),
             duration_format(clock_mono_ms() - start, took), source_kind_name(r.source.kind));
    return output_write(w->f, step_backup_result(w, &r, clock_mono_ms() - start), e);
}

static enum rc
step_backup_work(struct backup_work *w, struct err *e)
{
    if (step_need(w->f->appbinding, "appbinding", e) || step_connect(w->f, &w->k, NULL, e) ||
        redis_args_parse(step_text(w->f->redis_args, ""), REDIS_ARGS_BACKUP, &w->args, e) ||
        step_repo_reach(w->cx, w->k, w->f, &w->vault, e) || read_notes(w, e) ||
        prepare_repository(w, e) || redis_target_open(w->cx, w->k, w->f, &w->args, &w->redis, e))
        return err_code(e);
    return step_backup_dump(w, e);
}

enum rc
step_backup_redis(struct ctx *cx, const struct step_flags *f, struct err *e)
{
    struct backup_work w = {.cx = cx, .f = f, .started_ms = clock_mono_ms()};
    enum rc rc;

    step_be_nice();
    rc = step_backup_work(&w, e);
    step_repo_close(&w.vault);
    redis_target_close(&w.redis);
    redis_args_release(&w.args);
    target_release(&w.target);
    json_free(w.config);
    json_free(w.repository);
    kube_free(w.k);
    return rc == RC_OK ? RC_OK : output_fail(f, step_text(f->hostname, DUMP_HOST), w.started_ms, e);
}
