/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RestoreSession: from Pending to a final phase; the session is its own invoker. Source: Stash,
 * with its dead ends closed: a Repository that may not be used stops it, Jobs are watched, timeOut
 * stops them.
 */
#include "api/duration.h"
#include "base/clock.h"
#include "base/mem.h"
#include "operator/operator_internal.h"
#include "operator/phase.h"

struct work {
    struct ctx *cx;
    struct world *op;
    struct invoker inv;
    struct json *was, *now, *status;
    struct ctl_result *out;
};

enum { LOOK_MS = 15 * 1000 };

static void
take_fresh(struct work *w, struct json *take)
{
    json_free(w->was);
    json_free(w->now);
    w->was = take;
    w->now = json_clone(take);
    w->status = json_need_object(w->now, "status");
    invoker_view(w->now, &w->inv);
}

static enum rc
save(struct work *w, struct err *e)
{
    const char *phase = phase_restore(w->status);
    char took[DURATION_TEXT];
    struct json *fresh;

    json_set_cstr(w->status, "phase", phase);
    if (phase_is_final(phase) && json_field(w->status, "sessionDuration") == NULL)
        json_set_cstr(w->status, "sessionDuration",
                      duration_format_s(clock_real_ms() - kube_created_ms(w->now), took));
    if (write_status(w->cx, w->op, w->op->restores, &RES_RESTORE_SESSION, w->was, w->now, e))
        return e->code;
    fresh = cache_get(w->op->restores, kube_ns(w->now), kube_name(w->now));
    if (fresh == NULL)
        return err_set(e, RC_NOT_FOUND, "the RestoreSession is gone");
    take_fresh(w, fresh);
    return RC_OK;
}

static enum rc
report(struct work *w, struct err *e)
{
    const char *phase;

    report_metrics(w->cx, w->op, &w->inv, w->now, w->status);
    phase = phase_restore(w->status);
    recorder_event(w->cx, w->op->restore_events, w->now,
                   strcmp(phase, "Succeeded") == 0 || strcmp(phase, DRY_RUN_PHASE) == 0 ? "Normal"
                                                                                        : "Warning",
                   "RestoreSessionFinished", "restore session %s", phase);
    return save(w, e);
}

static void
fail_host(struct work *w, const char *why)
{
    struct json *stats = json_need_array(w->status, "stats"), *one;

    if (json_field(w->status, "totalHosts") == NULL)
        json_set_int(w->status, "totalHosts", 1);
    if (json_size(stats) > 0)
        return; /* what the Job said itself is better */
    one = json_new_object();
    json_set_cstr(one, "hostname", w->inv.alias);
    json_set_cstr(one, "phase", "Failed");
    json_set_cstr(one, "error", why);
    json_push(stats, one);
}

/* Stands in the status before the Job goes, as with a backup. */
static bool
is_given_up(struct work *w)
{
    return condition_is_true(w->status, "DeadlineExceeded") ||
           condition_is_true(w->status, "RestoreDisrupted");
}

static enum rc
end_given_up(struct work *w, struct err *e)
{
    struct run run = {.inv = &w->inv, .session = w->now};
    char *job = run_job_name(&run);
    enum rc rc = ensure_gone(w->cx, w->op, &KUBE_JOB, w->inv.ns, job, "Background", e);

    mem_free(job);
    return rc != RC_OK ? rc : report(w, e);
}

static enum rc
end_at_deadline(struct work *w, struct err *e)
{
    char took[DURATION_TEXT], text[200];

    (void)snprintf(text, sizeof(text), "Failed to complete restore within %s.",
                   duration_format(w->inv.timeout_ms, took));
    (void)condition_set(w->status, "DeadlineExceeded", "True", "FailedToCompleteWithinDeadline",
                        text);
    fail_host(w, text);
    if (save(w, e))
        return e->code;
    recorder_event(w->cx, w->op->restore_events, w->now, "Warning", "DeadlineExceeded", "%s", text);
    return end_given_up(w, e);
}

static enum rc
end_disrupted(struct work *w, const char *why, struct err *e)
{
    char text[WHY_TEXT + 80];

    (void)snprintf(text, sizeof(text), "The restore Job ended without a result: %s", why);
    (void)condition_set(w->status, "RestoreDisrupted", "True", "FailedToCompleteDueToDisruption",
                        text);
    fail_host(w, why);
    if (save(w, e))
        return e->code;
    recorder_event(w->cx, w->op->restore_events, w->now, "Warning", "RestoreDisrupted", "%s", text);
    return end_given_up(w, e);
}

static enum rc
begin(struct work *w, const struct json *repo, struct err *e)
{
    struct run run = {.inv = &w->inv, .session = w->now, .repo = repo};
    char text[API_TIME_TEXT], said[300];
    struct err why = ERR_INIT;
    enum rc rc;

    json_set_int(w->status, "totalHosts", 1);
    if (w->inv.timeout_ms > 0) {
        run.deadline_ms = kube_created_ms(w->now) + w->inv.timeout_ms;
        json_set_cstr(w->status, "sessionDeadline", api_time(run.deadline_ms, text));
    }
    if (save(w, e))
        return e->code;
    run.session = w->now;
    rc = ensure_job(w->cx, w->op, &run, &why);
    if (rc != RC_OK && (why.retry || rc == RC_CANCELLED || rc == RC_CONFLICT)) {
        *e = why;
        return rc;
    }
    if (rc == RC_OK) {
        (void)snprintf(said, sizeof(said),
                       "Restorer job/init-container has been ensured successfully for %s %s/%s.",
                       w->inv.target_kind, w->inv.target_ns, w->inv.target_name);
        (void)condition_set(w->status, "RestoreExecutorEnsured", "True",
                            "SuccessfullyEnsuredRestoreExecutor", said);
        return save(w, e);
    }
    (void)condition_set(w->status, "RestoreExecutorEnsured", "False",
                        "FailedToEnsureRestoreExecutor", why.msg);
    fail_host(w, why.msg);
    recorder_event(w->cx, w->op->restore_events, w->now, "Warning", "FailedToEnsureRestoreExecutor",
                   "%s", why.msg);
    return report(w, e);
}

/* Everything there and allowed? Then the Job. */
static enum rc
start(struct work *w, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *repo = NULL;
    bool ok = false, found = false;

    if (object_is_bad(w->cx, w->op->restore_events, &kind_restoresession, w->now, w->status))
        return save(w, e);
    tell_ignored(w->cx, w->op->restore_events, w->now, w->status);
    if (check_needs(w->cx, w->op, &w->inv, w->status, &repo, &ok, e) ||
        (ok && check_target(w->cx, w->op, &w->inv, w->status, "RestoreTargetFound", &found, e)))
        return e->code;
    if (ok && found)
        return begin(w, repo, e);
    w->out->requeue_after_ms = OPERATOR_RETRY_MS;
    return save(w, e);
}

static bool
hook_is_due(struct work *w, enum outcome job)
{
    return job <= OUTCOME_WAITING && json_field(w->inv.hooks, "postRestore") != NULL &&
           !condition_is_false(w->status, "PreRestoreHookExecutionSucceeded") &&
           condition_find(w->status, "PostRestoreHookExecutionSucceeded") == NULL;
}

static enum rc
watch_job(struct work *w, struct err *e)
{
    struct run run = {.inv = &w->inv, .session = w->now};
    char *job = run_job_name(&run), why[WHY_TEXT];
    enum outcome o = OUTCOME_GOING;
    enum rc rc = job_outcome(w->cx, w->op, w->inv.ns, job, &o, why, e);
    int64_t deadline = kube_time_ms(json_field(w->status, "sessionDeadline")),
            left = deadline - clock_real_ms();
    struct json *fresh = NULL;

    mem_free(job);
    if (rc != RC_OK)
        return rc;
    if (phase_restore_target(w->status) == NULL && o >= OUTCOME_DONE) {
        /* The cache of Jobs may be ahead of ours. */
        if (kube_get(w->cx, w->op->k, &RES_RESTORE_SESSION, w->inv.ns, w->inv.name, &fresh, e))
            return e->code;
        cache_note(w->op->restores, fresh);
        take_fresh(w, fresh);
    }
    if (phase_restore_target(w->status) != NULL)
        return hook_is_due(w, o) ? save(w, e) : report(w, e);
    if (deadline != 0 && (left <= 0 || (o == OUTCOME_DEAD && strstr(why, "deadline") != NULL)))
        return end_at_deadline(w, e);
    if (o == OUTCOME_DEAD)
        return end_disrupted(w, why, e);
    if (o == OUTCOME_DONE)
        return end_disrupted(w, "the Job completed, but wrote no result", e);
    if (o == OUTCOME_WAITING) {
        recorder_event(w->cx, w->op->restore_events, w->now, "Warning", "RestoreWaiting", "%s",
                       why);
        w->out->requeue_after_ms = LOOK_MS;
    }
    if (deadline != 0)
        w->out->requeue_after_ms =
            w->out->requeue_after_ms == 0 ? left : MIN(left, w->out->requeue_after_ms);
    return save(w, e);
}

/* Operators of KubeDB follow their databases' RestoreSessions by these labels. */
static enum rc
copy_labels(struct work *w, struct err *e)
{
    static const char *const labels[] = {"app.kubernetes.io/instance", LABEL_MANAGED_BY,
                                         "app.kubernetes.io/name"};
    CLEANUP(json_free_ptr) struct json *app = NULL;
    CLEANUP(json_free_ptr) struct json *patch = NULL;
    struct json *to, *out = NULL;

    app = target_app(w->cx, w->op, &w->inv);
    if (app == NULL || kube_label(app, LABEL_MANAGED_BY) == NULL ||
        strcmp(kube_label(app, LABEL_MANAGED_BY), "kubedb.com") != 0)
        return RC_OK;
    patch = json_new_object();
    to = json_need_object(json_need_object(patch, "metadata"), "labels");
    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        if (kube_label(app, labels[i]) != NULL)
            json_set_cstr(to, labels[i], kube_label(app, labels[i]));
    if (covers(json_dig(w->now, "metadata", "labels"), to))
        return RC_OK;
    if (kube_patch(w->cx, w->op->k, &RES_RESTORE_SESSION, w->inv.ns, w->inv.name, KUBE_PATCH_MERGE,
                   patch, NULL, &out, e))
        return err_wrap(e, "could not copy the labels of the database");
    cache_note(w->op->restores, out);
    take_fresh(w, out);
    return RC_OK;
}

/* A Repository that may not be used any more is not, even while a Job runs. */
static enum rc
check_rights(struct work *w, struct err *e)
{
    CLEANUP(json_free_ptr)
    struct json *repo = cache_get(w->op->repos, w->inv.repo_ns, w->inv.repo_name);
    struct err why = ERR_INIT;
    enum rc rc = repo == NULL ? RC_DENIED : usage_check(w->cx, w->op, &w->inv, repo, &why);

    if (rc != RC_OK && rc != RC_DENIED) {
        *e = why;
        return rc;
    }
    return remove_foreign_rbac(w->cx, w->op, &w->inv, rc == RC_OK ? w->inv.repo_ns : NULL, e);
}

static enum rc
step(struct work *w, struct err *e)
{
    if (kube_is_deleting(w->now)) {
        struct leaving l = {.obj = w->now,
                            .finalizer = FINALIZER_INVOKER,
                            .cache = w->op->restores,
                            .events = w->op->restore_events};
        return finalize_invoker(w->cx, w->op, &l, &w->inv, w->out, e);
    }
    if (!kube_has_finalizer(w->now, FINALIZER_INVOKER)) {
        struct json *fresh;

        if (write_finalizer(w->cx, w->op, w->op->restores, w->now, FINALIZER_INVOKER, true, e))
            return e->code;
        fresh = cache_get(w->op->restores, w->inv.ns, w->inv.name);
        if (fresh == NULL)
            return RC_OK;
        take_fresh(w, fresh);
    }
    if (phase_is_final(json_text_or(json_field(w->status, "phase"), "")))
        return remove_foreign_rbac(w->cx, w->op, &w->inv, NULL, e);
    if (copy_labels(w, e) || check_rights(w, e))
        return e->code;
    if (is_given_up(w))
        return end_given_up(w, e);
    if (condition_is_false(w->status, "RestoreExecutorEnsured"))
        return report(w, e);
    return condition_find(w->status, "RestoreExecutorEnsured") == NULL ? start(w, e)
                                                                       : watch_job(w, e);
}

enum rc
reconcile_restore(struct ctx *cx, void *arg, const char *ns, const char *name,
                  struct ctl_result *out, struct err *e)
{
    struct world *op = (struct world *)arg;
    struct json *obj = cache_get(op->restores, ns, name);
    struct work w = {.cx = cx, .op = op, .out = out};
    enum rc rc;

    if (obj == NULL)
        return RC_OK;
    take_fresh(&w, obj);
    rc = step(&w, e);
    json_free(w.was);
    json_free(w.now);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}
