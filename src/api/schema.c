/* SPDX-License-Identifier: Apache-2.0 */
#include "api/schema.h"

#include "api/duration.h"
#include "api/names.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/mem.h"

static struct json *print_fields(const struct field *fields);

static struct json *
print_rules(const struct rule *r)
{
    struct json *list = json_new_array();

    for (; r->cel != NULL; r++) {
        struct json *one = json_new_object();

        json_set_cstr(one, "rule", r->cel);
        json_set_cstr(one, "message", r->message);
        json_push(list, one);
    }
    return list;
}

static struct json *
schema_typed(const char *type, const char *format)
{
    struct json *o = json_new_object();

    json_set_cstr(o, "type", type);
    json_set_cstr(o, "format", format);
    return o;
}

static struct json *
text_of(const char *format, int64_t max)
{
    struct json *o = schema_typed("string", format);

    json_set_int(o, "maxLength", max);
    return o;
}

static struct json *
free_object(void)
{
    struct json *o = schema_typed("object", NULL);

    json_set_bool(o, "x-kubernetes-preserve-unknown-fields", true);
    return o;
}

static struct json *
int_or_string(void)
{
    struct json *o = json_new_object(), *any = json_new_array();

    json_push(any, schema_typed("integer", NULL));
    json_push(any, schema_typed("string", NULL));
    json_set(o, "anyOf", any);
    json_set_bool(o, "x-kubernetes-int-or-string", true);
    return o;
}

static struct json *
list_of(struct json *items)
{
    struct json *o = schema_typed("array", NULL);

    json_set(o, "items", items);
    return o;
}

static struct json *
print_type(const struct field *f)
{
    struct json *o;

    switch (f->type) {
    case F_STR:
    case F_NAME:
    case F_DURATION:
        return text_of(NULL, SCHEMA_TEXT_MAX);
    case F_BOOL:
        return schema_typed("boolean", NULL);
    case F_INT32:
        return schema_typed("integer", "int32");
    case F_INT64:
        return schema_typed("integer", "int64");
    case F_TIME:
        return schema_typed("string", "date-time");
    case F_BYTES:
        return text_of("byte", SCHEMA_BYTES_MAX);
    case F_QUANTITY:
    case F_PORT:
        return int_or_string();
    case F_OBJECT:
        return print_fields(f->of);
    case F_LIST:
        return list_of(print_fields(f->of));
    case F_STRS:
        return list_of(text_of(NULL, SCHEMA_TEXT_MAX));
    case F_INT32S:
        return list_of(schema_typed("integer", "int32"));
    case F_STR_MAP:
        o = schema_typed("object", NULL);
        json_set(o, "additionalProperties", text_of(NULL, SCHEMA_TEXT_MAX));
        json_set_int(o, "maxProperties", SCHEMA_ITEMS_MAX);
        return o;
    case F_FREE_LIST:
        return list_of(free_object());
    case F_FREE:
        break;
    }
    return free_object();
}

static struct json *
parse_default(const struct field *f)
{
    struct json *v;
    struct err e = ERR_INIT;
    char *text = mem_printf("[%s]", f->otherwise);

    if (json_parse(str_c(text), &v, &e))
        BUG("the default of %s: %s", f->name, e.msg);
    mem_free(text);
    struct json *one = json_clone(json_elem(v, 0));
    json_free(v);
    return one;
}

static struct json *
words_list(const char *const *words)
{
    struct json *list = json_new_array();

    for (; words != NULL && *words != NULL; words++)
        json_push_cstr(list, *words);
    return list;
}

static bool
is_list(const struct field *f)
{
    return f->type == F_LIST || f->type == F_STRS || f->type == F_INT32S || f->type == F_FREE_LIST;
}

static unsigned
items_max(const struct field *f)
{
    return f->max_items != 0 ? f->max_items : SCHEMA_ITEMS_MAX;
}

static struct json *
print_field(const struct field *f)
{
    struct json *o = print_type(f);

    json_set_cstr(o, "description", f->doc);
    if (f->words != NULL)
        json_set(o, "enum", words_list(f->words));
    if (f->otherwise != NULL)
        json_set(o, "default", parse_default(f));
    if (is_list(f))
        json_set_int(o, "maxItems", items_max(f));
    if (f->keys[0] != NULL) {
        json_set_cstr(o, "x-kubernetes-list-type", "map");
        json_set(o, "x-kubernetes-list-map-keys", words_list(f->keys));
    }
    if (f->rules != NULL)
        json_set(o, "x-kubernetes-validations", print_rules(f->rules));
    return o;
}

static struct json *
print_fields(const struct field *fields)
{
    struct json *o = schema_typed("object", NULL), *props = json_new_object(),
                *need = json_new_array();

    for (const struct field *f = fields; f->name != NULL; f++) {
        json_set(props, f->name, print_field(f));
        if (f->required)
            json_push_cstr(need, f->name);
    }
    json_set(o, "properties", props);
    json_set(o, "required", json_size(need) > 0 ? json_ref(need) : NULL);
    json_free(need);
    return o;
}

static struct json *
print_schema(const struct crd_def *k)
{
    struct json *o = print_fields(k->fields), *props = json_field(o, "properties");

    json_set_cstr(o, "description", k->doc);
    json_set(props, "apiVersion", schema_typed("string", NULL));
    json_set(props, "kind", schema_typed("string", NULL));
    json_set(props, "metadata", schema_typed("object", NULL));
    if (k->rules != NULL)
        json_set(o, "x-kubernetes-validations", print_rules(k->rules));
    return o;
}

static void
add_columns(const struct column *columns, int64_t priority, struct json *list)
{
    for (const struct column *c = columns; c != NULL && c->name != NULL; c++) {
        struct json *one = json_new_object();

        json_set_cstr(one, "name", c->name);
        json_set_cstr(one, "type", c->type);
        json_set_cstr(one, "jsonPath", c->path);
        if (priority != 0)
            json_set_int(one, "priority", priority);
        json_push(list, one);
    }
}

static struct json *
print_columns(const struct crd_def *k)
{
    struct json *list = json_new_array();

    add_columns(k->columns, 0, list);
    add_columns(k->wide, 1, list);
    return list;
}

static struct json *
print_names(const struct crd_def *k)
{
    struct json *names = json_new_object();
    char *list = mem_printf("%sList", k->gvr->kind);

    json_set(names, "categories", words_list(k->categories));
    json_set_cstr(names, "kind", k->gvr->kind);
    json_set_cstr(names, "listKind", list);
    json_set_cstr(names, "plural", k->gvr->plural);
    json_set_cstr(names, "singular", k->singular);
    if (k->short_names != NULL)
        json_set(names, "shortNames", words_list(k->short_names));
    mem_free(list);
    return names;
}

struct json *
kind_crd(const struct crd_def *k)
{
    struct json *crd = json_new_object(), *version = json_new_object(), *meta, *spec;
    char *name = mem_printf("%s.%s", k->gvr->plural, k->gvr->group);

    json_set_cstr(crd, "apiVersion", "apiextensions.k8s.io/v1");
    json_set_cstr(crd, "kind", "CustomResourceDefinition");
    meta = json_need_object(crd, "metadata");
    spec = json_need_object(crd, "spec");
    json_set_cstr(meta, "name", name);
    json_set_cstr(json_need_object(meta, "labels"), "app.kubernetes.io/name", "stash");
    json_set_cstr(spec, "group", k->gvr->group);
    json_set(spec, "names", print_names(k));
    json_set_cstr(spec, "scope", k->gvr->namespaced ? "Namespaced" : "Cluster");
    json_set_cstr(version, "name", k->gvr->version);
    json_set_bool(version, "served", true);
    json_set_bool(version, "storage", true);
    json_set(version, "additionalPrinterColumns", print_columns(k));
    json_set(json_need_object(version, "schema"), "openAPIV3Schema", print_schema(k));
    if (k->status)
        json_set(json_need_object(version, "subresources"), "status", json_new_object());
    json_push(json_need_array(spec, "versions"), version);
    mem_free(name);
    return crd;
}

static void
default_fields(const struct field *fields, struct json *obj)
{
    for (const struct field *f = fields; f->name != NULL; f++) {
        struct json *v = json_field(obj, f->name);

        if (v == NULL && f->otherwise != NULL) {
            json_set(obj, f->name, parse_default(f));
            v = json_field(obj, f->name);
        }
        if (f->type == F_OBJECT && json_kind_of(v) == JSON_IS_OBJECT)
            default_fields(f->of, v);
        for (size_t i = 0; f->type == F_LIST && i < json_size(v); i++)
            default_fields(f->of, json_elem(v, i));
    }
}

void
kind_default(const struct crd_def *k, struct json *obj)
{
    default_fields(k->fields, obj);
}

enum { PLACE_STEP = 100 };

struct place { /* where in the object, for messages */
    const struct place *up;
    const char *name;
    size_t at;
};

/* What does not fit is left out: names of maps are the user's. */
static void
place_text(const struct place *p, struct buf *to)
{
    CLEANUP(mem_free_ptr) char *step = NULL;
    struct err ignored = ERR_INIT;

    if (p->up != NULL)
        place_text(p->up, to);
    step = p->name == NULL ? mem_printf("[%zu]", p->at)
                           : mem_printf("%s%.*s", to->n > 0 ? "." : "", PLACE_STEP, p->name);
    (void)!buf_add(to, step, strlen(step), &ignored);
}

static enum rc
schema_bad(const struct place *p, const char *what, struct err *e)
{
    struct buf text = BUF_INIT(4096);

    place_text(p, &text);
    (void)err_set(e, RC_INVALID, "%s %s", buf_c(&text), what);
    buf_release(&text);
    return err_code(e);
}

static enum rc
schema_long(const struct place *p, size_t max, struct err *e)
{
    CLEANUP(mem_free_ptr) char *what = mem_printf("is too long: at most %zu bytes", max);

    return schema_bad(p, what, e);
}

static enum rc
schema_need(const struct json *v, enum json_kind kind, const char *what, const struct place *p,
            struct err *e)
{
    return json_kind_of(v) == kind ? RC_OK : schema_bad(p, what, e);
}

static enum rc
need_text(const struct json *v, const struct place *p, struct err *e)
{
    if (json_text(v) == NULL)
        return schema_bad(p, "must be a string", e);
    return strlen(json_text(v)) <= SCHEMA_TEXT_MAX ? RC_OK : schema_long(p, SCHEMA_TEXT_MAX, e);
}

/* RFC 1123 subdomain, as almost every kind of Kubernetes has it. */
static bool
is_name(const char *text)
{
    return strlen(text) <= NAME_MAX_OBJECT &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0';
}

static enum rc
check_text(const struct field *f, const struct json *v, const struct place *p, struct err *e)
{
    const size_t max = f->type == F_BYTES ? SCHEMA_BYTES_MAX : SCHEMA_TEXT_MAX;
    const char *text = json_text(v);
    int64_t ms;
    struct instant t;
    struct err why = ERR_INIT;

    if (text == NULL)
        return schema_bad(p, "must be a string", e);
    if (strlen(text) > max)
        return schema_long(p, max, e);
    if (f->type == F_NAME && !is_name(text))
        return schema_bad(
            p, "must be the name of an object: up to 253 small letters, digits, - and .", e);
    if (f->type == F_DURATION && duration_parse(str_c(text), &ms, &why))
        return schema_bad(p, "must be a duration such as \"1h30m\"", e);
    if (f->type == F_TIME && instant_parse(str_c(text), &t, &why))
        return schema_bad(p, "must be an RFC 3339 time", e);
    if (f->type == F_BYTES) {
        struct buf bytes = BUF_INIT(JSON_TEXT_MAX);
        enum rc rc = b64_decode(str_c(text), &bytes, &why);

        buf_release(&bytes);
        if (rc != RC_OK)
            return schema_bad(p, "must be base64", e);
    }
    for (size_t i = 0; f->words != NULL; i++) {
        if (f->words[i] == NULL)
            return schema_bad(p, "has a value that is not one of those allowed", e);
        if (strcmp(f->words[i], text) == 0)
            break;
    }
    return RC_OK;
}

static enum rc check_fields(const struct field *fields, const struct json *obj,
                            const struct place *up, struct err *e);

static enum rc
check_number(enum field_type type, const struct json *v, const struct place *p, struct err *e)
{
    if (schema_need(v, JSON_IS_INT, "must be an integer", p, e))
        return err_code(e);
    if (type != F_INT64 && json_int_or(v, 0) != (int32_t)json_int_or(v, 0))
        return schema_bad(p, "is out of range", e);
    return RC_OK;
}

static enum rc
check_list(const struct field *f, const struct json *v, const struct place *p, struct err *e)
{
    if (schema_need(v, JSON_IS_ARRAY, "must be a list", p, e))
        return err_code(e);
    if (json_size(v) > items_max(f))
        return schema_bad(p, "has too many elements", e);
    for (size_t i = 0; i < json_size(v); i++) {
        struct place at = {p, NULL, i};
        const struct json *one = json_elem(v, i);

        if (f->type == F_STRS || f->type == F_INT32S) {
            if (f->type == F_STRS ? need_text(one, &at, e) : check_number(f->type, one, &at, e))
                return err_code(e);
        } else if (schema_need(one, JSON_IS_OBJECT, "must be an object", &at, e) ||
                   (f->type == F_LIST && check_fields(f->of, one, &at, e))) {
            return err_code(e);
        }
    }
    return RC_OK;
}

static enum rc
check_map(const struct json *v, const struct place *p, struct err *e)
{
    if (schema_need(v, JSON_IS_OBJECT, "must be an object", p, e))
        return err_code(e);
    for (struct json_item it = json_first(v); it.key != NULL; it = json_next(v, it)) {
        struct place at = {p, it.key, 0};

        if (need_text(it.value, &at, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
check_field(const struct field *f, const struct json *v, const struct place *p, struct err *e)
{
    switch (f->type) {
    case F_STR:
    case F_NAME:
    case F_TIME:
    case F_DURATION:
    case F_BYTES:
        return check_text(f, v, p, e);
    case F_BOOL:
        return schema_need(v, JSON_IS_BOOL, "must be true or false", p, e);
    case F_INT32:
    case F_INT64:
        return check_number(f->type, v, p, e);
    case F_QUANTITY:
    case F_PORT:
        if (json_kind_of(v) == JSON_IS_INT || json_kind_of(v) == JSON_IS_STR)
            return RC_OK;
        return schema_bad(p, "must be a number or a string", e);
    case F_OBJECT:
        return json_kind_of(v) == JSON_IS_OBJECT ? check_fields(f->of, v, p, e)
                                                 : schema_bad(p, "must be an object", e);
    case F_LIST:
    case F_STRS:
    case F_INT32S:
    case F_FREE_LIST:
        return check_list(f, v, p, e);
    case F_STR_MAP:
        return check_map(v, p, e);
    case F_FREE:
        break;
    }
    return schema_need(v, JSON_IS_OBJECT, "must be an object", p, e);
}

static enum rc
check_fields(const struct field *fields, const struct json *obj, const struct place *up,
             struct err *e)
{
    for (const struct field *f = fields; f->name != NULL; f++) {
        const struct json *v = json_field(obj, f->name);
        struct place p = {up, f->name, 0};

        if (json_kind_of(v) == JSON_ABSENT || json_kind_of(v) == JSON_IS_NULL) {
            if (f->required)
                return schema_bad(&p, "is missing", e);
            continue;
        }
        if (check_field(f, v, &p, e))
            return err_code(e);
    }
    return RC_OK;
}

enum rc
kind_validate(const struct crd_def *k, const struct json *obj, struct err *e)
{
    return check_fields(k->fields, obj, NULL, e);
}
