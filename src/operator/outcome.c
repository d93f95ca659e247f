/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a Job stands, in words for the condition and the event: the Job alone says "BackoffLimit
 * exceeded", its pod says why.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "operator/operator_internal.h"

/* How long a pod may be unable to start before we give it up, and how long there may be none at all before that is told. */
enum {
    PULL_MS = 2 * 60 * 1000,
    CONFIG_MS = 60 * 1000,
    SCHEDULE_MS = 5 * 60 * 1000,
    NO_POD_MS = 20 * 1000
};

static const char *
outcome_text(const struct json *obj, const char *field)
{
    return json_text_or(json_field(obj, field), "");
}

static const struct json *
condition_of(const struct json *obj, const char *type)
{
    const struct json *c = condition_find(json_field(obj, "status"), type);

    return c != NULL && strcmp(outcome_text(c, "status"), "True") == 0 ? c : NULL;
}

/* The last line of `message`, which has `*n` bytes without the white space behind it. */
static const char *
last_line(const char *message, size_t *n)
{
    const char *line;

    while (*n > 0 && (message[*n - 1] == '\n' || message[*n - 1] == ' '))
        (*n)--;
    for (line = message + *n; line > message && line[-1] != '\n';)
        line--;
    return line;
}

/* One line of a termination message: the last one that holds anything and is not a hint. */
static void
add_message(char *why, const char *message)
{
    size_t n = strlen(message), have = strlen(why);
    const char *line = last_line(message, &n);

    while (line > message && strncmp(line, "hint: ", 6) == 0) {
        n = (size_t)(line - message);
        line = last_line(message, &n);
    }
    if (n > 0)
        (void)snprintf(why + have, WHY_TEXT - have, ": %.*s", (int)(message + n - line), line);
}

/* The first container that ended badly. */
static bool
from_containers(const struct json *pod, const char *list_name, char why[static WHY_TEXT])
{
    const struct json *list = json_dig(pod, "status", list_name);

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *c = json_elem(list, i), *t = json_dig(c, "state", "terminated");
        long long code = json_int_or(json_field(t, "exitCode"), 0);

        if (t == NULL || code == 0)
            continue;
        if (strcmp(outcome_text(t, "reason"), "OOMKilled") == 0)
            (void)snprintf(why, WHY_TEXT,
                           "container %s was killed for using too much memory "
                           "(OOMKilled)",
                           outcome_text(c, "name"));
        else if (json_int_or(json_field(t, "signal"), code > 128 ? code - 128 : 0) > 0)
            (void)snprintf(why, WHY_TEXT, "container %s was killed by signal %lld (exit code %lld)",
                           outcome_text(c, "name"),
                           (long long)json_int_or(json_field(t, "signal"), code - 128), code);
        else
            (void)snprintf(why, WHY_TEXT, "container %s failed with exit code %lld",
                           outcome_text(c, "name"), code);
        add_message(why, outcome_text(t, "message"));
        return true;
    }
    return false;
}

static bool
from_pod_end(const struct json *pod, char why[static WHY_TEXT])
{
    const char *reason = json_text_or(json_dig(pod, "status", "reason"), "");
    const struct json *target = condition_of(pod, "DisruptionTarget");

    if (reason[0] != '\0') { /* Evicted, NodeLost, DeadlineExceeded, ... */
        (void)snprintf(why, WHY_TEXT, "pod %s failed (%s)", kube_name(pod), reason);
        add_message(why, json_text_or(json_dig(pod, "status", "message"), ""));
        return true;
    }
    if (target != NULL) { /* EvictionByEvictionAPI, PreemptionByScheduler, ... */
        (void)snprintf(why, WHY_TEXT, "pod %s was stopped (%s)", kube_name(pod),
                       outcome_text(target, "reason"));
        add_message(why, outcome_text(target, "message"));
        return true;
    }
    if (kube_is_deleting(pod)) {
        (void)snprintf(why, WHY_TEXT, "pod %s was deleted", kube_name(pod));
        return true;
    }
    return from_containers(pod, "initContainerStatuses", why) ||
           from_containers(pod, "containerStatuses", why);
}

/* A container that waits for something that will hardly come. */
static enum outcome
from_waiting(const struct json *pod, const char *list_name, int64_t age_ms,
             char why[static WHY_TEXT])
{
    static const struct {
        const char *reason;
        int64_t patience_ms;
    } known[] = {{"InvalidImageName", 0},
                 {"ErrImageNeverPull", 0},
                 {"ImagePullBackOff", PULL_MS},
                 {"ErrImagePull", PULL_MS},
                 {"CreateContainerConfigError", CONFIG_MS},
                 {"CreateContainerError", CONFIG_MS},
                 {"RunContainerError", CONFIG_MS}};
    const struct json *list = json_dig(pod, "status", list_name);

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *c = json_elem(list, i), *w = json_dig(c, "state", "waiting");

        for (size_t k = 0; w != NULL && k < ARRAY_LEN(known); k++) {
            if (strcmp(outcome_text(w, "reason"), known[k].reason) != 0)
                continue;
            (void)snprintf(why, WHY_TEXT, "container %s cannot start (%s)", outcome_text(c, "name"),
                           known[k].reason);
            add_message(why, outcome_text(w, "message"));
            return age_ms >= known[k].patience_ms ? OUTCOME_DEAD : OUTCOME_WAITING;
        }
    }
    return OUTCOME_GOING;
}

static enum outcome
from_pending(const struct json *pod, int64_t now_ms, char why[static WHY_TEXT])
{
    int64_t age = now_ms - kube_created_ms(pod);
    const struct json *c = condition_find(json_field(pod, "status"), "PodScheduled");
    enum outcome o;

    if (c != NULL && strcmp(outcome_text(c, "status"), "False") == 0 &&
        strcmp(outcome_text(c, "reason"), "Unschedulable") == 0) {
        (void)snprintf(why, WHY_TEXT, "pod %s cannot be scheduled (Unschedulable)", kube_name(pod));
        add_message(why, outcome_text(c, "message"));
        return age >= SCHEDULE_MS ? OUTCOME_DEAD : OUTCOME_WAITING;
    }
    o = from_waiting(pod, "initContainerStatuses", age, why);
    return o != OUTCOME_GOING ? o : from_waiting(pod, "containerStatuses", age, why);
}

/* Containers of which one waits in vain for another that has failed, while the pod goes on. */
static bool
works_together(const struct json *job)
{
    return json_size(json_dig(job, "spec", "template", "spec", "containers")) > 1;
}

/*
 * A Job of ours has one pod, once: the pod's failure is the Job's. By the time that the Job says so
 * the pod may be gone, and the reason with it.
 */
static enum outcome
from_pod(const struct json *job, const struct json *pod, bool job_failed, int64_t now_ms,
         char why[static WHY_TEXT])
{
    bool failed = strcmp(json_text_or(json_dig(pod, "status", "phase"), ""), "Failed") == 0;

    if (!job_failed && !failed && works_together(job) &&
        from_containers(pod, "containerStatuses", why))
        return OUTCOME_DEAD;
    if (!job_failed && !failed)
        return from_pending(pod, now_ms, why);
    return from_pod_end(pod, why) ? OUTCOME_DEAD : OUTCOME_GOING;
}

/* The end of a Job: written, or decided while its pods are still there. */
static const struct json *
failure_of(const struct json *job)
{
    const struct json *failed = condition_of(job, "Failed");

    return failed != NULL ? failed : condition_of(job, "FailureTarget");
}

/*
 * A Job that never had a pod: an admission plug-in, a quota or a webhook refuses it, which only the Job's events say; its
 * controller tries again for ever.
 */
static enum outcome
from_no_pod(const struct json *job, int64_t now_ms, char why[static WHY_TEXT])
{
    static const char *const counts[] = {"active", "failed", "succeeded", "terminating"};
    const struct json *status = json_field(job, "status");
    int64_t age = now_ms - kube_created_ms(job);

    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        if (json_int_or(json_field(status, counts[i]), 0) > 0)
            return OUTCOME_GOING;
    }
    if (age < NO_POD_MS || json_is_true(json_dig(job, "spec", "suspend")))
        return OUTCOME_GOING;
    (void)snprintf(why, WHY_TEXT,
                   "Job %s has no pod (FailedCreate): a quota or an admission rule refuses it; "
                   "kubectl describe job -n %s %s says which",
                   kube_name(job), kube_ns(job), kube_name(job));
    return age >= SCHEDULE_MS ? OUTCOME_DEAD : OUTCOME_WAITING;
}

enum outcome
job_outcome_of(const struct json *job, const struct json *pods, int64_t now_ms,
               char why[static WHY_TEXT])
{
    const struct json *failed = failure_of(job);
    enum outcome o = OUTCOME_GOING;

    why[0] = '\0';
    if (job == NULL) {
        (void)snprintf(why, WHY_TEXT, "its Job is gone");
        return OUTCOME_DEAD;
    }
    if (condition_of(job, "Complete") != NULL)
        return OUTCOME_DONE;
    if (failed != NULL && strcmp(outcome_text(failed, "reason"), "DeadlineExceeded") == 0) {
        (void)snprintf(why, WHY_TEXT, "Job %s was stopped at its deadline", kube_name(job));
        return OUTCOME_DEAD;
    }
    for (size_t i = 0; i < json_size(pods) && o == OUTCOME_GOING; i++)
        o = from_pod(job, json_elem(pods, i), failed != NULL, now_ms, why);
    if (json_size(pods) == 0 && failed == NULL && !kube_is_deleting(job))
        o = from_no_pod(job, now_ms, why);
    if (failed == NULL && !kube_is_deleting(job))
        return o;
    if (failed == NULL) {
        if (why[0] == '\0')
            (void)snprintf(why, WHY_TEXT, "Job %s was deleted", kube_name(job));
        return OUTCOME_DEAD;
    }
    if (why[0] == '\0') {
        (void)snprintf(why, WHY_TEXT, "Job %s failed (%s)", kube_name(job),
                       outcome_text(failed, "reason"));
        add_message(why, outcome_text(failed, "message"));
        if (json_size(pods) == 0)
            add_message(why, "its pod is gone");
    }
    return OUTCOME_DEAD;
}

/* Of a Job that failed as they are now: the cache of pods may be behind that of Jobs, and the reason
 * is asked for only once. */
static enum rc
pods_of(struct ctx *cx, struct operator* op, const char *ns, const char *job, bool failed,
        struct json **out, struct err *e)
{
    CLEANUP(mem_free_ptr) char *key = key2(ns, job);
    CLEANUP(mem_free_ptr) char *selector = mem_printf("job-name=%s", job);
    struct kube_list_opts o = {.kind = &KUBE_POD, .ns = ns, .label_selector = selector};

    if (failed)
        return kube_list(cx, op->k, &o, out, NULL, e);
    *out = cache_by(op->pods, BY_JOB, key);
    return RC_OK;
}

/* Pods of a Job that had the same name before may be on their way out still. */
static void
drop_pods_of_others(const struct json *job, struct json *pods)
{
    const char *own = job != NULL ? kube_uid(job) : NULL;

    for (size_t i = json_size(pods); own != NULL && i-- > 0;)
        if (!kube_is_owned_by(json_elem(pods, i), own))
            json_remove_at(pods, i);
}

enum rc
job_outcome(struct ctx *cx, struct operator* op, const char *ns, const char *name,
            enum outcome *out, char why[static WHY_TEXT], struct err *e)
{
    CLEANUP(json_free_ptr) struct json *job = cache_get(op->jobs, ns, name);
    CLEANUP(json_free_ptr) struct json *pods = NULL;

    /* The cache may not have heard of it yet. */
    if (job == NULL) {
        enum rc rc = kube_get(cx, op->k, &KUBE_JOB, ns, name, &job, e);

        if (rc != RC_OK && rc != RC_NOT_FOUND)
            return rc;
    }
    if (pods_of(cx, op, ns, name, failure_of(job) != NULL, &pods, e))
        return err_code(e);
    drop_pods_of_others(job, pods);
    *out = job_outcome_of(job, pods, clock_real_ms(), why);
    return RC_OK;
}
