/* SPDX-License-Identifier: Apache-2.0 */
/* restore-redis: the container that loads a snapshot into a Redis. Source: Stash. */
#include "api/duration.h"
#include "api/notes.h"
#include "api/restore_choice.h"
#include "base/clock.h"
#include "base/log.h"
#include "job/backup.h"
#include "job/restore.h"
#include "api/kinds.h"
#include "job/node_map.h"
#include "job/plan.h"
#include "job/step_internal.h"
#include "job/users.h"
#include "job/target.h"
#include "base/mem.h"

struct restore_work {
    struct ctx *cx;
    const struct step_flags *f;
    struct kube *k;
    struct step_repo vault;
    struct step_repo
        safe; /* the target's own Repository, for the copy; zero: it goes into `vault` */
    const char *safe_name; /* NULL: as above */
    struct err safe_lost;  /* of a plan: why it cannot */
    struct redis_args args;
    struct redis_target redis;
    struct snapshot_source from;
    struct target_id own;
    struct safety_result safety; /* how that went */
    struct json *plan;           /* annotation NOTE_PLAN: what came of it */
};

/* What the operator hands on of spec.cstash. */
static enum rc
step_restore_choose(struct redis_args *args, struct err *e)
{
    const char *text = getenv(RESTORE_CHOICE_ENV);
    CLEANUP(json_free_ptr) struct json *list = NULL;

    if (text == NULL || text[0] == '\0')
        return RC_OK;
    if (json_parse(str_c(text), &list, e))
        return err_wrap(e, "could not read what spec.cstash says");
    return redis_args_choose(list, args, e);
}

/* What the operator hands on of the RestoreSession's annotations (api/notes). */
static bool
step_restore_asked(const char *name, const char *value)
{
    const char *v = getenv(name);

    return v != NULL && strcmp(v, value) == 0;
}

/* The copies of the target lie there. `planned`: only whether they could. */
static enum rc
open_safe(struct restore_work *w, bool planned, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *object = NULL;
    const char *name = getenv(NOTE_SAFETY_REPOSITORY_ENV);
    enum rc rc;

    if (name == NULL || name[0] == '\0')
        return RC_OK;
    w->safe_name = name;
    rc = kube_get(w->cx, w->k, &GVR_REPOSITORY, w->f->ns, name, &object, e);
    if (rc == RC_OK)
        rc = step_repo_reach_named(w->cx, w->k, w->f->ns, name, &w->safe, e);
    if (rc == RC_OK && planned) {
        rc = step_repo_open(w->cx, &w->safe, e);
        rc = rc == RC_NO_REPOSITORY ? RC_OK : rc; /* it would be made */
    } else if (rc == RC_OK) {
        rc = step_repo_ensure(w->cx, &w->safe, object, e);
        if (rc == RC_OK)
            rc = step_repo_lock(w->cx, &w->safe, false, e);
    }
    if (rc == RC_OK)
        return RC_OK;
    rc = err_wrap(e, "could not open Repository %s/%s, which takes the copy of the target",
                  w->f->ns, name);
    if (planned) {
        w->safe_lost = *e;
        *e = (struct err)ERR_INIT;
        return RC_OK;
    }
    return err_hint(e, "nothing was written; annotation " NOTE_SAFETY_REPOSITORY
                       " names another Repository, " NOTE_SAFETY_COPY ": skip goes without a copy");
}

/* In the Repository of the copies, or where an older one may have gone. */
static enum rc
open_copy(struct restore_work *w, struct repo *r, const char *spec, struct err *e)
{
    struct safety_owner own = {target_view(&w->own), NULL};
    char id[ID_TEXT];
    struct id found;

    if (strcmp(spec, "latest") == 0) {
        if (safety_find(w->cx, r, safety_is_of, &own, true, &found, e))
            return err_code(e);
        spec = id_hex(&found, id);
    }
    return snapshot_open(w->cx, r, spec, NULL, NULL, &w->from, e);
}

/* All of the target is to be as a copy has it: the one that is named, or that of a restore which was left unfinished. */
static enum rc
find_copy(struct restore_work *w, const char *spec, struct err *e)
{
    enum rc rc = RC_NOT_FOUND;

    w->args.load.existing = LOAD_FLUSH;
    w->args.keys = (struct filter)FILTER_ALL;
    memset(&w->args.load.change, 0, sizeof(w->args.load.change));
    if (w->safe.repo != NULL)
        rc = open_copy(w, w->safe.repo, spec, e);
    if (rc == RC_NOT_FOUND) {
        *e = (struct err)ERR_INIT;
        rc = open_copy(w, w->vault.repo, spec, e);
    }
    if (rc != RC_OK)
        return rc;
    return w->from.snap.safety ? RC_OK
                               : err_set(e, RC_INVALID,
                                         "snapshot %.8s is not a copy that a restore took, and "
                                         "annotation " NOTE_UNDO " is for these",
                                         spec);
}

/* "latest" of the source host if one is named, or one snapshot by its id. */
static enum rc
find_snapshot(struct restore_work *w, struct err *e)
{
    const char *spec = step_text(w->f->snapshot, "latest"),
               *host = step_text(w->f->source_hostname, step_text(w->f->hostname, NULL));
    struct snapshot_filter filter = {.hosts = &host, .n_hosts = host != NULL ? 1 : 0};
    char *part = filter_text(&w->args.keys);
    enum rc rc = RC_OK;

    w->own = target_of_object(step_text(w->f->appbinding_ns, w->f->ns), GVR_APP_BINDING.kind,
                              step_text(w->f->appbinding, ""));
    filter.own = target_view(&w->own);
    filter.target = w->args.target;
    filter.part = part;
    filter.only_part = part == NULL;
    if (strchr(spec, ',') != NULL)
        rc = err_set(e, RC_INVALID, "one snapshot can be restored, not several: %.100s", spec);
    if (rc == RC_OK)
        rc = step_repo_open(w->cx, &w->vault, e);
    if (rc == RC_OK) /* a lock is written */
        rc = step_restore_asked(NOTE_PLAN_ENV, "true") ? repo_load_index(w->cx, w->vault.repo, e)
                                                       : step_repo_lock(w->cx, &w->vault, false, e);
    if (rc == RC_OK && step_restore_asked(NOTE_UNDO_ENV, "true"))
        rc = find_copy(w, spec, e);
    else if (rc == RC_OK)
        rc = snapshot_open(w->cx, w->vault.repo, spec, &filter, NULL, &w->from, e);
    mem_free(part);
    return rc;
}

/* Only whether it would work. `where` was reached a moment ago: that it cannot be restored into is an answer. */
static enum rc
step_restore_plan(struct restore_work *w, struct cluster_where *where, struct load_opts *opts,
                  const struct safety *safety, struct err *e)
{
    struct conn_opts now = *where->conn;
    const struct plan_request how = {
        .opts = opts, .safety = safety, .users = w->args.beside_restore.users};
    struct masters to = {.n = 0};
    struct plan p = {.n_dbs = 0};
    char words[PLAN_WORDS];
    enum rc rc;

    now.wait_ms = -1;
    where->conn = &now;
    opts->dry_run = false;
    rc = masters_open(w->cx, where, &to, e);
    if (rc == RC_OK) {
        rc = plan_make(w->cx, &w->from, &to, &how, &p, e);
    } else if (rc == RC_UNAVAILABLE || rc == RC_TIMEOUT || plan_is_answer(e)) {
        plan_of_target(e, redis_addr_text(where->addr), &p);
        *e = (struct err)ERR_INIT;
        rc = RC_OK;
    }
    masters_close(&to);
    if (rc != RC_OK)
        return rc;
    log_info("%s; nothing was written", plan_words(&p, words));
    w->plan = plan_output(&p);
    plan_release(&p);
    return RC_OK;
}

static enum rc
step_restore_load(struct restore_work *w, char part[static RESTORE_WORDS], struct err *e)
{
    struct load_opts opts;
    struct safety safety = {.skip = step_restore_asked(NOTE_SAFETY_COPY_ENV, "skip"),
                            .backup = {.host = step_text(w->f->hostname, DUMP_HOST)}};
    struct restore_result r = {0};
    struct users users = {.how = ACL_NONE};
    struct cluster_where where = {.addr = &w->redis.addr, .conn = &w->redis.conn};
    struct masters to = {.n = 0};
    struct node_map map;
    struct conn *probe;
    char id[ID_TEXT], words[RESTORE_WORDS];
    enum rc rc;

    w->redis.prefer = PREFER_MASTER;
    if (find_snapshot(w, e) || load_opts_of(&w->args.load, &w->args.keys, &opts, e) ||
        restore_shift(&w->args.load.change, &w->from.snap, e) ||
        redis_target_wait(w->cx, w->k, w->f, &w->redis, &probe, e))
        return err_code(e);
    conn_close(probe);
    node_map_init(&map, w->args.load.node_map.n > 0 ? &w->args.load.node_map : &w->redis.node_map);
    safety.repo = w->safe_name != NULL ? w->safe.repo : w->vault.repo;
    safety.blocked = w->safe_lost.code != RC_OK ? w->safe_lost.msg : NULL;
    safety.source = (struct source_opts){
        .addr = &w->redis.addr,
        .conn = &w->redis.conn,
        .node_map = w->args.load.node_map.n > 0 ? w->args.load.node_map : w->redis.node_map};
    safety.backup.target = target_view(&w->own);
    where.map = map.list;
    where.n_map = map.n;
    log_info("%s snapshot %.8s of host %s into %s",
             step_restore_asked(NOTE_PLAN_ENV, "true") ? "asking about" : "loading",
             id_hex(&w->from.snap.id, id), w->from.snap.hostname, redis_addr_text(&w->redis.addr));
    if (step_restore_asked(NOTE_PLAN_ENV, "true")) {
        rc = step_restore_plan(w, &where, &opts, &safety, e);
        node_map_release(&map);
        return rc;
    }
    rc = masters_open(w->cx, &where, &to, e);
    if (rc != RC_OK && !opts.dry_run)
        (void)err_wrap(e, "nothing was written");
    if (rc == RC_OK && users_open(w->cx, &w->from, &to, w->args.beside_restore.users, &users, e))
        rc = err_wrap(e, "nothing was written");
    if (rc == RC_OK)
        rc = restore_redis(w->cx, &w->from, &to, &opts, &safety, &r, e);
    if (rc == RC_OK && w->args.load.verify && !opts.dry_run)
        rc = restore_verify(w->cx, &w->from, &to, &opts, &r, e);
    if (rc == RC_OK && !opts.dry_run)
        rc = users_restore(w->cx, &users, &to, &r, e);
    users_close(&users);
    restore_end(w->cx, &safety, &opts, &r, rc);
    w->safety = r.safety;
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
    if (rc == RC_OK && r.safety.state == SAFETY_TAKEN)
        log_info("the %llu %s that it held %s in snapshot %.8s", (unsigned long long)r.safety.keys,
                 str_plural(r.safety.keys, "key", "keys"), str_plural(r.safety.keys, "is", "are"),
                 id_hex(&r.safety.copy, id));
    (void)restore_part(&r, part);
    return rc;
}

static enum rc
step_restore_work(struct restore_work *w, char part[static RESTORE_WORDS], struct err *e)
{
    if (step_need(w->f->appbinding, "appbinding", e) || step_connect(w->f, &w->k, NULL, e) ||
        redis_args_parse(step_text(w->f->redis_args, ""), REDIS_ARGS_RESTORE, &w->args, e) ||
        step_restore_choose(&w->args, e) || step_repo_reach(w->cx, w->k, w->f, &w->vault, e) ||
        open_safe(w, step_restore_asked(NOTE_PLAN_ENV, "true"), e) ||
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
    char part[RESTORE_WORDS] = "", id[ID_TEXT];
    struct output_way_back way;
    enum rc rc;

    step_be_nice();
    rc = step_restore_work(&w, part, e);
    way = (struct output_way_back){
        .copy = w.safety.state == SAFETY_TAKEN ? id_hex(&w.safety.back, id) : NULL,
        .repository = w.safe_name};
    if (rc == RC_OK) {
        result = output_host(host, w.plan != NULL ? PLAN_PHASE : "Succeeded",
                             clock_mono_ms() - start, NULL);
        if (w.plan != NULL)
            json_set(result, "plan", w.plan); /* taken */
        else if (w.args.load.dry_run)
            json_set_bool(result, "dryRun", true);
        if (part[0] != '\0')
            json_set_cstr(result, "partial", part);
        if (w.safety.state == SAFETY_SKIPPED)
            json_set_bool(result, "safetyCopySkipped", true);
        output_put_way_back(result, &way);
    }
    target_release(&w.own);
    snapshot_close(&w.from);
    step_repo_close(&w.safe);
    step_repo_close(&w.vault);
    redis_target_close(&w.redis);
    redis_args_release(&w.args);
    kube_free(w.k);
    if (rc == RC_OK)
        rc = output_write(f, result, e);
    return rc == RC_OK ? RC_OK : output_fail_with(f, host, start, &way, e);
}
