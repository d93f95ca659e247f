/* SPDX-License-Identifier: Apache-2.0 */
/* Caches and controllers of all kinds; then run until told to stop. What is done about a kind stands in its own file. */
#include "operator/operator.h"

#include "base/log.h"
#include "base/mem.h"
#include "ctl/lease.h"
#include "operator/operator_internal.h"
#include "operator/server.h"

/* ---- indexes ---- */

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

/* ---- trigger Jobs go when they are done ---- */

static enum rc
trigger_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name,
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

/* Every kind of ours: what it is, what is done about it, and where it stands in a struct operator. */
static const struct row {
    const struct crd_def *kind;
    const struct watched_ops *ops;
    size_t at;
} rows[] = {
#define WATCHED_ROW(name, word) {&kind_##name, &watched_##name, offsetof(struct operator, name)},
    KINDS(WATCHED_ROW)
#undef WATCHED_ROW
};

static struct watched *
row_of(struct operator* op, const struct row *r)
{
    return (struct watched *)(void *)((char *)op + r->at);
}

static struct cache *
make_cache(struct operator* op, const struct kube_gvr *gvr, const struct watched_ops *ops)
{
    struct cache_opts o = {
        .kind = gvr,
        .ns = gvr->namespaced ? op->opts->watch_namespace : NULL,
        .trim = ops != NULL ? ops->trim : NULL,
        .optional = ops != NULL && ops->optional,
        .label_selector = ops == NULL ? LABEL_MANAGED_BY "=" MANAGED_BY_STASH : NULL,
    };

    return manager_cache(op->m, &o);
}

/* Of Kubernetes' own kinds only the objects that we made. */
static void make_caches(struct operator* op)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        row_of(op, &rows[i])->cache = make_cache(op, rows[i].kind->gvr, rows[i].ops);
    op->cron_jobs = make_cache(op, &KUBE_CRON_JOB, NULL);
    op->jobs = make_cache(op, &KUBE_JOB, NULL);
    op->pods = make_cache(op, &KUBE_POD, NULL);
    op->accounts = make_cache(op, &KUBE_SERVICE_ACCOUNT, NULL);
    op->bindings = make_cache(op, &KUBE_ROLE_BINDING, NULL);
    cache_add_index(op->pods, BY_JOB, index_job);
    cache_add_index(op->bindings, BY_NAME, index_name);
}

static void make_recorders(struct operator* op)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct recorder_opts o = {.component = rows[i].ops->component};

        if (o.component != NULL)
            row_of(op, &rows[i])->events = recorder_new(op->k, &o);
    }
}

static enum rc
add_controller(struct operator* op, const char *name, reconcile_fn *fn, struct cache *own,
               struct controller **out, struct err *e)
{
    struct controller_opts o = {.name = name,
                                .reconcile = fn,
                                .arg = op,
                                .workers = op->opts->workers > 0 ? op->opts->workers : 2};

    if (controller_new(&o, out, e))
        return err_code(e);
    manager_add(op->m, *out);
    controller_watch(*out, own, controller_map_self, NULL);
    return RC_OK;
}

static enum rc
make_controllers(struct operator* op, struct err *e)
{
    struct controller *trigger;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct watched *w = row_of(op, &rows[i]);

        if (rows[i].ops->reconcile != NULL &&
            add_controller(op, rows[i].kind->singular, rows[i].ops->reconcile, w->cache, &w->ctl,
                           e))
            return err_code(e);
    }
    if (add_controller(op, "trigger", trigger_reconcile, op->jobs, &trigger, e))
        return err_code(e);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].ops->wire != NULL)
            rows[i].ops->wire(op, row_of(op, &rows[i]));
    return RC_OK;
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
    make_recorders(&op);
    make_caches(&op);
    rc = operator_work(cx, &op, e);
    manager_free(op.m);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (row_of(&op, &rows[i])->events != NULL)
            recorder_free(row_of(&op, &rows[i])->events);
    ttl_set_release(&op.secrets);
    mem_free(op.cluster_uid);
    if (op.http != NULL)
        http_free(op.http);
    return rc;
}
