/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/apply.h"

#include "api/conditions.h"
#include "base/clock.h"
#include "base/mem.h"
#include "plane/core.h"
#include "validation/fields.h"

static struct field_type
root_type(const struct resource_info *k)
{
    return (struct field_type){.field = NULL, .schema = k->schema, .custom = k->custom};
}

/* What the server owns belongs to nobody. */
static void
apply_strip(struct json *set)
{
    static const char *const top[] = {"f:apiVersion", "f:kind"};
    static const char *const meta[] = {
        "f:name",
        "f:namespace",
        "f:uid",
        "f:resourceVersion",
        "f:creationTimestamp",
        "f:deletionTimestamp",
        "f:deletionGracePeriodSeconds",
        "f:generation",
        "f:managedFields",
        "f:selfLink",
        "f:generateName",
    };
    struct json *m = json_field(set, "f:metadata");

    for (size_t i = 0; i < ARRAY_LEN(top); i++)
        json_remove(set, top[i]);
    for (size_t i = 0; m != NULL && i < ARRAY_LEN(meta); i++)
        json_remove(m, meta[i]);
    if (m != NULL && json_size(m) == 0)
        json_remove(set, "f:metadata");
}

/* field_is_atomic_map and friends look at names: the root has none. */
static struct json *
set_of(const struct resource_info *k, const struct json *obj)
{
    struct json *set = json_new_object();

    for (struct json_item it = json_first(obj); it.key != NULL; it = json_next(obj, it)) {
        CLEANUP(mem_free_ptr) char *key = mem_printf("f:%s", it.key);
        json_set(set, key, fields_of(it.value, field_child(root_type(k), it.key)));
    }
    apply_strip(set);
    return set;
}

static struct json *
changes_of(const struct resource_info *k, const struct json *a, const struct json *b)
{
    struct json *set = json_new_object();
    const struct json *both[] = {a, b};

    for (size_t s = 0; s < 2; s++)
        for (struct json_item it = json_first(both[s]); it.key != NULL;
             it = json_next(both[s], it)) {
            CLEANUP(mem_free_ptr) char *key = mem_printf("f:%s", it.key);
            struct json *inner;
            const struct json *x = json_field(a, it.key), *y = json_field(b, it.key);
            if ((s == 1 && x != NULL) || json_same(x, y))
                continue;
            inner = fields_changed(x, y, field_child(root_type(k), it.key));
            json_set(set, key, inner);
        }
    apply_strip(set);
    return set;
}

static bool
is_entry(const struct json *entry, const char *operation, struct apply_manager who)
{
    const char *sub = json_text_or(json_field(entry, "subresource"), "");

    return strcmp(json_text_or(json_field(entry, "operation"), ""), operation) == 0 &&
           strcmp(json_text_or(json_field(entry, "manager"), ""), who.manager) == 0 &&
           strcmp(sub, who.status ? "status" : "") == 0;
}

/* The entry of `who`; *at its place, or the number of entries. */
static struct json *
find_entry(const struct json *list, const char *operation, struct apply_manager who, size_t *at)
{
    for (*at = 0; *at < json_size(list); (*at)++)
        if (is_entry(json_elem(list, *at), operation, who))
            return json_elem(list, *at);
    return NULL;
}

/* Takes `set`; an empty one removes the entry. */
static void
put_entry(struct json *list, const struct resource_info *k, const char *operation,
          struct apply_manager who, struct json *set)
{
    struct json *entry;
    char now[API_TIME_TEXT];
    size_t at;

    if (find_entry(list, operation, who, &at) != NULL)
        json_remove_at(list, at);
    if (json_size(set) == 0) {
        json_free(set);
        return;
    }
    /* The oldest of too many Update entries is forgotten: its fields are nobody's then. */
    for (size_t i = 0; json_size(list) >= APPLY_MANAGERS_MAX && i < json_size(list); i++)
        if (strcmp(json_text_or(json_field(json_elem(list, i), "operation"), ""), "Update") == 0) {
            json_remove_at(list, i);
            break;
        }
    entry = json_new_object();
    json_set_cstr(entry, "manager", who.manager);
    json_set_cstr(entry, "operation", operation);
    json_set_cstr(entry, "apiVersion", k->api_version);
    json_set_cstr(entry, "time", api_time(clock_real_ms(), now));
    json_set_cstr(entry, "fieldsType", "FieldsV1");
    json_set(entry, "fieldsV1", set);
    if (who.status)
        json_set_cstr(entry, "subresource", "status");
    json_push(list, entry);
}

/* Everybody else loses `set`. */
static void
take_from_others(struct json *list, const struct json *set, const struct json *mine)
{
    for (size_t i = json_size(list); i-- > 0;) {
        struct json *entry = json_elem(list, i), *fields = json_field(entry, "fieldsV1");
        if (entry == mine)
            continue;
        fields_take(fields, set);
        if (json_size(fields) == 0)
            json_remove_at(list, i);
    }
}

/* A private copy of the list in `obj`, not yet in it. */
static struct json *
managers_of(const struct json *obj)
{
    struct json *list = json_clone(json_dig(obj, "metadata", "managedFields"));

    return json_kind_of(list) == JSON_IS_ARRAY ? list : json_new_array();
}

static void
set_managers(struct json *obj, struct json *list)
{
    struct json *meta = json_need_object(obj, "metadata");

    if (json_size(list) > 0) {
        json_set(meta, "managedFields", list);
        return;
    }
    json_remove(meta, "managedFields");
    json_free(list);
}

void
apply_update(const struct resource_info *k, const struct json *old, struct json *obj,
             struct apply_manager who)
{
    CLEANUP(json_free_ptr) struct json *diff = NULL;
    CLEANUP(json_free_ptr) struct json *now = NULL;
    const struct json *given = json_dig(obj, "metadata", "managedFields");
    struct json *list, *mine, *set;
    size_t at;

    if (old == NULL) {
        list = json_new_array();
        put_entry(list, k, "Update", who, set_of(k, obj));
        set_managers(obj, list);
        return;
    }
    diff = changes_of(k, old, obj);
    /* A client may rewrite who owns what, as kubectl does when it goes over to apply. */
    list = managers_of(json_size(given) > 0 && !who.status ? obj : old);
    if (json_size(diff) == 0) {
        set_managers(obj, list);
        return;
    }
    mine = find_entry(list, "Update", who, &at);
    set = mine != NULL ? json_clone(json_field(mine, "fieldsV1")) : json_new_object();
    take_from_others(list, diff, NULL);
    now = set_of(k, obj);
    CLEANUP(json_free_ptr) struct json *gained = fields_common(diff, now);
    fields_take(set, diff);
    fields_add(set, gained);
    put_entry(list, k, "Update", who, set);
    set_managers(obj, list);
}

/* --- apply ----------------------------------------------------------------------------------- */

struct conflict {
    struct json *causes;
    const struct json *entry;
};

static void
add_conflict(void *arg, const char *path)
{
    struct conflict *c = (struct conflict *)arg;
    const struct json *e = c->entry;
    bool update = strcmp(json_text_or(json_field(e, "operation"), ""), "Update") == 0;
    const char *sub = json_text_or(json_field(e, "subresource"), "");
    struct json *cause = json_new_object();
    CLEANUP(mem_free_ptr)
    char *message = mem_printf(
        "conflict with \"%s\"%s%s%s%s%s", json_text_or(json_field(e, "manager"), ""),
        sub[0] != '\0' ? " with subresource \"" : "", sub, sub[0] != '\0' ? "\"" : "",
        update ? " using " : "", update ? json_text_or(json_field(e, "apiVersion"), "") : "");

    json_set_cstr(cause, "reason", "FieldManagerConflict");
    json_set_cstr(cause, "message", message);
    json_set_cstr(cause, "field", path);
    json_push(c->causes, cause);
}

/* What others own of what would change; NULL: nothing. */
static struct json *
find_conflicts(const struct json *list, const struct json *mine, const struct json *change)
{
    struct conflict c = {.causes = json_new_array()};

    for (size_t i = 0; i < json_size(list); i++) {
        c.entry = json_elem(list, i);
        if (c.entry == mine)
            continue;
        CLEANUP(json_free_ptr)
        struct json *both = fields_common(change, json_field(c.entry, "fieldsV1"));
        fields_walk(both, add_conflict, &c);
    }
    if (json_size(c.causes) > 0)
        return c.causes;
    json_free(c.causes);
    return NULL;
}

/* Fields that the applier named last time and no longer does, and that nobody else has. */
static void
remove_dropped(const struct resource_info *k, struct json *obj, const struct json *list,
               const struct json *mine, const struct json *applied)
{
    CLEANUP(json_free_ptr) struct json *keep = json_clone(applied);
    CLEANUP(json_free_ptr) struct json *gone = json_clone(json_field(mine, "fieldsV1"));

    if (gone == NULL)
        return;
    for (size_t i = 0; i < json_size(list); i++)
        if (json_elem(list, i) != mine)
            fields_add(keep, json_field(json_elem(list, i), "fieldsV1"));
    fields_take(gone, keep);
    fields_remove(obj, gone, keep, root_type(k));
}

enum rc
apply_patch(const struct resource_info *k, const struct json *live, const struct json *applied,
            struct apply_manager who, struct json **out, struct json **causes, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *clean = NULL;
    CLEANUP(json_free_ptr) struct json *set = NULL;
    CLEANUP(json_free_ptr) struct json *change = NULL;
    struct json *list, *obj, *meta, *found;
    const struct json *mine;
    size_t at;

    if (json_kind_of(applied) != JSON_IS_OBJECT)
        return err_set(e, RC_INVALID, "the applied configuration is not an object");
    if (json_size(json_dig(applied, "metadata", "managedFields")) > 0)
        return err_set(e, RC_INVALID, "metadata.managedFields must be nil");
    clean = json_clone(applied);
    meta = json_need_object(clean, "metadata");
    json_remove(meta, "managedFields");
    drop_nulls(k->custom ? meta : clean); /* "creationTimestamp": null, as Go writes it */
    set = set_of(k, clean);
    if (!who.status && k->has_status) { /* dropped by the main resource */
        json_remove(set, "f:status");
        json_remove(clean, "status");
    }
    list = managers_of(live);
    mine = find_entry(list, "Apply", who, &at);
    obj = fields_merge(live, clean, root_type(k));
    change = changes_of(k, live, obj);
    found = live == NULL ? NULL : find_conflicts(list, mine, change);
    if (found != NULL && !who.force) {
        *causes = found;
        json_free(obj);
        json_free(list);
        return err_set(e, RC_CONFLICT, "others own fields that would change");
    }
    json_free(found);
    remove_dropped(k, obj, list, mine, set);
    take_from_others(list, change, mine);
    put_entry(list, k, "Apply", who, TAKE(set));
    set_managers(obj, list);
    *out = obj;
    return RC_OK;
}
