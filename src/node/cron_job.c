/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CronJobs become Jobs. The name of a Job says which slot it is for, so a slot is started once
 * however often we look. Between slots a CronJob is one timer in the work queue.
 * Source: Kubernetes pkg/controller/cronjob/cronjob_controllerv2.go.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "node/due.h"
#include "node/node_internal.h"
#include "validation/field_errors.h"

enum { CRON_NAME_MAX = 52, LOOK_AT_MOST_MS = 3600 * 1000, MINUTE_MS = 60 * 1000 };

#define SCHEDULED_AT "batch.kubernetes.io/cronjob-scheduled-timestamp"

struct cron_run {
    struct node *r;
    const struct json *obj;
    struct json *status; /* what it shall be */
    struct json *jobs;   /* its own */
    struct cron cron;
    struct ctl_result *out;
};

/* ---- Jobs that ended ---- */

static bool
cron_job_has_active(const struct json *list, const char *uid)
{
    for (size_t i = 0; i < json_size(list); i++)
        if (strcmp(json_text_or(json_field(json_elem(list, i), "uid"), ""), uid) == 0)
            return true;
    return false;
}

static const struct json *
cron_job_child(const struct json *jobs, const char *uid)
{
    for (size_t i = 0; i < json_size(jobs); i++)
        if (strcmp(kube_uid(json_elem(jobs, i)), uid) == 0)
            return json_elem(jobs, i);
    return NULL;
}

/* status.active names the Jobs of ours that have not ended. */
static void
cron_job_see_active(struct ctx *cx, struct cron_run *c)
{
    const struct json *old = json_dig(c->obj, "status", "active");
    struct json *list = json_new_array();

    for (size_t i = 0; i < json_size(old); i++) {
        const struct json *ref = json_elem(old, i),
                          *job = cron_job_child(c->jobs, json_text_or(json_field(ref, "uid"), ""));
        const char *name = json_text_or(json_field(ref, "name"), "");
        if (job == NULL)
            recorder_event(cx, c->r->cron_events, c->obj, "Normal", "MissingJob",
                           "Active job went missing: %s", name);
        else if (job_end(job) != NULL)
            recorder_event(cx, c->r->cron_events, c->obj, "Normal", "SawCompletedJob",
                           "Saw completed job: %s, condition: %s", name, job_end(job));
    }
    for (size_t i = 0; i < json_size(c->jobs); i++) {
        const struct json *job = json_elem(c->jobs, i),
                          *end = json_dig(job, "status", "completionTime");
        const struct json *last = json_field(c->status, "lastSuccessfulTime");
        if (job_end(job) == NULL && !kube_is_deleting(job))
            json_push(list, kube_reference(job));
        else if (end != NULL && kube_time_ms(end) > kube_time_ms(last))
            json_set(c->status, "lastSuccessfulTime", json_clone(end));
    }
    json_set(c->status, "active", json_size(list) > 0 ? list : NULL);
    if (json_size(list) == 0)
        json_free(list);
}

/* Of the Jobs that ended this way only the youngest stay. */
static enum rc
cron_job_trim_history(struct ctx *cx, struct cron_run *c, const char *end, const char *field,
                      int64_t keep, struct err *e)
{
    int64_t limit = json_int_or(json_dig(c->obj, "spec", field), keep), n = 0;

    for (size_t i = 0; i < json_size(c->jobs); i++) {
        const char *how = job_end(json_elem(c->jobs, i));
        n += how != NULL && strcmp(how, end) == 0 ? 1 : 0;
    }
    for (; n > limit; n--) {
        const struct json *oldest = NULL;
        size_t at = 0;
        for (size_t i = 0; i < json_size(c->jobs); i++) {
            const struct json *job = json_elem(c->jobs, i);
            const char *how = job_end(job);
            if (how == NULL || strcmp(how, end) != 0 ||
                (oldest != NULL && kube_created_ms(oldest) <= kube_created_ms(job)))
                continue;
            oldest = job;
            at = i;
        }
        if (oldest == NULL)
            break;
        if (!kube_is_deleting(oldest)) {
            if (node_delete(cx, c->r, &KUBE_JOB, oldest, "Background", -1, e))
                return err_code(e);
            recorder_event(cx, c->r->cron_events, c->obj, "Normal", "SuccessfulDelete",
                           "Deleted job %s", kube_name(oldest));
        }
        json_remove_at(c->jobs, at);
    }
    return RC_OK;
}

/* ---- the slot that is due ---- */

static char *
cron_job_child_name(const struct cron_run *c, int64_t slot)
{
    bool fast = c->cron.every_ms > 0 && c->cron.every_ms < MINUTE_MS;

    return mem_printf("%s-%lld", kube_name(c->obj),
                      (long long)(fast ? slot / 1000 : slot / MINUTE_MS));
}

static struct json *
cron_job_new_child(const struct cron_run *c, const char *name, int64_t slot)
{
    struct json *job = kube_object_new(&KUBE_JOB, kube_ns(c->obj), name);
    const struct json *template = json_dig(c->obj, "spec", "jobTemplate");
    const struct json *labels = json_dig(template, "metadata", "labels"),
                      *notes = json_dig(template, "metadata", "annotations");
    char when[API_TIME_TEXT];

    if (labels != NULL)
        json_set(kube_meta(job), "labels", json_clone(labels));
    if (notes != NULL)
        json_set(kube_meta(job), "annotations", json_clone(notes));
    kube_set_annotation(job, SCHEDULED_AT, api_time(slot, when));
    (void)kube_set_owner(job, c->obj, true);
    json_set(job, "spec", json_clone(json_field(template, "spec")));
    return job;
}

/* Ours of this slot, made now or before a restart. */
static enum rc
cron_job_start(struct ctx *cx, struct cron_run *c, int64_t slot, struct err *e)
{
    CLEANUP(mem_free_ptr) char *name = cron_job_child_name(c, slot);
    CLEANUP(json_free_ptr) struct json *job = cron_job_new_child(c, name, slot);
    CLEANUP(json_free_ptr) struct json *made = NULL;
    struct err why = ERR_INIT;
    char when[API_TIME_TEXT];
    enum rc rc = kube_create(cx, c->r->k, &KUBE_JOB, kube_ns(c->obj), job, NULL, &made, &why);

    if (rc == RC_EXISTS) {
        if (kube_get(cx, c->r->k, &KUBE_JOB, kube_ns(c->obj), name, &made, e))
            return e->code == RC_NOT_FOUND ? err_set(e, RC_CONFLICT, "%s went", name) : err_code(e);
        if (!kube_is_owned_by(made, kube_uid(c->obj))) {
            recorder_event(cx, c->r->cron_events, c->obj, "Warning", "FailedCreate",
                           "Error creating job: %s", why.msg);
            return RC_OK;
        }
    } else if (rc != RC_OK) {
        recorder_event(cx, c->r->cron_events, c->obj, "Warning", "FailedCreate",
                       "Error creating job: %s", why.msg);
        *e = why;
        return rc;
    } else {
        recorder_event(cx, c->r->cron_events, c->obj, "Normal", "SuccessfulCreate",
                       "Created job %s", name);
    }
    if (job_end(made) == NULL &&
        !cron_job_has_active(json_field(c->status, "active"), kube_uid(made)))
        json_push(json_need_array(c->status, "active"), kube_reference(made));
    json_set_cstr(c->status, "lastScheduleTime", api_time(slot, when));
    return RC_OK;
}

static enum rc
cron_job_replace_active(struct ctx *cx, struct cron_run *c, struct err *e)
{
    for (size_t i = 0; i < json_size(c->jobs); i++) {
        const struct json *job = json_elem(c->jobs, i);
        if (job_end(job) != NULL || kube_is_deleting(job))
            continue;
        if (node_delete(cx, c->r, &KUBE_JOB, job, "Background", -1, e))
            return err_code(e);
        recorder_event(cx, c->r->cron_events, c->obj, "Normal", "SuccessfulDelete",
                       "Deleted job %s", kube_name(job));
    }
    json_remove(c->status, "active");
    return RC_OK;
}

static int64_t
cron_job_begin(const struct cron_run *c)
{
    int64_t last = kube_time_ms(json_dig(c->obj, "status", "lastScheduleTime"));

    return last > 0 ? last : kube_created_ms(c->obj);
}

static enum rc
cron_job_start_due(struct ctx *cx, struct cron_run *c, struct err *e)
{
    const struct json *deadline = json_dig(c->obj, "spec", "startingDeadlineSeconds");
    const char *policy = json_text_or(json_dig(c->obj, "spec", "concurrencyPolicy"), "Allow");
    int64_t now = clock_real_ms(), since = cron_job_begin(c), late = json_int_or(deadline, -1);
    struct due_slots due;

    if (late >= 0)
        since = MAX(since, now - late * 1000);
    due = due_slots(&c->cron, since, now);
    if (due.missed > DUE_SLOTS_MANY)
        recorder_event(cx, c->r->cron_events, c->obj, "Warning", "TooManyMissedTimes",
                       "too many missed start times. Set or decrease "
                       ".spec.startingDeadlineSeconds or check clock skew");
    if (due.last_ms == 0)
        return RC_OK;
    if (strcmp(policy, "Forbid") == 0 && json_size(json_field(c->status, "active")) > 0) {
        recorder_event(cx, c->r->cron_events, c->obj, "Normal", "JobAlreadyActive",
                       "Not starting job because prior execution is running and concurrency "
                       "policy is Forbid");
        return RC_OK; /* when that Job ends we look again */
    }
    if (strcmp(policy, "Replace") == 0 && cron_job_replace_active(cx, c, e))
        return err_code(e);
    return cron_job_start(cx, c, due.last_ms, e);
}

static void
cron_job_wait(struct cron_run *c)
{
    int64_t now = clock_real_ms(), next = cron_next(&c->cron, now);

    if (c->cron.every_ms > 0) {
        int64_t last = kube_time_ms(json_field(c->status, "lastScheduleTime"));
        last = last > 0 ? last : kube_created_ms(c->obj);
        next = MAX(cron_next(&c->cron, last), now + 100);
        if (json_size(json_field(c->status, "active")) > 0) /* perhaps forbidden: do not spin */
            next = MAX(next, now + 1000);
    }
    if (next != 0)
        requeue_by(c->out, MIN(next - now + 1, LOOK_AT_MOST_MS));
}

static enum rc
cron_job_step(struct ctx *cx, struct cron_run *c, struct err *e)
{
    const char *schedule = json_text_or(json_dig(c->obj, "spec", "schedule"), ""),
               *zone = json_text(json_dig(c->obj, "spec", "timeZone"));
    struct err bad = ERR_INIT;

    cron_job_see_active(cx, c);
    if (cron_job_trim_history(cx, c, "Complete", "successfulJobsHistoryLimit", 3, e) ||
        cron_job_trim_history(cx, c, "Failed", "failedJobsHistoryLimit", 1, e))
        return err_code(e);
    if (json_is_true(json_dig(c->obj, "spec", "suspend")))
        return RC_OK;
    if (cron_parse(schedule, zone, &c->cron, &bad)) {
        recorder_event(cx, c->r->cron_events, c->obj, "Warning", "UnparseableSchedule",
                       "unparseable schedule: %s : %s", schedule, bad.msg);
        return RC_OK; /* until somebody changes it */
    }
    if (cron_job_start_due(cx, c, e))
        return err_code(e);
    cron_job_wait(c);
    return RC_OK;
}

enum rc
cron_job_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name,
                   struct ctl_result *out, struct err *e)
{
    struct node *r = (struct node *)arg;
    CLEANUP(json_free_ptr) struct json *obj = cache_get(r->cron_jobs, ns, name);
    struct cron_run c = {.r = r, .obj = obj, .out = out};
    enum rc rc;

    if (obj == NULL || kube_is_deleting(obj))
        return RC_OK;
    c.jobs = cache_by(r->jobs, BY_OWNER, kube_uid(obj));
    c.status = json_field(obj, "status") != NULL ? json_clone(json_field(obj, "status"))
                                                 : json_new_object();
    rc = cron_job_step(cx, &c, e);
    if (rc == RC_OK)
        rc = node_put_status(cx, r, &KUBE_CRON_JOB, r->cron_jobs, obj, TAKE(c.status), e);
    json_free(c.status);
    json_free(c.jobs);
    cron_release(&c.cron);
    return rc;
}

/* ---- at admission ---- */

void
node_check_cron_job(void *arg, const char *kind, const struct json *old, const struct json *obj,
                    struct field_errors *to)
{
    const char *schedule = json_text_or(json_dig(obj, "spec", "schedule"), ""),
               *before = json_text_or(json_dig(old, "spec", "schedule"), ""),
               *zone = json_text(json_dig(obj, "spec", "timeZone")),
               *name = json_text_or(json_dig(obj, "metadata", "name"), "");
    struct cron c = {.zone = NULL};
    struct err e = ERR_INIT;

    (void)arg;
    if (strcmp(kind, "cronjobs.batch") != 0)
        return;
    if (old == NULL && strlen(name) > CRON_NAME_MAX)
        field_error_invalid(to, "metadata.name",
                            "Invalid value: \"%s\": must be no more than %d characters", name,
                            CRON_NAME_MAX);
    if (zone != NULL && cron_parse("@daily", zone, &c, &e))
        field_error_invalid(to, "spec.timeZone", "Invalid value: \"%s\": unknown time zone %s",
                            zone, zone);
    else if (cron_release(&c), cron_parse(schedule, zone, &c, &e))
        field_error_invalid(to, "spec.schedule", "Invalid value: \"%s\": %s", schedule, e.msg);
    else if (strstr(schedule, "TZ") != NULL && strstr(before, "TZ") == NULL)
        field_error_invalid(
            to, "spec.schedule",
            "Invalid value: \"%s\": cannot use TZ or CRON_TZ in schedule, use timeZone "
            "field instead",
            schedule);
    cron_release(&c);
}
