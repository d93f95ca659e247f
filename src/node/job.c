/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs become Pods. The random-looking end of a Pod's name follows from the Job's uid and the
 * number of the attempt, so an attempt is made once however often we look and whatever we know.
 * Source: Kubernetes pkg/controller/job/job_controller.go.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "node/node_internal.h"

enum { ATTEMPTS_MAX = 10000, BACKOFF_MS = 10 * 1000, BACKOFF_MAX_MS = 360 * 1000, PODS_MAX = 100 };

struct job_run {
    struct node *r;
    const struct json *job;
    struct json *status, *pods;
    struct ctl_result *out;
    int64_t active, ready, succeeded, failed, restarts, terminating;
    int64_t last_failure_ms;
};

static const char *
job_pod_phase(const struct json *pod)
{
    return json_text_or(json_dig(pod, "status", "phase"), "");
}

static int64_t
job_finished_ms(const struct json *pod)
{
    static const char *const lists[] = {"initContainerStatuses", "containerStatuses"};
    int64_t last = 0;

    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        const struct json *list = json_dig(pod, "status", lists[k]);
        for (size_t i = 0; i < json_size(list); i++)
            last = MAX(last, kube_time_ms(json_dig(json_elem(list, i), "state", "terminated",
                                                   "finishedAt")));
    }
    return last > 0 ? last : clock_real_ms();
}

static bool
job_pod_is_ready(const struct json *pod)
{
    return condition_holds(json_field(pod, "status"), "Ready");
}

static void
job_count(struct job_run *j)
{
    for (size_t i = 0; i < json_size(j->pods); i++) {
        const struct json *pod = json_elem(j->pods, i),
                          *list = json_dig(pod, "status", "containerStatuses");
        if (strcmp(job_pod_phase(pod), "Succeeded") == 0) {
            j->succeeded++;
        } else if (strcmp(job_pod_phase(pod), "Failed") == 0) {
            j->failed++;
            j->last_failure_ms = MAX(j->last_failure_ms, job_finished_ms(pod));
        } else if (kube_is_deleting(pod)) {
            j->terminating++;
        } else {
            j->active++;
            j->ready += job_pod_is_ready(pod) ? 1 : 0;
            for (size_t c = 0; c < json_size(list); c++)
                j->restarts += json_int_or(json_field(json_elem(list, c), "restartCount"), 0);
        }
    }
    /* Pods that somebody removed still count. */
    j->failed = MAX(j->failed, json_int_or(json_dig(j->job, "status", "failed"), 0));
    j->succeeded = MAX(j->succeeded, json_int_or(json_dig(j->job, "status", "succeeded"), 0));
}

static void
job_set_count(struct json *status, const char *key, int64_t n)
{
    if (n > 0)
        json_set_int(status, key, n);
    else
        json_remove(status, key);
}

/* ---- Pods ---- */

/* The caller frees. */
static char *
job_pod_name(const struct job_run *j, int attempt)
{
    static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
    CLEANUP(mem_free_ptr) char *seed = mem_printf("%s/%d", kube_uid(j->job), attempt);
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */
    char tail[6] = "";

    for (const char *p = seed; *p != '\0'; p++)
        hash = (hash ^ (uint8_t)*p) * 1099511628211ULL;
    hash ^= hash >> 29;
    for (size_t i = 0; i < sizeof(tail) - 1; i++, hash /= sizeof(letters) - 1)
        tail[i] = letters[hash % (sizeof(letters) - 1)];
    return mem_printf("%.57s-%s", kube_name(j->job), tail);
}

static bool
job_has_pod(const struct job_run *j, const char *name)
{
    for (size_t i = 0; i < json_size(j->pods); i++)
        if (strcmp(kube_name(json_elem(j->pods, i)), name) == 0)
            return true;
    return false;
}

static struct json *
job_new_pod(const struct job_run *j, const char *name)
{
    const struct json *template = json_dig(j->job, "spec", "template");
    struct json *pod = kube_object_new(&KUBE_POD, kube_ns(j->job), name);
    CLEANUP(mem_free_ptr) char *prefix = mem_printf("%s-", kube_name(j->job));

    json_set_cstr(kube_meta(pod), "generateName", prefix);
    if (json_dig(template, "metadata", "labels") != NULL)
        json_set(kube_meta(pod), "labels", json_clone(json_dig(template, "metadata", "labels")));
    if (json_dig(template, "metadata", "annotations") != NULL)
        json_set(kube_meta(pod), "annotations",
                 json_clone(json_dig(template, "metadata", "annotations")));
    kube_set_label(pod, "job-name", kube_name(j->job));
    kube_set_label(pod, "batch.kubernetes.io/job-name", kube_name(j->job));
    kube_set_label(pod, "controller-uid", kube_uid(j->job));
    kube_set_label(pod, "batch.kubernetes.io/controller-uid", kube_uid(j->job));
    (void)kube_set_owner(pod, j->job, true);
    json_set(pod, "spec", json_clone(json_field(template, "spec")));
    return pod;
}

static enum rc
job_create_pods(struct ctx *cx, struct job_run *j, int64_t n, struct err *e)
{
    for (int attempt = 0; n > 0 && attempt < ATTEMPTS_MAX; attempt++) {
        CLEANUP(mem_free_ptr) char *name = job_pod_name(j, attempt);
        CLEANUP(json_free_ptr) struct json *pod = NULL;
        struct err why = ERR_INIT;
        enum rc rc;
        if (job_has_pod(j, name))
            continue;
        pod = job_new_pod(j, name);
        rc = kube_create(cx, j->r->k, &KUBE_POD, kube_ns(j->job), pod, NULL, NULL, &why);
        if (rc == RC_OK)
            recorder_event(cx, j->r->job_events, j->job, "Normal", "SuccessfulCreate",
                           "Created pod: %s", name);
        if (rc != RC_OK && rc != RC_EXISTS) {
            recorder_event(cx, j->r->job_events, j->job, "Warning", "FailedCreate",
                           "Error creating: %s", why.msg);
            *e = why;
            return rc;
        }
        j->active++;
        n--;
    }
    return RC_OK;
}

static enum rc
job_delete_active(struct ctx *cx, struct job_run *j, struct err *e)
{
    for (size_t i = 0; i < json_size(j->pods); i++) {
        const struct json *pod = json_elem(j->pods, i);
        if (strcmp(job_pod_phase(pod), "Succeeded") == 0 ||
            strcmp(job_pod_phase(pod), "Failed") == 0 || kube_is_deleting(pod))
            continue;
        if (node_delete(cx, j->r, &KUBE_POD, pod, NULL, -1, e))
            return err_code(e);
        recorder_event(cx, j->r->job_events, j->job, "Normal", "SuccessfulDelete",
                       "Deleted pod: %s", kube_name(pod));
    }
    j->active = 0;
    j->ready = 0;
    return RC_OK;
}

/* ---- the ends ---- */

static void
job_set_condition(struct job_run *j, const char *type, const char *status, const char *reason,
                  const char *message)
{
    struct json *list = json_need_array(j->status, "conditions"), *c = NULL;
    char now[API_TIME_TEXT];

    for (size_t i = 0; i < json_size(list) && c == NULL; i++)
        if (strcmp(json_text_or(json_field(json_elem(list, i), "type"), ""), type) == 0)
            c = json_elem(list, i);
    if (c == NULL) {
        c = json_new_object();
        json_set_cstr(c, "type", type);
        json_push(list, c);
    } else if (strcmp(json_text_or(json_field(c, "status"), ""), status) == 0) {
        return;
    }
    json_set_cstr(c, "status", status);
    json_set_cstr(c, "lastProbeTime", node_now(now));
    json_set_cstr(c, "lastTransitionTime", now);
    json_set_cstr(c, "reason", reason);
    json_set_cstr(c, "message", message);
}

static enum rc
job_fail(struct ctx *cx, struct job_run *j, const char *reason, const char *message, struct err *e)
{
    if (job_delete_active(cx, j, e))
        return err_code(e);
    job_set_condition(j, "FailureTarget", "True", reason, message);
    job_set_condition(j, "Failed", "True", reason, message);
    recorder_event(cx, j->r->job_events, j->job, "Warning", reason, "%s", message);
    return RC_OK;
}

static void
job_complete(struct ctx *cx, struct job_run *j)
{
    char now[API_TIME_TEXT];

    job_set_condition(j, "SuccessCriteriaMet", "True", "CompletionsReached",
                      "Reached expected number of succeeded pods");
    job_set_condition(j, "Complete", "True", "CompletionsReached",
                      "Reached expected number of succeeded pods");
    json_set_cstr(j->status, "completionTime", node_now(now));
    recorder_event(cx, j->r->job_events, j->job, "Normal", "Completed", "Job completed");
}

/* How long ago must the last failure be before the next attempt? */
static int64_t
job_backoff_ms(const struct job_run *j)
{
    int64_t wait = j->failed > 0 ? BACKOFF_MS : 0;

    for (int64_t i = 1; i < j->failed && wait < BACKOFF_MAX_MS; i++)
        wait *= 2;
    return MIN(wait, BACKOFF_MAX_MS);
}

static enum rc
job_suspend(struct ctx *cx, struct job_run *j, struct err *e)
{
    if (job_delete_active(cx, j, e))
        return err_code(e);
    if (!condition_holds(j->status, "Suspended"))
        recorder_event(cx, j->r->job_events, j->job, "Normal", "Suspended", "Job suspended");
    job_set_condition(j, "Suspended", "True", "JobSuspended", "Job suspended");
    json_remove(j->status, "startTime");
    return RC_OK;
}

static enum rc
job_make_pods(struct ctx *cx, struct job_run *j, struct err *e)
{
    const struct json *spec = json_field(j->job, "spec"), *wanted = json_field(spec, "completions");
    int64_t parallel = json_int_or(json_field(spec, "parallelism"), 1), now = clock_real_ms();
    int64_t left = wanted != NULL ? json_int_or(wanted, 1) - j->succeeded : parallel;
    int64_t due = j->last_failure_ms + job_backoff_ms(j);

    left = MIN(MIN(left, parallel) - j->active, PODS_MAX);
    if (left <= 0 || (wanted == NULL && j->succeeded > 0))
        return RC_OK;
    if (j->failed > 0 && now < due) {
        requeue_by(j->out, due - now);
        return RC_OK;
    }
    return job_create_pods(cx, j, left, e);
}

static enum rc
job_advance(struct ctx *cx, struct job_run *j, struct err *e)
{
    const struct json *spec = json_field(j->job, "spec"), *wanted = json_field(spec, "completions");
    int64_t limit = json_int_or(json_field(spec, "backoffLimit"), 6);
    int64_t deadline = json_int_or(json_field(spec, "activeDeadlineSeconds"), 0);
    int64_t now = clock_real_ms(), began;
    bool retries = strcmp(json_text_or(json_dig(spec, "template", "spec", "restartPolicy"), ""),
                          "OnFailure") == 0;
    char text[API_TIME_TEXT];

    if (json_is_true(json_field(spec, "suspend")))
        return job_suspend(cx, j, e);
    if (condition_holds(j->status, "Suspended")) {
        job_set_condition(j, "Suspended", "False", "JobResumed", "Job resumed");
        recorder_event(cx, j->r->job_events, j->job, "Normal", "Resumed", "Job resumed");
    }
    if (json_field(j->status, "startTime") == NULL)
        json_set_cstr(j->status, "startTime", node_now(text));
    began = kube_time_ms(json_field(j->status, "startTime"));
    if (wanted != NULL ? j->succeeded >= json_int_or(wanted, 1)
                       : j->succeeded > 0 && j->active + j->terminating == 0) {
        job_complete(cx, j);
        return job_delete_active(cx, j, e);
    }
    if (j->failed > limit || (retries && j->restarts > 0 && j->restarts >= limit))
        return job_fail(cx, j, "BackoffLimitExceeded",
                        "Job has reached the specified backoff limit", e);
    if (deadline > 0 && now >= began + deadline * 1000)
        return job_fail(cx, j, "DeadlineExceeded", "Job was active longer than specified deadline",
                        e);
    if (deadline > 0)
        requeue_by(j->out, began + deadline * 1000 - now);
    return job_make_pods(cx, j, e);
}

/* It has ended: only its time to live matters. */
static enum rc
job_expire(struct ctx *cx, struct job_run *j, struct err *e)
{
    const struct json *ttl = json_dig(j->job, "spec", "ttlSecondsAfterFinished"),
                      *c = condition_find(json_field(j->job, "status"), job_end(j->job));
    int64_t due, now = clock_real_ms();

    if (ttl == NULL)
        return RC_OK;
    due = kube_time_ms(json_field(c, "lastTransitionTime")) + json_int_or(ttl, 0) * 1000;
    if (now >= due)
        return node_delete(cx, j->r, &KUBE_JOB, j->job, "Background", -1, e);
    requeue_by(j->out, due - now);
    return RC_OK;
}

static enum rc
job_step(struct ctx *cx, struct job_run *j, struct err *e)
{
    if (job_end(j->job) != NULL)
        return job_expire(cx, j, e);
    job_count(j);
    if (job_advance(cx, j, e))
        return err_code(e);
    job_set_count(j->status, "active", j->active);
    job_set_count(j->status, "succeeded", j->succeeded);
    job_set_count(j->status, "failed", j->failed);
    json_set_int(j->status, "ready", j->ready);
    json_set_int(j->status, "terminating", j->terminating);
    (void)json_need_object(j->status, "uncountedTerminatedPods");
    return node_put_status(cx, j->r, &KUBE_JOB, j->r->jobs, j->job, TAKE(j->status), e);
}

enum rc
job_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name, struct ctl_result *out,
              struct err *e)
{
    struct node *r = (struct node *)arg;
    CLEANUP(json_free_ptr) struct json *job = cache_get(r->jobs, ns, name);
    struct job_run j = {.r = r, .job = job, .out = out};
    enum rc rc;

    if (job == NULL || kube_is_deleting(job))
        return RC_OK;
    j.status = json_field(job, "status") != NULL ? json_clone(json_field(job, "status"))
                                                 : json_new_object();
    j.pods = cache_by(r->pods, BY_OWNER, kube_uid(job));
    rc = job_step(cx, &j, e);
    json_free(j.status);
    json_free(j.pods);
    return rc;
}
