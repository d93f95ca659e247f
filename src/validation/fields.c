/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/fields.h"

#include "base/mem.h"
#include "validation/field_errors.h"

enum { PATH_MAX_BYTES = 1024 };

static bool
is_member(const struct json *node)
{
    return node != NULL && (json_size(node) == 0 || json_field(node, ".") != NULL);
}

/* Is it looked into, or one leaf? */
static bool
is_inner(const struct json *v, struct field_type t)
{
    if (json_kind_of(v) == JSON_IS_OBJECT)
        return json_size(v) > 0 && !field_is_atomic_map(t);
    return json_kind_of(v) == JSON_IS_ARRAY && json_size(v) > 0 &&
           field_list_type(t, v).kind != LIST_ATOMIC;
}

/* "f:name"; the caller frees. */
static char *
field_key(const char *name)
{
    return mem_printf("f:%s", name);
}

/* "k:{...}" or "v:..." of an element; the caller frees. */
static char *
element_key(const struct json *item, const struct list_type *t)
{
    CLEANUP(json_free_ptr) struct json *keys = json_new_object();
    CLEANUP(mem_free_ptr) char *text = NULL;

    if (t->kind == LIST_SET) {
        text = json_to_text(item, true);
        return mem_printf("v:%s", text);
    }
    for (size_t i = 0; i < t->n; i++)
        if (json_field(item, t->keys[i]) != NULL)
            json_set(keys, t->keys[i], json_clone(json_field(item, t->keys[i])));
    text = json_to_text(keys, true);
    return mem_printf("k:%s", text);
}

struct json *
fields_of(const struct json *v, struct field_type t)
{
    struct json *set = json_new_object();

    if (!is_inner(v, t))
        return set;
    if (json_kind_of(v) == JSON_IS_OBJECT) {
        for (struct json_item it = json_first(v); it.key != NULL; it = json_next(v, it)) {
            CLEANUP(mem_free_ptr) char *key = field_key(it.key);
            json_set(set, key, fields_of(it.value, field_child(t, it.key)));
        }
        return set;
    }
    struct list_type type = field_list_type(t, v);
    for (size_t i = 0; i < json_size(v); i++) {
        const struct json *item = json_elem(v, i);
        CLEANUP(mem_free_ptr) char *key = element_key(item, &type);
        struct json *inner = fields_of(item, field_item(t));
        if (type.kind == LIST_MAP && json_size(inner) > 0)
            json_set(inner, ".", json_new_object());
        json_set(set, key, inner);
    }
    return set;
}

/* Into `out`, unless nothing differs: NULL. */
static void
put_changed(struct json *out, const char *key, struct json *inner)
{
    if (inner != NULL)
        json_set(out, key, inner);
}

static struct json *changed(const struct json *a, const struct json *b, struct field_type t);

static struct json *
changed_fields(const struct json *a, const struct json *b, struct field_type t)
{
    struct json *out = json_new_object();
    const struct json *both[] = {a, b};

    for (size_t s = 0; s < 2; s++)
        for (struct json_item it = json_first(both[s]); it.key != NULL;
             it = json_next(both[s], it)) {
            CLEANUP(mem_free_ptr) char *key = field_key(it.key);
            if (s == 1 && json_field(a, it.key) != NULL)
                continue;
            put_changed(
                out, key,
                changed(json_field(a, it.key), json_field(b, it.key), field_child(t, it.key)));
        }
    return out;
}

static struct json *
changed_elements(const struct json *a, const struct json *b, struct field_type t)
{
    struct list_type type = field_list_type(t, a);
    struct json *out = json_new_object();
    const struct json *both[] = {a, b};

    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < json_size(both[s]); i++) {
            const struct json *item = json_elem(both[s], i);
            const struct json *other = list_find(both[1 - s], &type, item, NULL);
            CLEANUP(mem_free_ptr) char *key = element_key(item, &type);
            if (other == NULL) {
                struct json *inner = fields_of(item, field_item(t));
                if (type.kind == LIST_MAP && json_size(inner) > 0)
                    json_set(inner, ".", json_new_object());
                json_set(out, key, inner);
            } else if (s == 0) {
                put_changed(out, key, changed(item, other, field_item(t)));
            }
        }
    return out;
}

static struct json *
changed(const struct json *a, const struct json *b, struct field_type t)
{
    struct json *out;

    if (json_same(a, b))
        return NULL;
    if (a == NULL || b == NULL)
        return fields_of(a != NULL ? a : b, t);
    if (!is_inner(a, t) || !is_inner(b, t) || json_kind_of(a) != json_kind_of(b)) {
        /* {} became {a: 1}: what is in it differs, and it itself */
        out = fields_of(is_inner(a, t) ? a : b, t);
        if (json_size(out) > 0 && json_kind_of(a) != json_kind_of(b))
            json_set(out, ".", json_new_object());
        return out;
    }
    out = json_kind_of(a) == JSON_IS_OBJECT ? changed_fields(a, b, t) : changed_elements(a, b, t);
    if (json_size(out) == 0) { /* another order */
        json_free(out);
        return NULL;
    }
    return out;
}

struct json *
fields_changed(const struct json *a, const struct json *b, struct field_type t)
{
    struct json *out = changed(a, b, t);

    return out != NULL ? out : json_new_object();
}

void
fields_add(struct json *to, const struct json *set)
{
    for (struct json_item it = json_first(set); it.key != NULL; it = json_next(set, it)) {
        struct json *mine = json_field(to, it.key);
        bool member = is_member(mine) || is_member(it.value);
        if (mine == NULL) {
            json_set(to, it.key, json_clone(it.value));
            continue;
        }
        fields_add(mine, it.value);
        if (member && json_size(mine) > 0)
            json_set(mine, ".", json_new_object());
    }
}

void
fields_take(struct json *from, const struct json *set)
{
    for (struct json_item it = json_first(set); it.key != NULL; it = json_next(set, it)) {
        struct json *mine = json_field(from, it.key);
        bool leaf = mine != NULL && json_size(mine) == 0;
        if (mine == NULL || strcmp(it.key, ".") == 0)
            continue;
        if (leaf) {
            if (is_member(it.value))
                json_remove(from, it.key);
            continue;
        }
        fields_take(mine, it.value);
        if (is_member(it.value))
            json_remove(mine, ".");
        if (json_size(mine) == 0)
            json_remove(from, it.key);
    }
}

struct json *
fields_common(const struct json *a, const struct json *b)
{
    struct json *out = json_new_object();

    for (struct json_item it = json_first(a); it.key != NULL; it = json_next(a, it)) {
        const struct json *other = json_field(b, it.key);
        bool member = is_member(it.value) && is_member(other);
        struct json *inner;
        if (other == NULL || strcmp(it.key, ".") == 0)
            continue;
        inner = fields_common(it.value, other);
        if (json_size(inner) > 0 && member)
            json_set(inner, ".", json_new_object());
        if (json_size(inner) > 0 || member)
            json_set(out, it.key, inner);
        else
            json_free(inner);
    }
    return out;
}

struct json *
fields_merge(const struct json *a, const struct json *b, struct field_type t)
{
    struct json *out;

    if (a == NULL || json_kind_of(a) != json_kind_of(b))
        return json_clone(b);
    if (json_kind_of(b) == JSON_IS_OBJECT && !field_is_atomic_map(t)) {
        out = json_clone(a);
        for (struct json_item it = json_first(b); it.key != NULL; it = json_next(b, it))
            json_set(out, it.key,
                     fields_merge(json_field(a, it.key), it.value, field_child(t, it.key)));
        return out;
    }
    struct list_type type = field_list_type(t, b);
    if (json_kind_of(b) != JSON_IS_ARRAY || type.kind == LIST_ATOMIC)
        return json_clone(b);
    out = json_clone(a);
    for (size_t i = 0; i < json_size(b); i++) {
        const struct json *item = json_elem(b, i);
        size_t at;
        struct json *mine = list_find(out, &type, item, &at);
        if (mine == NULL)
            json_push(out, json_clone(item));
        else
            json_put_at(out, at, fields_merge(mine, item, field_item(t)));
    }
    return out;
}

/* Where the element of "k:..." or "v:..." is. */
static bool
find_element(const struct json *list, const char *key, const struct list_type *t, size_t *at)
{
    for (size_t i = 0; i < json_size(list); i++) {
        CLEANUP(mem_free_ptr) char *mine = element_key(json_elem(list, i), t);
        if (strcmp(mine, key) == 0) {
            *at = i;
            return true;
        }
    }
    return false;
}

void
fields_remove(struct json *v, const struct json *set, const struct json *keep, struct field_type t)
{
    struct list_type type = field_list_type(t, v);

    for (struct json_item it = json_first(set); it.key != NULL; it = json_next(set, it)) {
        const struct json *kept = json_field(keep, it.key);
        struct json *inner;
        size_t at;
        if (strcmp(it.key, ".") == 0)
            continue;
        if (it.key[0] == 'f') {
            const char *name = it.key + 2;
            inner = json_field(v, name);
            if (json_size(it.value) > 0 && is_inner(inner, field_child(t, name)))
                fields_remove(inner, it.value, kept, field_child(t, name));
            else if (kept == NULL && is_member(it.value))
                json_remove(v, name);
            inner = json_field(v, name);
            if (kept == NULL && json_size(it.value) > 0 && json_size(inner) == 0)
                json_remove(v, name);
        } else if (find_element(v, it.key, &type, &at)) {
            if (kept == NULL && is_member(it.value))
                json_remove_at(v, at);
            else
                fields_remove(json_elem(v, at), it.value, kept, field_item(t));
        }
    }
}

static void
fields_walk_tree(const struct json *set, char path[static PATH_MAX_BYTES], size_t n,
                 fields_each *each, void *arg)
{
    for (struct json_item it = json_first(set); it.key != NULL; it = json_next(set, it)) {
        size_t more = n;
        if (strcmp(it.key, ".") == 0)
            continue;
        if (it.key[0] == 'f') {
            more += (size_t)snprintf(path + n, PATH_MAX_BYTES - n, ".%s", it.key + 2);
        } else if (it.key[0] == 'v') {
            more += (size_t)snprintf(path + n, PATH_MAX_BYTES - n, "[=%s]", it.key + 2);
        } else {
            struct json *keys = NULL;
            struct err e = ERR_INIT;
            if (json_parse(str_c(it.key + 2), &keys, &e))
                continue;
            for (struct json_item k = json_first(keys); k.key != NULL; k = json_next(keys, k)) {
                CLEANUP(mem_free_ptr) char *text = json_to_text(k.value, false);
                more = MIN(more, PATH_MAX_BYTES - 1);
                more += (size_t)snprintf(path + more, PATH_MAX_BYTES - more, "%s%s=%s",
                                         k.at == json_first(keys).at ? "[" : ",", k.key, text);
            }
            more = MIN(more, PATH_MAX_BYTES - 1);
            more += (size_t)snprintf(path + more, PATH_MAX_BYTES - more, "]");
            json_free(keys);
        }
        more = MIN(more, PATH_MAX_BYTES - 1);
        if (is_member(it.value))
            each(arg, path);
        fields_walk_tree(it.value, path, more, each, arg);
        path[n] = '\0';
    }
}

void
fields_walk(const struct json *set, fields_each *each, void *arg)
{
    char path[PATH_MAX_BYTES] = "";

    fields_walk_tree(set, path, 0, each, arg);
}
