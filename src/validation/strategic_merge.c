/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/strategic_merge.h"

#include "validation/listtype.h"

enum { DEPTH_MAX = 100 };

static const char order_mark[] = "$setElementOrder/", drop_mark[] = "$deleteFromPrimitiveList/";

/* The patchMergeKey of the lists of built-in kinds; "" is that of lists without keys. */
static const struct {
    const char *field, *key;
} merge_keys[] = {
    {"addresses", "type"},
    {"conditions", "type"},
    {"containers", "name"},
    {"drivers", "name"},
    {"env", "name"},
    {"ephemeralContainers", "name"},
    {"finalizers", ""},
    {"hostAliases", "ip"},
    {"hostIPs", "ip"},
    {"imagePullSecrets", "name"},
    {"initContainers", "name"},
    {"matchConditions", "name"},
    {"ownerReferences", "uid"},
    {"podCIDRs", ""},
    {"podIPs", "ip"},
    {"resourceClaims", "name"},
    {"schedulingGates", "name"},
    {"secrets", "name"},
    {"topologySpreadConstraints", "topologyKey"},
    {"volumeDevices", "devicePath"},
    {"volumeMounts", "mountPath"},
    {"volumes", "name"},
    {"webhooks", "name"},
};

/* How the list `key` merges: unlike in server-side apply by one key at most. */
static struct list_type
merge_type(const char *key, const struct json *list, int depth)
{
    const char *by = NULL;

    for (size_t i = 0; i < ARRAY_LEN(merge_keys); i++)
        if (strcmp(merge_keys[i].field, key) == 0)
            by = merge_keys[i].key;
    if (strcmp(key, "ports") == 0) {
        by = "port";
        for (size_t i = 0; i < json_size(list); i++)
            if (json_field(json_elem(list, i), "containerPort") != NULL)
                by = "containerPort";
    }
    if (by == NULL || (depth == 0 && strcmp(key, "imagePullSecrets") == 0)) /* ServiceAccounts */
        return (struct list_type){.kind = LIST_ATOMIC};
    return by[0] == '\0' ? (struct list_type){.kind = LIST_SET}
                         : (struct list_type){LIST_MAP, {by}, 1};
}

static enum rc merge_object(struct json *to, const struct json *patch, int depth, struct err *e);

static bool
is_mark(const char *key, const char *mark)
{
    return strncmp(key, mark, strlen(mark)) == 0;
}

/* A copy without directives: of what the patch adds where nothing was. */
static enum rc
strategic_merge_fresh(const struct json *patch, int depth, struct json **out, struct err *e)
{
    if (json_kind_of(patch) != JSON_IS_OBJECT) {
        *out = json_clone(patch);
        return RC_OK;
    }
    *out = json_new_object();
    if (merge_object(*out, patch, depth + 1, e)) {
        json_free(*out);
        return err_code(e);
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

    if (how[0] != '\0' && strcmp(how, "delete") != 0)
        return err_set(e, RC_INVALID, "unknown $patch \"%.40s\" in a list", how);
    if (json_kind_of(item) != JSON_IS_OBJECT || json_field(item, t->keys[0]) == NULL)
        return err_set(e, RC_INVALID, "the patch has a list element without its merge key %s",
                       t->keys[0]);
    mine = list_find(list, t, item, &at);
    if (how[0] != '\0') {
        for (; mine != NULL; mine = list_find(list, t, item, &at))
            json_remove_at(list, at);
        return RC_OK;
    }
    if (mine != NULL)
        return merge_object(mine, item, depth + 1, e);
    if (strategic_merge_fresh(item, depth, &added, e))
        return err_code(e);
    json_push(list, added);
    return RC_OK;
}

static enum rc
merge_list(struct json *to, const char *key, const struct json *patch, int depth, struct err *e)
{
    struct list_type t = merge_type(key, patch, depth);
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
                return err_code(e);
        } else if (list_find(list, &t, item, NULL) == NULL) {
            json_push(list, json_clone(item));
        }
    }
    return RC_OK;
}

/*
 * Put the elements that `order` names into its order; the others stay before those that they were
 * before in `was`.
 */
static void
strategic_merge_reorder(struct json *to, const char *key, const struct json *order,
                        const struct json *was, int depth)
{
    struct list_type t = merge_type(key, order, depth);
    struct json *list = json_field(to, key), *named, *sorted;
    size_t at, mine, other, i = 0, k = 0;

    if (t.kind == LIST_ATOMIC || json_size(list) == 0)
        return;
    named = json_new_array();
    for (size_t o = 0; o < json_size(order); o++) {
        struct json *item = list_find(list, &t, json_elem(order, o), &at);
        if (item != NULL) {
            json_push(named, json_ref(item));
            json_remove_at(list, at);
        }
    }
    sorted = json_new_array();
    while (i < json_size(list) || k < json_size(named)) {
        bool rest = k == json_size(named);
        if (!rest && i < json_size(list))
            rest = list_find(was, &t, json_elem(list, i), &mine) != NULL &&
                   list_find(was, &t, json_elem(named, k), &other) != NULL && mine < other;
        json_push(sorted, json_ref(rest ? json_elem(list, i++) : json_elem(named, k++)));
    }
    json_free(named);
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

/* Before the merge: what is not named goes, and the patch may set nothing else. */
static enum rc
retain_keys(struct json *to, const struct json *patch, struct err *e)
{
    const struct json *keys = json_field(patch, "$retainKeys");
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
    for (struct json_item it = json_first(patch); it.key != NULL; it = json_next(patch, it)) {
        CLEANUP(json_free_ptr) struct json *key = json_new_cstr(it.key);
        if (it.key[0] != '$' && json_kind_of(it.value) != JSON_IS_NULL &&
            list_find(keys, &t, key, NULL) == NULL)
            return err_set(e, RC_INVALID, "the patch sets a field that its $retainKeys leaves out");
    }
    return RC_OK;
}

static void
strategic_merge_clear(struct json *to)
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
        if (json_kind_of(mine) == JSON_IS_OBJECT)
            return merge_object(mine, value, depth + 1, e);
        if (strategic_merge_fresh(value, depth, &added, e))
            return err_code(e);
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
    CLEANUP(json_free_ptr) struct json *was = json_new_object();
    const char *how = json_text_or(json_field(patch, "$patch"), "");

    if (depth > DEPTH_MAX)
        return err_set(e, RC_INVALID, "the patch is nested too deeply");
    if (how[0] != '\0' && strcmp(how, "replace") != 0 && strcmp(how, "delete") != 0)
        return err_set(e, RC_INVALID, "unknown $patch \"%.40s\"", how);
    if (how[0] != '\0')
        strategic_merge_clear(to);
    if (how[0] == 'd')
        return RC_OK;
    if (json_field(patch, "$retainKeys") != NULL && retain_keys(to, patch, e))
        return err_code(e);
    for (struct json_item it = json_first(patch); it.key != NULL; it = json_next(patch, it))
        if (is_mark(it.key, order_mark))
            json_set(was, it.key, json_clone(json_field(to, it.key + strlen(order_mark))));
    for (struct json_item it = json_first(patch); it.key != NULL; it = json_next(patch, it))
        if (is_mark(it.key, drop_mark))
            drop_elements(to, it.key + strlen(drop_mark), it.value);
        else if (it.key[0] != '$' && merge_field(to, it.key, it.value, depth, e))
            return err_code(e);
    for (struct json_item it = json_first(patch); it.key != NULL; it = json_next(patch, it))
        if (is_mark(it.key, order_mark))
            strategic_merge_reorder(to, it.key + strlen(order_mark), it.value,
                                    json_field(was, it.key), depth);
    return RC_OK;
}

enum rc
strategic_merge_apply(const struct json *target, const struct json *patch, struct json **out,
                      struct err *e)
{
    struct json *to = json_clone(target);

    if (json_kind_of(patch) != JSON_IS_OBJECT) {
        json_free(to);
        return err_set(e, RC_INVALID, "the patch is not an object");
    }
    if (merge_object(to, patch, 0, e)) {
        json_free(to);
        return err_code(e);
    }
    *out = to;
    return RC_OK;
}
