/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/patch.h"

#include "base/mem.h"

static bool
is_object(const struct json *j)
{
    return json_kind_of(j) == JSON_IS_OBJECT;
}

struct json *
patch_merge(const struct json *target, const struct json *patch)
{
    struct json *out;

    if (!is_object(patch))
        return json_clone(patch);
    out = is_object(target) ? json_clone(target) : json_new_object();
    for (struct json_item it = json_first(patch); it.key != NULL; it = json_next(patch, it)) {
        if (json_kind_of(it.value) == JSON_IS_NULL)
            json_remove(out, it.key);
        else
            json_set(out, it.key, patch_merge(json_field(out, it.key), it.value));
    }
    return out;
}

struct json *
patch_diff(const struct json *from, const struct json *to)
{
    struct json *patch;

    if (!is_object(from) || !is_object(to))
        return json_clone(to);
    patch = json_new_object();
    for (struct json_item it = json_first(to); it.key != NULL; it = json_next(to, it)) {
        const struct json *old = json_field(from, it.key);
        if (json_same(old, it.value))
            continue;
        json_set(patch, it.key, patch_diff(old, it.value));
    }
    for (struct json_item it = json_first(from); it.key != NULL; it = json_next(from, it))
        if (json_field(to, it.key) == NULL)
            json_set(patch, it.key, json_new_null());
    return patch;
}

/* One step of a pointer, unescaped; the caller frees. `*p` moves to the next '/' or the end. */
static char *
patch_token(const char **p)
{
    const char *s = *p + 1;
    size_t n = strcspn(s, "/"), k = 0;
    char *t = mem_strndup(s, n);

    for (size_t i = 0; i < n; i++) {
        if (t[i] == '~' && (t[i + 1] == '0' || t[i + 1] == '1'))
            t[k++] = t[++i] == '0' ? '~' : '/';
        else
            t[k++] = t[i];
    }
    t[k] = '\0';
    *p = s + n;
    return t;
}

/* The index that `t` is in an array of `n`; `n` itself for "-" and, if `end`, for the number. */
static bool
array_index(const char *t, size_t n, bool end, size_t *out)
{
    uint64_t i;

    if (end && strcmp(t, "-") == 0) {
        *out = n;
        return true;
    }
    if ((t[0] == '0' && t[1] != '\0') || !str_to_u64(str_c(t), &i) || i >= n + (end ? 1 : 0))
        return false;
    *out = (size_t)i;
    return true;
}

static struct json *
patch_child(struct json *j, const char *t)
{
    size_t i;

    if (json_kind_of(j) == JSON_IS_ARRAY)
        return array_index(t, json_size(j), false, &i) ? json_elem(j, i) : NULL;
    return is_object(j) ? json_field(j, t) : NULL;
}

/* What `path` points at, or NULL. */
static struct json *
patch_find(struct json *root, const char *path)
{
    struct json *j = root;

    if (*path != '\0' && *path != '/')
        return NULL;
    while (j != NULL && *path != '\0') {
        char *t = patch_token(&path);
        j = patch_child(j, t);
        mem_free(t);
    }
    return j;
}

/*
 * The parent of what `path` points at, and the last step of it; the caller frees `*last`. NULL:
 * there is no parent, and `*last` stays as it is.
 */
static struct json *
find_parent(struct json *root, const char *path, char **last)
{
    const char *slash = strrchr(path, '/');
    struct json *parent;
    char *head;

    if (slash == NULL)
        return NULL;
    head = mem_strndup(path, (size_t)(slash - path));
    parent = patch_find(root, head);
    mem_free(head);
    if (parent == NULL)
        return NULL;
    *last = patch_token(&slash);
    return parent;
}

/* Put `take` at `path`. False, with nothing taken: there is no such place. */
static bool
patch_put(struct json **root, const char *path, struct json *take, bool must_exist)
{
    CLEANUP(mem_free_ptr) char *last = NULL;
    struct json *parent;
    size_t i;

    if (*path == '\0') {
        json_free(*root);
        *root = take;
        return true;
    }
    parent = find_parent(*root, path, &last);
    if (parent == NULL)
        return false;
    if (is_object(parent)) {
        if (must_exist && json_field(parent, last) == NULL)
            return false;
        json_set(parent, last, take);
        return true;
    }
    if (json_kind_of(parent) != JSON_IS_ARRAY ||
        !array_index(last, json_size(parent), !must_exist, &i))
        return false;
    if (must_exist)
        json_put_at(parent, i, take);
    else
        json_insert_at(parent, i, take);
    return true;
}

static bool
patch_drop(struct json *root, const char *path)
{
    CLEANUP(mem_free_ptr) char *last = NULL;
    struct json *parent = find_parent(root, path, &last);
    size_t i;

    if (parent == NULL)
        return false;
    if (is_object(parent) && json_field(parent, last) != NULL) {
        json_remove(parent, last);
        return true;
    }
    if (json_kind_of(parent) != JSON_IS_ARRAY || !array_index(last, json_size(parent), false, &i))
        return false;
    json_remove_at(parent, i);
    return true;
}

/* Is `path` below `from`? A thing cannot be moved into itself. */
static bool
is_below(const char *path, const char *from)
{
    size_t n = strlen(from);

    return strncmp(path, from, n) == 0 && path[n] == '/';
}

/* Take the size of a copy off what is left for all. */
static enum rc
patch_spend(const struct json *value, size_t *left, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(*left);

    if (json_print(value, &text, e))
        return err_set(e, RC_LIMIT, "the copies of a JSON patch have at most %d bytes together",
                       PATCH_COPIES_MAX);
    *left -= text.n;
    return RC_OK;
}

static enum rc
copy_or_move(struct json **root, const struct json *op, const char *path, size_t *copies,
             struct err *e)
{
    const char *from = json_text(json_field(op, "from"));
    bool move = strcmp(json_text_or(json_field(op, "op"), ""), "move") == 0;
    struct json *value;

    if (from == NULL)
        return err_set(e, RC_INVALID, "it has no \"from\"");
    value = patch_find(*root, from);
    if (value == NULL)
        return err_set(e, RC_INVALID, "there is nothing at \"%.150s\"", from);
    if (!move && patch_spend(value, copies, e))
        return err_code(e);
    value = json_clone(value);
    if (move && (is_below(path, from) || (strcmp(path, from) != 0 && !patch_drop(*root, from)))) {
        json_free(value);
        return err_set(e, RC_INVALID, "\"%.150s\" cannot be moved there", from);
    }
    if (patch_put(root, path, value, false))
        return RC_OK;
    json_free(value);
    return err_set(e, RC_INVALID, "there is no place at \"%.150s\"", path);
}

static enum rc
with_value(struct json **root, const char *name, const char *path, const struct json *value,
           struct err *e)
{
    struct json *copy;

    if (value == NULL)
        return err_set(e, RC_INVALID, "it has no \"value\"");
    if (strcmp(name, "test") == 0) {
        if (json_same(patch_find(*root, path), value))
            return RC_OK;
        return err_set(e, RC_CONFLICT, "\"%.150s\" has another value", path);
    }
    copy = json_clone(value);
    if (patch_put(root, path, copy, strcmp(name, "replace") == 0))
        return RC_OK;
    json_free(copy);
    return err_set(e, RC_INVALID, "there is no place at \"%.150s\"", path);
}

static enum rc
apply_op(struct json **root, const struct json *op, size_t *copies, struct err *e)
{
    const char *name = json_text_or(json_field(op, "op"), "");
    const char *path = json_text(json_field(op, "path"));

    if (path == NULL || (*path != '\0' && *path != '/'))
        return err_set(e, RC_INVALID, "\"path\" is not a pointer");
    if (strcmp(name, "remove") == 0)
        return patch_drop(*root, path)
                   ? RC_OK
                   : err_set(e, RC_INVALID, "there is nothing at \"%.150s\"", path);
    if (strcmp(name, "move") == 0 || strcmp(name, "copy") == 0)
        return copy_or_move(root, op, path, copies, e);
    if (strcmp(name, "add") == 0 || strcmp(name, "replace") == 0 || strcmp(name, "test") == 0)
        return with_value(root, name, path, json_field(op, "value"), e);
    return err_set(e, RC_INVALID, "there is no operation \"%.50s\"", name);
}

enum rc
patch_json(const struct json *target, const struct json *ops, struct json **out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *root = NULL;
    size_t copies = PATCH_COPIES_MAX;

    if (json_kind_of(ops) != JSON_IS_ARRAY)
        return err_set(e, RC_INVALID, "a JSON patch is an array");
    if (json_size(ops) > PATCH_OPS_MAX)
        return err_set(e, RC_LIMIT, "a JSON patch has at most %d operations", PATCH_OPS_MAX);
    root = json_clone(target);
    for (size_t i = 0; i < json_size(ops); i++)
        if (apply_op(&root, json_elem(ops, i), &copies, e))
            return err_wrap(e, "operation %zu of the patch cannot be done", i);
    *out = TAKE(root);
    return RC_OK;
}
