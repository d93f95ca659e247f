/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/selector.h"

#include <ctype.h>

#include "base/mem.h"

enum test { IS_IN, IS_NOT_IN, EXISTS, EXISTS_NOT, IS_GREATER, IS_LESS };

/* One thing that must hold. */
struct need {
    enum test test;
    char *key;
    char **values;
    size_t n_values;
};

struct kube_selector {
    bool of_fields;
    struct need *needs;
    size_t n;
};

void
kube_selector_free(struct kube_selector *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++) {
        for (size_t k = 0; k < s->needs[i].n_values; k++)
            mem_free(s->needs[i].values[k]);
        mem_free(s->needs[i].values);
        mem_free(s->needs[i].key);
    }
    mem_free(s->needs);
    mem_free(s);
}

void
kube_selector_free_ptr(struct kube_selector **s)
{
    kube_selector_free(*s);
}

bool
kube_selector_is_empty(const struct kube_selector *s)
{
    return s == NULL || s->n == 0;
}

static struct need *
new_need(struct kube_selector *s, enum test test, struct str key)
{
    struct need *need;

    s->needs = (struct need *)mem_more(s->needs, s->n, sizeof(*s->needs));
    need = &s->needs[s->n++];
    *need = (struct need){.test = test, .key = mem_strndup((const char *)key.p, key.n)};
    return need;
}

static void
add_value(struct need *need, struct str value)
{
    need->values = (char **)mem_more(need->values, need->n_values, sizeof(*need->values));
    need->values[need->n_values++] = mem_strndup((const char *)value.p, value.n);
}

/* Reading the text form. */

static const char *
selector_skip(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* A key or a value: what is left of the next character with a meaning. */
static struct str
selector_word(const char **p)
{
    const char *s = selector_skip(*p);
    size_t n = strcspn(s, " \t\r\n,()=!<>");

    *p = selector_skip(s + n);
    return str_of(s, n);
}

static bool
is_name(struct str s, const char *also)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum(s.p[i]) && (s.p[i] == '\0' || strchr(also, s.p[i]) == NULL))
            return false;
    return true;
}

static enum rc
selector_bad(struct err *e, const char *what, const char *at)
{
    return err_set(e, RC_INVALID, "the selector has no %s at \"%.60s\"", what, at);
}

/* "(a, b)" */
static enum rc
read_set(struct need *need, const char **p, struct err *e)
{
    if (**p != '(')
        return selector_bad(e, "\"(\"", *p);
    do {
        struct str value;
        (*p)++;
        value = selector_word(p);
        if (!is_name(value, "-_."))
            return selector_bad(e, "value", *p);
        add_value(need, value);
    } while (**p == ',');
    if (**p != ')')
        return selector_bad(e, "\")\"", *p);
    *p = selector_skip(*p + 1);
    return RC_OK;
}

/* What comes behind the key. */
static enum rc
read_test(struct kube_selector *s, struct str key, const char **p, struct err *e)
{
    struct need *need = new_need(s, EXISTS, key);
    const char *at = *p;
    struct str value;

    if (*at == '\0' || *at == ',')
        return RC_OK;
    if (isalpha((unsigned char)*at)) {
        struct str op = selector_word(p);
        need->test = str_eq(op, STR_LIT("in")) ? IS_IN : IS_NOT_IN;
        if (need->test == IS_NOT_IN && !str_eq(op, STR_LIT("notin")))
            return selector_bad(e, "operator", at);
        return read_set(need, p, e);
    }
    need->test = *at == '!' ? IS_NOT_IN : *at == '>' ? IS_GREATER : *at == '<' ? IS_LESS : IS_IN;
    if ((*at == '!' && at[1] != '=') || strchr("!=<>", *at) == NULL)
        return selector_bad(e, "operator", at);
    *p = at + (at[1] == '=' && *at != '<' && *at != '>' ? 2 : 1);
    value = selector_word(p);
    if (!is_name(value, "-_."))
        return selector_bad(e, "value", at);
    add_value(need, value);
    return RC_OK;
}

static enum rc
read_labels(struct kube_selector *s, const char *p, struct err *e)
{
    for (p = selector_skip(p); *p != '\0';) {
        bool not = *p == '!';
        const char *at = p + (not ? 1 : 0);
        struct str key = selector_word(&at);
        if (key.n == 0 || !is_name(key, "-_./"))
            return selector_bad(e, "key", p);
        p = at;
        if (not )
            (void)new_need(s, EXISTS_NOT, key);
        else if (read_test(s, key, &p, e))
            return err_code(e);
        if (*p != ',' && *p != '\0')
            return selector_bad(e, "\",\"", p);
        if (*p == ',' && *(p = selector_skip(p + 1)) == '\0')
            return selector_bad(e, "key", p);
    }
    return RC_OK;
}

/* A field's value up to the next comma; backslash escapes "\\", "\," and "\=". */
static enum rc
read_field_value(struct need *need, const char **p, struct err *e)
{
    char *value = mem_alloc(strlen(*p) + 1);
    size_t n = 0;

    for (; **p != '\0' && **p != ','; (*p)++) {
        if (**p == '\\' && ((*p)[1] == '\0' || strchr("\\,=", (*p)[1]) == NULL)) {
            mem_free(value);
            return selector_bad(e, "escaped character", *p);
        }
        *p += **p == '\\';
        value[n++] = **p;
    }
    add_value(need, str_of(value, n));
    mem_free(value);
    return RC_OK;
}

static enum rc
read_fields(struct kube_selector *s, const char *p, struct err *e)
{
    while (*p != '\0') {
        size_t n = strcspn(p, "=!,");
        bool not = p[n] == '!';
        struct need *need;
        if (n == 0 || (p[n] != '=' && !(not &&p[n + 1] == '=')))
            return selector_bad(e, "\"field=value\"", p);
        need = new_need(s, not ? IS_NOT_IN : IS_IN, str_of(p, n));
        p += n + (p[n + 1] == '=' ? 2 : 1);
        if (read_field_value(need, &p, e))
            return err_code(e);
        p += *p == ',';
    }
    return RC_OK;
}

static enum rc
selector_parse(const char *text, bool of_fields, struct kube_selector **out, struct err *e)
{
    CLEANUP(kube_selector_free_ptr) struct kube_selector *s = MEM_NEW(struct kube_selector);

    s->of_fields = of_fields;
    if (text != NULL && (of_fields ? read_fields(s, text, e) : read_labels(s, text, e)))
        return err_code(e);
    *out = TAKE(s);
    return RC_OK;
}

enum rc
kube_selector_labels(const char *text, struct kube_selector **out, struct err *e)
{
    return selector_parse(text, false, out, e);
}

enum rc
kube_selector_fields(const char *text, struct kube_selector **out, struct err *e)
{
    return selector_parse(text, true, out, e);
}

/* Reading the JSON form. */

static enum rc
read_expression(struct kube_selector *s, const struct json *x, struct err *e)
{
    static const char *const names[] = {"In", "NotIn", "Exists", "DoesNotExist"};
    const char *op = json_text_or(json_field(x, "operator"), "");
    const struct json *values = json_field(x, "values");
    size_t i = 0;
    struct need *need;

    while (i < ARRAY_LEN(names) && strcmp(names[i], op) != 0)
        i++;
    if (i == ARRAY_LEN(names) || json_text(json_field(x, "key")) == NULL)
        return err_set(e, RC_INVALID, "\"%.50s\" is not a selector operator", op);
    if ((json_size(values) > 0) != (i < 2))
        return err_set(e, RC_INVALID, "the selector operator %s has %s values", op,
                       i < 2 ? "no" : "too many");
    need = new_need(s, (enum test)i, json_text_str(json_field(x, "key")));
    for (size_t k = 0; k < json_size(values); k++)
        add_value(need, str_c(json_text_or(json_elem(values, k), "")));
    return RC_OK;
}

enum rc
kube_selector_json(const struct json *selector, struct kube_selector **out, struct err *e)
{
    CLEANUP(kube_selector_free_ptr) struct kube_selector *s = MEM_NEW(struct kube_selector);
    const struct json *equal = json_field(selector, "matchLabels");
    const struct json *more = json_field(selector, "matchExpressions");

    for (struct json_item it = json_first(equal); it.key != NULL; it = json_next(equal, it))
        add_value(new_need(s, IS_IN, str_c(it.key)), str_c(json_text_or(it.value, "")));
    for (size_t i = 0; i < json_size(more); i++)
        if (read_expression(s, json_elem(more, i), e))
            return err_code(e);
    *out = TAKE(s);
    return RC_OK;
}

enum rc
kube_selector_text(const struct json *selector, char **out, struct err *e)
{
    CLEANUP(kube_selector_free_ptr) struct kube_selector *s = NULL;
    CLEANUP(buf_release) struct buf b = BUF_INIT(1024 * 1024);

    if (kube_selector_json(selector, &s, e))
        return err_code(e);
    for (size_t i = 0; i < s->n; i++) {
        const struct need *need = &s->needs[i];
        if (i > 0 && buf_printf(&b, e, ","))
            return err_code(e);
        if (need->n_values == 0) {
            if (buf_printf(&b, e, "%s%s", need->test == EXISTS_NOT ? "!" : "", need->key))
                return err_code(e);
            continue;
        }
        if (buf_printf(&b, e, "%s %s (", need->key, need->test == IS_IN ? "in" : "notin"))
            return err_code(e);
        for (size_t k = 0; k < need->n_values; k++)
            if (buf_printf(&b, e, "%s%s", k > 0 ? "," : "", need->values[k]))
                return err_code(e);
        if (buf_printf(&b, e, ")"))
            return err_code(e);
    }
    *out = mem_strndup(buf_c(&b), b.n);
    return RC_OK;
}

/* Asking. */

static bool
is_in(const struct need *need, const char *value)
{
    for (size_t i = 0; i < need->n_values; i++)
        if (strcmp(need->values[i], value) == 0)
            return true;
    return false;
}

/* `value` NULL: there is none. */
static bool
selector_holds(const struct need *need, const char *value)
{
    int64_t a, b;

    switch (need->test) {
    case IS_IN:
        return value != NULL && is_in(need, value);
    case IS_NOT_IN:
        return value == NULL || !is_in(need, value);
    case EXISTS:
        return value != NULL;
    case EXISTS_NOT:
        return value == NULL;
    default:
        return value != NULL && str_to_i64(str_c(value), &a) &&
               str_to_i64(str_c(need->values[0]), &b) && (need->test == IS_GREATER ? a > b : a < b);
    }
}

bool
kube_selector_match_labels(const struct kube_selector *s, const struct json *labels)
{
    for (size_t i = 0; s != NULL && i < s->n; i++)
        if (!selector_holds(&s->needs[i], json_text(json_field(labels, s->needs[i].key))))
            return false;
    return true;
}

/* The field at a dotted path, as text. */
static void
field_text(const struct json *j, const char *path, char *to, size_t max)
{
    const char *text;
    char key[128];

    while (j != NULL && *path != '\0') {
        size_t n = strcspn(path, ".");
        (void)snprintf(key, sizeof(key), "%.*s", (int)MIN(n, sizeof(key) - 1), path);
        j = json_field(j, key);
        path += n + (path[n] == '.' ? 1 : 0);
    }
    text = json_text(j);
    if (text != NULL)
        (void)snprintf(to, max, "%s", text);
    else if (json_kind_of(j) == JSON_IS_BOOL)
        (void)snprintf(to, max, "%s", json_is_true(j) ? "true" : "false");
    else if (json_kind_of(j) == JSON_IS_INT)
        (void)snprintf(to, max, "%lld", (long long)json_int_or(j, 0));
    else
        to[0] = '\0';
}

bool
kube_selector_match(const struct kube_selector *s, const struct json *obj)
{
    char value[1024];

    if (s == NULL || !s->of_fields)
        return kube_selector_match_labels(s, json_dig(obj, "metadata", "labels"));
    for (size_t i = 0; i < s->n; i++) {
        field_text(obj, s->needs[i].key, value, sizeof(value));
        if (!selector_holds(&s->needs[i], value))
            return false;
    }
    return true;
}
