/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-hook: what a user wants done before or after a backup or a restore. Source: Stash.
 *
 * A hook that fails before: the condition says so and the pod ends there. After: the condition says
 * so, which makes the target Failed.
 */
#include "api/conditions.h"
#include "api/hook_templates.h"
#include "api/kinds.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/hook.h"
#include "job/step_internal.h"
#include "kube/object.h"

struct hook_work {
    struct ctx *cx;
    const struct step_flags *f;
    struct kube *k;
    struct json *session, *inv_obj;
    struct invoker inv;
    bool post;
    enum condition_id done;
    char failure[600];
};

static const struct {
    const char *hook;
    enum condition_id done, whole_done;
} names[] = {
    {"preBackup", COND_PRE_BACKUP_HOOK, COND_GLOBAL_PRE_BACKUP_HOOK},
    {"postBackup", COND_POST_BACKUP_HOOK, COND_GLOBAL_POST_BACKUP_HOOK},
    {"preRestore", COND_PRE_RESTORE_HOOK, COND_GLOBAL_PRE_RESTORE_HOOK},
    {"postRestore", COND_POST_RESTORE_HOOK, COND_GLOBAL_POST_RESTORE_HOOK},
};

static int
name_at(const char *hook)
{
    for (int i = 0; i < (int)ARRAY_LEN(names); i++)
        if (strcmp(step_text(hook, ""), names[i].hook) == 0)
            return i;
    return -1;
}

/* Where the conditions of this session's target, or of the whole of a batch, are. */
static struct json *
step_hook_holder(struct hook_work *w, struct json *session)
{
    return invoker_need_place(&w->inv, json_need_object(session, "status"));
}

static struct json *
step_hook_place(void *arg, struct json *session)
{
    return step_hook_holder((struct hook_work *)arg, session);
}

static enum rc
step_hook_tell(struct hook_work *w, enum condition_state state, const char *message, struct err *e)
{
    return step_tell(
        w->cx, w->k, w->f,
        &(struct step_verdict){
            .id = w->done, .state = state, .text = message, .place = step_hook_place, .arg = w},
        e);
}

/* One that is False and says nothing of the data. */
static bool
is_harmless(const struct json *c)
{
    static const enum condition_id ids[] = {COND_REPOSITORY_METRICS_PUSHED, COND_WAITING_FOR_TURN};
    const char *held_back = condition_row(COND_RETENTION_HELD_BACK)->in[COND_FALSE].reason;

    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        if (strcmp(json_text_or(json_field(c, "type"), ""), condition_row(ids[i])->type) == 0)
            return true;
    return strcmp(json_text_or(json_field(c, "reason"), ""), held_back) == 0;
}

/* The first condition of a list that is False; of those that speak of several targets, one that names `target` (NULL: any). */
static const char *
false_condition(const struct json *list, const char *target)
{
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *c = json_elem(list, i);
        const char *message = json_text_or(json_field(c, "message"), "a condition is False");

        if (strcmp(json_text_or(json_field(c, "status"), ""), "False") == 0 && !is_harmless(c) &&
            (target == NULL || strstr(message, target) != NULL))
            return message;
    }
    return NULL;
}

/* What went wrong with one target. */
static const char *
failure_of_target(const struct json *holder)
{
    const struct json *stats = json_field(holder, "stats");

    for (size_t i = 0; i < json_size(stats); i++) {
        const struct json *host = json_elem(stats, i);

        if (strcmp(json_text_or(json_field(host, "phase"), ""), "Failed") == 0)
            return json_text_or(json_field(host, "error"), "the host failed");
    }
    return false_condition(json_field(holder, "conditions"), NULL);
}

/* The first thing that went wrong before this hook: a host or a condition. NULL: nothing. */
static const char *
failure_of(struct hook_work *w)
{
    struct json *status = json_need_object(w->session, "status");
    const struct json *all = json_field(status, "conditions");
    CLEANUP(mem_free_ptr) char *named = NULL;
    const char *found;

    if (w->inv.at != INVOKER_WHOLE) {
        found = failure_of_target(step_hook_holder(w, w->session));
        named = w->inv.batch ? mem_printf("%s: ", w->inv.target_name) : NULL;
        return found != NULL ? found : false_condition(all, named);
    }
    for (size_t i = 0; i < w->inv.n; i++) {
        struct invoker m;

        invoker_member(&w->inv, i, &m);
        found = failure_of_target(invoker_place(&m, status, NULL));
        if (found != NULL) {
            (void)snprintf(w->failure, sizeof(w->failure), "%s: %s", m.target_name, found);
            return w->failure;
        }
    }
    return false_condition(all, NULL);
}

/* ---- run it ---- */

static bool
policy_allows(const char *policy, bool failed, int64_t retry_left)
{
    if (strcmp(policy, "OnFailure") == 0)
        return failed;
    if (strcmp(policy, "OnSuccess") == 0)
        return !failed;
    if (strcmp(policy, "OnFinalRetryFailure") == 0)
        return failed && retry_left == 0;
    return true;
}

static enum rc
step_hook_run(struct hook_work *w, struct err *e)
{
    const struct json *handler = json_field(w->inv.hooks, w->f->hook_type);
    const char *failure = failure_of(w),
               *policy = json_text_or(json_field(handler, "executionPolicy"), "Always");
    struct json *data;
    struct err why = ERR_INIT;
    char text[300];
    enum rc rc;

    if (handler == NULL)
        return err_set(e, RC_INVALID, "%s %s/%s has no %s hook", w->inv.kind, w->inv.ns,
                       w->inv.name, w->f->hook_type);
    if (condition_is_there(step_hook_holder(w, w->session), w->done) &&
        !condition_is(step_hook_holder(w, w->session), w->done, COND_UNKNOWN))
        return RC_OK; /* it ran already */
    if (w->post && !policy_allows(policy, failure != NULL,
                                  json_int_or(json_dig(w->session, "spec", "retryLeft"), 0))) {
        (void)snprintf(text, sizeof(text),
                       "Skipping executing %s. Reason: executionPolicy is \"%s\" but phase is "
                       "\"%s\".",
                       w->f->hook_type, policy, failure != NULL ? "Failed" : "Succeeded");
        log_info("%s", text);
        return step_hook_tell(w, COND_TRUE, text, e);
    }
    data = hook_data(
        &w->inv,
        &(struct hook_outcome){
            .session = kube_name(w->session),
            .duration = json_text_or(json_dig(w->session, "status", "sessionDuration"), ""),
            .failure = failure,
            .retry_left = json_int_or(json_dig(w->session, "spec", "retryLeft"), 0)});
    rc = hook_run(w->cx, w->k, &w->inv, handler, data, &why);
    json_free(data);
    if (rc == RC_OK) {
        (void)snprintf(text, sizeof(text), "Successfully executed %s hook.", w->f->hook_type);
        return step_hook_tell(w, COND_TRUE, text, e);
    }
    (void)err_wrap(&why, "%s hook failed", w->f->hook_type);
    if (step_hook_tell(w, COND_FALSE, why.msg, e))
        return err_code(e);
    if (!w->post) {
        *e = why;
        return err_code(e); /* nothing behind it runs */
    }
    log_err(&why);
    return RC_OK;
}

/* The last container speaks for the pod. */
static enum rc
final_word(struct hook_work *w, struct err *e)
{
    const char *failure;

    if (!step_is_final() || !w->post || w->inv.at == INVOKER_WHOLE)
        return RC_OK;
    failure = failure_of(w);
    return failure == NULL ? RC_OK : err_set(e, RC_INVALID, "%s", failure);
}

enum rc
step_run_hook(struct ctx *cx, const struct step_flags *f, struct err *e)
{
    struct hook_work w = {.cx = cx, .f = f};
    int at = name_at(f->hook_type);
    enum rc rc;

    if (at < 0)
        return err_set(e, RC_USAGE,
                       "--hook-type %s: use preBackup, postBackup, preRestore or postRestore",
                       step_text(f->hook_type, "(none)"));
    w.post = strncmp(names[at].hook, "post", 4) == 0;
    rc = step_need_session(f, e);
    if (rc == RC_OK)
        rc = step_connect(f, &w.k, NULL, e);
    if (rc == RC_OK)
        rc = step_session(cx, w.k, f, &w.session, &w.inv_obj, &w.inv, e);
    w.done = w.inv.at == INVOKER_WHOLE ? names[at].whole_done : names[at].done;
    if (rc == RC_OK)
        rc = step_hook_run(&w, e);
    if (rc == RC_OK)
        rc = final_word(&w, e);
    json_free(w.session);
    json_free(w.inv_obj);
    kube_free(w.k);
    return rc;
}
