/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/session_machine.h"

#include <stdarg.h>

#include "api/duration.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/phase.h"

enum { LOOK_MS = 15 * 1000, EVENT_TEXT = 1000 };

/* "BackupSession" */
static const char *
session_name(const struct session_ctx *s)
{
    return s->kind->crd->gvr->kind;
}

/* ---- its status ---- */

void
session_take(struct session_ctx *s, struct json *obj)
{
    json_free(s->was);
    json_free(s->now);
    s->was = obj;
    s->now = json_clone(obj);
    s->status = json_need_object(s->now, "status");
    if (s->kind->is_invoker) {
        size_t at = s->inv.at;

        invoker_view(s->now, &s->inv);
        session_at(s, at);
    }
}

void
session_at(struct session_ctx *s, size_t at)
{
    invoker_member(&s->inv, at, &s->inv);
}

struct json *
session_place(struct session_ctx *s)
{
    return invoker_need_place(&s->inv, s->status);
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

/* The i-th of what it consists of: its members, and those that were some when it began; or all of it. NULL: there are no more. */
static const struct json *
session_part(const struct session_ctx *s, size_t i)
{
    const struct json *list = json_field(s->status, s->kind->is_invoker ? "members" : "targets");

    if (list == NULL)
        return i == 0 ? s->status : NULL;
    return i < json_size(list) ? json_elem(list, i) : NULL;
}

/* When its first Job was made: the wait for its turn does not count. One without a Job began when it was made. */
static int64_t
session_began_ms(struct session_ctx *s, const char *phase)
{
    const char *made = condition_row(s->kind->executor)->type;
    const struct json *part;
    int64_t began = 0;

    for (size_t i = 0; strcmp(phase, "Skipped") != 0 && (part = session_part(s, i)) != NULL; i++) {
        int64_t at = kube_time_ms(json_field(condition_find(part, made), "lastTransitionTime"));

        if (at != 0 && (began == 0 || at < began))
            began = at;
    }
    return began != 0 ? began : kube_created_ms(s->now);
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
session_save(struct session_ctx *s, struct err *e)
{
    struct cache *cache = s->kind->own(s->op)->cache;
    struct json *fresh;

    (void)session_settle(s);
    if (write_status(s->cx, s->op, cache, cache_kind(cache), s->was, s->now, e))
        return err_code(e);
    fresh = cache_get(cache, kube_ns(s->now), kube_name(s->now));
    if (fresh == NULL)
        return err_set(e, RC_NOT_FOUND, "the %s is gone", session_name(s));
    session_take(s, fresh);
    return RC_OK;
}

/* The cache of Jobs may be ahead of that of sessions: has the Job really said nothing? */
static enum rc
session_reload(struct session_ctx *s, struct err *e)
{
    struct json *fresh = NULL;

    if (kube_get(s->cx, s->op->k, s->kind->crd->gvr, kube_ns(s->now), kube_name(s->now), &fresh, e))
        return err_code(e);
    cache_note(s->kind->own(s->op)->cache, fresh);
    session_take(s, fresh);
    return RC_OK;
}

/* ---- its Jobs ---- */

/* The Job of the member at hand. */
static struct run
session_run(struct session_ctx *s)
{
    struct run run = {.inv = &s->inv, .session = s->now};

    (void)invoker_place(&s->inv, s->status, &run.index);
    return run;
}

enum rc
session_remove_job(struct session_ctx *s, const struct run *run, struct err *e)
{
    CLEANUP(mem_free_ptr) char *job = run_job_name(run);

    return ensure_gone(s->cx, s->op, &KUBE_JOB, s->inv.ns, job, "Background", e);
}

static enum rc
session_job_outcome(struct session_ctx *s, const struct run *run, enum outcome *o,
                    char why[static WHY_TEXT], struct err *e)
{
    CLEANUP(mem_free_ptr) char *job = run_job_name(run);

    return job_outcome(s->cx, s->op, s->inv.ns, job, o, why, e);
}

/* The server is busy: come again. */
static bool
is_passing(enum rc rc, const struct err *why)
{
    return rc != RC_OK && (why->retry || rc == RC_CANCELLED || rc == RC_CONFLICT);
}

/* ---- the hooks of a whole batch ---- */

static enum rc
session_hook_begin(struct session_ctx *s, const struct run *run, enum condition_id id,
                   struct err *e)
{
    struct err why = ERR_INIT;
    enum rc rc = ensure_job(s->cx, s->op, run, &why);

    if (is_passing(rc, &why)) {
        *e = why;
        return rc;
    }
    (void)condition_setf(s->status, id, rc == RC_OK ? COND_UNKNOWN : COND_FALSE, "%s%s",
                         rc == RC_OK ? "The hook runs: " : "", rc == RC_OK ? run->hook : why.msg);
    return session_save(s, e);
}

static enum rc
session_hook_watch(struct session_ctx *s, const struct run *run, enum condition_id id,
                   struct err *e)
{
    char why[WHY_TEXT];
    enum outcome o = OUTCOME_GOING;

    if (session_job_outcome(s, run, &o, why, e))
        return err_code(e);
    if (o < OUTCOME_DONE) {
        if (o == OUTCOME_WAITING)
            session_event(s, "Warning", s->kind->waiting, "%s", why);
        s->out->requeue_after_ms = LOOK_MS;
        return RC_OK;
    }
    if (session_reload(s, e))
        return err_code(e);
    if (!condition_is(s->status, id, COND_UNKNOWN))
        return RC_OK;
    (void)condition_setf(s->status, id, COND_FALSE, "The %s hook ended without a result: %s",
                         run->hook, o == OUTCOME_DEAD ? why : "its Job completed");
    return session_save(s, e);
}

/* The hook before or after all; *done: there is none, or it ran. Any member is at hand before and behind it. */
static enum rc
session_hook(struct session_ctx *s, bool post, bool *done, struct err *e)
{
    enum condition_id id = post ? s->kind->whole_post_done : s->kind->whole_pre_done;
    struct run run = {.inv = &s->inv, .hook = post ? s->kind->post_hook : s->kind->pre_hook};
    enum rc rc = RC_OK;

    *done = true;
    if (!s->inv.batch)
        return RC_OK;
    session_at(s, INVOKER_WHOLE);
    run.session = s->now;
    if (json_field(s->inv.hooks, run.hook) != NULL) {
        if (!condition_is_there(s->status, id))
            rc = session_hook_begin(s, &run, id, e);
        else if (condition_is(s->status, id, COND_UNKNOWN))
            rc = session_hook_watch(s, &run, id, e);
        *done = rc == RC_OK && !condition_is(s->status, id, COND_UNKNOWN);
    }
    session_at(s, 0);
    return rc;
}

/* ---- the end ---- */

/* The first host that says why it failed; "" where none does. */
static const char *
session_cause(struct session_ctx *s)
{
    const struct json *part;

    for (size_t m = 0; (part = session_part(s, m)) != NULL; m++) {
        const struct json *stats = json_field(part, "stats");

        for (size_t i = 0; i < json_size(stats); i++)
            if (json_field(json_elem(stats, i), "error") != NULL)
                return json_text_or(json_field(json_elem(stats, i), "error"), "");
    }
    return "";
}

/* It is over: metrics, an event, the final phase. */
static enum rc
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
    good = strcmp(phase, "Succeeded") == 0 || strcmp(phase, DRY_RUN_PHASE) == 0 ||
           strcmp(phase, PLAN_PHASE) == 0;
    took = json_text_or(json_field(s->status, "sessionDuration"), "?");
    session_event(s, good ? "Normal" : "Warning", s->kind->finished, "%s session %s in %s",
                  s->kind->verb, phase, took);
    cause = good ? "" : session_cause(s);
    line = mem_printf("%s %s in %s%s%s", session_name(s), phase, took, cause[0] != '\0' ? ": " : "",
                      cause);
    if (session_save(s, e))
        return err_code(e);
    if (good)
        log_info("%s", line);
    else
        log_warn("%s", line);
    return RC_OK;
}

void
session_fail(struct json *place, const char *host, const char *why)
{
    struct json *stats = json_need_array(place, "stats"), *one;

    if (json_field(place, "totalHosts") == NULL)
        json_set_int(place, "totalHosts", 1);
    if (json_size(stats) > 0)
        return;
    one = json_new_object();
    json_set_cstr(one, "hostname", host);
    json_set_cstr(one, "phase", "Failed");
    json_set_cstr(one, "error", why);
    json_push(stats, one);
}

/* The member at hand. */
static void
session_fail_host(struct session_ctx *s, const char *why)
{
    session_fail(session_place(s), invoker_host(&s->inv), why);
}

/* Was an end of the member at hand decided, that may not be carried out yet? */
static bool
is_given_up(struct session_ctx *s)
{
    return condition_is_true(s->status, COND_DEADLINE_EXCEEDED) ||
           condition_is_true(session_place(s), s->kind->disrupted);
}

/* The Job of the member at hand, of which nothing more is wanted. At the deadline others may have ended well: theirs stay. */
static enum rc
session_clear(struct session_ctx *s, struct err *e)
{
    bool disrupted = condition_is_true(session_place(s), s->kind->disrupted);
    enum outcome o = OUTCOME_GOING;
    char why[WHY_TEXT];
    struct run run = session_run(s);

    if (!is_given_up(s))
        return RC_OK;
    if (!disrupted && session_job_outcome(s, &run, &o, why, e))
        return err_code(e);
    return disrupted || o != OUTCOME_DONE ? session_remove_job(s, &run, e) : RC_OK;
}

/* All members have ended: what is left of their Jobs, the hook after all, and the report. */
static enum rc
session_finish(struct session_ctx *s, struct err *e)
{
    bool done;

    for (size_t i = 0; i < s->inv.n; i++) {
        session_at(s, i);
        if (session_clear(s, e))
            return err_code(e);
    }
    session_at(s, 0);
    if (session_hook(s, true, &done, e))
        return err_code(e);
    return done ? session_report(s, e) : session_save(s, e);
}

static enum rc
session_end_at_deadline(struct session_ctx *s, struct err *e)
{
    struct run pre = {.inv = &s->inv, .session = s->now, .hook = s->kind->pre_hook};
    char took[DURATION_TEXT], text[200];

    (void)snprintf(text, sizeof(text), "Failed to complete %s within %s.", s->kind->verb,
                   duration_format(s->inv.timeout_ms, took));
    (void)condition_set(s->status, COND_DEADLINE_EXCEEDED, COND_TRUE, text);
    if (condition_is(s->status, s->kind->whole_pre_done, COND_UNKNOWN)) {
        if (session_remove_job(s, &pre, e))
            return err_code(e);
        (void)condition_set(s->status, s->kind->whole_pre_done, COND_FALSE, text);
    }
    for (size_t i = 0; i < s->inv.n; i++) {
        session_at(s, i);
        if (!s->kind->has_result(session_place(s)))
            session_fail_host(s, text);
    }
    session_at(s, 0);
    if (session_save(s, e))
        return err_code(e);
    session_event(s, "Warning", "DeadlineExceeded", "%s", text);
    return session_finish(s, e);
}

static enum rc
session_end_disrupted(struct session_ctx *s, const char *why, struct err *e)
{
    struct run run;
    char text[WHY_TEXT + 80];

    (void)snprintf(text, sizeof(text), "The %s Job ended without a result: %s", s->kind->verb, why);
    (void)condition_set(session_place(s), s->kind->disrupted, COND_TRUE, text);
    session_fail_host(s, why);
    if (session_save(s, e))
        return err_code(e);
    session_event(s, "Warning", condition_row(s->kind->disrupted)->type, "%s", text);
    run = session_run(s);
    return session_remove_job(s, &run, e);
}

/* ---- on the way ---- */

static int64_t
session_deadline(const struct session_ctx *s)
{
    return kube_time_ms(json_field(s->status, "sessionDeadline"));
}

/* The Job of the member at hand, and that it was made. One that cannot be made has failed. */
static enum rc
session_begin(struct session_ctx *s, const struct json *repo, struct err *e)
{
    CLEANUP(mem_free_ptr) char *words = NULL;
    struct run run;
    struct err why = ERR_INIT;
    enum rc rc;

    s->kind->prepare(session_place(s));
    if (session_save(s, e))
        return err_code(e);
    if (repo == NULL)
        return session_end_disrupted(s, "the Repository is gone", e);
    run = session_run(s);
    run.repo = repo;
    run.deadline_ms = session_deadline(s);
    rc = ensure_job(s->cx, s->op, &run, &why);
    if (is_passing(rc, &why)) {
        *e = why;
        return rc;
    }
    if (rc == RC_OK) {
        words = s->kind->ensured_words(s);
        (void)condition_set(session_place(s), s->kind->executor, COND_TRUE, words);
        if (session_save(s, e))
            return err_code(e);
        log_info("%s started", session_name(s));
        return RC_OK;
    }
    (void)condition_set(session_place(s), s->kind->executor, COND_FALSE, why.msg);
    session_fail_host(s, why.msg);
    session_event(s, "Warning", condition_row(s->kind->executor)->in[COND_FALSE].reason, "%s",
                  why.msg);
    return session_save(s, e);
}

/* Is the pod still to run the hook that comes after the result? */
static bool
session_hook_is_due(struct session_ctx *s, enum outcome job)
{
    const struct json *place = session_place(s);

    return job <= OUTCOME_WAITING && json_field(s->inv.hooks, s->kind->post_hook) != NULL &&
           !condition_is_false(place, s->kind->pre_hook_done) &&
           !condition_is_there(place, s->kind->post_hook_done);
}

/* How does the Job of the member at hand stand? *ended: no more comes of it. *late: its time is over. */
static enum rc
session_watch(struct session_ctx *s, bool *ended, bool *late, struct err *e)
{
    struct run run = session_run(s);
    char why[WHY_TEXT];
    enum outcome o = OUTCOME_GOING;
    int64_t deadline = session_deadline(s), left = deadline - clock_real_ms();

    *ended = true;
    if (is_given_up(s) || condition_is_false(session_place(s), s->kind->executor))
        return RC_OK;
    if (session_job_outcome(s, &run, &o, why, e) ||
        (!s->kind->has_result(session_place(s)) && o >= OUTCOME_DONE && session_reload(s, e)))
        return err_code(e);
    if (s->kind->has_result(session_place(s))) {
        *ended = !session_hook_is_due(s, o);
        return RC_OK;
    }
    *late = *late || (deadline != 0 &&
                      (left <= 0 || (o == OUTCOME_DEAD && strstr(why, "deadline") != NULL)));
    if (*late)
        return RC_OK;
    if (o >= OUTCOME_DONE)
        return session_end_disrupted(
            s, o == OUTCOME_DEAD ? why : "the Job completed, but wrote no result", e);
    *ended = false;
    if (o == OUTCOME_WAITING)
        session_event(s, "Warning", s->kind->waiting, "%s", why);
    s->out->requeue_after_ms = LOOK_MS; /* of a Job without a Pod nothing is heard */
    return RC_OK;
}

/* The order that the session began with: its batch may say another one by now. */
static bool
session_is_sequential(struct session_ctx *s)
{
    const char *begun_with;

    if (!s->inv.batch || s->kind->is_invoker)
        return s->inv.sequential;
    begun_with = json_text(json_field(s->status, "executionOrder"));
    if (begun_with != NULL)
        return strcmp(begun_with, ORDER_SEQUENTIAL) == 0;
    json_set_cstr(s->status, "executionOrder",
                  s->inv.sequential ? ORDER_SEQUENTIAL : ORDER_PARALLEL);
    return s->inv.sequential;
}

/* The first member makes the repository where there may be none: two that did it at once could each leave a key. */
static bool
may_begin(struct session_ctx *s, const struct json *repo, bool sequential, bool all_ended)
{
    const struct json *status = json_field(repo, "status");

    if (all_ended)
        return true;
    if (sequential)
        return false;
    return s->inv.restore || json_int_or(json_field(status, "snapshotCount"), 0) > 0 ||
           condition_is_there(s->status, COND_REPOSITORY_INITIALIZED);
}

/* The members in the order in which the session has them; mem_free. */
static size_t *
session_order(struct session_ctx *s)
{
    size_t *order = (size_t *)mem_zero(s->inv.n + 1, sizeof(*order)),
           *rank = (size_t *)mem_zero(s->inv.n + 1, sizeof(*rank));

    for (size_t i = 0; i < s->inv.n; i++) {
        size_t to = i;

        session_at(s, i);
        (void)session_place(s);
        (void)invoker_place(&s->inv, s->status, &rank[i]);
        for (; to > 0 && rank[order[to - 1]] > rank[i]; to--)
            order[to] = order[to - 1];
        order[to] = i;
    }
    mem_free(rank);
    return order;
}

/* Each member in turn. *ended: all of them have; *late: the time of one that has not is over. */
static enum rc
session_members(struct session_ctx *s, const struct json *repo, bool *ended, bool *late,
                struct err *e)
{
    CLEANUP(mem_free_ptr) size_t *order = session_order(s);
    bool all = true, sequential = session_is_sequential(s);

    for (size_t i = 0; i < s->inv.n; i++) {
        bool one = false;

        session_at(s, order[i]);
        if (!condition_is_there(session_place(s), s->kind->executor) && !is_given_up(s)) {
            if (may_begin(s, repo, sequential, all) && session_begin(s, repo, e))
                return err_code(e);
            if (condition_is_false(session_place(s), s->kind->executor) || is_given_up(s))
                one = true;
        } else if (session_watch(s, &one, late, e)) {
            return err_code(e);
        }
        all = all && one;
    }
    session_at(s, 0);
    *ended = all;
    return RC_OK;
}

/* Look again when its time is over. */
static void
session_look_at_deadline(struct session_ctx *s)
{
    int64_t deadline = session_deadline(s), left = MAX(deadline - clock_real_ms(), 1);

    if (deadline != 0)
        s->out->requeue_after_ms =
            s->out->requeue_after_ms == 0 ? left : MIN(left, s->out->requeue_after_ms);
}

bool
session_has_begun(const struct session_ctx *s)
{
    const struct json *part;

    for (size_t i = 0; (part = session_part(s, i)) != NULL; i++)
        if (json_field(part, "totalHosts") != NULL)
            return true;
    return phase_has_begun(s->status);
}

enum rc
session_go_on(struct session_ctx *s, const struct json *repo, struct err *e)
{
    char text[API_TIME_TEXT];
    bool ended = false, done, late = false;
    int64_t deadline;

    session_at(s, 0);
    if (condition_is_true(s->status, COND_DEADLINE_EXCEEDED))
        return session_finish(s, e);
    if (s->inv.timeout_ms > 0 && session_deadline(s) == 0)
        json_set_cstr(s->status, "sessionDeadline",
                      api_time(kube_created_ms(s->now) + s->inv.timeout_ms, text));
    deadline = session_deadline(s);
    if (session_hook(s, false, &done, e))
        return err_code(e);
    if (condition_is_false(s->status, s->kind->whole_pre_done))
        return session_finish(s, e);
    if (!done)
        late = deadline != 0 && clock_real_ms() >= deadline;
    else if (session_members(s, repo, &ended, &late, e))
        return err_code(e);
    if (late)
        return session_end_at_deadline(s, e);
    if (ended)
        return session_finish(s, e);
    session_look_at_deadline(s);
    return session_save(s, e);
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
