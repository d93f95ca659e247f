/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BackupSession: from Pending to a final phase.
 *
 *     Pending --(turn comes)--> target entry --> Job --(update-status writes host results)-->
 *     post hook --> history --> metrics --> Succeeded | Failed
 *         \--(invoker not ready, or another one runs)--> Skipped
 *
 * Each arrow is one write of the status; a reconcile goes as far as the world lets it. Source:
 * Stash, with its dead ends closed: Jobs are watched, timeOut stops them.
 */
#include "api/duration.h"
#include "base/clock.h"
#include "base/mem.h"
#include "operator/history.h"
#include "operator/operator_internal.h"
#include "operator/phase.h"

struct work {
    struct ctx *cx;
    struct world *op;
    const struct invoker *inv;
    const struct json *was; /* as the cache has it */
    struct json *now;       /* as it shall be */
    struct json *status;    /* of now */
    struct ctl_result *out;
};

enum { TURN_MS = 5000, OLDER_MS = 1000, LOOK_MS = 15 * 1000 };

static const char *
phase_of(const struct json *session)
{
    return json_text_or(json_dig(session, "status", "phase"), "");
}

static bool
is_over(const struct json *session)
{
    return phase_is_final(phase_of(session));
}

static struct json *
own_target(const struct work *w)
{
    const struct json *targets = json_field(w->status, "targets");

    for (size_t i = 0; i < json_size(targets); i++)
        if (invoker_is_target(w->inv, json_field(json_elem(targets, i), "ref")))
            return json_elem(targets, i);
    return NULL;
}

static struct json *
need_target(struct work *w)
{
    struct json *t = own_target(w);

    if (t == NULL) {
        t = json_new_object();
        json_set(t, "ref", invoker_target_ref(w->inv));
        json_push(json_need_array(w->status, "targets"), t);
    }
    return t;
}

/* Phases follow from the rest; the duration is written once. */
static void
settle(struct work *w)
{
    struct json *targets = json_field(w->status, "targets");
    char took[DURATION_TEXT];
    const char *phase;

    for (size_t i = 0; i < json_size(targets); i++) {
        struct json *t = json_elem(targets, i);

        json_set_cstr(t, "phase", phase_target(t));
    }
    phase = phase_session(w->status);
    json_set_cstr(w->status, "phase", phase);
    if (phase_is_final(phase) && json_field(w->status, "sessionDuration") == NULL)
        json_set_cstr(w->status, "sessionDuration",
                      duration_format_s(clock_real_ms() - kube_created_ms(w->now), took));
}

/* Write what changed so far, and go on from what the server made of it. */
static enum rc
save(struct work *w, struct err *e)
{
    struct json *fresh;

    settle(w);
    if (write_status(w->cx, w->op, w->op->sessions, &RES_BACKUP_SESSION, w->was, w->now, e))
        return e->code;
    fresh = cache_get(w->op->sessions, kube_ns(w->now), kube_name(w->now));
    if (fresh == NULL)
        return err_set(e, RC_NOT_FOUND, "the BackupSession is gone");
    json_free(w->now);
    json_free((struct json *)(uintptr_t)w->was);
    w->was = fresh;
    w->now = json_clone(fresh);
    w->status = json_need_object(w->now, "status");
    return RC_OK;
}

/* ---- whose turn is it ---- */

static bool
is_older(const struct json *a, const struct json *b)
{
    int64_t at_a = kube_created_ms(a), at_b = kube_created_ms(b);

    if (at_a != at_b)
        return at_a < at_b;
    return strcmp(kube_name(a), kube_name(b)) != 0 ? strcmp(kube_name(a), kube_name(b)) < 0
                                                   : strcmp(kube_ns(a), kube_ns(b)) < 0;
}

/* The first session of an invoker, but ours, that runs (or, of those waiting, is older). */
static const char *
other_session(struct work *w, const char *ns, const char *kind, const char *name, bool running,
              char *found, size_t n)
{
    char *key = key3(ns, kind, name);
    struct json *list = cache_by(w->op->sessions, BY_INVOKER, key);

    found[0] = '\0';
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *s = json_elem(list, i);

        if (is_over(s) || kube_is_deleting(s) ||
            (strcmp(kube_name(s), kube_name(w->now)) == 0 &&
             strcmp(kube_ns(s), kube_ns(w->now)) == 0))
            continue;
        if (strcmp(phase_of(s), "Running") == 0 ? running : !running && is_older(s, w->now)) {
            (void)snprintf(found, n, "%s", kube_name(s));
            break;
        }
    }
    json_free(list);
    mem_free(key);
    return found[0] != '\0' ? found : NULL;
}

/* Another configuration's session on the same target that goes first? */
static bool
target_is_busy(struct work *w)
{
    char *key = key3(w->inv->target_ns, w->inv->target_kind, w->inv->target_name), found[128];
    struct json *configs = cache_by(w->op->configs, BY_TARGET, key);
    bool busy = false;

    for (size_t i = 0; i < json_size(configs) && !busy; i++) {
        const struct json *c = json_elem(configs, i);
        const char *kind = json_text_or(json_field(c, "kind"), "");

        if (strcmp(kube_name(c), w->inv->name) == 0 && strcmp(kube_ns(c), w->inv->ns) == 0)
            continue;
        busy =
            other_session(w, kube_ns(c), kind, kube_name(c), true, found, sizeof(found)) != NULL ||
            other_session(w, kube_ns(c), kind, kube_name(c), false, found, sizeof(found)) != NULL;
    }
    json_free(configs);
    mem_free(key);
    return busy;
}

static enum rc skip(struct work *w, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);

static enum rc
skip(struct work *w, struct err *e, const char *fmt, ...)
{
    char text[480];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)condition_set(w->status, "BackupSkipped", "True", "SkippedTakingNewBackup", text);
    recorder_event(w->cx, w->op->session_events, w->now, "Warning", "BackupSkipped", "%s", text);
    if (save(w, e))
        return e->code;
    return history_clean(w->cx, w->op, w->inv, w->now, e);
}

/* ---- the end ---- */

/* Kept where no failure and no clean-up of the history reaches it, before the session is over. */
static enum rc
note_success(struct work *w, struct err *e)
{
    const struct json *config = w->inv->obj;
    CLEANUP(json_free_ptr) struct json *now = json_clone(config);
    struct json *status = json_need_object(now, "status");
    int64_t last = kube_time_ms(json_field(status, LAST_SUCCESS));
    char text[API_TIME_TEXT];

    if (last >= kube_created_ms(w->now))
        return RC_OK;
    json_set_cstr(status, LAST_SUCCESS, api_time(kube_created_ms(w->now), text));
    return write_status(w->cx, w->op, w->op->configs, &RES_BACKUP_CONFIGURATION, config, now, e);
}

static enum rc
report(struct work *w, struct err *e)
{
    struct err why = ERR_INIT;

    if (condition_find(w->status, "BackupHistoryCleaned") == NULL) {
        if (history_clean(w->cx, w->op, w->inv, w->now, &why) == RC_OK)
            (void)condition_set(w->status, "BackupHistoryCleaned", "True",
                                "SuccessfullyCleanedBackupHistory",
                                "Successfully cleaned up backup history according to "
                                "backupHistoryLimit.");
        else
            (void)condition_set(w->status, "BackupHistoryCleaned", "False",
                                "FailedToCleanBackupHistory", why.msg);
    }
    report_metrics(w->cx, w->op, w->inv, w->now, w->status);
    settle(w);
    if (strcmp(phase_session(w->status), "Succeeded") == 0 && note_success(w, e))
        return e->code;
    recorder_event(w->cx, w->op->session_events, w->now,
                   strcmp(phase_session(w->status), "Succeeded") == 0 ? "Normal" : "Warning",
                   "BackupSessionFinished", "backup session %s in %s", phase_session(w->status),
                   json_text_or(json_field(w->status, "sessionDuration"), "?"));
    return save(w, e);
}

/* Is the pod still to run the hook that comes after the result? */
static bool
hook_is_due(struct work *w, const struct json *target, enum outcome job)
{
    return job <= OUTCOME_WAITING && json_field(w->inv->hooks, "postBackup") != NULL &&
           !condition_is_false(target, "PreBackupHookExecutionSucceeded") &&
           condition_find(target, "PostBackupHookExecutionSucceeded") == NULL;
}

static void
fail_host(struct work *w, struct json *target, const char *why)
{
    const char *host = w->inv->alias[0] != '\0' ? w->inv->alias : DEFAULT_HOST;
    struct json *one = json_new_object(), *stats = json_need_array(target, "stats");

    for (size_t i = 0; i < json_size(stats); i++)
        if (strcmp(json_text_or(json_field(json_elem(stats, i), "hostname"), ""), host) == 0) {
            json_free(one);
            return; /* what the Job said itself is better */
        }
    json_set_cstr(one, "hostname", host);
    json_set_cstr(one, "phase", "Failed");
    json_set_cstr(one, "error", why);
    json_push(stats, one);
}

/*
 * An end that is ours to decide stands in the status before the Job goes: who comes again, or takes
 * over, would else find no Job and no reason.
 */
static bool
is_given_up(struct work *w)
{
    const struct json *target = own_target(w);

    return condition_is_true(w->status, "DeadlineExceeded") ||
           (target != NULL && condition_is_true(target, "BackupDisrupted"));
}

static enum rc
end_given_up(struct work *w, struct err *e)
{
    struct run run = {.inv = w->inv, .session = w->now};
    char *job = run_job_name(&run);
    enum rc rc = ensure_gone(w->cx, w->op, &KUBE_JOB, w->inv->ns, job, "Background", e);

    mem_free(job);
    return rc != RC_OK ? rc : report(w, e);
}

static enum rc
end_at_deadline(struct work *w, struct err *e)
{
    char took[DURATION_TEXT], text[200];

    (void)snprintf(text, sizeof(text), "Failed to complete backup within %s.",
                   duration_format(w->inv->timeout_ms, took));
    (void)condition_set(w->status, "DeadlineExceeded", "True", "FailedToCompleteWithinDeadline",
                        text);
    fail_host(w, need_target(w), text);
    if (save(w, e))
        return e->code;
    recorder_event(w->cx, w->op->session_events, w->now, "Warning", "DeadlineExceeded", "%s", text);
    return end_given_up(w, e);
}

static enum rc
end_disrupted(struct work *w, const char *why, struct err *e)
{
    struct json *target = need_target(w);
    char text[WHY_TEXT + 80];

    (void)snprintf(text, sizeof(text), "The backup Job ended without a result: %s", why);
    (void)condition_set(target, "BackupDisrupted", "True", "FailedToCompleteDueToDisruption", text);
    fail_host(w, target, why);
    if (save(w, e))
        return e->code;
    recorder_event(w->cx, w->op->session_events, w->now, "Warning", "BackupDisrupted", "%s", text);
    return end_given_up(w, e);
}

/* ---- on the way ---- */

static enum rc
begin(struct work *w, const struct json *repo, struct err *e)
{
    static const char *const post[] = {"ApplyRetentionPolicy", "VerifyRepositoryIntegrity",
                                       "SendRepositoryMetrics"};
    struct json *target = need_target(w), *list;
    struct run run = {.inv = w->inv, .session = w->now, .repo = repo};
    char text[API_TIME_TEXT];
    struct err why = ERR_INIT;
    enum rc rc;

    /* Before the Job, which looks for them. */
    json_set_int(target, "totalHosts", 1);
    json_set(target, "preBackupActions", json_new_array());
    json_push_cstr(json_field(target, "preBackupActions"), "InitializeBackendRepository");
    json_set(target, "postBackupActions", list = json_new_array());
    for (size_t i = 0; i < ARRAY_LEN(post); i++)
        json_push_cstr(list, post[i]);
    if (w->inv->timeout_ms > 0) {
        run.deadline_ms = kube_created_ms(w->now) + w->inv->timeout_ms;
        json_set_cstr(w->status, "sessionDeadline", api_time(run.deadline_ms, text));
    }
    if (save(w, e))
        return e->code;
    run.session = w->now;
    rc = ensure_job(w->cx, w->op, &run, &why);
    if (rc != RC_OK && (why.retry || rc == RC_CANCELLED || rc == RC_CONFLICT)) {
        *e = why;
        return rc; /* the server is busy: come again */
    }
    target = need_target(w);
    if (rc == RC_OK) {
        (void)condition_set(target, "BackupExecutorEnsured", "True",
                            "SuccessfullyEnsuredBackupExecutor",
                            "Successfully ensured backup executor.");
    } else {
        (void)condition_set(target, "BackupExecutorEnsured", "False",
                            "FailedToEnsureBackupExecutor", why.msg);
        fail_host(w, target, why.msg);
        recorder_event(w->cx, w->op->session_events, w->now, "Warning",
                       "FailedToEnsureBackupExecutor", "%s", why.msg);
    }
    if (save(w, e))
        return e->code;
    return rc == RC_OK ? RC_OK : report(w, e);
}

static enum rc
start(struct work *w, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *repo = NULL;
    struct err why = ERR_INIT;
    char other[128];
    const char *ready = json_text_or(json_dig(w->inv->obj, "status", "phase"), "");

    if (object_check(&kind_backupsession, w->now, &why))
        return skip(w, e, "Skipped taking backup. Reason: %s", why.msg);
    if (strcmp(ready, "Ready") != 0)
        return skip(w, e, "Skipped taking backup. Reason: %s %s/%s is not ready.", w->inv->kind,
                    w->inv->ns, w->inv->name);
    if (other_session(w, w->inv->ns, w->inv->kind, w->inv->name, true, other, sizeof(other)))
        return skip(w, e,
                    "Skipped taking new backup. Reason: Previous BackupSession: %s is \"Running\".",
                    other);
    if (other_session(w, w->inv->ns, w->inv->kind, w->inv->name, false, other, sizeof(other))) {
        w->out->requeue_after_ms = OLDER_MS;
        return RC_OK;
    }
    if (target_is_busy(w)) {
        (void)need_target(w);
        w->out->requeue_after_ms = TURN_MS;
        return save(w, e);
    }
    repo = cache_get(w->op->repos, w->inv->repo_ns, w->inv->repo_name);
    if (repo == NULL)
        return skip(w, e, "Skipped taking backup. Reason: Repository %s/%s does not exist.",
                    w->inv->repo_ns, w->inv->repo_name);
    return begin(w, repo, e);
}

/* The cache of Jobs may be ahead of that of sessions: has the Job really said nothing? */
static enum rc
look_again(struct work *w, bool *has_result, struct err *e)
{
    struct json *fresh = NULL;

    if (kube_get(w->cx, w->op->k, &RES_BACKUP_SESSION, kube_ns(w->now), kube_name(w->now), &fresh,
                 e))
        return e->code;
    cache_note(w->op->sessions, fresh);
    json_free(w->now);
    json_free((struct json *)(uintptr_t)w->was);
    w->was = fresh;
    w->now = json_clone(fresh);
    w->status = json_need_object(w->now, "status");
    *has_result = phase_is_final(phase_target(need_target(w)));
    return RC_OK;
}

static enum rc
watch_job(struct work *w, struct err *e)
{
    struct run run = {.inv = w->inv, .session = w->now};
    char *job = run_job_name(&run), why[WHY_TEXT];
    enum outcome o = OUTCOME_GOING;
    enum rc rc = job_outcome(w->cx, w->op, w->inv->ns, job, &o, why, e);
    int64_t deadline = kube_time_ms(json_field(w->status, "sessionDeadline")),
            left = deadline - clock_real_ms();
    bool has_result = phase_is_final(phase_target(need_target(w)));

    mem_free(job);
    if (rc != RC_OK)
        return rc;
    if (!has_result && o >= OUTCOME_DONE && look_again(w, &has_result, e))
        return e->code;
    if (has_result)
        return hook_is_due(w, need_target(w), o) ? save(w, e) : report(w, e);
    if (deadline != 0 && left <= 0)
        return end_at_deadline(w, e);
    if (o == OUTCOME_DEAD)
        return deadline != 0 && strstr(why, "deadline") != NULL ? end_at_deadline(w, e)
                                                                : end_disrupted(w, why, e);
    if (o == OUTCOME_DONE)
        return end_disrupted(w, "the Job completed, but wrote no result", e);
    if (o == OUTCOME_WAITING) {
        recorder_event(w->cx, w->op->session_events, w->now, "Warning", "BackupWaiting", "%s", why);
        w->out->requeue_after_ms = LOOK_MS;
    }
    if (deadline != 0)
        w->out->requeue_after_ms =
            w->out->requeue_after_ms == 0 ? left : MIN(left, w->out->requeue_after_ms);
    return save(w, e);
}

/* A failed one may be tried again, by a session of its own. */
static enum rc
retry(struct work *w, struct err *e)
{
    int64_t left = json_int_or(json_dig(w->now, "spec", "retryLeft"), 0), delay = 0, at,
            now = clock_real_ms();
    const struct json *config = json_field(w->inv->spec, "retryConfig");
    CLEANUP(json_free_ptr) struct json *there = NULL;
    struct json *again;
    char text[API_TIME_TEXT];
    enum rc rc;

    if (strcmp(phase_of(w->now), "Failed") != 0 || left <= 0 || config == NULL ||
        json_is_true(json_field(w->status, "retried")))
        return RC_OK;
    if (json_field(config, "delay") != NULL &&
        duration_parse(json_text_str(json_field(config, "delay")), &delay, e))
        return e->code;
    at = kube_time_ms(json_field(w->status, "nextRetry"));
    if (at == 0) {
        at = now + delay;
        json_set_cstr(w->status, "nextRetry", api_time(at, text));
        if (save(w, e))
            return e->code;
    }
    if (now < at) {
        w->out->requeue_after_ms = at - now;
        return RC_OK;
    }
    /* Named by when it is due: a second try of this write finds what the first one made. */
    again = invoker_new_session(w->inv, at / 1000, left - 1);
    rc = kube_create(w->cx, w->op->k, &RES_BACKUP_SESSION, w->inv->ns, again, NULL, NULL, e);
    if (rc == RC_EXISTS && kube_get(w->cx, w->op->k, &RES_BACKUP_SESSION, w->inv->ns,
                                    kube_name(again), &there, e) == RC_OK) {
        rc = RC_OK;
        if (json_int_or(json_dig(there, "spec", "retryLeft"), 0) != left - 1) {
            json_free(again);
            json_set_cstr(w->status, "nextRetry", api_time(at + 1000, text)); /* the schedule's */
            return save(w, e);
        }
    }
    json_free(again);
    if (rc != RC_OK)
        return err_wrap(e, "could not create the session that tries again");
    json_set_bool(w->status, "retried", true);
    return save(w, e);
}

static enum rc
step(struct work *w, struct err *e)
{
    struct json *target = own_target(w);

    if (is_over(w->now))
        return retry(w, e);
    if (is_given_up(w))
        return end_given_up(w, e);
    if (target != NULL && condition_is_false(target, "BackupExecutorEnsured"))
        return report(w, e);
    if (target == NULL || condition_find(target, "BackupExecutorEnsured") == NULL) {
        /* Once it has begun, only the Job is missing: no more questions about the turn. */
        if (target == NULL || json_field(target, "totalHosts") == NULL)
            return start(w, e);
        CLEANUP(json_free_ptr)
        struct json *repo = cache_get(w->op->repos, w->inv->repo_ns, w->inv->repo_name);
        if (repo != NULL)
            return begin(w, repo, e);
        return end_disrupted(w, "the Repository is gone", e);
    }
    return watch_job(w, e);
}

/* The BackupConfiguration of a session, or NULL. */
static struct json *
invoker_of(struct world *op, const struct json *session)
{
    const struct json *by = json_dig(session, "spec", "invoker");

    if (strcmp(json_text_or(json_field(by, "kind"), ""), kind_backupconfiguration.kind) != 0)
        return NULL;
    return cache_get(op->configs, kube_ns(session), json_text_or(json_field(by, "name"), ""));
}

static enum rc
orphan(struct work *w, struct err *e)
{
    const struct json *by = json_dig(w->now, "spec", "invoker");
    const char *kind = json_text_or(json_field(by, "kind"), "invoker");
    char text[300];

    if (is_over(w->now))
        return RC_OK;
    if (strcmp(kind, kind_backupconfiguration.kind) == 0)
        (void)snprintf(text, sizeof(text),
                       "Skipped taking backup. Reason: %s %s/%s does not exist.", kind,
                       kube_ns(w->now), json_text_or(json_field(by, "name"), ""));
    else
        (void)snprintf(text, sizeof(text),
                       "Skipped taking backup. Reason: nothing acts on a %s yet.", kind);
    if (condition_set(w->status, "BackupSkipped", "True", "SkippedTakingNewBackup", text))
        recorder_event(w->cx, w->op->session_events, w->now, "Warning", "BackupSkipped", "%s",
                       text);
    return save(w, e);
}

enum rc
reconcile_session(struct ctx *cx, void *arg, const char *ns, const char *name,
                  struct ctl_result *out, struct err *e)
{
    struct world *op = (struct world *)arg;
    struct json *obj = cache_get(op->sessions, ns, name), *config;
    struct invoker inv;
    struct work w = {cx, op, &inv, obj, NULL, NULL, out};
    enum rc rc;

    if (obj == NULL || kube_is_deleting(obj)) {
        json_free(obj);
        return RC_OK;
    }
    config = invoker_of(op, obj);
    w.now = json_clone(obj);
    w.status = json_need_object(w.now, "status");
    if (config != NULL)
        invoker_view(config, &inv);
    rc = config != NULL ? step(&w, e) : orphan(&w, e);
    json_free(w.now);
    json_free((struct json *)(uintptr_t)w.was);
    json_free(config);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}
