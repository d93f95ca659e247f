/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/schema.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "validation/field_errors.h"
#include "validation/pattern.h"

enum { FIELD_MAX = 1024 };

static bool
schema_flag(const struct json *schema, const char *key)
{
    return json_is_true(json_field(schema, key));
}

const struct json *
schema_of_field(const struct json *schema, const char *key)
{
    const struct json *s = json_field(json_field(schema, "properties"), key);

    if (s != NULL)
        return s;
    s = json_field(schema, "additionalProperties");
    return json_kind_of(s) == JSON_IS_OBJECT ? s : NULL;
}

/* Fields of every resource, which its schema need not name. */
static bool
is_resource_field(const char *key)
{
    return strcmp(key, "apiVersion") == 0 || strcmp(key, "kind") == 0 ||
           strcmp(key, "metadata") == 0;
}

/* --- prune ----------------------------------------------------------------------------------- */

static void schema_prune_value(const struct json *schema, struct json *j, bool resource, bool keep,
                               const char *at, struct json *unknown, int depth);

static void
prune_fields(const struct json *schema, struct json *j, bool resource, bool keep, const char *at,
             struct json *unknown, int depth)
{
    CLEANUP(json_free_ptr) struct json *gone = json_new_array();
    bool open = json_is_true(json_field(schema, "additionalProperties"));

    for (struct json_item it = json_first(j); it.key != NULL; it = json_next(j, it)) {
        const struct json *s = schema_of_field(schema, it.key);
        char field[FIELD_MAX];
        (void)snprintf(field, sizeof(field), "%s%s%s", at, at[0] != '\0' ? "." : "", it.key);
        if (resource && is_resource_field(it.key))
            continue;
        if (s != NULL) {
            schema_prune_value(s, it.value, schema_flag(s, "x-kubernetes-embedded-resource"), false,
                               field, unknown, depth + 1);
        } else if (!keep && !open) {
            json_push_cstr(gone, it.key);
            if (unknown != NULL)
                json_push_cstr(unknown, field);
        }
    }
    for (size_t i = 0; i < json_size(gone); i++)
        json_remove(j, json_text(json_elem(gone, i)));
}

static void
schema_prune_value(const struct json *schema, struct json *j, bool resource, bool keep,
                   const char *at, struct json *unknown, int depth)
{
    keep = keep || schema_flag(schema, "x-kubernetes-preserve-unknown-fields");
    if (depth > SCHEMA_DEPTH_MAX)
        return;
    if (json_kind_of(j) == JSON_IS_OBJECT) {
        prune_fields(schema, j, resource, keep, at, unknown, depth);
        return;
    }
    for (size_t i = 0; i < json_size(j); i++) {
        const struct json *items = json_field(schema, "items");
        char field[FIELD_MAX];
        (void)snprintf(field, sizeof(field), "%s[%zu]", at, i);
        if (items != NULL)
            schema_prune_value(items, json_elem(j, i),
                               schema_flag(items, "x-kubernetes-embedded-resource"), false, field,
                               unknown, depth + 1);
    }
}

void
schema_prune(const struct json *schema, struct json *obj, struct json *unknown)
{
    schema_prune_value(schema, obj, true, false, "", unknown, 0);
}

/* --- defaults -------------------------------------------------------------------------------- */

static void
schema_fill(const struct json *schema, struct json *j, int depth)
{
    const struct json *properties = json_field(schema, "properties"), *each;

    if (depth > SCHEMA_DEPTH_MAX)
        return;
    if (json_kind_of(j) == JSON_IS_ARRAY) {
        each = json_field(schema, "items");
        for (size_t i = 0; i < json_size(j); i++)
            schema_fill(each, json_elem(j, i), depth + 1);
        return;
    }
    if (json_kind_of(j) != JSON_IS_OBJECT)
        return;
    for (struct json_item it = json_first(properties); it.key != NULL;
         it = json_next(properties, it)) {
        const struct json *otherwise = json_field(it.value, "default");
        struct json *now = json_field(j, it.key);
        /* null where it may not be is the same as nothing, when there is a default */
        if (otherwise != NULL && (now == NULL || (json_kind_of(now) == JSON_IS_NULL &&
                                                  !schema_flag(it.value, "nullable"))))
            json_set(j, it.key, json_clone(otherwise));
        schema_fill(it.value, json_field(j, it.key), depth + 1);
    }
    each = json_field(schema, "additionalProperties");
    for (struct json_item it = json_first(j); each != NULL && it.key != NULL; it = json_next(j, it))
        if (json_field(properties, it.key) == NULL)
            schema_fill(each, it.value, depth + 1);
}

void
schema_default(const struct json *schema, struct json *obj)
{
    schema_fill(schema, obj, 0);
}

/* --- check ----------------------------------------------------------------------------------- */

struct check {
    struct field_errors *to;
    int depth;
};

static void schema_check_value(struct check *c, const struct json *schema, const struct json *j,
                               const char *at, bool resource);

static const char *
type_name(const struct json *j)
{
    static const char *const names[] = {"null",   "null",   "boolean", "integer",
                                        "number", "string", "array",   "object"};

    return names[json_kind_of(j)];
}

static bool
has_type(const struct json *schema, const struct json *j)
{
    const char *want = json_text_or(json_field(schema, "type"), "");
    const char *is = type_name(j);

    if (schema_flag(schema, "x-kubernetes-int-or-string"))
        return strcmp(is, "integer") == 0 || strcmp(is, "string") == 0;
    if (want[0] == '\0' || strcmp(want, is) == 0)
        return true;
    if (strcmp(want, "number") == 0)
        return strcmp(is, "integer") == 0;
    return strcmp(want, "integer") == 0 && json_kind_of(j) == JSON_IS_DOUBLE &&
           floor(json_double_or(j, 0.5)) == json_double_or(j, 0);
}

static size_t
schema_characters(const char *s)
{
    size_t n = 0;

    for (; *s != '\0'; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

static void
check_format(struct check *c, const struct json *schema, const char *s, const char *at)
{
    const char *format = json_text_or(json_field(schema, "format"), "");
    struct err e = ERR_INIT;
    struct instant t;

    if (strcmp(format, "date-time") == 0 && instant_parse(str_c(s), &t, &e))
        field_error_add(c->to, "FieldValueInvalid", at,
                        "Invalid value: \"%s\": %s in body must be of type date-time: \"%s\"", s,
                        at, s);
}

static void
check_pattern(struct check *c, const char *pattern, const char *s, const char *at)
{
    enum pattern_result r = pattern_match(pattern, s);

    if (r == PATTERN_DIFFERS)
        field_error_add(c->to, "FieldValueInvalid", at,
                        "Invalid value: \"%s\": %s in body should match '%s'", s, at, pattern);
    else if (r == PATTERN_LIMIT)
        field_error_add(c->to, "FieldValueInvalid", at,
                        "Invalid value: matching it against '%s' takes too much time or memory",
                        pattern);
}

static void
check_string(struct check *c, const struct json *schema, const struct json *j, const char *at)
{
    const char *s = json_text(j), *pattern = json_text(json_field(schema, "pattern"));
    int64_t min = json_int_or(json_field(schema, "minLength"), -1);
    int64_t max = json_int_or(json_field(schema, "maxLength"), INT64_MAX);
    int64_t n = (int64_t)schema_characters(s);

    if (n < min)
        field_error_add(c->to, "FieldValueInvalid", at,
                        "Invalid value: \"%s\": %s in body should be at least %lld chars long", s,
                        at, (long long)min);
    if (n > max)
        field_error_add(c->to, "FieldValueTooLong", at, "Too long: may not be more than %lld bytes",
                        (long long)max);
    if (pattern != NULL)
        check_pattern(c, pattern, s, at);
    check_format(c, schema, s, at);
}

static void
check_number(struct check *c, const struct json *schema, const struct json *j, const char *at)
{
    const struct json *min = json_field(schema, "minimum"), *max = json_field(schema, "maximum");
    const struct json *of = json_field(schema, "multipleOf");
    double v = json_double_or(j, 0), low = json_double_or(min, 0), high = json_double_or(max, 0);
    bool above = schema_flag(schema, "exclusiveMinimum"),
         below = schema_flag(schema, "exclusiveMaximum");

    if (min != NULL && (above ? v <= low : v < low))
        field_error_add(c->to, "FieldValueInvalid", at,
                        "Invalid value: %g: %s in body should be greater than%s %g", v, at,
                        above ? "" : " or equal to", low);
    if (max != NULL && (below ? v >= high : v > high))
        field_error_add(c->to, "FieldValueInvalid", at,
                        "Invalid value: %g: %s in body should be less than%s %g", v, at,
                        below ? "" : " or equal to", high);
    if (of != NULL && json_double_or(of, 0) > 0 && fmod(v, json_double_or(of, 1)) != 0)
        field_error_add(c->to, "FieldValueInvalid", at,
                        "Invalid value: %g: %s in body should be a multiple of %g", v, at,
                        json_double_or(of, 1));
}

/* Lists that are sets, or maps by some keys, have no two of the same. */
static void
check_unique(struct check *c, const struct json *schema, const struct json *j, const char *at)
{
    const char *type = json_text_or(json_field(schema, "x-kubernetes-list-type"), "atomic");
    const struct json *keys = json_field(schema, "x-kubernetes-list-map-keys");
    bool set = strcmp(type, "set") == 0 || schema_flag(schema, "uniqueItems");

    if (!set && strcmp(type, "map") != 0)
        return;
    for (size_t i = 1; i < json_size(j); i++)
        for (size_t k = 0; k < i; k++) {
            const struct json *a = json_elem(j, i), *b = json_elem(j, k);
            bool same = set ? json_same(a, b) : true;
            char field[FIELD_MAX];
            for (size_t m = 0; !set && m < json_size(keys); m++) {
                const char *key = json_text_or(json_elem(keys, m), "");
                same = same && json_same(json_field(a, key), json_field(b, key));
            }
            if (!same)
                continue;
            (void)snprintf(field, sizeof(field), "%s[%zu]", at, i);
            field_error_add(c->to, "FieldValueDuplicate", field, "Duplicate value");
            return;
        }
}

static void
check_array(struct check *c, const struct json *schema, const struct json *j, const char *at)
{
    const struct json *items = json_field(schema, "items");
    int64_t n = (int64_t)json_size(j), min = json_int_or(json_field(schema, "minItems"), 0);
    int64_t max = json_int_or(json_field(schema, "maxItems"), INT64_MAX);

    if (n < min)
        field_error_add(c->to, "FieldValueInvalid", at,
                        "Invalid value: %lld: %s in body should have at least %lld items",
                        (long long)n, at, (long long)min);
    if (n > max) {
        field_error_add(c->to, "FieldValueTooMany", at,
                        "Too many: %lld: must have at most %lld items", (long long)n,
                        (long long)max);
        return;
    }
    check_unique(c, schema, j, at);
    for (size_t i = 0; items != NULL && i < (size_t)n; i++) {
        char field[FIELD_MAX];
        (void)snprintf(field, sizeof(field), "%s[%zu]", at, i);
        schema_check_value(c, items, json_elem(j, i), field,
                           schema_flag(items, "x-kubernetes-embedded-resource"));
    }
}

static void
check_object(struct check *c, const struct json *schema, const struct json *j, const char *at,
             bool resource)
{
    const struct json *required = json_field(schema, "required");
    int64_t n = (int64_t)json_size(j);
    char field[FIELD_MAX];

    for (size_t i = 0; i < json_size(required); i++) {
        const char *key = json_text_or(json_elem(required, i), "");
        (void)snprintf(field, sizeof(field), "%s%s%s", at, at[0] != '\0' ? "." : "", key);
        if (json_field(j, key) == NULL)
            field_error_add(c->to, "FieldValueRequired", field, "Required value");
    }
    if (n < json_int_or(json_field(schema, "minProperties"), 0))
        field_error_add(c->to, "FieldValueInvalid", at, "Invalid value: %s has too few properties",
                        at);
    if (n > json_int_or(json_field(schema, "maxProperties"), INT64_MAX))
        field_error_add(c->to, "FieldValueTooMany", at, "Too many: %lld: too many properties",
                        (long long)n);
    for (struct json_item it = json_first(j); it.key != NULL; it = json_next(j, it)) {
        const struct json *s = schema_of_field(schema, it.key);
        if (s == NULL || (resource && is_resource_field(it.key)))
            continue;
        (void)snprintf(field, sizeof(field), "%s%s%s", at, at[0] != '\0' ? "." : "", it.key);
        schema_check_value(c, s, it.value, field, schema_flag(s, "x-kubernetes-embedded-resource"));
    }
}

static void
check_enum(struct check *c, const struct json *schema, const struct json *j, const char *at)
{
    CLEANUP(buf_release) struct buf known = BUF_INIT(4096);
    const struct json *list = json_field(schema, "enum");

    for (size_t i = 0; i < json_size(list); i++) {
        CLEANUP(mem_free_ptr) char *text = json_to_text(json_elem(list, i), false);
        if (json_same(json_elem(list, i), j))
            return;
        buf_putf(&known, "%s%s", i > 0 ? ", " : "", text);
    }
    if (list != NULL) {
        CLEANUP(mem_free_ptr) char *text = json_to_text(j, false);
        field_error_add(c->to, "FieldValueNotSupported", at,
                        "Unsupported value: %s: supported values: %s", text, buf_c(&known));
    }
}

/* Does it hold, if looked at alone? */
static bool
schema_holds(const struct check *c, const struct json *schema, const struct json *j, const char *at)
{
    struct field_errors aside = {0};
    struct check inner = {&aside, c->depth};
    bool good;

    schema_check_value(&inner, schema, j, at, false);
    good = json_size(aside.causes) == 0;
    field_errors_release(&aside);
    return good;
}

static void
check_combined(struct check *c, const struct json *schema, const struct json *j, const char *at)
{
    const struct json *all = json_field(schema, "allOf"), *any = json_field(schema, "anyOf");
    const struct json *one = json_field(schema, "oneOf"), *no = json_field(schema, "not");
    size_t n = 0;

    for (size_t i = 0; i < json_size(all); i++)
        schema_check_value(c, json_elem(all, i), j, at, false);
    for (size_t i = 0; i < json_size(any); i++)
        n += schema_holds(c, json_elem(any, i), j, at);
    if (json_size(any) > 0 && n == 0)
        field_error_add(c->to, "FieldValueInvalid", at,
                        "Invalid value: \"\": \"%s\" must validate at least one schema (anyOf)",
                        at);
    n = 0;
    for (size_t i = 0; i < json_size(one); i++)
        n += schema_holds(c, json_elem(one, i), j, at);
    if (json_size(one) > 0 && n != 1)
        field_error_add(c->to, "FieldValueInvalid", at,
                        "Invalid value: \"\": \"%s\" must validate one and only one schema (oneOf)",
                        at);
    if (no != NULL && schema_holds(c, no, j, at))
        field_error_add(c->to, "FieldValueInvalid", at,
                        "Invalid value: \"\": \"%s\" must not validate the schema (not)", at);
}

static void
schema_check_value(struct check *c, const struct json *schema, const struct json *j, const char *at,
                   bool resource)
{
    enum json_kind kind = json_kind_of(j);

    if (c->depth >= SCHEMA_DEPTH_MAX)
        return;
    if (kind == JSON_IS_NULL && schema_flag(schema, "nullable"))
        return;
    if (!has_type(schema, j)) {
        field_error_add(
            c->to, "FieldValueTypeInvalid", at,
            "Invalid value: \"%s\": %s in body must be of type %s: \"%s\"", type_name(j), at,
            json_text_or(json_field(schema, "type"), "integer or string"), type_name(j));
        return;
    }
    c->depth++;
    check_enum(c, schema, j, at);
    if (kind == JSON_IS_OBJECT)
        check_object(c, schema, j, at, resource);
    else if (kind == JSON_IS_ARRAY)
        check_array(c, schema, j, at);
    else if (kind == JSON_IS_STR)
        check_string(c, schema, j, at);
    else if (kind == JSON_IS_INT || kind == JSON_IS_DOUBLE)
        check_number(c, schema, j, at);
    check_combined(c, schema, j, at);
    c->depth--;
}

void
schema_check(const struct json *schema, const struct json *obj, struct field_errors *to)
{
    struct check c = {to, 0};

    schema_check_value(&c, schema, obj, "", true);
}

/* --- the schema itself ------------------------------------------------------------------------ */

static void
check_schema(const struct json *s, const char *at, struct field_errors *to, int depth)
{
    const struct json *properties = json_field(s, "properties"), *items = json_field(s, "items");
    const struct json *each = json_field(s, "additionalProperties");
    const char *pattern = json_text(json_field(s, "pattern"));
    char field[FIELD_MAX];

    if (depth > SCHEMA_DEPTH_MAX) {
        field_error_add(to, "FieldValueTooMany", at, "Too many: nested deeper than %d levels",
                        SCHEMA_DEPTH_MAX);
        return;
    }
    if (json_text_or(json_field(s, "type"), "")[0] == '\0' &&
        !schema_flag(s, "x-kubernetes-int-or-string") &&
        !schema_flag(s, "x-kubernetes-preserve-unknown-fields")) {
        (void)snprintf(field, sizeof(field), "%s.type", at);
        field_error_add(to, "FieldValueRequired", field,
                        "Required value: must not be empty for specified "
                        "object fields");
    }
    if (pattern != NULL && pattern_match(pattern, "") == PATTERN_BAD) {
        (void)snprintf(field, sizeof(field), "%s.pattern", at);
        field_error_add(to, "FieldValueInvalid", field,
                        "Invalid value: \"%s\": must be a valid regular expression", pattern);
    }
    for (struct json_item it = json_first(properties); it.key != NULL;
         it = json_next(properties, it)) {
        (void)snprintf(field, sizeof(field), "%s.properties[%s]", at, it.key);
        if (depth > 0 || !is_resource_field(it.key))
            check_schema(it.value, field, to, depth + 1);
    }
    if (items != NULL) {
        (void)snprintf(field, sizeof(field), "%s.items", at);
        check_schema(items, field, to, depth + 1);
    }
    if (json_kind_of(each) == JSON_IS_OBJECT) {
        (void)snprintf(field, sizeof(field), "%s.additionalProperties", at);
        check_schema(each, field, to, depth + 1);
    }
}

void
schema_check_structural(const struct json *schema, const char *field, struct field_errors *to)
{
    check_schema(schema, field, to, 0);
}
