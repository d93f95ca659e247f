/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RestoreSession: from Pending to a final phase; the session is its own invoker. Source: Stash,
 * with its dead ends closed: a Repository that may not be used stops it, Jobs are watched, timeOut
 * stops them.
 */
#include "base/mem.h"
#include "operator/phase.h"
#include "operator/session_machine.h"

/* Everything of a RestoreSession's one target stands in the status itself. */
static struct json *
restore_session_target(struct session_ctx *s)
{
    return s->status;
}

static bool
has_result(struct session_ctx *s)
{
    return phase_restore_target(s->status) != NULL;
}

static const char *
restore_session_settle(struct session_ctx *s)
{
    return phase_restore(s->status);
}

static void
restore_session_prepare(struct session_ctx *s)
{
    json_set_int(s->status, "totalHosts", 1);
}

static char *
ensured_words(const struct session_ctx *s)
{
    return mem_printf("Restorer job/init-container has been ensured successfully for %s %s/%s.",
                      s->inv.target_kind, s->inv.target_ns, s->inv.target_name);
}

static struct watched *restore_session_own(struct operator* op)
{
    return &op->restoresession;
}

static const struct session_kind restore_session = {
    .resource = &GVR_RESTORE_SESSION,
    .name = "RestoreSession",
    .verb = "restore",
    .is_invoker = true,
    .executor = COND_RESTORE_EXECUTOR,
    .disrupted = COND_RESTORE_DISRUPTED,
    .waiting = "RestoreWaiting",
    .finished = "RestoreSessionFinished",
    .post_hook = "postRestore",
    .pre_hook_done = COND_PRE_RESTORE_HOOK,
    .post_hook_done = COND_POST_RESTORE_HOOK,
    .own = restore_session_own,
    .target = restore_session_target,
    .has_result = has_result,
    .settle = restore_session_settle,
    .prepare = restore_session_prepare,
    .ensured_words = ensured_words,
};

/* Everything there and allowed? Then the Job. */
static enum rc
restore_session_start(struct session_ctx *s, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *repo = NULL;
    bool ok = false, found = false;

    if (object_is_bad(s->cx, s->op->restoresession.events, &kind_restoresession, s->now, s->status))
        return session_save(s, NULL, e);
    tell_ignored(s->cx, s->op->restoresession.events, &kind_restoresession, s->now, s->status);
    if (check_needs(s->cx, s->op, &s->inv, s->status, &repo, &ok, e) ||
        (ok && check_target(s->cx, s->op, &s->inv, s->status, &found, e)))
        return err_code(e);
    if (ok && found)
        return session_begin(s, repo, e);
    s->out->requeue_after_ms = OPERATOR_RETRY_MS;
    return session_save(s, NULL, e);
}

/* Operators of KubeDB follow their databases' RestoreSessions by these labels. */
static enum rc
copy_labels(struct session_ctx *s, struct err *e)
{
    static const char *const labels[] = {"app.kubernetes.io/instance", LABEL_MANAGED_BY,
                                         "app.kubernetes.io/name"};
    CLEANUP(json_free_ptr) struct json *app = NULL;
    CLEANUP(json_free_ptr) struct json *patch = NULL;
    struct json *to, *out = NULL;

    app = target_app(s->cx, s->op, &s->inv);
    if (app == NULL || kube_label(app, LABEL_MANAGED_BY) == NULL ||
        strcmp(kube_label(app, LABEL_MANAGED_BY), "kubedb.com") != 0)
        return RC_OK;
    patch = json_new_object();
    to = json_need_object(json_need_object(patch, "metadata"), "labels");
    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        if (kube_label(app, labels[i]) != NULL)
            json_set_cstr(to, labels[i], kube_label(app, labels[i]));
    if (covers(json_dig(s->now, "metadata", "labels"), to))
        return RC_OK;
    if (kube_patch(s->cx, s->op->k, &GVR_RESTORE_SESSION, s->inv.ns, s->inv.name, KUBE_PATCH_MERGE,
                   patch, NULL, &out, e))
        return err_wrap(e, "could not copy the labels of the database");
    cache_note(s->op->restoresession.cache, out);
    session_take(s, out);
    return RC_OK;
}

/* A Repository that may not be used any more is not, even while a Job runs. */
static enum rc
check_rights(struct session_ctx *s, struct err *e)
{
    CLEANUP(json_free_ptr)
    struct json *repo = cache_get(s->op->repository.cache, s->inv.repo_ns, s->inv.repo_name);
    struct err why = ERR_INIT;
    enum rc rc = repo == NULL ? RC_DENIED : usage_check(s->cx, s->op, &s->inv, repo, &why);

    if (rc != RC_OK && rc != RC_DENIED) {
        *e = why;
        return rc;
    }
    return remove_foreign_rbac(s->cx, s->op, &s->inv, rc == RC_OK ? s->inv.repo_ns : NULL, e);
}

static enum rc
restore_session_step(struct session_ctx *s, struct err *e)
{
    if (kube_is_deleting(s->now)) {
        struct deletion l = {
            .obj = s->now, .finalizer = FINALIZER_INVOKER, .kind = &s->op->restoresession};
        return finalize_invoker(s->cx, s->op, &l, &s->inv, s->out, e);
    }
    if (!kube_has_finalizer(s->now, FINALIZER_INVOKER)) {
        struct json *fresh;

        if (write_finalizer(s->cx, s->op, s->op->restoresession.cache, s->now, FINALIZER_INVOKER,
                            true, e))
            return err_code(e);
        fresh = cache_get(s->op->restoresession.cache, s->inv.ns, s->inv.name);
        if (fresh == NULL)
            return RC_OK;
        session_take(s, fresh);
    }
    if (phase_is_final(json_text_or(json_field(s->status, "phase"), "")))
        return remove_foreign_rbac(s->cx, s->op, &s->inv, NULL, e);
    if (copy_labels(s, e) || check_rights(s, e))
        return err_code(e);
    if (session_is_given_up(s))
        return session_end_given_up(s, e);
    if (condition_is_false(s->status, COND_RESTORE_EXECUTOR))
        return session_report(s, e);
    return !condition_is_there(s->status, COND_RESTORE_EXECUTOR) ? restore_session_start(s, e)
                                                                 : session_watch(s, e);
}

static enum rc
restore_session_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name,
                          struct ctl_result *out, struct err *e)
{
    struct operator* op =(struct operator*) arg;
    struct json *obj = cache_get(op->restoresession.cache, ns, name);
    struct session_ctx s;
    enum rc rc;

    if (obj == NULL)
        return RC_OK;
    session_init(&s, &restore_session, cx, op, obj, out);
    rc = restore_session_step(&s, e);
    session_release(&s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

const struct watched_ops watched_restoresession = {.reconcile = restore_session_reconcile,
                                                   .component = "RestoreSession Controller",
                                                   .wire = session_wire};
