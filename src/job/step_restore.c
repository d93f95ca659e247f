/* SPDX-License-Identifier: Apache-2.0 */
/* restore-redis: the container that loads a snapshot into a Redis. Source: Stash. */
#include "api/duration.h"
#include "base/clock.h"
#include "base/log.h"
#include "job/backup.h"
#include "job/restore.h"
#include "api/kinds.h"
#include "job/node_map.h"
#include "job/step_internal.h"
#include "job/target.h"
#include "base/mem.h"

struct restore_work {
    struct ctx *cx;
    const struct step_flags *f;
    struct kube *k;
    struct step_repo vault;
    struct redis_args args;
    struct redis_target redis;
    struct snapshot_source from;
};

/* "latest" of the source host if one is named, or one snapshot by its id. */
static enum rc
find_snapshot(struct restore_work *w, struct err *e)
{
    const char *spec = step_text(w->f->snapshot, "latest"),
               *host = step_text(w->f->source_hostname, step_text(w->f->hostname, NULL));
    struct snapshot_filter filter = {.hosts = &host, .n_hosts = host != NULL ? 1 : 0};
    struct target_id own = target_of_object(step_text(w->f->appbinding_ns, w->f->ns),
                                            GVR_APP_BINDING.kind, step_text(w->f->appbinding, ""));
    char *part = filter_text(&w->args.keys);
    enum rc rc = RC_OK;

    filter.own = target_view(&own);
    filter.target = w->args.target;
    filter.part = part;
    if (strchr(spec, ',') != NULL)
        rc = err_set(e, RC_INVALID, "one snapshot can be restored, not several: %.100s", spec);
    if (rc == RC_OK)
        rc = step_repo_open(w->cx, &w->vault, e);
    if (rc == RC_OK)
        rc = step_repo_lock(w->cx, &w->vault, false, e);
    if (rc == RC_OK)
        rc = snapshot_open(w->cx, w->vault.repo, spec, &filter, NULL, &w->from, e);
    target_release(&own);
    mem_free(part);
    return rc;
}

static enum rc
step_restore_load(struct restore_work *w, char part[static RESTORE_WORDS], struct err *e)
{
    struct load_opts opts;
    struct restore_result r = {0};
    struct cluster_where where = {.addr = &w->redis.addr, .conn = &w->redis.conn};
    struct masters to = {.n = 0};
    struct node_map map;
    struct conn *probe;
    char id[ID_TEXT], words[RESTORE_WORDS];
    enum rc rc;

    w->redis.prefer = PREFER_MASTER;
    if (load_opts_of(&w->args.load, &w->args.keys, &opts, e) || find_snapshot(w, e) ||
        restore_shift(&w->args.load.change, &w->from.snap, e) ||
        redis_target_wait(w->cx, w->k, w->f, &w->redis, &probe, e))
        return err_code(e);
    conn_close(probe);
    node_map_init(&map, w->args.load.node_map.n > 0 ? &w->args.load.node_map : &w->redis.node_map);
    where.map = map.list;
    where.n_map = map.n;
    log_info("loading snapshot %.8s of host %s into %s", id_hex(&w->from.snap.id, id),
             w->from.snap.hostname, redis_addr_text(&w->redis.addr));
    rc = masters_open(w->cx, &where, &to, e);
    if (rc != RC_OK && !opts.dry_run)
        (void)err_wrap(e, "nothing was written");
    if (rc == RC_OK)
        rc = restore_redis(w->cx, &w->from, &to, &opts, &r, e);
    if (rc == RC_OK && w->args.load.verify && !opts.dry_run)
        rc = restore_verify(w->cx, &w->from, &to, &opts, &r, e);
    for (size_t i = 0; i < MIN(r.load.n_errors, (uint64_t)LOAD_ERRORS_KEPT); i++)
        log_warn("%s %s: %s", r.load.errors[i].verb, r.load.errors[i].key, r.load.errors[i].text);
    masters_close(&to);
    node_map_release(&map);
    if (rc == RC_OK)
        log_info("%s %llu %s, %llu kept, %llu filtered out, %llu expired; %s",
                 opts.dry_run ? "dry run: would restore" : "restored",
                 (unsigned long long)r.load.keys, str_plural(r.load.keys, "key", "keys"),
                 (unsigned long long)r.load.skipped_keys, (unsigned long long)r.load.filtered_keys,
                 (unsigned long long)r.outcome.expired,
                 opts.dry_run ? "nothing was sent"
                              : restore_words(&r, redis_addr_text(&w->redis.addr), words));
    (void)restore_part(&r, part);
    return rc;
}

static enum rc
step_restore_work(struct restore_work *w, char part[static RESTORE_WORDS], struct err *e)
{
    if (step_need(w->f->appbinding, "appbinding", e) || step_connect(w->f, &w->k, NULL, e) ||
        redis_args_parse(step_text(w->f->redis_args, ""), REDIS_ARGS_RESTORE, &w->args, e) ||
        step_repo_reach(w->cx, w->k, w->f, &w->vault, e) ||
        redis_target_open(w->cx, w->k, w->f, &w->args, &w->redis, e))
        return err_code(e);
    return step_restore_load(w, part, e);
}

enum rc
step_restore_redis(struct ctx *cx, const struct step_flags *f, struct err *e)
{
    struct restore_work w = {.cx = cx, .f = f};
    const char *host = step_text(f->hostname, "");
    int64_t start = clock_mono_ms();
    struct json *result = NULL;
    char part[RESTORE_WORDS] = "";
    enum rc rc;

    step_be_nice();
    rc = step_restore_work(&w, part, e);
    if (rc == RC_OK) {
        result = output_host(host, "Succeeded", clock_mono_ms() - start, NULL);
        if (w.args.load.dry_run)
            json_set_bool(result, "dryRun", true);
        if (part[0] != '\0')
            json_set_cstr(result, "partial", part);
    }
    snapshot_close(&w.from);
    step_repo_close(&w.vault);
    redis_target_close(&w.redis);
    redis_args_release(&w.args);
    kube_free(w.k);
    if (rc == RC_OK)
        rc = output_write(f, result, e);
    return rc == RC_OK ? RC_OK : output_fail(f, host, start, e);
}
