/* SPDX-License-Identifier: Apache-2.0 */
/* Caches, indexes, who is told of what; then run until told to stop. */
#include "operator/operator.h"

#include "base/log.h"
#include "base/mem.h"
#include "ctl/lease.h"
#include "operator/operator_internal.h"
#include "operator/server.h"

/* ---- indexes ---- */

/* What is about to go refers to nothing any more. */
static void
index_repository(const struct json *obj, cache_emit_fn *emit, void *to)
{
    struct invoker inv;
    char *key;

    if (kube_is_deleting(obj))
        return;
    invoker_view(obj, &inv);
    key = key2(inv.repo_ns, inv.repo_name);
    emit(to, key);
    mem_free(key);
}

static void
index_target(const struct json *obj, cache_emit_fn *emit, void *to)
{
    struct invoker inv;
    char *key;

    invoker_view(obj, &inv);
    key = key3(inv.target_ns, inv.target_kind, inv.target_name);
    emit(to, key);
    mem_free(key);
}

static void
index_invoker(const struct json *obj, cache_emit_fn *emit, void *to)
{
    const struct json *by = json_dig(obj, "spec", "invoker");
    char *key =
        key3(json_text_or(json_dig(obj, "metadata", "namespace"), ""),
             json_text_or(json_field(by, "kind"), ""), json_text_or(json_field(by, "name"), ""));

    emit(to, key);
    mem_free(key);
}

static void
index_job(const struct json *pod, cache_emit_fn *emit, void *to)
{
    const struct json *owner = kube_controller_of(pod);
    char *key;

    if (strcmp(json_text_or(json_field(owner, "kind"), ""), "Job") != 0)
        return;
    key = key2(kube_ns(pod), json_text_or(json_field(owner, "name"), ""));
    emit(to, key);
    mem_free(key);
}

static void
index_name(const struct json *obj, cache_emit_fn *emit, void *to)
{
    emit(to, kube_name(obj));
}

/* ---- which change concerns whom ---- */

static void
add_key(struct workq *q, const char *ns, const char *name)
{
    char *key = workq_key(ns, name);

    workq_add(q, key);
    mem_free(key);
}

/*
 * Whoever refers to a Repository looks again when it comes, goes or is changed; not when only its
 * status is, which happens after every backup.
 */
static void
on_repository(void *arg, const struct json *old, const struct json *now)
{
    struct operator* op =(struct operator*) arg;
    const struct json *repo = now != NULL ? now : old;
    struct cache *users[] = {op->configs, op->restores};
    struct controller *controllers[] = {op->config_ctl, op->restore_ctl};
    char *key;

    if (old != NULL && now != NULL && kube_generation(old) == kube_generation(now) &&
        kube_is_deleting(old) == kube_is_deleting(now))
        return;
    key = key2(kube_ns(repo), kube_name(repo));
    for (size_t c = 0; c < ARRAY_LEN(users); c++) {
        struct json *keys = cache_keys_by(users[c], BY_REPOSITORY, key);

        for (size_t i = 0; i < json_size(keys); i++)
            workq_add(controller_queue(controllers[c]), json_text(json_elem(keys, i)));
        json_free(keys);
    }
    mem_free(key);
}

static void
look_again(void *arg, const struct json *config)
{
    add_key(controller_queue((struct controller *)arg), kube_ns(config), kube_name(config));
}

/* A Task or Function that is changed or goes concerns whoever may use it. */
static void
on_catalog(void *arg, const struct json *old, const struct json *now)
{
    struct operator* op =(struct operator*) arg;

    if (old != NULL && (now == NULL || kube_generation(old) != kube_generation(now)))
        cache_each(op->configs, NULL, look_again, op->config_ctl);
}

static void
on_app_binding(void *arg, const struct json *old, const struct json *now)
{
    struct operator* op =(struct operator*) arg;
    const struct json *app = now != NULL ? now : old;
    char *key;
    struct json *keys;

    if (old != NULL && now != NULL && kube_generation(old) == kube_generation(now))
        return;
    key = key3(kube_ns(app), GVR_APP_BINDING.kind, kube_name(app));
    keys = cache_keys_by(op->configs, BY_TARGET, key);
    for (size_t i = 0; i < json_size(keys); i++)
        workq_add(controller_queue(op->config_ctl), json_text(json_elem(keys, i)));
    json_free(keys);
    mem_free(key);
}

/* References can be many, and a cached Repository is read for each of them. */
static void
trim_repository(struct json *repo)
{
    struct json *status = json_field(repo, "status");

    if (status != NULL)
        json_remove(status, "references");
}

/* Many configurations on one Repository become one write: it waits, the longer the more there are.
 */
static void
map_user_to_repo(void *arg, const struct json *obj, struct workq *q)
{
    struct operator* op =(struct operator*) arg;
    struct invoker inv;
    char *key;

    invoker_view(obj, &inv);
    key = workq_key(inv.repo_ns, inv.repo_name);
    workq_add_after(q, key, 1000 + (int64_t)cache_count(op->configs, NULL) / 2);
    mem_free(key);
}

/* The sessions of a configuration: they wait for it, or for one another. */
static void
map_config_to_sessions(void *arg, const struct json *config, struct workq *q)
{
    struct operator* op =(struct operator*) arg;
    char *key = key3(kube_ns(config), GVR_BACKUP_CONFIGURATION.kind, kube_name(config));
    struct json *list = cache_by(op->sessions, BY_INVOKER, key);

    for (size_t i = 0; i < json_size(list); i++)
        add_key(q, kube_ns(json_elem(list, i)), kube_name(json_elem(list, i)));
    json_free(list);
    mem_free(key);
}

/* A pod's Job's owner. */
static void
map_pod_to_owner(void *arg, const struct json *pod, struct workq *q)
{
    struct operator* op =(struct operator*) arg;
    const struct json *owner = kube_controller_of(pod);
    struct json *job;

    if (strcmp(json_text_or(json_field(owner, "kind"), ""), "Job") != 0)
        return;
    job = cache_get(op->jobs, kube_ns(pod), json_text_or(json_field(owner, "name"), ""));
    owner = kube_controller_of(job);
    if (owner != NULL)
        add_key(q, kube_ns(pod), json_text_or(json_field(owner, "name"), ""));
    json_free(job);
}

/* ---- trigger Jobs go when they are done ---- */

static enum rc
reconcile_trigger(struct ctx *cx, void *arg, const char *ns, const char *name,
                  struct ctl_result *out, struct err *e)
{
    struct operator* op =(struct operator*) arg;
    CLEANUP(json_free_ptr) struct json *job = cache_get(op->jobs, ns, name);

    (void)out;
    if (job == NULL || kube_is_deleting(job) || kube_label(job, LABEL_DELETE_JOB) == NULL ||
        strcmp(kube_label(job, LABEL_DELETE_JOB), "true") != 0 ||
        json_int_or(json_dig(job, "status", "succeeded"), 0) <= 0)
        return RC_OK;
    return ensure_gone(cx, op, &KUBE_JOB, ns, name, "Background", e);
}

/* ---- setting up ---- */

static struct cache *
cache_of(struct operator* op, const struct kube_gvr *kind, bool ours_only)
{
    struct cache_opts o = {
        .kind = kind,
        .ns = kind->namespaced ? op->opts->watch_namespace : NULL,
        .trim = kind == &GVR_REPOSITORY ? trim_repository : NULL,
        .label_selector = ours_only ? LABEL_MANAGED_BY "=" MANAGED_BY_STASH : NULL,
    };

    return manager_cache(op->m, &o);
}

static void make_caches(struct operator* op)
{
    op->repos = cache_of(op, &GVR_REPOSITORY, false);
    op->configs = cache_of(op, &GVR_BACKUP_CONFIGURATION, false);
    op->sessions = cache_of(op, &GVR_BACKUP_SESSION, false);
    op->restores = cache_of(op, &GVR_RESTORE_SESSION, false);
    op->tasks = cache_of(op, &GVR_TASK, false);
    op->functions = cache_of(op, &GVR_FUNCTION, false);
    op->apps = cache_of(op, &GVR_APP_BINDING, false);
    op->blueprints = cache_of(op, &GVR_BACKUP_BLUEPRINT, false);
    op->backup_batches = cache_of(op, &GVR_BACKUP_BATCH, false);
    op->restore_batches = cache_of(op, &GVR_RESTORE_BATCH, false);
    op->cron_jobs = cache_of(op, &KUBE_CRON_JOB, true);
    op->jobs = cache_of(op, &KUBE_JOB, true);
    op->pods = cache_of(op, &KUBE_POD, true);
    op->accounts = cache_of(op, &KUBE_SERVICE_ACCOUNT, true);
    op->bindings = cache_of(op, &KUBE_ROLE_BINDING, true);
    cache_add_index(op->configs, BY_REPOSITORY, index_repository);
    cache_add_index(op->configs, BY_TARGET, index_target);
    cache_add_index(op->restores, BY_REPOSITORY, index_repository);
    cache_add_index(op->sessions, BY_INVOKER, index_invoker);
    cache_add_index(op->pods, BY_JOB, index_job);
    cache_add_index(op->bindings, BY_NAME, index_name);
}

static enum rc
add_controller(struct operator* op, const char *name, reconcile_fn *fn, struct controller **out,
               struct err *e)
{
    struct controller_opts o = {.name = name,
                                .reconcile = fn,
                                .arg = op,
                                .workers = op->opts->workers > 0 ? op->opts->workers : 2};

    if (controller_new(&o, out, e))
        return err_code(e);
    manager_add(op->m, *out);
    return RC_OK;
}

/* Of kinds on which nothing acts. */
static enum rc
make_tellers(struct operator* op, struct err *e)
{
    struct {
        const char *name;
        reconcile_fn *fn;
        struct cache *cache;
    } all[] = {{"backupblueprint", reconcile_blueprint, op->blueprints},
               {"backupbatch", reconcile_backup_batch, op->backup_batches},
               {"restorebatch", reconcile_restore_batch, op->restore_batches}};

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct controller *c;

        if (add_controller(op, all[i].name, all[i].fn, &c, e))
            return err_code(e);
        controller_watch(c, all[i].cache, controller_map_self, NULL);
    }
    return RC_OK;
}

static enum rc
make_controllers(struct operator* op, struct err *e)
{
    struct controller *triggers;

    if (add_controller(op, "repository", reconcile_repository, &op->repo_ctl, e) ||
        add_controller(op, "backupconfiguration", reconcile_configuration, &op->config_ctl, e) ||
        add_controller(op, "backupsession", reconcile_session, &op->session_ctl, e) ||
        add_controller(op, "restoresession", reconcile_restore, &op->restore_ctl, e) ||
        add_controller(op, "trigger", reconcile_trigger, &triggers, e) || make_tellers(op, e))
        return err_code(e);
    controller_watch(op->repo_ctl, op->repos, controller_map_self, NULL);
    controller_watch(op->repo_ctl, op->configs, map_user_to_repo, op);
    controller_watch(op->repo_ctl, op->restores, map_user_to_repo, op);
    controller_watch(op->repo_ctl, op->jobs, controller_map_owner,
                     (void *)(uintptr_t)GVR_REPOSITORY.kind);
    controller_watch(op->config_ctl, op->configs, controller_map_self, NULL);
    controller_watch(op->config_ctl, op->cron_jobs, controller_map_owner,
                     (void *)(uintptr_t)GVR_BACKUP_CONFIGURATION.kind);
    controller_watch(op->session_ctl, op->sessions, controller_map_self, NULL);
    controller_watch(op->session_ctl, op->configs, map_config_to_sessions, op);
    controller_watch(op->session_ctl, op->jobs, controller_map_owner,
                     (void *)(uintptr_t)GVR_BACKUP_SESSION.kind);
    controller_watch(op->session_ctl, op->pods, map_pod_to_owner, op);
    controller_watch(op->restore_ctl, op->restores, controller_map_self, NULL);
    controller_watch(op->restore_ctl, op->jobs, controller_map_owner,
                     (void *)(uintptr_t)GVR_RESTORE_SESSION.kind);
    controller_watch(op->restore_ctl, op->pods, map_pod_to_owner, op);
    controller_watch(triggers, op->jobs, controller_map_self, NULL);
    cache_on_change(op->repos, on_repository, op);
    cache_on_change(op->tasks, on_catalog, op);
    cache_on_change(op->functions, on_catalog, op);
    cache_on_change(op->apps, on_app_binding, op);
    return RC_OK;
}

static struct recorder *
recorder_for(struct operator* op, const char *component)
{
    struct recorder_opts o = {.component = component};

    return recorder_new(op->k, &o);
}

static void
stop_work(void *arg)
{
    log_error("the lease is lost: another operator leads now");
    ctx_cancel((struct ctx *)arg);
}

/*
 * Only the leader works; the others wait here. They are ready too, for what is asked of them: a
 * rollout or a drained node need not wait for a second leader, which never comes.
 */
static enum rc
operator_lead(struct ctx *cx, struct operator* op, struct lease **lease, struct err *e)
{
    struct lease_opts o = {.ns = op->opts->leader_namespace, .name = "cstash-operator"};

    if (o.ns == NULL)
        return RC_OK;
    *lease = lease_new(op->k, &o);
    atomic_store(&op->standing_by, true);
    if (lease_acquire(cx, *lease, e))
        return err_code(e);
    atomic_store(&op->standing_by, false);
    log_info("leading as %s", lease_identity(*lease));
    return lease_keep(*lease, stop_work, cx, e);
}

/* What tells this cluster from others: names of targets are unique within it. */
static enum rc
read_cluster_uid(struct ctx *cx, struct operator* op, struct err *e)
{
    struct json *ns = NULL;
    struct err why = ERR_INIT;
    enum rc rc = kube_get(cx, op->k, &KUBE_NAMESPACE, NULL, "kube-system", &ns, &why);

    if (rc == RC_DENIED || rc == RC_NOT_FOUND) {
        log_warn("snapshots will not name the cluster they come from: %s", why.msg);
        return RC_OK;
    }
    if (rc != RC_OK) {
        *e = why;
        return err_wrap(e, "could not read the uid of the cluster");
    }
    op->cluster_uid = mem_strdup(json_text_or(json_dig(ns, "metadata", "uid"), ""));
    json_free(ns);
    return RC_OK;
}

static enum rc
operator_work(struct ctx *cx, struct operator* op, struct err *e)
{
    struct operator_server *server = NULL;
    struct lease *lease = NULL;
    enum rc rc = http_new(NULL, &op->http, e);

    if (rc == RC_OK)
        rc = read_cluster_uid(cx, op, e);
    if (rc == RC_OK)
        rc = make_controllers(op, e);
    if (rc == RC_OK && op->opts->listen != NULL)
        rc = operator_server_open(op, &server, e);
    if (rc == RC_OK && op->opts->listening != NULL)
        op->opts->listening(op->opts->arg);
    if (rc == RC_OK)
        rc = operator_lead(cx, op, &lease, e);
    if (rc == RC_OK)
        rc = manager_run(cx, op->m, e);
    operator_server_close(server);
    lease_free(lease);
    return rc == RC_CANCELLED ? RC_OK : rc;
}

enum rc
operator_run(struct ctx *cx, struct kube *k, const struct operator_opts *o, struct err *e)
{
    struct operator op = {.k = k, .opts = o, .m = manager_new(k)};
    enum rc rc;

    ttl_set_init(&op.secrets);
    op.config_events = recorder_for(&op, "BackupConfiguration Controller");
    op.session_events = recorder_for(&op, "BackupSession Controller");
    op.restore_events = recorder_for(&op, "RestoreSession Controller");
    op.repo_events = recorder_for(&op, "Repository Controller");
    op.batch_events = recorder_for(&op, "Batch Controller");
    make_caches(&op);
    rc = operator_work(cx, &op, e);
    manager_free(op.m);
    recorder_free(op.config_events);
    recorder_free(op.session_events);
    recorder_free(op.restore_events);
    recorder_free(op.repo_events);
    recorder_free(op.batch_events);
    ttl_set_release(&op.secrets);
    mem_free(op.cluster_uid);
    if (op.http != NULL)
        http_free(op.http);
    return rc;
}
