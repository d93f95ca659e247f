/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/cel_rules.h"

#include "base/mem.h"
#include "validation/cel.h"
#include "validation/field_errors.h"
#include "validation/listtype.h"
#include "validation/schema.h"

enum { FIELD_MAX = 1024 };

/* The rules of one level of the schema, and the levels below that have some. */
struct rules {
    struct rule {
        struct cel *test, *message; /* message: of messageExpression, or NULL */
        const struct json *source;  /* borrowed from the schema */
        struct rule *next;
    } * own;
    struct rules_below {
        char *key; /* of properties; NULL: elements or other fields */
        struct rules *rules;
        struct rules_below *next;
    } * below;
    const struct json *schema; /* borrowed */
};

static struct rules *cel_rules_compile(const struct json *schema, int depth);

static void
add_rules(struct rules *r, const struct json *list)
{
    for (size_t i = json_size(list); i-- > 0;) {
        const struct json *source = json_elem(list, i);
        const char *message = json_text(json_field(source, "messageExpression"));
        struct rule *rule;
        struct cel *test;
        struct err e = ERR_INIT;
        if (cel_parse(json_text_or(json_field(source, "rule"), ""), &test, &e))
            continue;
        rule = MEM_NEW(struct rule);
        rule->test = test;
        rule->source = source;
        rule->next = r->own;
        r->own = rule;
        if (message != NULL && cel_parse(message, &rule->message, &e))
            rule->message = NULL;
    }
}

static void
add_below(struct rules *r, const char *key, const struct json *schema, int depth)
{
    struct rules *inner = cel_rules_compile(schema, depth + 1);
    struct rules_below *b;

    if (inner == NULL)
        return;
    b = MEM_NEW(struct rules_below);
    b->key = key != NULL ? mem_strdup(key) : NULL;
    b->rules = inner;
    b->next = r->below;
    r->below = b;
}

static struct rules *
cel_rules_compile(const struct json *schema, int depth)
{
    const struct json *properties = json_field(schema, "properties");
    const struct json *each = json_field(schema, "additionalProperties");
    struct rules *r;

    if (json_kind_of(schema) != JSON_IS_OBJECT || depth > SCHEMA_DEPTH_MAX)
        return NULL;
    r = MEM_NEW(struct rules);
    r->schema = schema;
    add_rules(r, json_field(schema, "x-kubernetes-validations"));
    for (struct json_item it = json_first(properties); it.key != NULL;
         it = json_next(properties, it))
        add_below(r, it.key, it.value, depth);
    add_below(r, NULL, json_field(schema, "items"), depth);
    if (json_kind_of(each) == JSON_IS_OBJECT)
        add_below(r, NULL, each, depth);
    if (r->own != NULL || r->below != NULL)
        return r;
    rules_free(r);
    return NULL;
}

struct rules *
rules_new(const struct json *schema)
{
    return cel_rules_compile(schema, 0);
}

void
rules_free(struct rules *r)
{
    if (r == NULL)
        return;
    while (r->own != NULL) {
        struct rule *next = r->own->next;
        cel_free(r->own->test);
        cel_free(r->own->message);
        mem_free(r->own);
        r->own = next;
    }
    while (r->below != NULL) {
        struct rules_below *next = r->below->next;
        rules_free(r->below->rules);
        mem_free(r->below->key);
        mem_free(r->below);
        r->below = next;
    }
    mem_free(r);
}

static void
break_rule(const struct rule *rule, const struct json *old, const struct json *obj, const char *at,
           struct field_errors *to)
{
    static const char *const reasons[] = {"FieldValueRequired", "FieldValueForbidden",
                                          "FieldValueDuplicate"};
    CLEANUP(json_free_ptr) struct json *made = NULL;
    const char *message = json_text(json_field(rule->source, "message"));
    const char *path = json_text_or(json_field(rule->source, "fieldPath"), "");
    const char *want = json_text_or(json_field(rule->source, "reason"), "");
    const char *reason = "FieldValueInvalid";
    char field[FIELD_MAX];
    struct err e = ERR_INIT;

    if (rule->message != NULL && cel_eval(rule->message, obj, old, &made, &e) == RC_OK &&
        json_text(made) != NULL)
        message = json_text(made);
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (strcmp(reasons[i], want) == 0)
            reason = reasons[i];
    path += at[0] == '\0' && path[0] == '.';
    (void)snprintf(field, sizeof(field), "%s%s", at, path);
    if (message != NULL)
        field_error_add(to, reason, field, "Invalid value: \"%s\": %s",
                        json_kind_of(obj) == JSON_IS_OBJECT ? "object" : "value", message);
    else
        field_error_add(to, reason, field, "Invalid value: \"%s\": failed rule: %s",
                        json_kind_of(obj) == JSON_IS_OBJECT ? "object" : "value",
                        json_text_or(json_field(rule->source, "rule"), ""));
}

static void
apply_own(const struct rules *r, const struct json *old, const struct json *obj, const char *at,
          struct field_errors *to)
{
    for (const struct rule *rule = r->own; rule != NULL; rule = rule->next) {
        CLEANUP(json_free_ptr) struct json *v = NULL;
        struct err e = ERR_INIT;
        if (cel_is_transition(rule->test) && old == NULL)
            continue;
        if (cel_eval(rule->test, obj, old, &v, &e))
            field_error_add(to, "FieldValueInvalid", at,
                            "Invalid value: \"\": rule evaluated with error: %s", e.msg);
        else if (!json_is_true(v))
            break_rule(rule, old, obj, at, to);
    }
}

static const struct rules *
below_of(const struct rules *r, const char *key)
{
    const struct rules *other = NULL;

    for (const struct rules_below *b = r->below; b != NULL; b = b->next)
        if (b->key == NULL)
            other = b->rules;
        else if (strcmp(b->key, key) == 0)
            return b->rules;
    return json_dig(r->schema, "properties", key) == NULL ? other : NULL;
}

static void
cel_rules_apply(const struct rules *r, const struct json *old, const struct json *obj,
                const char *at, struct field_errors *to)
{
    struct field_type type = {"", r->schema, true};
    struct list_type list = field_list_type(type, obj);
    char field[FIELD_MAX];

    if (json_kind_of(obj) == JSON_IS_NULL)
        return;
    apply_own(r, old, obj, at, to);
    for (struct json_item it = json_first(obj); it.key != NULL; it = json_next(obj, it)) {
        const struct rules *inner = below_of(r, it.key);
        if (inner == NULL)
            continue;
        (void)snprintf(field, sizeof(field), "%s%s%s", at, at[0] != '\0' ? "." : "", it.key);
        cel_rules_apply(inner, json_field(old, it.key), it.value, field, to);
    }
    if (json_kind_of(obj) != JSON_IS_ARRAY || r->below == NULL)
        return;
    for (size_t i = 0; i < json_size(obj); i++) {
        const struct json *item = json_elem(obj, i);
        (void)snprintf(field, sizeof(field), "%s[%zu]", at, i);
        cel_rules_apply(r->below->rules,
                        list.kind == LIST_MAP ? list_find(old, &list, item, NULL) : NULL, item,
                        field, to);
    }
}

void
rules_apply(const struct rules *r, const struct json *old, const struct json *obj,
            struct field_errors *to)
{
    cel_rules_apply(r, old, obj, "", to);
}

/* Where in a schema a rule stands. */
struct place {
    const char *at;
    int depth;
    bool comparable; /* an old value can be found for the new one */
};

/* `text` is that of `key`, or NULL. */
static void
check_text(const struct json *schema, const char *key, const char *text, struct place where,
           const char *field, struct field_errors *to)
{
    struct cel *c = NULL;
    struct err e = ERR_INIT;

    if (text == NULL) {
        if (strcmp(key, "rule") == 0)
            field_error_add(to, "FieldValueRequired", field, "Required value: a rule is required");
        return;
    }
    if (cel_parse(text, &c, &e) || cel_check_fields(c, schema, where.depth == 0, &e))
        field_error_add(to, "FieldValueInvalid", field,
                        "Invalid value: \"%s\": compilation failed: %s", text, e.msg);
    else if (cel_is_transition(c) && !where.comparable)
        field_error_add(
            to, "FieldValueInvalid", field,
            "Invalid value: \"%s\": oldSelf cannot be used on the uncorrelatable portion of "
            "the schema",
            text);
    cel_free(c);
}

static void
check_list(const struct json *schema, struct place where, struct field_errors *to)
{
    static const char *const texts[] = {"rule", "messageExpression"};
    const struct json *list = json_field(schema, "x-kubernetes-validations");
    char field[FIELD_MAX];

    for (size_t i = 0; i < json_size(list); i++)
        for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
            (void)snprintf(field, sizeof(field), "%s.x-kubernetes-validations[%zu].%s", where.at, i,
                           texts[t]);
            check_text(schema, texts[t], json_text(json_field(json_elem(list, i), texts[t])), where,
                       field, to);
        }
}

static void
cel_rules_check(const struct json *schema, struct place where, struct field_errors *to)
{
    const struct json *properties = json_field(schema, "properties");
    const char *list = json_text_or(json_field(schema, "x-kubernetes-list-type"), "atomic");
    struct place below = {.depth = where.depth + 1, .comparable = where.comparable};
    char field[FIELD_MAX];

    if (json_kind_of(schema) != JSON_IS_OBJECT || where.depth > SCHEMA_DEPTH_MAX)
        return;
    check_list(schema, where, to);
    below.at = field;
    for (struct json_item it = json_first(properties); it.key != NULL;
         it = json_next(properties, it)) {
        (void)snprintf(field, sizeof(field), "%s.properties[%s]", where.at, it.key);
        cel_rules_check(it.value, below, to);
    }
    (void)snprintf(field, sizeof(field), "%s.additionalProperties", where.at);
    cel_rules_check(json_field(schema, "additionalProperties"), below, to);
    (void)snprintf(field, sizeof(field), "%s.items", where.at);
    below.comparable = where.comparable && strcmp(list, "map") == 0;
    cel_rules_check(json_field(schema, "items"), below, to);
}

void
rules_check(const struct json *schema, const char *field, struct field_errors *to)
{
    cel_rules_check(schema, (struct place){field, 0, true}, to);
}
