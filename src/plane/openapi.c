/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAPI v3, a document per group and version: what "kubectl explain" shows, and that patches
 * take fieldValidation, which kubectl looks for before it leaves checking to the server. Patches
 * name no media types on purpose: kubectl then uses what it knows itself for built-in kinds, and
 * merge patches for the others.
 */
#include "base/mem.h"
#include "plane/core.h"

#define META_NAME "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
#define META_REF "#/components/schemas/" META_NAME

/* The fields of metadata: name, type, what they are. */
static const struct {
    const char *name, *type, *text;
} meta_fields[] = {
    {"name", "string", "Name must be unique within a namespace. Cannot be updated."},
    {"generateName", "string",
     "GenerateName is a prefix for a unique name, used only when Name is not provided."},
    {"namespace", "string", "Namespace defines the space within which each name must be unique."},
    {"uid", "string", "UID is the unique in time and space value for this object. Read-only."},
    {"resourceVersion", "string", "An opaque value that changes with the object. Read-only."},
    {"generation", "integer", "A number of the desired state. Read-only."},
    {"creationTimestamp", "string", "When the object was created. Read-only."},
    {"deletionTimestamp", "string", "When the object is to be deleted. Read-only."},
    {"deletionGracePeriodSeconds", "integer", "How long it may take to end. Read-only."},
    {"labels", "strings", "Keys and values that select and categorize objects."},
    {"annotations", "strings", "Unstructured keys and values that tools keep with the object."},
    {"finalizers", "list", "Must be empty before the object is deleted from the registry."},
    {"ownerReferences", "objects", "Objects that this object depends on."},
    {"managedFields", "objects", "Which workflow manages which fields."},
};

static struct json *
openapi_typed(const char *type, const char *text)
{
    struct json *s = json_new_object();
    bool list = strcmp(type, "list") == 0, objects = strcmp(type, "objects") == 0;
    bool strings = strcmp(type, "strings") == 0;

    json_set_cstr(s, "description", text);
    json_set_cstr(s, "type", list || objects ? "array" : strings ? "object" : type);
    if (list || objects)
        json_set_cstr(json_need_object(s, "items"), "type", list ? "string" : "object");
    if (strings)
        json_set_cstr(json_need_object(s, "additionalProperties"), "type", "string");
    return s;
}

static struct json *
meta_schema(void)
{
    struct json *s = openapi_typed("object", "Metadata that all persisted resources must have.");
    struct json *properties = json_need_object(s, "properties");

    for (size_t i = 0; i < ARRAY_LEN(meta_fields); i++)
        json_set(properties, meta_fields[i].name,
                 openapi_typed(meta_fields[i].type, meta_fields[i].text));
    return s;
}

static struct json *
gvk_new(const struct resource_info *k)
{
    struct json *g = json_new_object();

    json_set_cstr(g, "group", k->group);
    json_set_cstr(g, "version", k->version);
    json_set_cstr(g, "kind", k->kind);
    return g;
}

/* "io.k8s.api.batch.v1.Job", "com.appscode.stash.v1alpha1.Repository"; the caller frees. */
static char *
schema_name(const struct resource_info *k)
{
    CLEANUP(mem_free_ptr) char *group = mem_strdup(k->group);
    CLEANUP(mem_free_ptr) char *turned = mem_strdup("");
    char *save = NULL;

    if (!k->custom) {
        group[strcspn(group, ".")] = '\0';
        return mem_printf("io.k8s.api.%s.%s.%s", group[0] != '\0' ? group : "core", k->version,
                          k->kind);
    }
    for (char *w = strtok_r(group, ".", &save); w != NULL; w = strtok_r(NULL, ".", &save)) {
        char *more = mem_printf("%s.%s", w, turned);
        mem_free(turned);
        turned = more;
    }
    return mem_printf("%s%s.%s", turned, k->version, k->kind);
}

/* A built-in kind, or a field of one, whose inside we do not describe. */
static struct json *
open_object(const char *text)
{
    struct json *s = openapi_typed("object", text);

    json_set_bool(s, "x-kubernetes-preserve-unknown-fields", true);
    return s;
}

static struct json *
kind_schema(const struct resource_info *k)
{
    struct json *s = k->schema != NULL ? json_clone(k->schema) : open_object(k->kind);
    struct json *properties = json_need_object(s, "properties"), *all;
    struct json *meta = json_new_object();

    json_set(properties, "apiVersion",
             openapi_typed("string",
                           "APIVersion defines the versioned schema of this representation of an "
                           "object."));
    json_set(properties, "kind",
             openapi_typed("string",
                           "Kind is a string value representing the REST resource this object "
                           "represents."));
    all = json_need_array(meta, "allOf");
    struct json *ref = json_new_object();
    json_set_cstr(ref, "$ref", META_REF);
    json_push(all, ref);
    json_set_cstr(meta, "description", "Standard object's metadata.");
    json_set(properties, "metadata", meta);
    if (!k->custom && k->has_status) {
        json_set(properties, "spec", open_object("Specification of the desired behavior."));
        json_set(properties, "status", open_object("Most recently observed status."));
    }
    json_push(json_need_array(s, "x-kubernetes-group-version-kind"), gvk_new(k));
    return s;
}

static void
add_parameter(struct json *list, const char *name, const char *in)
{
    struct json *p = json_new_object();

    json_set_cstr(p, "name", name);
    json_set_cstr(p, "in", in);
    json_set_bool(p, "required", strcmp(in, "path") == 0);
    json_set_cstr(json_need_object(p, "schema"), "type", "string");
    json_push(list, p);
}

static void
add_operation(struct json *item, const struct resource_info *k, const char *method,
              const char *action)
{
    static const char *const queries[] = {"dryRun", "fieldManager", "fieldValidation"};
    struct json *op = json_need_object(item, method), *list, *answer;

    json_set_cstr(op, "x-kubernetes-action", action);
    json_set(op, "x-kubernetes-group-version-kind", gvk_new(k));
    answer = json_need_object(json_need_object(op, "responses"), "200");
    json_set_cstr(answer, "description", "OK");
    if (strcmp(method, "get") == 0 || strcmp(method, "delete") == 0)
        return;
    list = json_need_array(op, "parameters");
    for (size_t i = 0; i < ARRAY_LEN(queries); i++)
        add_parameter(list, queries[i], "query");
}

static void
add_paths(struct json *paths, const struct resource_info *k)
{
    CLEANUP(mem_free_ptr)
    char *all = mem_printf("/%s/%s%s/%s", k->group[0] != '\0' ? "apis" : "api", k->api_version,
                           k->namespaced ? "/namespaces/{namespace}" : "", k->plural);
    CLEANUP(mem_free_ptr) char *one = mem_printf("%s/{name}", all);
    struct json *item = json_need_object(paths, all), *list;

    add_operation(item, k, "get", "list");
    add_operation(item, k, "post", "post");
    add_operation(item, k, "delete", "deletecollection");
    list = json_need_array(item, "parameters");
    if (k->namespaced)
        add_parameter(list, "namespace", "path");
    item = json_need_object(paths, one);
    add_operation(item, k, "get", "get");
    add_operation(item, k, "put", "put");
    add_operation(item, k, "patch", "patch");
    add_operation(item, k, "delete", "delete");
    list = json_need_array(item, "parameters");
    add_parameter(list, "name", "path");
    if (k->namespaced)
        add_parameter(list, "namespace", "path");
}

static bool
answer_document(struct call *c, const char *gv)
{
    CLEANUP(json_free_ptr) struct json *doc = json_new_object();
    struct json *info = json_need_object(doc, "info"), *paths = json_need_object(doc, "paths");
    struct json *schemas = json_need_object(json_need_object(doc, "components"), "schemas");
    struct resource_info **all;
    size_t n, found = 0;

    json_set_cstr(doc, "openapi", "3.0.0");
    json_set_cstr(info, "title", "Kubernetes");
    json_set_cstr(info, "version", "v1.31.0");
    json_set(schemas, META_NAME, meta_schema());
    all = resource_all(c->plane->kinds, &n);
    for (size_t i = 0; i < n; i++) {
        CLEANUP(mem_free_ptr) char *name = schema_name(all[i]);
        if (strcmp(all[i]->api_version, gv) != 0)
            continue;
        add_paths(paths, all[i]);
        json_set(schemas, name, kind_schema(all[i]));
        found++;
    }
    resource_all_free(all, n);
    if (found == 0)
        return false;
    reply_json(c->rp, 200, doc);
    return true;
}

static void
answer_index(struct call *c)
{
    CLEANUP(json_free_ptr) struct json *doc = json_new_object();
    struct json *paths = json_need_object(doc, "paths");
    struct resource_info **all;
    size_t n;

    all = resource_all(c->plane->kinds, &n);
    for (size_t i = 0; i < n; i++) {
        const char *root = all[i]->group[0] != '\0' ? "apis" : "api";
        CLEANUP(mem_free_ptr) char *key = mem_printf("%s/%s", root, all[i]->api_version);
        CLEANUP(mem_free_ptr) char *url = mem_printf("/openapi/v3/%s", key);
        json_set_cstr(json_need_object(paths, key), "serverRelativeURL", url);
    }
    resource_all_free(all, n);
    reply_json(c->rp, 200, doc);
}

bool
answer_openapi(struct call *c)
{
    if (strcmp(c->method, "GET") != 0)
        return false;
    if (strcmp(c->path, "/openapi/v2") == 0)
        return answer_openapi_v2(c);
    if (strcmp(c->path, "/openapi/v3") == 0) {
        answer_index(c);
        return true;
    }
    if (strncmp(c->path, "/openapi/v3/apis/", 17) == 0)
        return answer_document(c, c->path + 17);
    return strncmp(c->path, "/openapi/v3/api/", 16) == 0 && answer_document(c, c->path + 16);
}
