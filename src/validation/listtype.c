/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/listtype.h"

#include "validation/schema.h"

static const struct {
    const char *field, *first, *second;
} maps[] = {
    {"addresses", "type", NULL},
    {"conditions", "type", NULL},
    {"containers", "name", NULL},
    {"env", "name", NULL},
    {"ephemeralContainers", "name", NULL},
    {"hostAliases", "ip", NULL},
    {"imagePullSecrets", "name", NULL},
    {"initContainers", "name", NULL},
    {"ownerReferences", "uid", NULL},
    {"podIPs", "ip", NULL},
    {"secrets", "name", NULL},
    {"taints", "key", NULL},
    {"volumeDevices", "devicePath", NULL},
    {"volumeMounts", "mountPath", NULL},
    {"volumes", "name", NULL},
};

static const char *const atomic_maps[] = {
    "selector", "labelSelector", "nodeSelector",     "secretKeyRef",   "configMapKeyRef",
    "fieldRef", "roleRef",       "resourceFieldRef", "involvedObject", "namespaceSelector",
};

static struct list_type
built_in_list(const char *field, const struct json *list)
{
    if (strcmp(field, "finalizers") == 0)
        return (struct list_type){.kind = LIST_SET};
    if (strcmp(field, "ports") == 0) {
        bool pod = json_field(json_elem(list, 0), "containerPort") != NULL;
        return (struct list_type){LIST_MAP, {pod ? "containerPort" : "port", "protocol"}, 2};
    }
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        if (strcmp(maps[i].field, field) == 0)
            return (struct list_type){LIST_MAP, {maps[i].first}, 1};
    return (struct list_type){.kind = LIST_ATOMIC};
}

struct list_type
field_list_type(struct field_type t, const struct json *list)
{
    const char *type = json_text_or(json_field(t.schema, "x-kubernetes-list-type"), "atomic");
    const struct json *keys = json_field(t.schema, "x-kubernetes-list-map-keys");
    struct list_type out = {.kind = LIST_ATOMIC};

    if (t.field == NULL) /* the object itself */
        return out;
    if (!t.custom)
        return built_in_list(t.field, list);
    if (strcmp(type, "set") == 0)
        out.kind = LIST_SET;
    for (size_t i = 0; strcmp(type, "map") == 0 && i < json_size(keys) && i < LIST_KEYS_MAX; i++) {
        out.kind = LIST_MAP;
        out.keys[out.n++] = json_text_or(json_elem(keys, i), "");
    }
    return out;
}

bool
field_is_atomic_map(struct field_type t)
{
    if (t.custom)
        return strcmp(json_text_or(json_field(t.schema, "x-kubernetes-map-type"), ""), "atomic") ==
               0;
    for (size_t i = 0; t.field != NULL && i < ARRAY_LEN(atomic_maps); i++)
        if (strcmp(atomic_maps[i], t.field) == 0)
            return true;
    return false;
}

struct field_type
field_child(struct field_type t, const char *key)
{
    bool root = t.field == NULL;

    return (struct field_type){
        .field = key,
        .custom = t.custom && !(root && strcmp(key, "metadata") == 0),
        .schema = schema_of_field(t.schema, key),
    };
}

struct field_type
field_item(struct field_type t)
{
    return (struct field_type){"", json_field(t.schema, "items"), t.custom};
}

static bool
has_keys(const struct json *item, const struct list_type *t, const struct json *like)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct json *a = json_field(item, t->keys[i]), *b = json_field(like, t->keys[i]);
        bool protocol = strcmp(t->keys[i], "protocol") == 0; /* defaulted, so often left out */
        if (protocol && (a == NULL || b == NULL)) {
            if (strcmp(json_text_or(a != NULL ? a : b, "TCP"), "TCP") != 0)
                return false;
        } else if (!json_same(a, b)) {
            return false;
        }
    }
    return true;
}

struct json *
list_find(const struct json *list, const struct list_type *t, const struct json *like, size_t *at)
{
    for (size_t i = 0; i < json_size(list); i++) {
        struct json *item = json_elem(list, i);
        if (t->kind == LIST_SET ? json_same(item, like) : has_keys(item, t, like)) {
            if (at != NULL)
                *at = i;
            return item;
        }
    }
    return NULL;
}
