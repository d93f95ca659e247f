/* SPDX-License-Identifier: Apache-2.0 */
/* BackupConfiguration: is everything there, and then its CronJob. Source: Stash. */
#include "base/clock.h"
#include "base/mem.h"
#include "operator/operator_internal.h"
#include "operator/phase.h"

enum { LABELS_MS = 60 * 1000 };

static void
tell_no_cron_job(struct ctx *cx, struct operator* op, const struct invoker *inv, struct json *now,
                 const struct err *why)
{
    if (condition_set(json_field(now, "status"), COND_CRONJOB_CREATED, COND_FALSE, why->msg))
        recorder_event(cx, op->backupconfiguration.events, now, "Warning",
                       "CronJob Creation Failed",
                       "failed to ensure CronJob for BackupConfiguration %s/%s. Reason: %s",
                       inv->ns, inv->name, why->msg);
}

/* The CronJob follows the object even when something it needs has gone since. */
static void
make_cron_job(struct ctx *cx, struct operator* op, const struct invoker *inv, struct json *now,
              struct ctl_result *out)
{
    struct json *status = json_field(now, "status");
    struct err e = ERR_INIT;

    if (ensure_cron_job(cx, op, inv, &e) == RC_OK) {
        (void)condition_set(status, COND_CRONJOB_CREATED, COND_TRUE, NULL);
        return;
    }
    if (e.code == RC_CANCELLED)
        return;
    out->requeue_after_ms = OPERATOR_RETRY_MS;
    tell_no_cron_job(cx, op, inv, now, &e);
}

/* Would its pod be one? Task, Functions and variables, as the next session would find them. */
static bool
check_task(struct ctx *cx, struct operator* op, const struct invoker *inv, const struct json *repo,
           struct json *now)
{
    struct teller to = {cx, op->backupconfiguration.events, now, "Warning"};
    struct json *status = json_field(now, "status");
    struct err why = ERR_INIT;

    if (run_check(cx, op, inv, repo, &why) == RC_OK) {
        (void)condition_set(status, COND_TASK_FOUND, COND_TRUE, NULL);
        return true;
    }
    condition_tell(&to, status, COND_TASK_FOUND, COND_FALSE, why.msg);
    return false;
}

static enum rc
configuration_step(struct ctx *cx, struct operator* op, const struct invoker *inv, struct json *now,
                   struct ctl_result *out, struct err *e)
{
    struct json *status = json_need_object(now, "status"), *repo = NULL;
    bool ok = true, found = false, usable;
    struct err why = ERR_INIT;
    enum rc rc = RC_OK;

    json_set_int(status, "observedGeneration", kube_generation(now));
    if (object_is_bad(cx, op->backupconfiguration.events, &kind_backupconfiguration, inv->obj,
                      status)) {
        json_set_cstr(status, "phase", "Invalid");
        if (invoker_check_schedule(inv, clock_real_ms(), &why))
            tell_no_cron_job(cx, op, inv, now, &why);
        untell_sharing(op, inv, status);
        return remove_foreign_rbac(cx, op, inv, NULL, e);
    }
    tell_ignored(cx, op->backupconfiguration.events, &kind_backupconfiguration, now, status);
    tell_sharing(cx, op, inv, now, status);
    tell_blueprint(cx, op, now, status);
    rc = check_needs(cx, op, inv, status, &repo, &ok, e);
    usable = repo != NULL && !condition_is_false(status, COND_VALIDATION_PASSED);
    if (usable && repository_asks_labels(repo)) /* nobody tells when a namespace's labels change */
        out->requeue_after_ms = LABELS_MS;
    if (rc == RC_OK)
        rc = remove_foreign_rbac(cx, op, inv, usable ? inv->repo_ns : NULL, e);
    if (rc == RC_OK)
        rc = check_target(cx, op, inv, status, &found, e);
    if (rc == RC_OK && ok && found)
        ok = check_task(cx, op, inv, repo, now);
    json_free(repo);
    if (rc != RC_OK)
        return rc;
    if (ok && found)
        make_cron_job(cx, op, inv, now, out);
    else
        out->requeue_after_ms = OPERATOR_RETRY_MS;
    json_set_cstr(status, "phase", phase_configuration(status, inv->driver));
    return RC_OK;
}

static enum rc
configuration_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name,
                        struct ctl_result *out, struct err *e)
{
    struct operator* op =(struct operator*) arg;
    CLEANUP(json_free_ptr) struct json *obj = cache_get(op->backupconfiguration.cache, ns, name);
    CLEANUP(json_free_ptr) struct json *now = NULL;
    struct invoker inv;
    enum rc rc;

    if (obj == NULL)
        return RC_OK;
    invoker_view(obj, &inv);
    if (kube_is_deleting(obj)) {
        struct deletion l = {
            .obj = obj, .finalizer = FINALIZER_INVOKER, .kind = &op->backupconfiguration};
        return finalize_invoker(cx, op, &l, &inv, out, e);
    }
    if (!kube_has_finalizer(obj, FINALIZER_INVOKER)) {
        rc =
            write_finalizer(cx, op, op->backupconfiguration.cache, obj, FINALIZER_INVOKER, true, e);
        if (rc != RC_OK)
            return rc == RC_NOT_FOUND ? RC_OK : rc;
        json_free(obj);
        obj = cache_get(op->backupconfiguration.cache, ns, name);
        if (obj == NULL)
            return RC_OK;
        invoker_view(obj, &inv);
    }
    now = json_clone(obj);
    rc = configuration_step(cx, op, &inv, now, out, e);
    if (rc == RC_OK)
        rc = write_status(cx, op, op->backupconfiguration.cache, &GVR_BACKUP_CONFIGURATION, obj,
                          now, e);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
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
on_app_binding(void *arg, const struct json *old, const struct json *now)
{
    struct operator* op =(struct operator*) arg;
    const struct json *app = now != NULL ? now : old;
    char *key;
    struct json *keys;

    if (old != NULL && now != NULL && kube_generation(old) == kube_generation(now))
        return;
    key = key3(kube_ns(app), GVR_APP_BINDING.kind, kube_name(app));
    keys = cache_keys_by(op->backupconfiguration.cache, BY_TARGET, key);
    for (size_t i = 0; i < json_size(keys); i++)
        workq_add(controller_queue(op->backupconfiguration.ctl), json_text(json_elem(keys, i)));
    json_free(keys);
    mem_free(key);
}

static void
configuration_wire(struct operator* op, struct watched *own)
{
    cache_add_index(own->cache, BY_TARGET, index_target);
    cache_on_change(op->appbinding.cache, on_app_binding, op);
    controller_watch(own->ctl, op->cron_jobs, controller_map_owner,
                     (void *)(uintptr_t)GVR_BACKUP_CONFIGURATION.kind);
}

const struct watched_ops watched_backupconfiguration = {.reconcile = configuration_reconcile,
                                                        .component =
                                                            "BackupConfiguration Controller",
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

    if (old != NULL && (now == NULL || kube_generation(old) != kube_generation(now)))
        cache_each(op->backupconfiguration.cache, NULL, look_again, op->backupconfiguration.ctl);
}

static void
catalog_wire(struct operator* op, struct watched *own)
{
    cache_on_change(own->cache, on_catalog, op);
}

const struct watched_ops watched_task = {.wire = catalog_wire};
const struct watched_ops watched_function = {.wire = catalog_wire};
