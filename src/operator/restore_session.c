/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RestoreSession and RestoreBatch: from Pending to a final phase; each is its own invoker. Source: Stash,
 * with its dead ends closed: a Repository that may not be used stops it, Jobs are watched, timeOut
 * stops them.
 */
#include "base/mem.h"
#include "operator/phase.h"
#include "operator/session_machine.h"

static bool
has_result(const struct json *place)
{
    return phase_restore_target(place) != NULL;
}

static const char *
restore_session_settle(struct session_ctx *s)
{
    struct json *members = json_field(s->status, "members");

    for (size_t i = 0; i < json_size(members); i++)
        json_set_cstr(json_elem(members, i), "phase", phase_restore_member(json_elem(members, i)));
    return phase_restore(s->status);
}

static void
restore_session_prepare(struct json *place)
{
    json_set_int(place, "totalHosts", 1);
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

static struct watched *restore_batch_own(struct operator* op)
{
    return &op->restorebatch;
}

#define RESTORE_KIND(name_, finished_)                                                             \
    .crd = &kind_##name_, .verb = "restore", .is_invoker = true,                                   \
    .executor = COND_RESTORE_EXECUTOR, .disrupted = COND_RESTORE_DISRUPTED,                        \
    .waiting = "RestoreWaiting", .finished = (finished_), .pre_hook = "preRestore",                \
    .post_hook = "postRestore", .pre_hook_done = COND_PRE_RESTORE_HOOK,                            \
    .post_hook_done = COND_POST_RESTORE_HOOK, .whole_pre_done = COND_GLOBAL_PRE_RESTORE_HOOK,      \
    .whole_post_done = COND_GLOBAL_POST_RESTORE_HOOK, .has_result = has_result,                    \
    .settle = restore_session_settle, .prepare = restore_session_prepare,                          \
    .ensured_words = ensured_words

static const struct session_kind restore_session = {
    RESTORE_KIND(restoresession, "RestoreSessionFinished"), .own = restore_session_own};
static const struct session_kind restore_batch = {
    RESTORE_KIND(restorebatch, "RestoreBatchFinished"), .own = restore_batch_own};

/* Is each target there, and may it be one? Nothing begins before all are. */
static enum rc
check_targets(struct session_ctx *s, bool *found, struct err *e)
{
    *found = true;
    for (size_t i = 0; i < s->inv.n; i++) {
        bool one = false;

        session_at(s, i);
        if (check_target(s->cx, s->op, &s->inv, session_place(s), &one, e))
            return err_code(e);
        *found = *found && one;
    }
    session_at(s, 0);
    return RC_OK;
}

/* Everything there and allowed? Then the Jobs. */
static enum rc
restore_session_start(struct session_ctx *s, struct err *e)
{
    struct recorder *events = s->kind->own(s->op)->events;
    CLEANUP(json_free_ptr) struct json *repo = NULL;
    bool ok = false, found = false;

    if (object_is_bad(s->cx, events, s->kind->crd, s->now, s->status))
        return session_save(s, e);
    tell_ignored(s->cx, events, s->kind->crd, s->now, s->status);
    if (check_needs(s->cx, s->op, &s->inv, s->status, &repo, &ok, e) ||
        (ok && check_targets(s, &found, e)))
        return err_code(e);
    if (ok && found)
        return session_go_on(s, repo, e);
    s->out->requeue_after_ms = OPERATOR_RETRY_MS;
    return session_save(s, e);
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

    if (s->inv.batch) /* of which database would they be? */
        return RC_OK;
    app = target_app(s->cx, s->op, &s->inv);
    if (app == NULL || kube_label(app, LABEL_MANAGED_BY) == NULL ||
        strcmp(kube_label(app, LABEL_MANAGED_BY), "kubedb.com") != 0)
        return RC_OK;
    patch = json_new_object();
    to = json_need_object(json_need_object(patch, "metadata"), "labels");
    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        if (kube_label(app, labels[i]) != NULL)
            json_set_cstr(to, labels[i], kube_label(app, labels[i]));
    if (json_covers(json_dig(s->now, "metadata", "labels"), to))
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
    struct watched *own = s->kind->own(s->op);
    CLEANUP(json_free_ptr) struct json *repo = NULL;

    if (kube_is_deleting(s->now)) {
        struct deletion l = {.obj = s->now, .finalizer = FINALIZER_INVOKER, .kind = own};
        return finalize_invoker(s->cx, s->op, &l, &s->inv, s->out, e);
    }
    if (!kube_has_finalizer(s->now, FINALIZER_INVOKER)) {
        struct json *fresh;

        if (write_finalizer(s->cx, s->op, own->cache, s->now, FINALIZER_INVOKER, true, e))
            return err_code(e);
        fresh = cache_get(own->cache, s->inv.ns, s->inv.name);
        if (fresh == NULL)
            return RC_OK;
        session_take(s, fresh);
    }
    if (phase_is_final(json_text_or(json_field(s->status, "phase"), "")))
        return remove_foreign_rbac(s->cx, s->op, &s->inv, NULL, e);
    if (copy_labels(s, e) || check_rights(s, e))
        return err_code(e);
    if (!session_has_begun(s))
        return restore_session_start(s, e);
    repo = cache_get(s->op->repository.cache, s->inv.repo_ns, s->inv.repo_name);
    return session_go_on(s, repo, e);
}

static enum rc
restore_reconcile(struct ctx *cx, struct operator* op, const struct session_kind *kind,
                  const char *ns, const char *name, struct ctl_result *out, struct err *e)
{
    struct json *obj = cache_get(kind->own(op)->cache, ns, name);
    struct session_ctx s;
    enum rc rc;

    if (obj == NULL)
        return RC_OK;
    session_init(&s, kind, cx, op, obj, out);
    rc = restore_session_step(&s, e);
    session_release(&s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc
restore_session_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name,
                          struct ctl_result *out, struct err *e)
{
    return restore_reconcile(cx, (struct operator*)arg, &restore_session, ns, name, out, e);
}

static enum rc
restore_batch_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name,
                        struct ctl_result *out, struct err *e)
{
    return restore_reconcile(cx, (struct operator*)arg, &restore_batch, ns, name, out, e);
}

const struct watched_ops watched_restoresession = {.reconcile = restore_session_reconcile,
                                                   .component = "RestoreSession Controller",
                                                   .wire = session_wire};
const struct watched_ops watched_restorebatch = {.reconcile = restore_batch_reconcile,
                                                 .component = "RestoreBatch Controller",
                                                 .wire = session_wire};
