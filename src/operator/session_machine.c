/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/session_machine.h"

#include <stdarg.h>

#include "api/duration.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/phase.h"

enum { LOOK_MS = 15 * 1000, EVENT_TEXT = 1000 };

/* ---- its status ---- */

void
session_take(struct session_ctx *s, struct json *obj)
{
    json_free(s->was);
    json_free(s->now);
    s->was = obj;
    s->now = json_clone(obj);
    s->status = json_need_object(s->now, "status");
    if (s->kind->is_invoker)
        invoker_view(s->now, &s->inv);
}

void
session_init(struct session_ctx *s, const struct session_kind *kind, struct ctx *cx,
             struct operator* op, struct json *obj, struct ctl_result *out)
{
    *s = (struct session_ctx){.cx = cx, .op = op, .kind = kind, .out = out};
    session_take(s, obj);
}

void
session_release(struct session_ctx *s)
{
    json_free(s->was);
    json_free(s->now);
}

void
session_event(struct session_ctx *s, const char *type, const char *reason, const char *fmt, ...)
{
    char text[EVENT_TEXT];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    recorder_event(s->cx, s->kind->own(s->op)->events, s->now, type, reason, "%s", text);
}

void
session_tell(struct session_ctx *s, const char *type, enum condition_id id,
             enum condition_state state, const char *text)
{
    struct teller to = {s->cx, s->kind->own(s->op)->events, s->now, type};

    condition_tell(&to, s->status, id, state, text);
}

void
session_wait_is_over(struct session_ctx *s)
{
    if (condition_is_true(s->status, COND_WAITING_FOR_TURN))
        (void)condition_set(s->status, COND_WAITING_FOR_TURN, COND_FALSE, "The wait is over.");
}

/* When its Job was made: the wait for its turn does not count. One without a Job began when it was made. */
static int64_t
session_began_ms(struct session_ctx *s, const char *phase)
{
    int64_t at = 0;

    if (strcmp(phase, "Skipped") != 0)
        at = kube_time_ms(
            json_field(condition_find(s->kind->target(s), condition_row(s->kind->executor)->type),
                       "lastTransitionTime"));
    return at != 0 ? at : kube_created_ms(s->now);
}

/* Phases follow from the rest; the duration is written once. */
static const char *
session_settle(struct session_ctx *s)
{
    const char *phase = s->kind->settle(s);
    char took[DURATION_TEXT];

    json_set_cstr(s->status, "phase", phase);
    if (phase_is_final(phase) && json_field(s->status, "sessionDuration") == NULL)
        json_set_cstr(s->status, "sessionDuration",
                      duration_format_s(clock_real_ms() - session_began_ms(s, phase), took));
    return phase;
}

enum rc
session_save(struct session_ctx *s, struct json **target, struct err *e)
{
    struct cache *cache = s->kind->own(s->op)->cache;
    struct json *fresh;

    (void)session_settle(s);
    if (write_status(s->cx, s->op, cache, s->kind->resource, s->was, s->now, e))
        return err_code(e);
    fresh = cache_get(cache, kube_ns(s->now), kube_name(s->now));
    if (fresh == NULL)
        return err_set(e, RC_NOT_FOUND, "the %s is gone", s->kind->name);
    session_take(s, fresh);
    if (target != NULL)
        *target = s->kind->target(s);
    return RC_OK;
}

/* The cache of Jobs may be ahead of that of sessions: has the Job really said nothing? */
static enum rc
session_reload(struct session_ctx *s, struct err *e)
{
    struct json *fresh = NULL;

    if (kube_get(s->cx, s->op->k, s->kind->resource, kube_ns(s->now), kube_name(s->now), &fresh, e))
        return err_code(e);
    cache_note(s->kind->own(s->op)->cache, fresh);
    session_take(s, fresh);
    return RC_OK;
}

/* ---- the end ---- */

/* The first host that says why it failed; "" where none does. */
static const char *
session_cause(struct session_ctx *s)
{
    const struct json *stats = json_field(s->kind->target(s), "stats");

    for (size_t i = 0; i < json_size(stats); i++)
        if (json_field(json_elem(stats, i), "error") != NULL)
            return json_text_or(json_field(json_elem(stats, i), "error"), "");
    return "";
}

enum rc
session_report(struct session_ctx *s, struct err *e)
{
    CLEANUP(mem_free_ptr) char *line = NULL;
    const char *phase, *took, *cause;
    bool good;

    session_wait_is_over(s); /* of a Job that was stopped while it waited */
    if (s->kind->tidy != NULL)
        s->kind->tidy(s);
    report_metrics(s->cx, s->op, &s->inv, s->now, s->status);
    phase = session_settle(s);
    if (s->kind->ended != NULL && s->kind->ended(s, phase, e))
        return err_code(e);
    good = strcmp(phase, "Succeeded") == 0 || strcmp(phase, DRY_RUN_PHASE) == 0;
    took = json_text_or(json_field(s->status, "sessionDuration"), "?");
    session_event(s, good ? "Normal" : "Warning", s->kind->finished, "%s session %s in %s",
                  s->kind->verb, phase, took);
    cause = good ? "" : session_cause(s);
    line = mem_printf("%s %s in %s%s%s", s->kind->name, phase, took, cause[0] != '\0' ? ": " : "",
                      cause);
    if (session_save(s, NULL, e))
        return err_code(e);
    if (good)
        log_info("%s", line);
    else
        log_warn("%s", line);
    return RC_OK;
}

/* The host has failed, unless the Job itself said how it is: that is better. */
static void
session_fail_host(struct session_ctx *s, struct json *target, const char *why)
{
    struct json *stats = json_need_array(target, "stats"), *one;

    if (json_field(target, "totalHosts") == NULL)
        json_set_int(target, "totalHosts", 1);
    if (json_size(stats) > 0)
        return;
    one = json_new_object();
    json_set_cstr(one, "hostname", s->inv.alias[0] != '\0' ? s->inv.alias : DEFAULT_HOST);
    json_set_cstr(one, "phase", "Failed");
    json_set_cstr(one, "error", why);
    json_push(stats, one);
}

bool
session_is_given_up(struct session_ctx *s)
{
    return condition_is_true(s->status, COND_DEADLINE_EXCEEDED) ||
           condition_is_true(s->kind->target(s), s->kind->disrupted);
}

enum rc
session_end_given_up(struct session_ctx *s, struct err *e)
{
    struct run run = {.inv = &s->inv, .session = s->now};
    char *job = run_job_name(&run);
    enum rc rc = ensure_gone(s->cx, s->op, &KUBE_JOB, s->inv.ns, job, "Background", e);

    mem_free(job);
    return rc != RC_OK ? rc : session_report(s, e);
}

static enum rc
session_end_at_deadline(struct session_ctx *s, struct err *e)
{
    char took[DURATION_TEXT], text[200];

    (void)snprintf(text, sizeof(text), "Failed to complete %s within %s.", s->kind->verb,
                   duration_format(s->inv.timeout_ms, took));
    (void)condition_set(s->status, COND_DEADLINE_EXCEEDED, COND_TRUE, text);
    session_fail_host(s, s->kind->target(s), text);
    if (session_save(s, NULL, e))
        return err_code(e);
    session_event(s, "Warning", "DeadlineExceeded", "%s", text);
    return session_end_given_up(s, e);
}

enum rc
session_end_disrupted(struct session_ctx *s, const char *why, struct err *e)
{
    struct json *target = s->kind->target(s);
    char text[WHY_TEXT + 80];

    (void)snprintf(text, sizeof(text), "The %s Job ended without a result: %s", s->kind->verb, why);
    (void)condition_set(target, s->kind->disrupted, COND_TRUE, text);
    session_fail_host(s, target, why);
    if (session_save(s, NULL, e))
        return err_code(e);
    session_event(s, "Warning", condition_row(s->kind->disrupted)->type, "%s", text);
    return session_end_given_up(s, e);
}

/* ---- on the way ---- */

enum rc
session_begin(struct session_ctx *s, const struct json *repo, struct err *e)
{
    struct run run = {.inv = &s->inv, .repo = repo};
    struct json *target;
    char text[API_TIME_TEXT];
    struct err why = ERR_INIT;
    enum rc rc;

    s->kind->prepare(s);
    if (s->inv.timeout_ms > 0) {
        run.deadline_ms = kube_created_ms(s->now) + s->inv.timeout_ms;
        json_set_cstr(s->status, "sessionDeadline", api_time(run.deadline_ms, text));
    }
    if (session_save(s, &target, e))
        return err_code(e);
    run.session = s->now;
    rc = ensure_job(s->cx, s->op, &run, &why);
    if (rc != RC_OK && (why.retry || rc == RC_CANCELLED || rc == RC_CONFLICT)) {
        *e = why;
        return rc; /* the server is busy: come again */
    }
    if (rc == RC_OK) {
        CLEANUP(mem_free_ptr) char *words = s->kind->ensured_words(s);
        (void)condition_set(target, s->kind->executor, COND_TRUE, words);
        if (session_save(s, NULL, e))
            return err_code(e);
        log_info("%s started", s->kind->name);
        return RC_OK;
    }
    (void)condition_set(target, s->kind->executor, COND_FALSE, why.msg);
    session_fail_host(s, target, why.msg);
    session_event(s, "Warning", condition_row(s->kind->executor)->in[COND_FALSE].reason, "%s",
                  why.msg);
    if (session_save(s, NULL, e))
        return err_code(e);
    return session_report(s, e);
}

/* Is the pod still to run the hook that comes after the result? */
static bool
session_hook_is_due(struct session_ctx *s, enum outcome job)
{
    const struct json *target = s->kind->target(s);

    return job <= OUTCOME_WAITING && json_field(s->inv.hooks, s->kind->post_hook) != NULL &&
           !condition_is_false(target, s->kind->pre_hook_done) &&
           !condition_is_there(target, s->kind->post_hook_done);
}

enum rc
session_watch(struct session_ctx *s, struct err *e)
{
    struct run run = {.inv = &s->inv, .session = s->now};
    char *job = run_job_name(&run), why[WHY_TEXT];
    enum outcome o = OUTCOME_GOING;
    enum rc rc = job_outcome(s->cx, s->op, s->inv.ns, job, &o, why, e);
    int64_t deadline = kube_time_ms(json_field(s->status, "sessionDeadline")),
            left = deadline - clock_real_ms();

    mem_free(job);
    if (rc != RC_OK)
        return rc;
    if (!s->kind->has_result(s) && o >= OUTCOME_DONE && session_reload(s, e))
        return err_code(e);
    if (s->kind->has_result(s))
        return session_hook_is_due(s, o) ? session_save(s, NULL, e) : session_report(s, e);
    if (deadline != 0 && (left <= 0 || (o == OUTCOME_DEAD && strstr(why, "deadline") != NULL)))
        return session_end_at_deadline(s, e);
    if (o == OUTCOME_DEAD)
        return session_end_disrupted(s, why, e);
    if (o == OUTCOME_DONE)
        return session_end_disrupted(s, "the Job completed, but wrote no result", e);
    if (o == OUTCOME_WAITING) {
        session_event(s, "Warning", s->kind->waiting, "%s", why);
        s->out->requeue_after_ms = LOOK_MS;
    }
    if (deadline != 0)
        s->out->requeue_after_ms =
            s->out->requeue_after_ms == 0 ? left : MIN(left, s->out->requeue_after_ms);
    return session_save(s, NULL, e);
}

/* ---- what concerns it ---- */

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
        workq_add_object(q, kube_ns(pod), json_text_or(json_field(owner, "name"), ""));
    json_free(job);
}

void
session_wire(struct operator* op, struct watched *own)
{
    controller_watch(own->ctl, op->jobs, controller_map_owner,
                     (void *)(uintptr_t)cache_kind(own->cache)->kind);
    controller_watch(own->ctl, op->pods, map_pod_to_owner, op);
}
