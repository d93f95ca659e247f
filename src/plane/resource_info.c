/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/resource_info.h"

#include <pthread.h>

#include "base/mem.h"
#include "validation/cel_rules.h"

enum { KINDS_MAX = 1024 };

/* clang-format off */
static const struct resource_info built_in[] = {
    {"", "v1", "configmaps", "configmap", "ConfigMap", "cm", "", &configmap_ops, .namespaced = true},
    {"", "v1", "endpoints", "endpoints", "Endpoints", "ep", "", &endpoints_ops, .namespaced = true},
    {"", "v1", "events", "event", "Event", "ev", "", &event_ops, .namespaced = true},
    {"", "v1", "namespaces", "namespace", "Namespace", "ns", "", &namespace_ops, .names = NAME_LABEL, .has_status = true},
    {"", "v1", "nodes", "node", "Node", "no", "", &node_ops, .has_status = true},
    {"", "v1", "persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim", "pvc", "", &claim_ops,
     .namespaced = true, .has_status = true},
    {"", "v1", "pods", "pod", "Pod", "po", "all", &pod_ops, .namespaced = true, .has_status = true},
    {"", "v1", "secrets", "secret", "Secret", "", "", &secret_ops, .namespaced = true},
    {"", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount", "sa", "", &service_account_ops, .namespaced = true},
    {"", "v1", "services", "service", "Service", "svc", "all", &service_ops, .namespaced = true, .has_status = true},
    {"apiextensions.k8s.io", "v1", "customresourcedefinitions", "customresourcedefinition",
     "CustomResourceDefinition", "crd,crds", "api-extensions", &crd_ops, .has_status = true, .generations = true},
    {"batch", "v1", "cronjobs", "cronjob", "CronJob", "cj", "all", &cron_job_ops, .namespaced = true, .has_status = true,
     .generations = true},
    {"batch", "v1", "jobs", "job", "Job", "", "all", &job_ops, .namespaced = true, .has_status = true,
     .generations = true},
    {"coordination.k8s.io", "v1", "leases", "lease", "Lease", "", "", &lease_ops, .namespaced = true},
    {"discovery.k8s.io", "v1", "endpointslices", "endpointslice", "EndpointSlice", "", "", &endpoint_slice_ops,
     .namespaced = true, .generations = true},
    {"rbac.authorization.k8s.io", "v1", "clusterrolebindings", "clusterrolebinding",
     "ClusterRoleBinding", "", "", &cluster_role_binding_ops, .names = NAME_PATH_SEGMENT},
    {"rbac.authorization.k8s.io", "v1", "clusterroles", "clusterrole", "ClusterRole", "", "", &role_ops,
     .names = NAME_PATH_SEGMENT},
    {"rbac.authorization.k8s.io", "v1", "rolebindings", "rolebinding", "RoleBinding", "", "", &role_binding_ops,
     .namespaced = true, .names = NAME_PATH_SEGMENT},
    {"rbac.authorization.k8s.io", "v1", "roles", "role", "Role", "", "", &role_ops, .namespaced = true,
     .names = NAME_PATH_SEGMENT},
};
/* clang-format on */

struct registry {
    pthread_rwlock_t lock;
    struct resource_info *all[KINDS_MAX]; /* sorted by group, version, plural */
    size_t n;
};

static struct resource_info *
resource_info_new(const struct resource_info *from)
{
    struct resource_info *k = MEM_NEW(struct resource_info);
    bool core = from->group[0] == '\0';

    *k = *from;
    atomic_store(&k->refs, 1);
    k->store = core ? mem_strdup(k->plural) : mem_printf("%s.%s", k->plural, k->group);
    k->api_version = core ? mem_strdup(k->version) : mem_printf("%s/%s", k->group, k->version);
    return k;
}

struct resource_info *
resource_keep(struct resource_info *k)
{
    if (k != NULL)
        (void)atomic_fetch_add(&k->refs, 1);
    return k;
}

void
resource_drop(struct resource_info *k)
{
    if (k == NULL || atomic_fetch_sub(&k->refs, 1) != 1)
        return;
    rules_free(k->rules);
    mem_free(k->store);
    mem_free(k->api_version);
    mem_free(k->text);
    json_free(k->crd);
    mem_free(k);
}

void
resource_drop_ptr(struct resource_info **k)
{
    resource_drop(*k);
}

static int
resource_info_compare(const struct resource_info *a, const struct resource_info *b)
{
    int by = strcmp(a->group, b->group);

    if (by == 0)
        by = strcmp(a->version, b->version);
    return by != 0 ? by : strcmp(a->plural, b->plural);
}

/* Takes `k`; replaces one of the same name. */
static void
put_locked(struct registry *r, struct resource_info *k)
{
    size_t at = 0;

    while (at < r->n && resource_info_compare(r->all[at], k) < 0)
        at++;
    if (at < r->n && resource_info_compare(r->all[at], k) == 0) {
        resource_drop(r->all[at]);
        r->all[at] = k;
        return;
    }
    if (r->n == KINDS_MAX) {
        resource_drop(k);
        return;
    }
    memmove(&r->all[at + 1], &r->all[at], (r->n - at) * sizeof(struct resource_info *));
    r->all[at] = k;
    r->n++;
}

struct registry *
registry_new(void)
{
    struct registry *r = MEM_NEW(struct registry);

    (void)pthread_rwlock_init(&r->lock, NULL);
    for (size_t i = 0; i < ARRAY_LEN(built_in); i++)
        put_locked(r, resource_info_new(&built_in[i]));
    return r;
}

void
registry_free(struct registry *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->n; i++)
        resource_drop(r->all[i]);
    (void)pthread_rwlock_destroy(&r->lock);
    mem_free(r);
}

struct resource_info *
resource_find(struct registry *r, const char *group, const char *version, const char *plural)
{
    struct resource_info *found = NULL;

    (void)pthread_rwlock_rdlock(&r->lock);
    for (size_t i = 0; i < r->n && found == NULL; i++)
        if (strcmp(r->all[i]->group, group) == 0 && strcmp(r->all[i]->plural, plural) == 0 &&
            strcmp(r->all[i]->version, version) == 0)
            found = resource_keep(r->all[i]);
    (void)pthread_rwlock_unlock(&r->lock);
    return found;
}

struct resource_info *
resource_find_kind(struct registry *r, const char *group, const char *kind)
{
    struct resource_info *found = NULL;

    (void)pthread_rwlock_rdlock(&r->lock);
    for (size_t i = 0; i < r->n && found == NULL; i++)
        if (strcmp(r->all[i]->group, group) == 0 && strcmp(r->all[i]->kind, kind) == 0)
            found = resource_keep(r->all[i]);
    (void)pthread_rwlock_unlock(&r->lock);
    return found;
}

struct resource_info **
resource_all(struct registry *r, size_t *n)
{
    struct resource_info **all;

    (void)pthread_rwlock_rdlock(&r->lock);
    all = (struct resource_info **)mem_zero(r->n + 1, sizeof(struct resource_info *));
    *n = r->n;
    for (size_t i = 0; i < r->n; i++)
        all[i] = resource_keep(r->all[i]);
    (void)pthread_rwlock_unlock(&r->lock);
    return all;
}

void
resource_all_free(struct resource_info **all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        resource_drop(all[i]);
    mem_free(all);
}

/* ["a", "b"] as "a,b"; the caller frees. */
static char *
resource_info_joined(const struct json *words)
{
    char *text = mem_strdup("");

    for (size_t i = 0; i < json_size(words); i++) {
        char *more =
            mem_printf("%s%s%s", text, i > 0 ? "," : "", json_text_or(json_elem(words, i), ""));
        mem_free(text);
        text = more;
    }
    return text;
}

/* A kind of its own for each version; `crd` is its own copy. */
static struct resource_info *
kind_of_version(const struct json *crd, size_t i)
{
    struct json *copy = json_clone(crd);
    struct json *spec = json_field(copy, "spec"), *names = json_field(spec, "names");
    struct json *v = json_elem(json_field(spec, "versions"), i);
    char *shorts = resource_info_joined(json_field(names, "shortNames"));
    char *categories = resource_info_joined(json_field(names, "categories"));
    char *text = mem_printf("%s%c%s", shorts, 0x1f, categories);
    char *mid = text + strlen(shorts);
    struct resource_info from = {
        .group = json_text_or(json_field(spec, "group"), ""),
        .version = json_text_or(json_field(v, "name"), ""),
        .plural = json_text_or(json_field(names, "plural"), ""),
        .singular = json_text_or(json_field(names, "singular"), ""),
        .kind = json_text_or(json_field(names, "kind"), ""),
        .short_names = text,
        .categories = mid + 1,
        .namespaced = strcmp(json_text_or(json_field(spec, "scope"), ""), "Namespaced") == 0,
        .has_status = json_dig(v, "subresources", "status") != NULL,
        .generations = true,
        .custom = true,
        .storage = json_is_true(json_field(v, "storage")),
        .schema = json_dig(v, "schema", "openAPIV3Schema"),
        .columns = json_field(v, "additionalPrinterColumns"),
    };
    struct resource_info *k;

    *mid = '\0';
    k = resource_info_new(&from);
    k->crd = copy;
    k->text = text;
    k->rules = rules_new(k->schema);
    mem_free(shorts);
    mem_free(categories);
    return k;
}

static void
remove_locked(struct registry *r, const struct json *crd)
{
    const char *group = json_text_or(json_dig(crd, "spec", "group"), "");
    const char *plural = json_text_or(json_dig(crd, "spec", "names", "plural"), "");
    size_t kept = 0;

    for (size_t i = 0; i < r->n; i++)
        if (r->all[i]->custom && strcmp(r->all[i]->group, group) == 0 &&
            strcmp(r->all[i]->plural, plural) == 0)
            resource_drop(r->all[i]);
        else
            r->all[kept++] = r->all[i];
    r->n = kept;
}

void
registry_put_crd(struct registry *r, const struct json *crd)
{
    const struct json *versions = json_dig(crd, "spec", "versions");

    (void)pthread_rwlock_wrlock(&r->lock);
    remove_locked(r, crd);
    for (size_t i = 0; i < json_size(versions); i++)
        if (json_is_true(json_field(json_elem(versions, i), "served")))
            put_locked(r, kind_of_version(crd, i));
    (void)pthread_rwlock_unlock(&r->lock);
}

void
registry_remove_crd(struct registry *r, const struct json *crd)
{
    (void)pthread_rwlock_wrlock(&r->lock);
    remove_locked(r, crd);
    (void)pthread_rwlock_unlock(&r->lock);
}

bool
resource_is_kept(const struct resource_info *k, const struct json *obj)
{
    return k->ops != NULL && k->ops->is_kept != NULL && k->ops->is_kept(obj);
}
