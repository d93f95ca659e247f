/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/smp.h"

#include "plane/listtype.h"

enum { DEPTH_MAX = 100 };

static const char order_mark[] = "$setElementOrder/", drop_mark[] = "$deleteFromPrimitiveList/";

static enum rc merge_object(struct json *to, const struct json *patch, int depth, struct err *e);

static bool
is_mark(const char *key, const char *mark)
{
    return strncmp(key, mark, strlen(mark)) == 0;
}

/* A copy without directives: of what the patch adds where nothing was. */
static enum rc
fresh(const struct json *patch, int depth, struct json **out, struct err *e)
{
    if (json_kind_of(patch) != JSON_IS_OBJECT) {
        *out = json_clone(patch);
        return RC_OK;
    }
    *out = json_new_object();
    if (merge_object(*out, patch, depth + 1, e)) {
        json_free(*out);
        return e->code;
    }
    return RC_OK;
}

/* An element of the patch's list: add it, merge it with its like, or remove that. */
static enum rc
merge_element(struct json *list, const struct list_type *t, const struct json *item, int depth,
              struct err *e)
{
    const char *how = json_text_or(json_field(item, "$patch"), "");
    struct json *mine, *added;
    size_t at;

    if (json_kind_of(item) != JSON_IS_OBJECT || json_field(item, t->keys[0]) == NULL)
        return err_set(e, RC_INVALID, "the patch has a list element without its merge key %s",
                       t->keys[0]);
    mine = list_find(list, t, item, &at);
    if (strcmp(how, "delete") == 0) {
        if (mine != NULL)
            json_remove_at(list, at);
        return RC_OK;
    }
    if (mine != NULL)
        return merge_object(mine, item, depth + 1, e);
    if (fresh(item, depth, &added, e))
        return e->code;
    json_push(list, added);
    return RC_OK;
}

static enum rc
merge_list(struct json *to, const char *key, const struct json *patch, int depth, struct err *e)
{
    struct field_type field = {.field = key};
    struct list_type t = field_list_type(field, patch);
    struct json *list = json_field(to, key);
    bool replace = false;

    for (size_t i = 0; i < json_size(patch); i++)
        replace = replace || strcmp(json_text_or(json_field(json_elem(patch, i), "$patch"), ""),
                                    "replace") == 0;
    if (t.kind == LIST_ATOMIC || replace) {
        struct json *whole = json_new_array();
        for (size_t i = 0; i < json_size(patch); i++)
            if (json_field(json_elem(patch, i), "$patch") == NULL)
                json_push(whole, json_clone(json_elem(patch, i)));
        json_set(to, key, whole);
        return RC_OK;
    }
    if (json_kind_of(list) != JSON_IS_ARRAY)
        list = json_need_array(to, key);
    for (size_t i = 0; i < json_size(patch); i++) {
        const struct json *item = json_elem(patch, i);
        if (t.kind == LIST_MAP) {
            if (merge_element(list, &t, item, depth, e))
                return e->code;
        } else if (list_find(list, &t, item, NULL) == NULL) {
            json_push(list, json_clone(item));
        }
    }
    return RC_OK;
}

/* Put the elements that `order` names into its order, behind them the others as they were. */
static void
reorder(struct json *to, const char *key, const struct json *order)
{
    struct field_type field = {.field = key};
    struct list_type t = field_list_type(field, order);
    struct json *list = json_field(to, key), *sorted;

    if (t.kind == LIST_ATOMIC || json_size(list) == 0)
        return;
    sorted = json_new_array();
    for (size_t i = 0; i < json_size(order); i++) {
        size_t at;
        struct json *item = list_find(list, &t, json_elem(order, i), &at);
        if (item != NULL) {
            json_push(sorted, json_ref(item));
            json_remove_at(list, at);
        }
    }
    for (size_t i = 0; i < json_size(list); i++)
        json_push(sorted, json_ref(json_elem(list, i)));
    json_set(to, key, sorted);
}

static void
drop_elements(struct json *to, const char *key, const struct json *drop)
{
    struct list_type t = {.kind = LIST_SET};
    size_t at;

    for (size_t i = 0; i < json_size(drop); i++)
        while (list_find(json_field(to, key), &t, json_elem(drop, i), &at) != NULL)
            json_remove_at(json_field(to, key), at);
}

static void
retain_keys(struct json *to, const struct json *keys)
{
    struct list_type t = {.kind = LIST_SET};
    struct json *gone = json_new_array();

    for (struct json_item it = json_first(to); it.key != NULL; it = json_next(to, it)) {
        struct json *key = json_new_cstr(it.key);
        if (list_find(keys, &t, key, NULL) == NULL)
            json_push(gone, json_ref(key));
        json_free(key);
    }
    for (size_t i = 0; i < json_size(gone); i++)
        json_remove(to, json_text(json_elem(gone, i)));
    json_free(gone);
}

static void
clear(struct json *to)
{
    struct json_item it;

    while ((it = json_first(to)).key != NULL)
        json_remove(to, it.key);
}

static enum rc
merge_field(struct json *to, const char *key, const struct json *value, int depth, struct err *e)
{
    struct json *mine = json_field(to, key), *added;

    switch (json_kind_of(value)) {
    case JSON_IS_NULL:
        json_remove(to, key);
        return RC_OK;
    case JSON_IS_ARRAY:
        return merge_list(to, key, value, depth, e);
    case JSON_IS_OBJECT:
        if (strcmp(json_text_or(json_field(value, "$patch"), ""), "delete") == 0) {
            json_remove(to, key);
            return RC_OK;
        }
        if (json_kind_of(mine) == JSON_IS_OBJECT)
            return merge_object(mine, value, depth + 1, e);
        if (fresh(value, depth, &added, e))
            return e->code;
        json_set(to, key, added);
        return RC_OK;
    default:
        json_set(to, key, json_clone(value));
        return RC_OK;
    }
}

static enum rc
merge_object(struct json *to, const struct json *patch, int depth, struct err *e)
{
    if (depth > DEPTH_MAX)
        return err_set(e, RC_INVALID, "the patch is nested too deeply");
    if (strcmp(json_text_or(json_field(patch, "$patch"), ""), "replace") == 0)
        clear(to);
    for (struct json_item it = json_first(patch); it.key != NULL; it = json_next(patch, it))
        if (is_mark(it.key, drop_mark))
            drop_elements(to, it.key + strlen(drop_mark), it.value);
        else if (it.key[0] != '$' && merge_field(to, it.key, it.value, depth, e))
            return e->code;
    for (struct json_item it = json_first(patch); it.key != NULL; it = json_next(patch, it))
        if (is_mark(it.key, order_mark))
            reorder(to, it.key + strlen(order_mark), it.value);
    if (json_field(patch, "$retainKeys") != NULL)
        retain_keys(to, json_field(patch, "$retainKeys"));
    return RC_OK;
}

enum rc
smp_apply(const struct json *target, const struct json *patch, struct json **out, struct err *e)
{
    struct json *to = json_clone(target);

    if (json_kind_of(patch) != JSON_IS_OBJECT) {
        json_free(to);
        return err_set(e, RC_INVALID, "the patch is not an object");
    }
    if (merge_object(to, patch, 0, e)) {
        json_free(to);
        return e->code;
    }
    *out = to;
    return RC_OK;
}
