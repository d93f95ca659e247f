/* SPDX-License-Identifier: Apache-2.0 */
/* BackupConfiguration and BackupBatch: is everything there, and then the CronJob. Source: Stash. */
#include "base/clock.h"
#include "base/mem.h"
#include "operator/objective.h"
#include "operator/operator_internal.h"
#include "operator/phase.h"
#include "operator/slots.h"

enum { LABELS_MS = 60 * 1000 };

/* One reconcile. */
struct config_work {
    struct ctx *cx;
    struct operator* op;
    struct watched *own; /* of its kind */
    const struct crd_def *kind;
    struct invoker inv; /* on the first member of the object as it is */
    struct json *now, *status;
    struct ctl_result *out;
};

static void
tell_no_cron_job(struct config_work *w, const struct err *why)
{
    if (condition_set(w->status, COND_CRONJOB_CREATED, COND_FALSE, why->msg))
        recorder_event(w->cx, w->own->events, w->now, "Warning", "CronJob Creation Failed",
                       "failed to ensure CronJob for %s %s/%s. Reason: %s", w->inv.kind, w->inv.ns,
                       w->inv.name, why->msg);
}

/* The CronJob follows the object even when something it needs has gone since. */
static void
make_cron_job(struct config_work *w)
{
    struct err e = ERR_INIT;

    if (ensure_cron_job(w->cx, w->op, &w->inv, &e) == RC_OK) {
        (void)condition_set(w->status, COND_CRONJOB_CREATED, COND_TRUE, NULL);
        return;
    }
    if (e.code == RC_CANCELLED)
        return;
    w->out->requeue_after_ms = OPERATOR_RETRY_MS;
    tell_no_cron_job(w, &e);
}

/* Would its pod be one? Task, Functions and variables, as the next session would find them. */
static bool
check_task(struct config_work *w, const struct invoker *m, const struct json *repo,
           struct json *holder)
{
    struct teller to = {w->cx, w->own->events, w->now, "Warning"};
    struct err why = ERR_INIT;
    char note[RUN_NOTE];

    if (run_check(w->cx, w->op, m, repo, note, &why) == RC_OK) {
        if (note[0] == '\0')
            (void)condition_set(holder, COND_TASK_FOUND, COND_TRUE, NULL);
        else
            condition_tell(&to, holder, COND_TASK_FOUND, COND_TRUE, note);
        return true;
    }
    condition_tell(&to, holder, COND_TASK_FOUND, COND_FALSE, why.msg);
    return false;
}

/* Where the conditions of each member stand: the status itself, or entries of memberConditions, one for each and no more. */
static void
list_members(struct config_work *w)
{
    const struct json *was = json_field(w->status, "memberConditions");
    struct json *list;
    struct invoker m;

    if (!w->inv.batch)
        return;
    list = json_new_array();
    for (size_t i = 0; i < w->inv.n; i++) {
        struct json *entry = NULL;

        invoker_member(&w->inv, i, &m);
        for (size_t k = 0; k < json_size(was) && entry == NULL; k++)
            if (invoker_is_target(&m, json_field(json_elem(was, k), "target")))
                entry = json_clone(json_elem(was, k));
        if (entry == NULL) {
            entry = json_new_object();
            json_set(entry, "target", invoker_target_ref(&m));
        }
        json_push(list, entry);
    }
    json_set(w->status, "memberConditions", list);
}

/* Are the targets of all members there? And, with the Repository, their Tasks? */
static enum rc
check_members(struct config_work *w, const struct json *repo, bool ok, bool *all, struct err *e)
{
    list_members(w);
    *all = ok;
    for (size_t i = 0; i < w->inv.n; i++) {
        struct json *holder = w->status;
        struct invoker m;
        bool found = false;

        invoker_member(&w->inv, i, &m);
        if (m.batch)
            holder = json_elem(json_field(w->status, "memberConditions"), i);
        if (check_target(w->cx, w->op, &m, holder, &found, e))
            return err_code(e);
        *all = (!ok || !found || check_task(w, &m, repo, holder)) && found && *all;
    }
    return RC_OK;
}

/* It can never make a backup as it is. */
static enum rc
configuration_refuse(struct config_work *w, struct err *e)
{
    struct err why = ERR_INIT;

    json_set_cstr(w->status, "phase", "Invalid");
    if (invoker_check_schedule(&w->inv, clock_real_ms(), &why))
        tell_no_cron_job(w, &why);
    untell_sharing(w->op, &w->inv, w->status);
    return remove_foreign_rbac(w->cx, w->op, &w->inv, NULL, e);
}

static enum rc
configuration_check(struct config_work *w, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *repo = NULL;
    bool ok = true, all = false, usable;

    slots_note(w->now, w->status, clock_real_ms());
    json_set_int(w->status, "observedGeneration", kube_generation(w->now));
    if (object_is_bad(w->cx, w->own->events, w->kind, w->inv.obj, w->status))
        return configuration_refuse(w, e);
    tell_ignored(w->cx, w->own->events, w->kind, w->now, w->status);
    tell_sharing(w->cx, w->op, &w->inv, w->now, w->status);
    tell_blueprint(w->cx, w->op, w->now, w->status);
    if (check_needs(w->cx, w->op, &w->inv, w->status, &repo, &ok, e))
        return err_code(e);
    usable = repo != NULL && !condition_is_false(w->status, COND_VALIDATION_PASSED);
    if (usable && repository_asks_labels(repo)) /* nobody tells when a namespace's labels change */
        w->out->requeue_after_ms = LABELS_MS;
    if (remove_foreign_rbac(w->cx, w->op, &w->inv, usable ? w->inv.repo_ns : NULL, e) ||
        check_members(w, repo, ok, &all, e))
        return err_code(e);
    if (all)
        make_cron_job(w);
    else
        w->out->requeue_after_ms = OPERATOR_RETRY_MS;
    json_set_cstr(w->status, "phase", phase_configuration(w->status, w->inv.driver));
    return RC_OK;
}

/* What a person asks for is measured, whatever becomes of the rest. */
static void
configuration_objectives(struct config_work *w)
{
    struct teller to = {w->cx, w->own->events, w->now, "Warning"};
    int64_t now = clock_real_ms(), next = objective_next_ms(w->now, now),
            *again = &w->out->requeue_after_ms;

    objectives_tell(&to, w->now, w->status, now);
    if (next != 0)
        *again = *again == 0 ? next : MIN(*again, next);
}

static enum rc
configuration_step(struct config_work *w, struct err *e)
{
    if (configuration_check(w, e))
        return err_code(e);
    configuration_objectives(w);
    return RC_OK;
}

static enum rc
configuration_go(struct ctx *cx, struct operator* op, struct watched *own,
                 const struct crd_def *kind, const char *ns, const char *name,
                 struct ctl_result *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = cache_get(own->cache, ns, name);
    CLEANUP(json_free_ptr) struct json *now = NULL;
    struct config_work w = {.cx = cx, .op = op, .own = own, .kind = kind, .out = out};
    enum rc rc;

    if (obj == NULL)
        return RC_OK;
    invoker_view(obj, &w.inv);
    if (kube_is_deleting(obj)) {
        struct deletion l = {.obj = obj, .finalizer = FINALIZER_INVOKER, .kind = own};
        return finalize_invoker(cx, op, &l, &w.inv, out, e);
    }
    if (!kube_has_finalizer(obj, FINALIZER_INVOKER)) {
        rc = write_finalizer(cx, op, own->cache, obj, FINALIZER_INVOKER, true, e);
        if (rc != RC_OK)
            return rc == RC_NOT_FOUND ? RC_OK : rc;
        json_free(obj);
        obj = cache_get(own->cache, ns, name);
        if (obj == NULL)
            return RC_OK;
        invoker_view(obj, &w.inv);
    }
    w.now = now = json_clone(obj);
    w.status = json_need_object(now, "status");
    rc = configuration_step(&w, e);
    if (rc == RC_OK)
        rc = write_status(cx, op, own->cache, kind->gvr, obj, now, e);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc
configuration_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name,
                        struct ctl_result *out, struct err *e)
{
    struct operator* op =(struct operator*) arg;

    return configuration_go(cx, op, &op->backupconfiguration, &kind_backupconfiguration, ns, name,
                            out, e);
}

static enum rc
batch_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name, struct ctl_result *out,
                struct err *e)
{
    struct operator* op =(struct operator*) arg;

    return configuration_go(cx, op, &op->backupbatch, &kind_backupbatch, ns, name, out, e);
}

/* ---- whose changes concern it ---- */

static void
index_target(const struct json *obj, cache_emit_fn *emit, void *to)
{
    struct invoker inv;

    invoker_view(obj, &inv);
    for (size_t i = 0; i < inv.n; i++) {
        CLEANUP(mem_free_ptr) char *key = NULL;

        invoker_member(&inv, i, &inv);
        key = key3(inv.target_ns, inv.target_kind, inv.target_name);
        emit(to, key);
    }
}

static void
on_app_binding(void *arg, const struct json *old, const struct json *now)
{
    const struct watched *own = (const struct watched *)arg;
    const struct json *app = now != NULL ? now : old;
    CLEANUP(mem_free_ptr) char *key = NULL;
    CLEANUP(json_free_ptr) struct json *keys = NULL;

    if (old != NULL && now != NULL && kube_generation(old) == kube_generation(now))
        return;
    key = key3(kube_ns(app), GVR_APP_BINDING.kind, kube_name(app));
    keys = cache_keys_by(own->cache, BY_TARGET, key);
    for (size_t i = 0; i < json_size(keys); i++)
        workq_add(controller_queue(own->ctl), json_text(json_elem(keys, i)));
}

static void
configuration_wire(struct operator* op, struct watched *own)
{
    cache_add_index(own->cache, BY_TARGET, index_target);
    cache_on_change(op->appbinding.cache, on_app_binding, own);
    controller_watch(own->ctl, op->cron_jobs, controller_map_owner,
                     (void *)(uintptr_t)cache_kind(own->cache)->kind);
}

const struct watched_ops watched_backupconfiguration = {.reconcile = configuration_reconcile,
                                                        .component =
                                                            "BackupConfiguration Controller",
                                                        .wire = configuration_wire};
const struct watched_ops watched_backupbatch = {.reconcile = batch_reconcile,
                                                .component = "BackupBatch Controller",
                                                .wire = configuration_wire};

/* ---- what it needs: Tasks and Functions ---- */

static void
look_again(void *arg, const struct json *config)
{
    controller_enqueue((struct controller *)arg, kube_ns(config), kube_name(config));
}

/* A Task or Function that is changed or goes concerns whoever may use it. */
static void
on_catalog(void *arg, const struct json *old, const struct json *now)
{
    struct operator* op =(struct operator*) arg;

    if (old == NULL || (now != NULL && kube_generation(old) == kube_generation(now)))
        return;
    cache_each(op->backupconfiguration.cache, NULL, look_again, op->backupconfiguration.ctl);
    cache_each(op->backupbatch.cache, NULL, look_again, op->backupbatch.ctl);
}

static void
catalog_wire(struct operator* op, struct watched *own)
{
    cache_on_change(own->cache, on_catalog, op);
}

const struct watched_ops watched_task = {.wire = catalog_wire};
const struct watched_ops watched_function = {.wire = catalog_wire};
