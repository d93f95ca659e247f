/* SPDX-License-Identifier: Apache-2.0 */
#include "json/node.h"

#include <jansson.h>

#include "base/mem.h"

static json_t *
node_lib(const struct json *j)
{
    return (json_t *)(uintptr_t)j; /* the library's readers take what is not const */
}

static struct json *
node_own(json_t *j)
{
    if (j == NULL)
        BUG("the JSON library is out of memory");
    return (struct json *)(void *)j;
}

static struct json *
node_lent(json_t *j)
{
    return (struct json *)(void *)j;
}

struct json *
json_new_object(void)
{
    return node_own(json_object());
}

struct json *
json_new_array(void)
{
    return node_own(json_array());
}

struct json *
json_new_str(struct str s)
{
    static const char unknown[3] = {'\xEF', '\xBF', '\xBD'};
    json_t *j = json_stringn(s.n == 0 ? "" : (const char *)s.p, s.n);
    char *good;
    size_t n = 0;

    if (j != NULL)
        return node_lent(j);
    good = (char *)mem_zero(s.n * 3 + 1, 1);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < 0x80) {
            good[n++] = (char)s.p[i];
        } else {
            memcpy(good + n, unknown, sizeof(unknown));
            n += sizeof(unknown);
        }
    }
    j = json_stringn(good, n);
    mem_free(good);
    return node_own(j);
}

struct json *
json_new_cstr(const char *s)
{
    return json_new_str(str_c(s));
}

struct json *
json_new_int(int64_t v)
{
    return node_own(json_integer(v));
}

struct json *
json_new_double(double v)
{
    return node_own(json_real(v));
}

struct json *
json_new_bool(bool v)
{
    return node_own(json_boolean(v));
}

struct json *
json_new_null(void)
{
    return node_own(json_null());
}

struct json *
json_ref(const struct json *j)
{
    json_t *shared = node_lib(j);

    /* As json_incref; see json_free. Constants, such as null, are not counted. */
    if (shared != NULL && __atomic_load_n(&shared->refcount, __ATOMIC_RELAXED) != (size_t)-1)
        (void)__atomic_add_fetch(&shared->refcount, 1, __ATOMIC_RELAXED);
    return node_lent(shared);
}

struct json *
json_clone(const struct json *j)
{
    return j == NULL ? NULL : node_own(json_deep_copy(node_lib(j)));
}

bool
json_same(const struct json *a, const struct json *b)
{
    return a == NULL || b == NULL ? a == b : json_equal(node_lib(a), node_lib(b)) == 1;
}

enum json_kind
json_kind_of(const struct json *j)
{
    if (j == NULL)
        return JSON_ABSENT;
    switch (json_typeof(node_lib(j))) {
    case JSON_OBJECT:
        return JSON_IS_OBJECT;
    case JSON_ARRAY:
        return JSON_IS_ARRAY;
    case JSON_STRING:
        return JSON_IS_STR;
    case JSON_INTEGER:
        return JSON_IS_INT;
    case JSON_REAL:
        return JSON_IS_DOUBLE;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_IS_BOOL;
    default:
        return JSON_IS_NULL;
    }
}

bool
json_covers(const struct json *live, const struct json *wanted)
{
    if (json_kind_of(wanted) == JSON_IS_OBJECT) {
        for (struct json_item it = json_first(wanted); it.key != NULL; it = json_next(wanted, it))
            if (!json_covers(json_field(live, it.key), it.value))
                return false;
        return json_kind_of(live) == JSON_IS_OBJECT || json_size(wanted) == 0;
    }
    if (json_kind_of(wanted) == JSON_IS_ARRAY) {
        if (json_size(live) != json_size(wanted))
            return false;
        for (size_t i = 0; i < json_size(wanted); i++)
            if (!json_covers(json_elem(live, i), json_elem(wanted, i)))
                return false;
        return true;
    }
    return json_same(live, wanted);
}

struct json *
json_field(const struct json *obj, const char *key)
{
    return node_lent(json_object_get(node_lib(obj), key));
}

struct json *
json_dig_path(const struct json *j, const char *const *keys)
{
    while (j != NULL && *keys != NULL)
        j = json_field(j, *keys++);
    return node_lent(node_lib(j));
}

const char *
json_text(const struct json *j)
{
    return json_string_value(node_lib(j));
}

const char *
json_text_or(const struct json *j, const char *otherwise)
{
    const char *s = json_text(j);

    return s != NULL ? s : otherwise;
}

struct str
json_text_str(const struct json *j)
{
    return str_of(json_string_value(node_lib(j)), json_string_length(node_lib(j)));
}

int64_t
json_int_or(const struct json *j, int64_t otherwise)
{
    return json_is_integer(node_lib(j)) ? (int64_t)json_integer_value(node_lib(j)) : otherwise;
}

double
json_double_or(const struct json *j, double otherwise)
{
    return json_is_number(node_lib(j)) ? json_number_value(node_lib(j)) : otherwise;
}

#undef json_is_true
bool
json_is_true(const struct json *j)
{
    return j != NULL && json_typeof(node_lib(j)) == JSON_TRUE;
}

static struct json_item
node_item(void *at)
{
    if (at == NULL)
        return (struct json_item){0};
    return (struct json_item){json_object_iter_key(at), node_lent(json_object_iter_value(at)), at};
}

struct json_item
json_first(const struct json *obj)
{
    return node_item(json_object_iter(node_lib(obj)));
}

struct json_item
json_next(const struct json *obj, struct json_item at)
{
    return node_item(json_object_iter_next(node_lib(obj), at.at));
}

size_t
json_size(const struct json *j)
{
    return json_kind_of(j) == JSON_IS_ARRAY ? json_array_size(node_lib(j))
                                            : json_object_size(node_lib(j));
}

struct json *
json_elem(const struct json *arr, size_t i)
{
    return node_lent(json_array_get(node_lib(arr), i));
}

static void
node_must(int rc)
{
    if (rc != 0)
        BUG("not a JSON object or array, or an index out of range");
}

void
json_set(struct json *obj, const char *key, struct json *value)
{
    if (value == NULL)
        json_remove(obj, key);
    else
        node_must(json_object_set_new(node_lib(obj), key, node_lib(value)));
}

void
json_set_cstr(struct json *obj, const char *key, const char *v)
{
    json_set(obj, key, v == NULL ? NULL : json_new_cstr(v));
}

void
json_set_int(struct json *obj, const char *key, int64_t v)
{
    json_set(obj, key, json_new_int(v));
}

void
json_set_bool(struct json *obj, const char *key, bool v)
{
    json_set(obj, key, json_new_bool(v));
}

void
json_remove(struct json *obj, const char *key)
{
    (void)json_object_del(node_lib(obj), key);
}

struct json *
json_need_object(struct json *obj, const char *key)
{
    if (json_kind_of(json_field(obj, key)) != JSON_IS_OBJECT)
        json_set(obj, key, json_new_object());
    return json_field(obj, key);
}

struct json *
json_need_array(struct json *obj, const char *key)
{
    if (json_kind_of(json_field(obj, key)) != JSON_IS_ARRAY)
        json_set(obj, key, json_new_array());
    return json_field(obj, key);
}

void
json_push(struct json *arr, struct json *value)
{
    node_must(json_array_append_new(node_lib(arr), node_lib(value)));
}

void
json_push_cstr(struct json *arr, const char *v)
{
    json_push(arr, json_new_cstr(v));
}

void
json_put_at(struct json *arr, size_t i, struct json *value)
{
    node_must(json_array_set_new(node_lib(arr), i, node_lib(value)));
}

void
json_insert_at(struct json *arr, size_t i, struct json *value)
{
    node_must(json_array_insert_new(node_lib(arr), i, node_lib(value)));
}

void
json_remove_at(struct json *arr, size_t i)
{
    node_must(json_array_remove(node_lib(arr), i));
}

void
json_merge_fields(struct json *obj, const struct json *from)
{
    for (struct json_item it = json_first(from); it.key != NULL; it = json_next(from, it))
        json_set(obj, it.key, json_clone(it.value));
}

struct sink {
    struct buf *to;
    struct err *e;
};

static int
node_add(const char *p, size_t n, void *arg)
{
    struct sink *s = (struct sink *)arg;

    return buf_add(s->to, p, n, s->e) == RC_OK ? 0 : -1;
}

static enum rc
node_print(const struct json *j, size_t flags, struct buf *out, struct err *e)
{
    struct sink s = {out, e};

    if (json_dump_callback(node_lib(j), node_add, &s, flags | JSON_ENCODE_ANY) == 0)
        return RC_OK;
    return e->code != RC_OK ? err_code(e) : err_set(e, RC_INTERNAL, "could not write JSON");
}

enum rc
json_print(const struct json *j, struct buf *out, struct err *e)
{
    return node_print(j, JSON_COMPACT, out, e);
}

enum rc
json_print_pretty(const struct json *j, struct buf *out, struct err *e)
{
    return node_print(j, JSON_INDENT(2), out, e);
}

char *
json_to_text(const struct json *j, bool sorted)
{
    char *s = json_dumps(node_lib(j),
                         JSON_COMPACT | JSON_ENCODE_ANY | (sorted ? (size_t)JSON_SORT_KEYS : 0));
    char *mine;

    if (s == NULL)
        BUG("the JSON library is out of memory");
    mine = mem_strdup(s);
    free(s); /* the library's own allocation */
    return mine;
}
