/* SPDX-License-Identifier: Apache-2.0 */
/* What must be there before anything can run: Repository, Secret, permission, target. */
#include "api/backend.h"
#include "api/notes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "kube/selector.h"
#include "operator/operator_internal.h"

enum rc
object_fits(const struct crd_def *kind, const struct json *obj, struct err *e)
{
    const char *unreadable = json_text(json_field(obj, KUBE_UNREADABLE));

    if (unreadable != NULL)
        return err_set(e, RC_INVALID, "the %s cannot be read: %s", kind->gvr->kind, unreadable);
    /* A server checks types only; words such as durations and names are ours to check. */
    return kind_validate(kind, obj, e);
}

/* Can anybody use it? */
static enum rc
check_repository(const struct json *repo, struct err *e)
{
    const struct json *allowed = json_dig(repo, "spec", "usagePolicy", "allowedNamespaces");
    struct kube_selector *s = NULL;
    struct backend b;

    if (backend_decode(json_dig(repo, "spec", "backend"), &b, e))
        return err_code(e);
    if (b.secret == NULL)
        (void)err_set(e, RC_INVALID, "spec.backend.storageSecretName is missing");
    backend_release(&b);
    if (e->code != RC_OK)
        return err_code(e);
    if (!repository_asks_labels(repo))
        return RC_OK;
    if (json_field(allowed, "selector") == NULL)
        return err_set(e, RC_INVALID, "spec.usagePolicy.allowedNamespaces.selector is missing");
    if (kube_selector_json(json_field(allowed, "selector"), &s, e))
        return err_wrap(e, "spec.usagePolicy.allowedNamespaces.selector");
    kube_selector_free(s);
    return RC_OK;
}

enum rc
object_check(const struct crd_def *kind, const struct json *obj, struct err *e)
{
    struct notes notes;
    struct invoker inv;

    if (object_fits(kind, obj, e) ||
        notes_read(kind->gvr->kind, json_dig(obj, "metadata", "annotations"), &notes, e))
        return err_code(e);
    if (kind == &kind_repository)
        return check_repository(obj, e);
    if (kind != &kind_backupconfiguration && kind != &kind_restoresession &&
        kind != &kind_backupbatch && kind != &kind_restorebatch)
        return RC_OK;
    invoker_view(obj, &inv);
    if (adoption_check(&(struct adopter){inv.ns, inv.target_ns, inv.repo_ns}, notes.adopt_target,
                       e))
        return err_code(e);
    return invoker_check(&inv, clock_real_ms(), e);
}

bool
object_is_bad(struct ctx *cx, struct recorder *events, const struct crd_def *kind,
              const struct json *obj, struct json *status)
{
    struct teller to = {cx, events, obj, "Warning"};
    struct err why = ERR_INIT;

    if (object_check(kind, obj, &why) == RC_OK)
        return false;
    condition_tell(&to, status, COND_VALIDATION_PASSED, COND_FALSE, why.msg);
    return true;
}

/* RC_INVALID: it is there, and opens no repository. */
static enum rc
find_secret(struct ctx *cx, struct operator* op, const char *ns, const char *name, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *secret = NULL;

    if (kube_get(cx, op->k, &KUBE_SECRET, ns, name, &secret, e))
        return err_code(e);
    if (json_text_or(json_dig(secret, "data", "RESTIC_PASSWORD"), "")[0] != '\0')
        return RC_OK;
    return err_set(e, RC_INVALID, "Backend Secret %s/%s has no RESTIC_PASSWORD.", ns, name);
}

static void
check_secret(struct ctx *cx, struct operator* op, const struct invoker *inv,
             const struct json *repo, struct json *status, bool *ok)
{
    const char *name = json_text_or(json_dig(repo, "spec", "backend", "storageSecretName"), "");
    CLEANUP(mem_free_ptr) char *key = key2(inv->repo_ns, name);
    struct err e = ERR_INIT;
    enum rc rc = name[0] == '\0' ? RC_NOT_FOUND : RC_OK;

    if (rc == RC_OK && !ttl_set_lately(&op->secrets, key)) {
        rc = find_secret(cx, op, inv->repo_ns, name, &e);
        if (rc == RC_OK)
            ttl_set_now(&op->secrets, key);
    }
    *ok = rc == RC_OK;
    if (rc == RC_OK)
        (void)condition_setf(status, COND_BACKEND_SECRET_FOUND, COND_TRUE,
                             "Backend Secret %s/%s exist.", inv->repo_ns, name);
    else if (rc == RC_NOT_FOUND)
        (void)condition_setf(status, COND_BACKEND_SECRET_FOUND, COND_FALSE,
                             "Backend Secret %s/%s does not exist.", inv->repo_ns, name);
    else if (rc == RC_INVALID)
        (void)condition_set(status, COND_BACKEND_SECRET_FOUND, COND_FALSE, e.msg);
    else
        (void)condition_setf(
            status, COND_BACKEND_SECRET_FOUND, COND_UNKNOWN,
            "Failed to check whether the Backend Secret %s/%s exist or not. Reason: %s",
            inv->repo_ns, name, e.msg);
}

/* ---- the Repository ---- */

/* Selectors of the API as the invoker's view wants them. */
static bool
needs_matches(const struct json *selector, const struct json *labels)
{
    struct kube_selector *s;
    struct err e = ERR_INIT;
    bool yes;

    if (kube_selector_json(selector, &s, &e))
        return false;
    yes = kube_selector_match_labels(s, labels);
    kube_selector_free(s);
    return yes;
}

enum rc
usage_check(struct ctx *cx, struct operator* op, const struct invoker *inv, const struct json *repo,
            struct err *e)
{
    CLEANUP(json_free_ptr) struct json *ns = NULL;

    if (repository_asks_labels(repo) &&
        kube_get(cx, op->k, &KUBE_NAMESPACE, NULL, inv->ns, &ns, e) != RC_OK)
        return e->code == RC_NOT_FOUND ? e->code = RC_UNAVAILABLE : err_code(e);
    if (repository_allows(repo, inv->ns, json_dig(ns, "metadata", "labels"), needs_matches))
        return RC_OK;
    return err_set(e, RC_DENIED,
                   "Namespace %s is not allowed to refer Repository %s/%s. Please, check "
                   "Repository's \"spec.usagePolicy\".",
                   inv->ns, inv->repo_ns, inv->repo_name);
}

static enum rc
check_foreign(struct ctx *cx, struct operator* op, const struct invoker *inv,
              const struct json *repo, struct json *status, bool *allowed, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *closed = json_new_object();
    struct err why = ERR_INIT;
    enum rc rc = usage_check(cx, op, inv, repo != NULL ? repo : closed, &why);

    *allowed = rc == RC_OK;
    if (rc == RC_OK)
        return RC_OK;
    if (rc != RC_DENIED) {
        *e = why;
        return rc;
    }
    condition_remove(status, COND_REPOSITORY_FOUND);
    condition_remove(status, COND_BACKEND_SECRET_FOUND);
    (void)condition_set(status, COND_VALIDATION_PASSED, COND_FALSE, why.msg);
    return RC_OK;
}

static enum rc
check_usage(struct ctx *cx, struct operator* op, const struct invoker *inv, const struct json *repo,
            struct json *status, bool *ok, struct err *e)
{
    struct err why = ERR_INIT;
    enum rc rc = usage_check(cx, op, inv, repo, &why);

    if (rc != RC_OK && rc != RC_DENIED) {
        *e = why;
        return rc;
    }
    if (rc == RC_OK && object_check(&kind_repository, repo, &why))
        rc = err_wrap(&why, "Repository %s/%s", inv->repo_ns, inv->repo_name);
    *ok = rc == RC_OK;
    (void)condition_report(status, COND_VALIDATION_PASSED, rc, &why);
    return RC_OK;
}

enum rc
check_needs(struct ctx *cx, struct operator* op, const struct invoker *inv, struct json *status,
            struct json **repo, bool *ok, struct err *e)
{
    bool secret = false, allowed = false;

    *ok = false;
    *repo = cache_get(op->repository.cache, inv->repo_ns, inv->repo_name);
    if (strcmp(inv->repo_ns, inv->ns) != 0) {
        /* Of another namespace, one that may not be used and one that is not there look alike. */
        if (check_foreign(cx, op, inv, *repo, status, &allowed, e))
            return err_code(e);
        if (!allowed)
            return RC_OK;
    }
    if (*repo == NULL || kube_is_deleting(*repo)) {
        (void)condition_setf(status, COND_REPOSITORY_FOUND, COND_FALSE,
                             "Repository %s/%s does not exist.", inv->repo_ns, inv->repo_name);
        return RC_OK;
    }
    (void)condition_setf(status, COND_REPOSITORY_FOUND, COND_TRUE, "Repository %s/%s exist.",
                         inv->repo_ns, inv->repo_name);
    check_secret(cx, op, inv, *repo, status, &secret);
    if (check_usage(cx, op, inv, *repo, status, &allowed, e))
        return err_code(e);
    *ok = secret && allowed;
    return RC_OK;
}

/* ---- the target ---- */

/* What Stash backs up, beside AppBindings: only within the namespace of who asks for it. */
static const struct kube_gvr workloads[] = {
    {"apps", "v1", "deployments", "Deployment", true},
    {"apps", "v1", "statefulsets", "StatefulSet", true},
    {"apps", "v1", "daemonsets", "DaemonSet", true},
    {"apps", "v1", "replicasets", "ReplicaSet", true},
    {"", "v1", "replicationcontrollers", "ReplicationController", true},
    {"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true},
    {"apps.openshift.io", "v1", "deploymentconfigs", "DeploymentConfig", true},
};

static bool
has_group(const struct invoker *inv, const char *group)
{
    size_t n = strlen(group);

    return n == 0 ? strchr(inv->target_api, '/') == NULL
                  : strncmp(inv->target_api, group, n) == 0 && inv->target_api[n] == '/';
}

static bool
is_app_binding(const struct invoker *inv)
{
    return strcmp(inv->target_kind, GVR_APP_BINDING.kind) == 0 &&
           has_group(inv, GVR_APP_BINDING.group);
}

static const struct kube_gvr *
workload_of(const struct invoker *inv)
{
    for (size_t i = 0; i < ARRAY_LEN(workloads); i++)
        if (strcmp(inv->target_kind, workloads[i].kind) == 0 && has_group(inv, workloads[i].group))
            return &workloads[i];
    return NULL;
}

/* May the account of the Jobs read that AppBinding? Who has its namespace says so, by RBAC. */
static enum rc
ask_rights(struct ctx *cx, struct operator* op, const struct invoker *inv, bool *yes, struct err *e)
{
    static const struct kube_gvr kind = {"authorization.k8s.io", "v1", "subjectaccessreviews",
                                         "SubjectAccessReview", false};
    CLEANUP(mem_free_ptr) char *account = grant_account(inv);
    CLEANUP(mem_free_ptr)
    char *user = mem_printf("system:serviceaccount:%s:%s", inv->ns, account),
         *all = mem_printf("system:serviceaccounts:%s", inv->ns);
    CLEANUP(json_free_ptr) struct json *rq = kube_object_new(&kind, NULL, "");
    CLEANUP(json_free_ptr) struct json *answer = NULL;
    struct json *spec = json_need_object(rq, "spec"),
                *what = json_need_object(spec, "resourceAttributes"),
                *groups = json_need_array(spec, "groups");

    json_remove(rq, "metadata");
    json_set_cstr(spec, "user", user);
    json_push_cstr(groups, "system:serviceaccounts");
    json_push_cstr(groups, all);
    json_push_cstr(groups, "system:authenticated");
    json_set_cstr(what, "verb", "get");
    json_set_cstr(what, "group", GVR_APP_BINDING.group);
    json_set_cstr(what, "resource", GVR_APP_BINDING.plural);
    json_set_cstr(what, "namespace", inv->target_ns);
    json_set_cstr(what, "name", inv->target_name);
    if (kube_create(cx, op->k, &kind, NULL, rq, NULL, &answer, e))
        return err_wrap(e, "could not ask for the rights of ServiceAccount %s/%s", inv->ns,
                        account);
    *yes = json_is_true(json_dig(answer, "status", "allowed"));
    return RC_OK;
}

enum rc
target_check(struct ctx *cx, struct operator* op, const struct invoker *inv, struct err *e)
{
    bool own = strcmp(inv->target_ns, inv->ns) == 0, yes = false;
    CLEANUP(mem_free_ptr) char *account = NULL;

    if (strcmp(inv->target_kind, "EmptyTarget") == 0 || (own && is_app_binding(inv)) ||
        (own && workload_of(inv) != NULL))
        return RC_OK;
    if (!is_app_binding(inv))
        return workload_of(inv) != NULL
                   ? err_set(e, RC_DENIED, "a %s as the target must be in the namespace %s",
                             inv->target_kind, inv->ns)
                   : err_set(e, RC_DENIED, "a %.80s of %.80s cannot be a target", inv->target_kind,
                             inv->target_api);
    if (ask_rights(cx, op, inv, &yes, e))
        return e->code == RC_DENIED ? e->code = RC_UNAVAILABLE : err_code(e);
    if (yes)
        return RC_OK;
    account = grant_account(inv);
    return err_set(e, RC_DENIED,
                   "ServiceAccount %s/%s may not get AppBinding %s of the namespace %s; who owns "
                   "that namespace can allow it by a RoleBinding",
                   inv->ns, account, inv->target_name, inv->target_ns);
}

struct json *
target_app(struct ctx *cx, struct operator* op, const struct invoker *inv)
{
    struct err ignored = ERR_INIT;

    return is_app_binding(inv) && target_check(cx, op, inv, &ignored) == RC_OK
               ? cache_get(op->appbinding.cache, inv->target_ns, inv->target_name)
               : NULL;
}

/* RC_NOT_FOUND. Only what may be a target is looked for: the answer would tell what there is. */
static enum rc
find_target(struct ctx *cx, struct operator* op, const struct invoker *inv, struct err *e)
{
    if (target_check(cx, op, inv, e))
        return err_code(e);
    if (strcmp(inv->target_kind, "EmptyTarget") == 0)
        return RC_OK;
    if (is_app_binding(inv))
        return cache_has(op->appbinding.cache, inv->target_ns, inv->target_name)
                   ? RC_OK
                   : err_set(e, RC_NOT_FOUND, "no such AppBinding");
    return kube_get(cx, op->k, workload_of(inv), inv->target_ns, inv->target_name, NULL, e);
}

enum rc
check_target(struct ctx *cx, struct operator* op, const struct invoker *inv, struct json *status,
             bool *found, struct err *e)
{
    const char *what = inv->restore ? "Restore" : "Backup";
    enum condition_id found_id =
        inv->restore ? COND_RESTORE_TARGET_FOUND : COND_BACKUP_TARGET_FOUND;
    enum condition_id denied_id =
        inv->restore ? COND_RESTORE_TARGET_DENIED : COND_BACKUP_TARGET_DENIED;
    struct err why = ERR_INIT, forbidden = ERR_INIT;
    enum rc rc = find_target(cx, op, inv, &why);

    *found = rc == RC_OK;
    if (rc == RC_OK && strcmp(inv->target_kind, "EmptyTarget") == 0) {
        (void)condition_setf(status, found_id, COND_TRUE, "No target is named.");
        return RC_OK;
    }
    if (rc == RC_OK) {
        (void)condition_setf(status, found_id, COND_TRUE, "%s target %s %s/%s found.", what,
                             inv->target_kind, inv->target_ns, inv->target_name);
        return RC_OK;
    }
    if (rc == RC_NOT_FOUND) {
        (void)condition_setf(status, found_id, COND_FALSE, "%s target %s %s/%s does not exist.",
                             what, inv->target_kind, inv->target_ns, inv->target_name);
        return RC_OK;
    }
    if (rc == RC_DENIED && target_check(cx, op, inv, &forbidden) == RC_DENIED) {
        (void)condition_setf(status, denied_id, COND_FALSE, "%s target is not allowed: %s", what,
                             why.msg);
        return RC_OK;
    }
    (void)condition_setf(status, found_id, COND_UNKNOWN,
                         "Failed to check whether the %s %s/%s exist or not. Reason: %s",
                         inv->target_kind, inv->target_ns, inv->target_name, why.msg);
    if (rc ==
        RC_DENIED) { /* a workload that we need no right to read: its Task says whether it is served */
        *found = true;
        return RC_OK;
    }
    *e = why;
    return err_wrap(e, "could not look for the target");
}
