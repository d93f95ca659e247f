/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/object.h"

#include "base/clock.h"

struct json *
kube_object_new(const struct kube_gvr *kind, const char *ns, const char *name)
{
    char version[KUBE_API_VERSION];
    struct json *obj = json_new_object(), *meta;

    json_set_cstr(obj, "apiVersion", kube_gvr_api_version(kind, version));
    json_set_cstr(obj, "kind", kind->kind);
    meta = json_need_object(obj, "metadata");
    json_set_cstr(meta, "name", name);
    if (kind->namespaced)
        json_set_cstr(meta, "namespace", ns);
    return obj;
}

static const char *
meta_text(const struct json *obj, const char *key)
{
    return json_text(json_dig(obj, "metadata", key));
}

const char *
kube_name(const struct json *obj)
{
    return meta_text(obj, "name");
}

const char *
kube_ns(const struct json *obj)
{
    return meta_text(obj, "namespace");
}

const char *
kube_uid(const struct json *obj)
{
    return meta_text(obj, "uid");
}

const char *
kube_version(const struct json *obj)
{
    return meta_text(obj, "resourceVersion");
}

int64_t
kube_generation(const struct json *obj)
{
    return json_int_or(json_dig(obj, "metadata", "generation"), 0);
}

int64_t
kube_time_ms(const struct json *text)
{
    struct str s = json_text_str(text);
    struct instant t;
    struct err e = ERR_INIT;

    return s.n == 0 || instant_parse(s, &t, &e) ? 0 : instant_ms(t);
}

int64_t
kube_created_ms(const struct json *obj)
{
    return kube_time_ms(json_dig(obj, "metadata", "creationTimestamp"));
}

bool
kube_is_deleting(const struct json *obj)
{
    return meta_text(obj, "deletionTimestamp") != NULL;
}

struct json *
kube_meta(struct json *obj)
{
    return json_need_object(obj, "metadata");
}

const char *
kube_label(const struct json *obj, const char *key)
{
    return json_text(json_dig(obj, "metadata", "labels", key));
}

const char *
kube_annotation(const struct json *obj, const char *key)
{
    return json_text(json_dig(obj, "metadata", "annotations", key));
}

static void
set_in(struct json *obj, const char *map, const char *key, const char *value)
{
    if (value != NULL || json_dig(obj, "metadata", map, key) != NULL)
        json_set_cstr(json_need_object(kube_meta(obj), map), key, value);
}

void
kube_set_label(struct json *obj, const char *key, const char *value)
{
    set_in(obj, "labels", key, value);
}

void
kube_set_annotation(struct json *obj, const char *key, const char *value)
{
    set_in(obj, "annotations", key, value);
}

/* The place of `name` among the finalizers, or their number. */
static size_t
finalizer_at(const struct json *obj, const char *name)
{
    const struct json *all = json_dig(obj, "metadata", "finalizers");
    size_t i;

    for (i = 0; i < json_size(all); i++)
        if (strcmp(json_text_or(json_elem(all, i), ""), name) == 0)
            break;
    return i;
}

bool
kube_has_finalizer(const struct json *obj, const char *name)
{
    return finalizer_at(obj, name) < json_size(json_dig(obj, "metadata", "finalizers"));
}

bool
kube_add_finalizer(struct json *obj, const char *name)
{
    if (kube_has_finalizer(obj, name))
        return false;
    json_push_cstr(json_need_array(kube_meta(obj), "finalizers"), name);
    return true;
}

bool
kube_remove_finalizer(struct json *obj, const char *name)
{
    if (!kube_has_finalizer(obj, name))
        return false;
    json_remove_at(json_dig(obj, "metadata", "finalizers"), finalizer_at(obj, name));
    return true;
}

static void
copy_text(struct json *to, const char *key, const struct json *from)
{
    if (json_text(from) != NULL)
        json_set(to, key, json_clone(from));
}

struct json *
kube_owner_ref(const struct json *owner, bool controller)
{
    struct json *ref = json_new_object();

    copy_text(ref, "apiVersion", json_field(owner, "apiVersion"));
    copy_text(ref, "kind", json_field(owner, "kind"));
    copy_text(ref, "name", json_dig(owner, "metadata", "name"));
    copy_text(ref, "uid", json_dig(owner, "metadata", "uid"));
    if (controller)
        json_set_bool(ref, "controller", true);
    json_set_bool(ref, "blockOwnerDeletion", true);
    return ref;
}

bool
kube_set_owner(struct json *obj, const struct json *owner, bool controller)
{
    struct json *ref = kube_owner_ref(owner, controller);
    struct json *all = json_need_array(kube_meta(obj), "ownerReferences");

    for (size_t i = 0; i < json_size(all); i++) {
        const struct json *one = json_elem(all, i);
        if (strcmp(json_text_or(json_field(one, "uid"), ""),
                   json_text_or(json_field(ref, "uid"), "")) != 0)
            continue;
        if (json_same(one, ref)) {
            json_free(ref);
            return false;
        }
        json_put_at(all, i, ref);
        return true;
    }
    json_push(all, ref);
    return true;
}

const struct json *
kube_controller_of(const struct json *obj)
{
    const struct json *all = json_dig(obj, "metadata", "ownerReferences");

    for (size_t i = 0; i < json_size(all); i++)
        if (json_is_true(json_field(json_elem(all, i), "controller")))
            return json_elem(all, i);
    return NULL;
}

bool
kube_is_owned_by(const struct json *obj, const char *uid)
{
    const struct json *all = json_dig(obj, "metadata", "ownerReferences");

    for (size_t i = 0; i < json_size(all); i++)
        if (strcmp(json_text_or(json_field(json_elem(all, i), "uid"), ""), uid) == 0)
            return true;
    return false;
}

struct json *
kube_reference(const struct json *obj)
{
    static const char *const fields[] = {"name", "namespace", "uid", "resourceVersion"};
    struct json *ref = json_new_object();

    copy_text(ref, "apiVersion", json_field(obj, "apiVersion"));
    copy_text(ref, "kind", json_field(obj, "kind"));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        copy_text(ref, fields[i], json_dig(obj, "metadata", fields[i]));
    return ref;
}

bool
kube_is_kind(const struct json *obj, const struct kube_gvr *kind)
{
    const char *version = json_text_or(json_field(obj, "apiVersion"), "");
    const char *slash = strchr(version, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - version);

    return strcmp(json_text_or(json_field(obj, "kind"), ""), kind->kind) == 0 &&
           strlen(kind->group) == n && strncmp(version, kind->group, n) == 0;
}
