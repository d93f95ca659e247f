/* SPDX-License-Identifier: Apache-2.0 */
/* What there is: groups, versions and resources; the plain and the aggregated form. */
#include "base/mem.h"
#include "plane/core.h"

static const char *const all_verbs[] = {"create", "delete", "deletecollection", "get",
                                        "list",   "patch",  "update",           "watch"};
static const char *const sub_verbs[] = {"get", "patch", "update"};
static const char *const exec_verbs[] = {"create", "get"};

static void
push_list(struct json *obj, const char *key, const char *commas)
{
    CLEANUP(mem_free_ptr) char *copy = mem_strdup(commas);
    struct json *list;
    char *save = NULL;

    if (commas[0] == '\0')
        return;
    list = json_need_array(obj, key);
    for (char *w = strtok_r(copy, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save))
        json_push_cstr(list, w);
}

static void
push_verbs(struct json *obj, const char *const *verbs, size_t n)
{
    struct json *list = json_need_array(obj, "verbs");

    for (size_t i = 0; i < n; i++)
        json_push_cstr(list, verbs[i]);
}

/* An APIResource: of the resource itself, or of one of its subresources. */
static struct json *
resource_new(const struct resource_info *k, const char *sub)
{
    struct json *r = json_new_object();

    if (sub != NULL) {
        CLEANUP(mem_free_ptr) char *name = mem_printf("%s/%s", k->plural, sub);
        json_set_cstr(r, "name", name);
        json_set_cstr(r, "singularName", "");
    } else {
        json_set_cstr(r, "name", k->plural);
        json_set_cstr(r, "singularName", k->singular);
    }
    json_set_bool(r, "namespaced", k->namespaced);
    json_set_cstr(r, "kind", k->kind);
    if (sub != NULL) {
        if (strcmp(sub, "exec") == 0)
            push_verbs(r, exec_verbs, ARRAY_LEN(exec_verbs));
        else
            push_verbs(r, sub_verbs, strcmp(sub, "log") == 0 ? 1 : ARRAY_LEN(sub_verbs));
        return r;
    }
    push_verbs(r, all_verbs, ARRAY_LEN(all_verbs));
    push_list(r, "shortNames", k->short_names);
    push_list(r, "categories", k->categories);
    return r;
}

/* Resources whose answers are made up, not stored. */
static const struct {
    const char *group, *plural, *kind;
    bool namespaced;
} reviews[] = {
    {"authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", false},
    {"authorization.k8s.io", "localsubjectaccessreviews", "LocalSubjectAccessReview", true},
    {"authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false},
    {"authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false},
    {"authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", false},
};

static struct json *
review_new(size_t i)
{
    static const char *const verbs[] = {"create"};
    struct json *r = json_new_object();

    json_set_cstr(r, "name", reviews[i].plural);
    json_set_cstr(r, "singularName", "");
    json_set_bool(r, "namespaced", reviews[i].namespaced);
    json_set_cstr(r, "kind", reviews[i].kind);
    push_verbs(r, verbs, 1);
    return r;
}

static struct json *
resource_list(struct call *c, const char *group, const char *version)
{
    CLEANUP(mem_free_ptr)
    char *gv = group[0] != '\0' ? mem_printf("%s/%s", group, version) : mem_strdup(version);
    struct json *list = json_new_object(), *items;
    struct resource_info **all;
    size_t n;

    json_set_cstr(list, "kind", "APIResourceList");
    json_set_cstr(list, "apiVersion", "v1");
    json_set_cstr(list, "groupVersion", gv);
    items = json_need_array(list, "resources");
    all = resource_all(c->plane->kinds, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i]->group, group) != 0 || strcmp(all[i]->version, version) != 0)
            continue;
        json_push(items, resource_new(all[i], NULL));
        for (const char *const *sub = all[i]->ops != NULL ? all[i]->ops->subresources : NULL;
             sub != NULL && *sub != NULL; sub++)
            json_push(items, resource_new(all[i], *sub));
        if (all[i]->has_status)
            json_push(items, resource_new(all[i], "status"));
    }
    resource_all_free(all, n);
    for (size_t i = 0; i < ARRAY_LEN(reviews); i++)
        if (strcmp(reviews[i].group, group) == 0 && strcmp(version, "v1") == 0)
            json_push(items, review_new(i));
    if (json_size(items) == 0) {
        json_free(list);
        return NULL;
    }
    return list;
}

/* {name, versions: [...], preferredVersion} of a group in `list`, made when missing. */
static struct json *
need_group(struct json *list, const char *group)
{
    struct json *g;

    for (size_t i = 0; i < json_size(list); i++)
        if (strcmp(json_text_or(json_field(json_elem(list, i), "name"), ""), group) == 0)
            return json_elem(list, i);
    g = json_new_object();
    json_set_cstr(g, "name", group);
    json_push(list, g);
    return g;
}

static void
add_version(struct json *list, const char *group, const char *version)
{
    struct json *g = need_group(list, group), *versions = json_need_array(g, "versions"), *v;
    CLEANUP(mem_free_ptr) char *gv = mem_printf("%s/%s", group, version);

    for (size_t i = 0; i < json_size(versions); i++)
        if (strcmp(json_text_or(json_field(json_elem(versions, i), "version"), ""), version) == 0)
            return;
    v = json_new_object();
    json_set_cstr(v, "groupVersion", gv);
    json_set_cstr(v, "version", version);
    json_set(g, "preferredVersion", json_clone(v)); /* the last one is the newest */
    json_push(versions, v);
}

/* Every group but the core. */
static struct json *
groups_new(struct call *c)
{
    struct json *list = json_new_array();
    struct resource_info **all;
    size_t n;

    all = resource_all(c->plane->kinds, &n);
    for (size_t i = 0; i < n; i++)
        if (all[i]->group[0] != '\0')
            add_version(list, all[i]->group, all[i]->version);
    resource_all_free(all, n);
    for (size_t i = 0; i < ARRAY_LEN(reviews); i++)
        add_version(list, reviews[i].group, "v1");
    for (size_t i = 0; i < json_size(list); i++) {
        json_set_cstr(json_elem(list, i), "kind", "APIGroup");
        json_set_cstr(json_elem(list, i), "apiVersion", "v1");
    }
    return list;
}

/* One version of one group in the aggregated form, from the plain one. */
static struct json *
aggregated_version(struct call *c, const char *group, const char *version)
{
    CLEANUP(json_free_ptr) struct json *plain = resource_list(c, group, version);
    struct json *v = json_new_object(), *items = json_need_array(v, "resources");
    const struct json *list = json_field(plain, "resources");

    json_set_cstr(v, "version", version);
    json_set_cstr(v, "freshness", "Current");
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *r = json_elem(list, i);
        const char *name = json_text_or(json_field(r, "name"), ""), *slash = strchr(name, '/');
        struct json *item = json_new_object(), *kind;
        if (slash == NULL) {
            json_set_cstr(item, "resource", name);
            json_set_cstr(item, "scope",
                          json_is_true(json_field(r, "namespaced")) ? "Namespaced" : "Cluster");
            json_set(item, "singularResource", json_clone(json_field(r, "singularName")));
        } else {
            json_set_cstr(item, "subresource", slash + 1);
        }
        kind = json_need_object(item, "responseKind");
        json_set_cstr(kind, "group", group);
        json_set_cstr(kind, "version", version);
        json_set(kind, "kind", json_clone(json_field(r, "kind")));
        json_set(item, "verbs", json_clone(json_field(r, "verbs")));
        if (json_field(r, "shortNames") != NULL)
            json_set(item, "shortNames", json_clone(json_field(r, "shortNames")));
        if (json_field(r, "categories") != NULL)
            json_set(item, "categories", json_clone(json_field(r, "categories")));
        if (slash == NULL)
            json_push(items, item);
        else { /* subresources are below the last resource, which is theirs */
            struct json *of = json_elem(items, json_size(items) - 1);
            json_push(json_need_array(of, "subresources"), item);
        }
    }
    return v;
}

static void
answer_aggregated(struct call *c, bool core)
{
    CLEANUP(json_free_ptr) struct json *list = json_new_object();
    CLEANUP(json_free_ptr) struct json *groups = core ? json_new_array() : groups_new(c);
    struct json *items = json_need_array(list, "items");

    json_set_cstr(list, "kind", "APIGroupDiscoveryList");
    json_set_cstr(list, "apiVersion", "apidiscovery.k8s.io/v2");
    json_set(list, "metadata", json_new_object());
    if (core)
        add_version(groups, "", "v1");
    for (size_t i = 0; i < json_size(groups); i++) {
        const struct json *g = json_elem(groups, i), *versions = json_field(g, "versions");
        const char *name = json_text_or(json_field(g, "name"), "");
        struct json *item = json_new_object(), *out;
        if (!core)
            json_set_cstr(json_need_object(item, "metadata"), "name", name);
        else
            json_set(item, "metadata", json_new_object());
        out = json_need_array(item, "versions");
        for (size_t v = json_size(versions); v-- > 0;) /* the newest is first */
            json_push(
                out, aggregated_version(
                         c, name, json_text_or(json_field(json_elem(versions, v), "version"), "")));
        json_push(items, item);
    }
    reply_json(c->rp, 200, list);
    c->rp->type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
}

static void
answer_groups(struct call *c)
{
    CLEANUP(json_free_ptr) struct json *list = json_new_object();

    json_set_cstr(list, "kind", "APIGroupList");
    json_set_cstr(list, "apiVersion", "v1");
    json_set(list, "groups", groups_new(c));
    reply_json(c->rp, 200, list);
}

static void
answer_core(struct call *c)
{
    CLEANUP(json_free_ptr) struct json *v = json_new_object();

    json_set_cstr(v, "kind", "APIVersions");
    json_push_cstr(json_need_array(v, "versions"), "v1");
    json_set(v, "serverAddressByClientCIDRs", json_new_array());
    reply_json(c->rp, 200, v);
}

static bool
answer_group(struct call *c, const char *name)
{
    CLEANUP(json_free_ptr) struct json *groups = groups_new(c);

    for (size_t i = 0; i < json_size(groups); i++)
        if (strcmp(json_text_or(json_field(json_elem(groups, i), "name"), ""), name) == 0) {
            reply_json(c->rp, 200, json_elem(groups, i));
            return true;
        }
    return false;
}

bool
answer_discovery(struct call *c)
{
    CLEANUP(mem_free_ptr) char *path = mem_strdup(c->path);
    CLEANUP(json_free_ptr) struct json *list = NULL;
    size_t n = strlen(path);
    char *slash;

    if (strcmp(c->method, "GET") != 0)
        return false;
    while (n > 1 && path[n - 1] == '/')
        path[--n] = '\0';
    if (strcmp(path, "/api") == 0 || strcmp(path, "/apis") == 0) {
        bool core = strcmp(path, "/api") == 0;
        if (c->accept != NULL && strstr(c->accept, "v=v2;as=APIGroupDiscoveryList") != NULL)
            answer_aggregated(c, core);
        else if (core)
            answer_core(c);
        else
            answer_groups(c);
        return true;
    }
    if (strcmp(path, "/api/v1") == 0) {
        list = resource_list(c, "", "v1");
    } else if (strncmp(path, "/apis/", 6) == 0) {
        slash = strchr(path + 6, '/');
        if (slash == NULL)
            return answer_group(c, path + 6);
        *slash++ = '\0';
        if (strchr(slash, '/') == NULL)
            list = resource_list(c, path + 6, slash);
    }
    if (list == NULL)
        return false;
    reply_json(c->rp, 200, list);
    return true;
}
