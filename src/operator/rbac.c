/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts of Jobs and what they may do. The shared ClusterRoles hold everything but Secrets; those
 * are named one by one in a Role beside each of them.
 */
#include "api/names.h"
#include "base/mem.h"
#include "crypto/sha256.h"
#include "operator/operator_internal.h"

enum { FOREIGN_HASH = 20 }; /* hex digits */

char *
grant_name(const struct invoker *inv)
{
    CLEANUP(mem_free_ptr) char *kind = name_lower(inv->kind);
    CLEANUP(mem_free_ptr)
    char *at = inv->at == INVOKER_WHOLE ? mem_strdup("all") : mem_printf("%zu", inv->at);

    return name_of(NAME_MAX_LABEL, kind, inv->name, at);
}

char *
grant_account(const struct invoker *inv)
{
    const char *given = json_text(json_dig(inv->runtime, "pod", "serviceAccountName"));

    return given != NULL ? mem_strdup(given) : grant_name(inv);
}

static struct json *
rbac_subject(const struct grant *g)
{
    struct json *s = json_new_object();

    json_set_cstr(s, "kind", g->user != NULL ? "User" : "ServiceAccount");
    json_set_cstr(s, "name", g->user != NULL ? g->user : g->account);
    json_set_cstr(s, "namespace", g->user != NULL ? NULL : g->account_ns);
    json_set_cstr(s, "apiGroup", g->user != NULL ? "rbac.authorization.k8s.io" : NULL);
    return s;
}

static struct json *
rbac_binding(const struct grant *g, const char *role_kind, const char *role)
{
    struct json *b = kube_object_new(&KUBE_ROLE_BINDING, g->ns, g->name),
                *ref = json_need_object(b, "roleRef");

    json_set(kube_meta(b), "labels", json_clone(g->labels));
    if (g->owner != NULL)
        (void)kube_set_owner(b, g->owner, true);
    json_set_cstr(ref, "apiGroup", "rbac.authorization.k8s.io");
    json_set_cstr(ref, "kind", role_kind);
    json_set_cstr(ref, "name", role);
    json_push(json_need_array(b, "subjects"), rbac_subject(g));
    return b;
}

enum rc
ensure_account(struct ctx *cx, struct operator* op, const struct invoker *inv, const char *name,
               const char *account, const char *cluster_role, struct err *e)
{
    const struct json *notes = json_dig(inv->runtime, "pod", "serviceAccountAnnotations");
    bool given = json_dig(inv->runtime, "pod", "serviceAccountName") != NULL;
    CLEANUP(json_free_ptr) struct json *labels = invoker_labels(inv);
    struct grant g = {.ns = inv->ns,
                      .name = name,
                      .account_ns = inv->ns,
                      .account = account,
                      .labels = labels,
                      .owner = inv->obj};
    struct json *sa = kube_object_new(&KUBE_SERVICE_ACCOUNT, inv->ns, account),
                *b = rbac_binding(&g, "ClusterRole", cluster_role);
    enum rc rc = RC_OK;

    json_set(kube_meta(sa), "labels", json_ref(labels));
    if (json_size(notes) > 0)
        json_set(kube_meta(sa), "annotations", json_clone(notes));
    (void)kube_set_owner(sa, inv->obj, true);
    if (!given)
        rc = ensure(cx, op, op->accounts, &KUBE_SERVICE_ACCOUNT, sa, e);
    if (rc == RC_OK)
        rc = ensure(cx, op, op->bindings, &KUBE_ROLE_BINDING, b, e);
    json_free(sa);
    json_free(b);
    return rc;
}

enum rc
ensure_hook_rights(struct ctx *cx, struct operator* op, const struct invoker *inv,
                   const char *account, struct err *e)
{
    CLEANUP(mem_free_ptr) char *grant = grant_name(inv);
    CLEANUP(mem_free_ptr) char *name = name_of(NAME_MAX_LABEL, NULL, grant, "hooks");
    CLEANUP(json_free_ptr) struct json *labels = invoker_labels(inv);
    CLEANUP(json_free_ptr) struct json *b = NULL;
    struct grant g = {.ns = inv->ns,
                      .name = name,
                      .account_ns = inv->ns,
                      .account = account,
                      .labels = labels,
                      .owner = inv->obj};

    if (json_kind_of(json_first(inv->hooks).value) == JSON_ABSENT) {
        if (!cache_has(op->bindings, inv->ns, name))
            return RC_OK;
        return ensure_gone(cx, op, &KUBE_ROLE_BINDING, inv->ns, name, NULL, e);
    }
    b = rbac_binding(&g, "ClusterRole", "stash-hook-job");
    return ensure(cx, op, op->bindings, &KUBE_ROLE_BINDING, b, e);
}

/* {apiGroups, resources, resourceNames, verbs} */
static struct json *
rbac_rule(const char *group, const char *resource, struct json *names, const char *const *verbs)
{
    struct json *r = json_new_object();

    json_push_cstr(json_need_array(r, "apiGroups"), group);
    json_push_cstr(json_need_array(r, "resources"), resource);
    json_set(r, "resourceNames", names);
    for (; *verbs != NULL; verbs++)
        json_push_cstr(json_need_array(r, "verbs"), *verbs);
    return r;
}

static struct json *
rbac_names1(const char *name)
{
    struct json *a = json_new_array();

    json_push_cstr(a, name);
    return a;
}

static void
push_name(struct json *names, const struct json *name)
{
    if (json_text(name) != NULL && json_text(name)[0] != '\0')
        json_push_cstr(names, json_text(name));
}

enum rc
ensure_grant(struct ctx *cx, struct operator* op, const struct grant *g, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *role = kube_object_new(&KUBE_ROLE, g->ns, g->name);
    CLEANUP(json_free_ptr) struct json *b = rbac_binding(g, "Role", g->name);

    json_set(kube_meta(role), "labels", json_clone(g->labels));
    if (g->owner != NULL)
        (void)kube_set_owner(role, g->owner, true);
    json_set(role, "rules", json_ref(g->rules));
    if (ensure(cx, op, NULL, &KUBE_ROLE, role, e))
        return err_code(e);
    return ensure(cx, op, op->bindings, &KUBE_ROLE_BINDING, b, e);
}

enum rc
ensure_cluster_grant(struct ctx *cx, struct operator* op, const struct grant *g,
                     const char *cluster_role, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *b = rbac_binding(g, "ClusterRole", cluster_role);

    return ensure(cx, op, op->bindings, &KUBE_ROLE_BINDING, b, e);
}

static const char *const get_only[] = {"get", NULL};
static const char *const update_only[] = {"update", NULL};
/* Over WebSockets exec is a get, and from Kubernetes 1.35 on a create too. */
static const char *const exec_verbs[] = {"get", "create", NULL};

struct json *
grant_get(const char *group, const char *resource, const char *name)
{
    return rbac_rule(group, resource, rbac_names1(name), get_only);
}

struct json *
grant_exec(const char *pod)
{
    return rbac_rule("", "pods/exec", rbac_names1(pod), exec_verbs);
}

/* Secrets that an AppBinding makes us read. */
static struct json *
app_secrets(const struct json *app)
{
    struct json *names = json_new_array();
    const struct json *steps = json_dig(app, "spec", "secretTransforms");

    push_name(names, json_dig(app, "spec", "secret", "name"));
    push_name(names, json_dig(app, "spec", "tlsSecret", "name"));
    push_name(names, json_dig(app, "spec", "parameters", "clientCertSecret", "name"));
    push_name(names, json_dig(app, "spec", "parameters", "sentinel", "secret", "name"));
    for (size_t i = 0; i < json_size(steps); i++)
        push_name(names, json_dig(json_elem(steps, i), "addKeysFrom", "secretRef", "name"));
    return names;
}

/*
 * The name that roles of this member have in other namespaces; mem_free. The hash keeps apart what
 * would look alike: namespaces and names may hold "-", dots become that, and long ones are cut.
 */
static char *
foreign_name(const struct invoker *inv)
{
    CLEANUP(mem_free_ptr) char *kind = name_lower(inv->kind);
    CLEANUP(mem_free_ptr)
    char *readable = mem_printf("%s-%s-%s-%zu", inv->ns, kind, inv->name, inv->at);
    CLEANUP(mem_free_ptr)
    char *whole = inv->at == 0 ? mem_printf("%s/%s/%s", inv->ns, kind, inv->name)
                               : mem_printf("%s/%s/%s/%zu", inv->ns, kind, inv->name, inv->at);
    char hex[ID_TEXT];
    struct id id;

    sha256_of(str_c(whole), &id);
    (void)id_hex(&id, hex);
    hex[FOREIGN_HASH] = '\0';
    return name_of(NAME_MAX_LABEL, NULL, readable, hex);
}

/* The step reads that Repository by its name, other than the one of its flags. */
static void
push_safety(struct json *rules, const struct json *safety)
{
    const char *secret = json_text(json_dig(safety, "spec", "backend", "storageSecretName"));

    json_push(rules, grant_get(STASH_GROUP, "repositories", kube_name(safety)));
    if (secret != NULL)
        json_push(rules, grant_get("", "secrets", secret));
}

enum rc
ensure_run_rbac(struct ctx *cx, struct operator* op, const struct run *r, const struct json *app,
                const struct json *safety, const char *account, struct err *e)
{
    const struct invoker *inv = r->inv;
    const char *secret = json_text(json_dig(r->repo, "spec", "backend", "storageSecretName"));
    bool far_repo = strcmp(inv->repo_ns, inv->ns) != 0,
         far_app = strcmp(inv->target_ns, inv->ns) != 0;
    CLEANUP(json_free_ptr) struct json *labels = invoker_labels(inv);
    struct json *names = app_secrets(app), *near = json_new_array(), *far = json_new_array();
    CLEANUP(mem_free_ptr) char *grant = grant_name(inv);
    char *near_name = name_of(NAME_MAX_LABEL, NULL, grant, "secrets"),
         *far_name = foreign_name(inv);
    enum rc rc = RC_OK;

    if (secret != NULL && !far_repo)
        json_push_cstr(names, secret);
    /* The user binds what a target elsewhere needs. */
    if (!far_app && json_size(names) > 0)
        json_push(near, rbac_rule("", "secrets", TAKE(names), get_only));
    json_free(names);
    if (far_repo) {
        if (!inv->restore) { /* a backup writes its status */
            json_push(far, grant_get(STASH_GROUP, "repositories", inv->repo_name));
            json_push(far, rbac_rule(STASH_GROUP, "repositories/status",
                                     rbac_names1(inv->repo_name), update_only));
        }
        if (secret != NULL)
            json_push(far, grant_get("", "secrets", secret));
        rc = ensure_grant(cx, op,
                          &(struct grant){.ns = inv->repo_ns,
                                          .name = far_name,
                                          .account_ns = inv->ns,
                                          .account = account,
                                          .labels = labels,
                                          .rules = far},
                          e);
    } else if (far_app && secret != NULL) {
        json_push(near, grant_get("", "secrets", secret));
    }
    if (safety != NULL)
        push_safety(near, safety);
    if (rc == RC_OK && json_size(near) > 0)
        rc = ensure_grant(cx, op,
                          &(struct grant){.ns = inv->ns,
                                          .name = near_name,
                                          .account_ns = inv->ns,
                                          .account = account,
                                          .labels = labels,
                                          .owner = inv->obj,
                                          .rules = near},
                          e);
    json_free(near);
    json_free(far);
    mem_free(near_name);
    mem_free(far_name);
    return rc;
}

/* `*found`: there was one, in whatever namespace. */
static enum rc
remove_foreign_of(struct ctx *cx, struct operator* op, const struct invoker *inv, const char *keep,
                  bool *found, struct err *e)
{
    CLEANUP(mem_free_ptr) char *name = foreign_name(inv);
    CLEANUP(json_free_ptr) struct json *keys = cache_keys_by(op->bindings, BY_NAME, name);

    *found = json_size(keys) > 0;
    for (size_t i = 0; i < json_size(keys); i++) {
        const char *key = json_text(json_elem(keys, i)), *slash = strchr(key, '/');
        CLEANUP(mem_free_ptr) char *ns = mem_strndup(key, (size_t)(slash - key));

        if (strcmp(ns, inv->ns) == 0 || (keep != NULL && strcmp(ns, keep) == 0))
            continue;
        /* The binding last: as long as it is there, the rest is still to be done. */
        if (ensure_gone(cx, op, &KUBE_ROLE, ns, name, NULL, e) ||
            ensure_gone(cx, op, &KUBE_ROLE_BINDING, ns, name, NULL, e))
            return err_code(e);
    }
    return RC_OK;
}

enum rc
remove_foreign_rbac(struct ctx *cx, struct operator* op, const struct invoker *inv,
                    const char *keep, struct err *e)
{
    struct invoker m = *inv;
    bool found = true;

    /* Behind the last one: members that a batch had once. */
    for (size_t i = 0; i < inv->n || (inv->batch && found); i++) {
        invoker_member(inv, i, &m);
        if (remove_foreign_of(cx, op, &m, i < inv->n ? keep : NULL, &found, e))
            return err_code(e);
    }
    return RC_OK;
}
