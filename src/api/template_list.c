/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of templates that make and read lists and dictionaries, and count. Source: Sprig's documentation. */
#include <stdlib.h>

#include "api/template.h"
#include "api/template_internal.h"
#include "base/mem.h"

typedef enum rc list_fn(const char *name, const struct template_args *a, struct json **out,
                        struct err *e);

/* Of one value, with all within: a template could nest and double what it has in a loop. */
enum { VALUES_MAX = 10000, NESTED_MAX = 32 };

static enum rc
bad_argument(const char *name, const char *what, struct err *e)
{
    return err_set(e, RC_INVALID, "template: %s takes %s", name, what);
}

static bool
is_small(const struct json *v, unsigned depth, size_t *left)
{
    if (depth > NESTED_MAX || *left == 0)
        return false;
    --*left;
    for (size_t i = 0; json_kind_of(v) == JSON_IS_ARRAY && i < json_size(v); i++)
        if (!is_small(json_elem(v, i), depth + 1, left))
            return false;
    for (struct json_item it = json_first(v); it.key != NULL; it = json_next(v, it))
        if (!is_small(it.value, depth + 1, left))
            return false;
    return true;
}

static enum rc
check_size(const char *name, const struct template_args *a, struct err *e)
{
    size_t left = VALUES_MAX;

    for (size_t i = 0; i < a->n; i++)
        if (!is_small(a->v[i], 1, &left))
            return err_set(e, RC_INVALID, "template: %s: there is too much in it", name);
    return RC_OK;
}

static enum rc
fn_dict(const char *name, const struct template_args *a, struct json **out, struct err *e)
{
    struct json *d;

    if (check_size(name, a, e))
        return err_code(e);
    for (size_t i = 0; i < a->n; i += 2)
        if (json_text(a->v[i]) == NULL || i + 1 == a->n)
            return bad_argument(name, "keys and values in turn", e);
    d = json_new_object();
    for (size_t i = 0; i < a->n; i += 2)
        json_set(d, json_text(a->v[i]), json_clone(a->v[i + 1]));
    *out = d;
    return RC_OK;
}

static enum rc
fn_list(const char *name, const struct template_args *a, struct json **out, struct err *e)
{
    if (check_size(name, a, e))
        return err_code(e);
    *out = json_new_array();
    for (size_t i = 0; i < a->n; i++)
        json_push(*out, json_clone(a->v[i]));
    return RC_OK;
}

/* index COLLECTION KEY..; get DICTIONARY KEY. What is not there: nothing, or "" for get. */
static enum rc
fn_index(const char *name, const struct template_args *a, struct json **out, struct err *e)
{
    const struct json *at = a->v[0];

    for (size_t i = 1; i < a->n; i++) {
        const struct json *key = a->v[i];

        if (json_kind_of(at) == JSON_IS_ARRAY) {
            int64_t n = template_int(key);

            if (n < 0 || (uint64_t)n >= json_size(at))
                return err_set(e, RC_INVALID, "template: %s: there is no element %lld", name,
                               (long long)n);
            at = json_elem(at, (size_t)n);
        } else if (json_text(key) != NULL && json_kind_of(at) == JSON_IS_OBJECT) {
            at = json_field(at, json_text(key));
        } else {
            return bad_argument(name, "a list or a dictionary, and a place in it", e);
        }
    }
    *out = at != NULL ? json_clone(at) : name[0] == 'g' ? json_new_cstr("") : json_new_null();
    return RC_OK;
}

static enum rc
fn_has_key(const char *name, const struct template_args *a, struct json **out, struct err *e)
{
    if (json_text(a->v[1]) == NULL)
        return bad_argument(name, "a dictionary and a key", e);
    *out = json_new_bool(json_field(a->v[0], json_text(a->v[1])) != NULL);
    return RC_OK;
}

static enum rc
fn_keys(const char *name, const struct template_args *a, struct json **out, struct err *e)
{
    (void)name;
    (void)e;
    *out = json_new_array();
    for (struct json_item it = json_first(a->v[0]); it.key != NULL; it = json_next(a->v[0], it))
        json_push_cstr(*out, it.key);
    return RC_OK;
}

/* first, last, rest. Nothing of an empty list. */
static enum rc
fn_end_of_list(const char *name, const struct template_args *a, struct json **out, struct err *e)
{
    size_t n = json_size(a->v[0]);

    if (json_kind_of(a->v[0]) != JSON_IS_ARRAY)
        return bad_argument(name, "a list", e);
    if (name[0] == 'r') {
        *out = json_new_array();
        for (size_t i = 1; i < n; i++)
            json_push(*out, json_clone(json_elem(a->v[0], i)));
        return RC_OK;
    }
    *out = n == 0 ? json_new_null() : json_clone(json_elem(a->v[0], name[0] == 'f' ? 0 : n - 1));
    return RC_OK;
}

static enum rc
fn_join(const char *name, const struct template_args *a, struct json **out, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(TEMPLATE_MAX);

    if (json_text(a->v[0]) == NULL || json_kind_of(a->v[1]) != JSON_IS_ARRAY)
        return bad_argument(name, "a text and a list", e);
    for (size_t i = 0; i < json_size(a->v[1]); i++)
        if ((i > 0 && buf_add_str(&text, json_text_str(a->v[0]), e)) ||
            template_print(json_elem(a->v[1], i), &text, e))
            return err_code(e);
    *out = json_new_str(text.n > 0 ? buf_str(&text) : STR_LIT(""));
    return RC_OK;
}

static enum rc
fn_split(const char *name, const struct template_args *a, struct json **out, struct err *e)
{
    struct str by = json_text_str(a->v[0]), s = json_text_str(a->v[1]);
    struct json *list;

    if (by.p == NULL || by.n == 0 || s.p == NULL)
        return bad_argument(name, "what stands between, and a text", e);
    list = json_new_array();
    for (;;) {
        const uint8_t *cut = s.n == 0 ? NULL : (const uint8_t *)memmem(s.p, s.n, by.p, by.n);
        size_t n = cut == NULL ? s.n : (size_t)(cut - s.p);

        json_push(list, json_new_str(str_of(s.p, n)));
        if (cut == NULL || json_size(list) == VALUES_MAX)
            break;
        s = str_of(cut + by.n, s.n - n - by.n);
    }
    *out = list;
    return RC_OK;
}

/* mul, div, mod, max, min. */
static enum rc
fn_calculate(const char *name, const struct template_args *a, struct json **out, struct err *e)
{
    int64_t v = template_int(a->v[0]);

    for (size_t i = 1; i < a->n; i++) {
        int64_t b = template_int(a->v[i]);

        if (strcmp(name, "mul") == 0)
            v = (int64_t)((uint64_t)v * (uint64_t)b);
        else if (strcmp(name, "max") == 0)
            v = MAX(v, b);
        else if (strcmp(name, "min") == 0)
            v = MIN(v, b);
        else if (b == 0)
            return err_set(e, RC_INVALID, "template: %s by 0", name);
        else if (b == -1) /* whose quotient may not fit */
            v = name[0] == 'd' ? (int64_t)(0 - (uint64_t)v) : 0;
        else
            v = name[0] == 'd' ? v / b : v % b;
    }
    *out = json_new_int(v);
    return RC_OK;
}

static enum rc
fn_fail(const char *name, const struct template_args *a, struct json **out, struct err *e)
{
    (void)name;
    *out = NULL;
    return err_set(e, RC_INVALID, "template: %.200s", json_text_or(a->v[0], "fail"));
}

enum rc
template_call_list(const char *name, const struct template_args *a, struct json **out,
                   struct err *e)
{
    static const struct {
        const char *name;
        size_t min, max;
        list_fn *run;
    } fns[] = {
        {"dict", 0, TEMPLATE_ARGS, fn_dict},
        {"list", 0, TEMPLATE_ARGS, fn_list},
        {"index", 1, TEMPLATE_ARGS, fn_index},
        {"get", 2, 2, fn_index},
        {"hasKey", 2, 2, fn_has_key},
        {"keys", 1, 1, fn_keys},
        {"first", 1, 1, fn_end_of_list},
        {"last", 1, 1, fn_end_of_list},
        {"rest", 1, 1, fn_end_of_list},
        {"join", 2, 2, fn_join},
        {"splitList", 2, 2, fn_split},
        {"mul", 1, TEMPLATE_ARGS, fn_calculate},
        {"div", 2, 2, fn_calculate},
        {"mod", 2, 2, fn_calculate},
        {"max", 1, TEMPLATE_ARGS, fn_calculate},
        {"min", 1, TEMPLATE_ARGS, fn_calculate},
        {"fail", 1, 1, fn_fail},
    };

    for (size_t i = 0; i < ARRAY_LEN(fns); i++)
        if (strcmp(name, fns[i].name) == 0)
            return template_check_count(name, a->n, fns[i].min, fns[i].max, e)
                       ? err_code(e)
                       : fns[i].run(name, a, out, e);
    return RC_NOT_FOUND;
}
