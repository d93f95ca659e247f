/* SPDX-License-Identifier: Apache-2.0 */
#include "api/invoker.h"

#include <ctype.h>

#include "api/duration.h"
#include "api/kinds.h"
#include "api/names.h"
#include "api/notes.h"
#include "api/shared_internal.h"
#include "base/mem.h"

static bool
kind_is(const struct invoker *inv, const struct kube_gvr *kind)
{
    return strcmp(inv->kind, kind->kind) == 0;
}

/* What belongs to the member, from where it stands: the spec itself, or an entry of spec.members. */
static void
take_member(struct invoker *out, const struct json *from)
{
    const struct json *target = json_field(from, "target"), *ref = json_field(target, "ref"),
                      *old_rules = out->batch ? NULL : json_field(out->spec, "rules");

    out->target = target;
    out->task = json_field(from, "task");
    out->runtime = json_field(from, "runtimeSettings");
    out->temp_dir = json_field(from, "tempDir");
    out->interim = json_field(from, "interimVolumeTemplate");
    out->hooks = out->planned ? NULL : json_field(from, "hooks");
    out->rules = json_size(old_rules) > 0 ? old_rules : json_field(target, "rules");
    out->choice = out->restore ? json_field(from, "cstash") : NULL;
    out->alias = text_or(target, "alias", "");
    out->target_api = text_or(ref, "apiVersion", "na");
    out->target_kind = text_or(ref, "kind", "EmptyTarget");
    out->target_name = text_or(ref, "name", "na");
    out->target_ns = text_or(ref, "namespace", out->ns);
    out->target_ns_given = text_or(ref, "namespace", "");
}

void
invoker_member(const struct invoker *inv, size_t at, struct invoker *out)
{
    if (out != inv)
        *out = *inv;
    out->at = at;
    if (!out->batch) {
        out->at = 0;
        take_member(out, out->spec);
    } else if (at != INVOKER_WHOLE) {
        take_member(out, json_elem(json_field(out->spec, "members"), at));
    } else {
        take_member(out, NULL);
        out->runtime = json_field(out->spec, "runtimeSettings");
        out->hooks = out->planned ? NULL : json_field(out->spec, "hooks");
    }
}

void
invoker_view(const struct json *obj, struct invoker *out)
{
    const struct json *spec = json_field(obj, "spec"), *repo = json_field(spec, "repository");
    const char *ns = json_text_or(json_dig(obj, "metadata", "namespace"), "");
    struct err e = ERR_INIT;

    *out = (struct invoker){
        .obj = obj,
        .spec = spec,
        .kind = json_text_or(json_field(obj, "kind"), ""),
        .ns = ns,
        .name = json_text_or(json_dig(obj, "metadata", "name"), ""),
        .retention = json_field(spec, "retentionPolicy"),
        .repo_name = text_or(repo, "name", ""),
        .repo_ns = text_or(repo, "namespace", ns),
        .driver = text_or(spec, "driver", "Restic"),
    };
    out->batch = kind_is(out, &GVR_BACKUP_BATCH) || kind_is(out, &GVR_RESTORE_BATCH);
    out->restore = kind_is(out, &GVR_RESTORE_SESSION) || kind_is(out, &GVR_RESTORE_BATCH);
    out->planned =
        out->restore &&
        strcmp(json_text_or(json_dig(obj, "metadata", "annotations", NOTE_PLAN), ""), "true") == 0;
    out->sequential = strcmp(text_or(spec, "executionOrder", ""), ORDER_SEQUENTIAL) == 0;
    out->n = out->batch ? json_size(json_field(spec, "members")) : 1;
    if (duration_parse(str_c(text_or(spec, "timeOut", "0")), &out->timeout_ms, &e))
        out->timeout_ms = 0; /* the schema lets only durations in */
    invoker_member(out, 0, out);
}

void
invoker_whole(const struct invoker *inv, struct invoker *out)
{
    invoker_member(inv, inv->batch ? INVOKER_WHOLE : 0, out);
}

bool
invoker_find(const struct invoker *inv, const char *kind, const char *ns, const char *name,
             struct invoker *out)
{
    struct invoker m = *inv;

    for (size_t i = 0; i < inv->n; i++) {
        invoker_member(inv, i, &m);
        if (strcmp(m.target_kind, kind) == 0 && strcmp(m.target_name, name) == 0 &&
            strcmp(m.target_ns, ns[0] != '\0' ? ns : m.ns) == 0) {
            *out = m;
            return true;
        }
    }
    return false;
}

bool
invoker_same_target(const struct invoker *a, const struct invoker *b)
{
    return strcmp(a->target_kind, b->target_kind) == 0 &&
           strcmp(a->target_name, b->target_name) == 0 && strcmp(a->target_ns, b->target_ns) == 0;
}

const char *
invoker_path(const struct invoker *inv, char to[static INVOKER_PATH])
{
    if (inv->batch && inv->at != INVOKER_WHOLE)
        (void)snprintf(to, INVOKER_PATH, "spec.members[%zu]", inv->at);
    else
        (void)snprintf(to, INVOKER_PATH, "spec");
    return to;
}

const char *
invoker_host(const struct invoker *inv)
{
    return inv->alias[0] != '\0' ? inv->alias : DEFAULT_HOST;
}

struct json *
invoker_target_ref(const struct invoker *inv)
{
    struct json *ref = json_new_object();

    json_set_cstr(ref, "apiVersion", inv->target_api);
    json_set_cstr(ref, "kind", inv->target_kind);
    json_set_cstr(ref, "name", inv->target_name);
    json_set_cstr(ref, "namespace", inv->target_ns);
    return ref;
}

bool
invoker_is_target(const struct invoker *inv, const struct json *ref)
{
    return strcmp(text_or(ref, "kind", ""), inv->target_kind) == 0 &&
           strcmp(text_or(ref, "name", ""), inv->target_name) == 0 &&
           strcmp(text_or(ref, "namespace", inv->target_ns), inv->target_ns) == 0;
}

/* NULL: no list, the status itself. */
static const char *
place_list(const struct invoker *inv)
{
    if (inv->at == INVOKER_WHOLE || (inv->restore && !inv->batch))
        return NULL;
    return inv->restore ? "members" : "targets";
}

struct json *
invoker_place(const struct invoker *inv, struct json *status, size_t *at)
{
    const char *name = place_list(inv);
    struct json *list = json_field(status, name != NULL ? name : "");

    if (at != NULL)
        *at = 0;
    if (name == NULL)
        return status;
    for (size_t i = 0; i < json_size(list); i++)
        if (invoker_is_target(inv, json_field(json_elem(list, i), "ref"))) {
            if (at != NULL)
                *at = i;
            return json_elem(list, i);
        }
    return NULL;
}

struct json *
invoker_need_place(const struct invoker *inv, struct json *status)
{
    struct json *place = invoker_place(inv, status, NULL);

    if (place != NULL)
        return place;
    place = json_new_object();
    json_set(place, "ref", invoker_target_ref(inv));
    json_push(json_need_array(status, place_list(inv)), place);
    return place;
}

struct json *
invoker_labels(const struct invoker *inv)
{
    struct json *labels = json_new_object();

    json_merge_fields(labels, json_dig(inv->obj, "metadata", "labels"));
    json_set_cstr(labels, LABEL_COMPONENT, inv->restore ? COMPONENT_RESTORE : COMPONENT_BACKUP);
    json_set_cstr(labels, LABEL_MANAGED_BY, MANAGED_BY_STASH);
    return labels;
}

/* A label's value is shorter than a name may be, and ends with a letter or a digit. */
static void
set_label(struct json *labels, const char *key, const char *value)
{
    size_t n = strnlen(value, NAME_MAX_LABEL);

    while (n > 0 && !isalnum((unsigned char)value[n - 1]))
        n--;
    json_set(labels, key, json_new_str(str_of(value, n)));
}

struct json *
invoker_session_labels(const struct invoker *inv)
{
    struct json *labels = invoker_labels(inv);

    json_set_cstr(labels, LABEL_INVOKER_TYPE, inv->kind);
    set_label(labels, LABEL_INVOKER_NAME, inv->name);
    set_label(labels, LABEL_TARGET_KIND, inv->target_kind);
    set_label(labels, LABEL_TARGET_NAME, inv->target_name);
    set_label(labels, LABEL_TARGET_NAMESPACE, inv->target_ns_given);
    return labels;
}

struct json *
invoker_new_session(const struct invoker *inv, int64_t unix_s, int64_t retry_left)
{
    struct json *s = json_new_object(), *meta = json_need_object(s, "metadata"),
                *owner = json_new_object(), *by;
    char *stamp = mem_printf("%lld", (long long)unix_s),
         *name = name_of(NAME_MAX_LABEL, NULL, inv->name, stamp);
    const char *uid = json_text(json_dig(inv->obj, "metadata", "uid"));

    json_set_cstr(s, "apiVersion", STASH_GROUP "/" STASH_VERSION);
    json_set_cstr(s, "kind", GVR_BACKUP_SESSION.kind);
    json_set_cstr(meta, "name", name);
    json_set_cstr(meta, "namespace", inv->ns);
    json_set(meta, "labels", invoker_session_labels(inv));
    json_set_cstr(owner, "apiVersion", STASH_GROUP "/" STASH_VERSION);
    json_set_cstr(owner, "kind", inv->kind);
    json_set_cstr(owner, "name", inv->name);
    json_set_cstr(owner, "uid", uid);
    json_set_bool(owner, "controller", true);
    json_set_bool(owner, "blockOwnerDeletion", true);
    json_push(json_need_array(meta, "ownerReferences"), owner);
    by = json_need_object(json_need_object(s, "spec"), "invoker");
    json_set_cstr(by, "apiGroup", STASH_GROUP);
    json_set_cstr(by, "kind", inv->kind);
    json_set_cstr(by, "name", inv->name);
    json_set_int(json_field(s, "spec"), "retryLeft", retry_left);
    mem_free(stamp);
    mem_free(name);
    return s;
}

const struct json *
invoker_rule(const struct invoker *inv)
{
    const char *host = invoker_host(inv);
    const struct json *fallback = NULL;

    for (size_t i = 0; i < json_size(inv->rules); i++) {
        const struct json *rule = json_elem(inv->rules, i),
                          *hosts = json_field(rule, "targetHosts");

        if (json_size(hosts) == 0)
            fallback = rule;
        for (size_t h = 0; h < json_size(hosts); h++)
            if (strcmp(json_text_or(json_elem(hosts, h), ""), host) == 0)
                return rule;
    }
    return fallback;
}

bool
repository_asks_labels(const struct json *repo)
{
    const struct json *allowed = json_dig(repo, "spec", "usagePolicy", "allowedNamespaces");

    return strcmp(text_or(allowed, "from", ""), "Selector") == 0;
}

bool
repository_allows(const struct json *repo, const char *ns, const struct json *ns_labels,
                  bool (*matches)(const struct json *selector, const struct json *labels))
{
    const struct json *allowed = json_dig(repo, "spec", "usagePolicy", "allowedNamespaces");
    const char *from = text_or(allowed, "from", allowed == NULL ? "Same" : "");

    if (strcmp(from, "All") == 0)
        return true;
    if (strcmp(from, "Same") == 0)
        return strcmp(ns, json_text_or(json_dig(repo, "metadata", "namespace"), "")) == 0;
    if (strcmp(from, "Selector") == 0)
        return ns_labels != NULL && json_field(allowed, "selector") != NULL &&
               matches(json_field(allowed, "selector"), ns_labels);
    return false;
}
