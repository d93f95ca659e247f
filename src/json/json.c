/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "json/json.h"

#include "base/buf.h"
#include "base/mem.h"

/* struct json is never defined: it is the library's node under our name. */
static const json_t *
json_node(const struct json *j)
{
    return (const json_t *)(const void *)j;
}

static const struct json *
json_ours(const json_t *j)
{
    return (const struct json *)(const void *)j;
}

enum rc
json_parse(struct str text, struct json **out, struct err *e)
{
    json_error_t why;
    json_t *root;

    if (text.n > JSON_TEXT_MAX)
        return err_set(e, RC_LIMIT, "%zu bytes of JSON are too many", text.n);
    root = json_loadb((const char *)text.p, text.n, JSON_ALLOW_NUL, &why);
    if (root == NULL)
        return err_set(e, RC_CORRUPT, "bad JSON at byte %d: %s", why.position, why.text);
    *out = (struct json *)(void *)root;
    return RC_OK;
}

/* Past the string that begins at `p`. */
static const uint8_t *
past_string(const uint8_t *p, const uint8_t *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p < end ? p + 1 : end;
}

/* Is it a whole number beyond 63 bits? Not one where it has a fraction or an exponent. */
static bool
is_beyond(struct str number)
{
    int64_t v;

    return number.n != 0 && memchr(number.p, '.', number.n) == NULL &&
           memchr(number.p, 'e', number.n) == NULL && memchr(number.p, 'E', number.n) == NULL &&
           !str_to_i64(number, &v);
}

/* Numbers of 19 digits and more begin where no string is; they leave room for a null. */
static void
blank_beyond(uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        size_t n = 0;

        if (*p == '"') {
            p = (uint8_t *)(p + (past_string(p, end) - p));
            continue;
        }
        while (p + n < end && p[n] != '\0' && strchr("+-.eE0123456789", p[n]) != NULL)
            n++;
        if (n >= 19 && is_beyond(str_of(p, n)))
            for (size_t i = 0; i < n; i++)
                p[i] = (uint8_t)(i < 4 ? "null"[i] : ' ');
        p += MAX(n, (size_t)1);
    }
}

enum rc
json_parse_lenient(struct str text, struct json **out, struct err *e)
{
    CLEANUP(buf_release) struct buf copy = BUF_INIT(JSON_TEXT_MAX);
    struct err none = ERR_INIT;

    if (json_parse(text, out, e) == RC_OK)
        return RC_OK;
    if (text.n == 0 || buf_add_str(&copy, text, &none))
        return err_code(e);
    blank_beyond(copy.p, copy.p + copy.n);
    if (json_parse(buf_str(&copy), out, &none))
        return err_code(e);
    *e = (struct err)ERR_INIT;
    return RC_OK;
}

/* Past the value that begins at `p`, and whatever comes before the next ',' or '}'. */
static const uint8_t *
past_value(const uint8_t *p, const uint8_t *end)
{
    unsigned depth = 0;

    while (p < end && (depth > 0 || (*p != ',' && *p != '}'))) {
        if (*p == '"') {
            p = past_string(p, end);
            continue;
        }
        if (*p == '{' || *p == '[')
            depth++;
        else if (depth > 0 && (*p == '}' || *p == ']'))
            depth--;
        p++;
    }
    return p;
}

const uint8_t *
json_past_object(const uint8_t *p, const uint8_t *end)
{
    size_t depth = 0;

    while (p < end) {
        if (*p == '"') {
            p = past_string(p, end);
            continue;
        }
        if (*p == '{' || *p == '[')
            depth++;
        else if ((*p == '}' || *p == ']') && --depth == 0)
            return p + 1;
        p++;
    }
    return end;
}

enum rc
json_parse_field(struct str text, const char *field, struct json **out, struct err *e)
{
    const uint8_t *p = text.p, *end = text.p + text.n;
    size_t n = strlen(field);

    while (p < end && (p = (const uint8_t *)memchr(p, '"', (size_t)(end - p))) != NULL) {
        const uint8_t *key = p + 1, *value = past_string(p, end);
        const uint8_t *next = past_value(value, end);

        if ((size_t)(value - key) == n + 1 && memcmp(key, field, n) == 0) {
            CLEANUP(buf_release) struct buf one = BUF_INIT(JSON_TEXT_MAX);

            buf_must_printf(&one, "{");
            buf_must_add(&one, p, (size_t)(next - p));
            buf_must_printf(&one, "}");
            return json_parse(buf_str(&one), out, e);
        }
        p = next;
    }
    return json_parse(STR_LIT("{}"), out, e);
}

size_t
json_cut_field(uint8_t *text, size_t n, const char *field)
{
    CLEANUP(mem_free_ptr) char *key = mem_printf("\"%s\":", field);
    const uint8_t *end = text + n, *from = text, *hit;
    size_t key_n = strlen(key);
    uint8_t *to = text;

    /* Within a string the quotes would be escaped, so what is found is a key. */
    while ((hit = (const uint8_t *)memmem(from, (size_t)(end - from), key, key_n)) != NULL) {
        const uint8_t *next = past_value(hit + key_n, end);

        memmove(to, from, (size_t)(hit - from));
        to += hit - from;
        from = next;
        if (to > text && to[-1] == ',')
            to--;
        else if (from < end && *from == ',')
            from++;
    }
    memmove(to, from, (size_t)(end - from));
    return (size_t)(to - text) + (size_t)(end - from);
}

void
json_free(struct json *root)
{
    json_t *j = (json_t *)(void *)root;

    /* As json_decref, but that reads the count without a word to threads that count meanwhile, and
     * frees what it did not wait for them to be done with. */
    if (j == NULL || __atomic_load_n(&j->refcount, __ATOMIC_RELAXED) == (size_t)-1)
        return;
    if (__atomic_sub_fetch(&j->refcount, 1, __ATOMIC_ACQ_REL) == 0)
        json_delete(j);
}

void
json_free_ptr(struct json **root)
{
    json_free(*root);
}

bool
json_node_is_object(const struct json *j)
{
    return json_typeof(json_node(j)) == JSON_OBJECT;
}

bool
json_node_is_array(const struct json *j)
{
    return json_typeof(json_node(j)) == JSON_ARRAY;
}

bool
json_has(const struct json *obj, const char *field)
{
    const json_t *v = json_object_get(json_node(obj), field);

    return v != NULL && !json_is_null(v);
}

/* The field, which must be of one of two types. */
static enum rc
json_get(const struct json *obj, const char *field, json_type a, json_type b, const char *what,
         const json_t **out, struct err *e)
{
    const json_t *v = json_object_get(json_node(obj), field);

    if (v == NULL)
        return err_set(e, RC_CORRUPT, "the field \"%s\" is missing", field);
    if (json_typeof(v) != a && json_typeof(v) != b)
        return err_set(e, RC_CORRUPT, "the field \"%s\" is not %s", field, what);
    *out = v;
    return RC_OK;
}

enum rc
json_get_str(const struct json *obj, const char *field, struct str *out, struct err *e)
{
    const json_t *v = NULL;

    if (json_get(obj, field, JSON_STRING, JSON_STRING, "a string", &v, e))
        return err_code(e);
    *out = str_of(json_string_value(v), json_string_length(v));
    return RC_OK;
}

enum rc
json_get_u64(const struct json *obj, const char *field, uint64_t *out, struct err *e)
{
    const json_t *v = NULL;

    if (json_get(obj, field, JSON_INTEGER, JSON_INTEGER, "an integer", &v, e))
        return err_code(e);
    if (json_integer_value(v) < 0)
        return err_set(e, RC_CORRUPT, "the field \"%s\" is negative", field);
    *out = (uint64_t)json_integer_value(v);
    return RC_OK;
}

enum rc
json_get_bool(const struct json *obj, const char *field, bool *out, struct err *e)
{
    const json_t *v = NULL;

    if (json_get(obj, field, JSON_TRUE, JSON_FALSE, "true or false", &v, e))
        return err_code(e);
    *out = json_is_true(v);
    return RC_OK;
}

enum rc
json_get_object(const struct json *obj, const char *field, const struct json **out, struct err *e)
{
    const json_t *v = NULL;

    if (json_get(obj, field, JSON_OBJECT, JSON_OBJECT, "an object", &v, e))
        return err_code(e);
    *out = json_ours(v);
    return RC_OK;
}

enum rc
json_get_array(const struct json *obj, const char *field, const struct json **out, struct err *e)
{
    const json_t *v = NULL;

    if (json_get(obj, field, JSON_ARRAY, JSON_ARRAY, "an array", &v, e))
        return err_code(e);
    *out = json_ours(v);
    return RC_OK;
}

enum rc
json_opt_str(const struct json *obj, const char *field, struct str *out, struct err *e)
{
    return json_has(obj, field) ? json_get_str(obj, field, out, e) : RC_OK;
}

enum rc
json_opt_u64(const struct json *obj, const char *field, uint64_t *out, struct err *e)
{
    return json_has(obj, field) ? json_get_u64(obj, field, out, e) : RC_OK;
}

enum rc
json_opt_bool(const struct json *obj, const char *field, bool *out, struct err *e)
{
    return json_has(obj, field) ? json_get_bool(obj, field, out, e) : RC_OK;
}

enum rc
json_opt_object(const struct json *obj, const char *field, const struct json **out, struct err *e)
{
    return json_has(obj, field) ? json_get_object(obj, field, out, e) : RC_OK;
}

enum rc
json_opt_array(const struct json *obj, const char *field, const struct json **out, struct err *e)
{
    return json_has(obj, field) ? json_get_array(obj, field, out, e) : RC_OK;
}

size_t
json_len(const struct json *arr)
{
    return arr == NULL ? 0 : json_array_size(json_node(arr));
}

const struct json *
json_at(const struct json *arr, size_t i)
{
    return json_ours(json_array_get(json_node(arr), i));
}

enum rc
json_at_str(const struct json *arr, size_t i, struct str *out, struct err *e)
{
    const json_t *v = json_array_get(json_node(arr), i);

    if (v == NULL || !json_is_string(v))
        return err_set(e, RC_CORRUPT, "element %zu is not a string", i);
    *out = str_of(json_string_value(v), json_string_length(v));
    return RC_OK;
}
