/* SPDX-License-Identifier: Apache-2.0 */
/* Does a rule read only fields that the schema has? A walk that carries the schema of each node. */
#include "base/mem.h"
#include "validation/cel.h"
#include "validation/cel_tree.h"

/* The variables of the macros around a node. */
struct binding {
    const char *name;
    const struct json *schema; /* of its value; NULL: not known */
    const struct binding *outer;
};

struct walk {
    const struct json *self; /* schema */
    const struct json *root; /* fields that every object has, at the top only; else NULL */
    struct err *e;
};

static const struct json *walk_node(struct walk *w, const struct cel_node *n,
                                    const struct binding *vars);

static const struct json *
name_schema(const struct walk *w, const char *name, const struct binding *vars)
{
    for (; vars != NULL; vars = vars->outer)
        if (strcmp(vars->name, name) == 0)
            return vars->schema;
    return strcmp(name, "self") == 0 || strcmp(name, "oldSelf") == 0 ? w->self : NULL;
}

static const struct json *
element_schema(const struct json *of)
{
    const struct json *each = json_field(of, "additionalProperties");

    return each != NULL ? each : json_field(of, "items");
}

static const struct json *
field_schema(struct walk *w, const struct json *of, const char *name)
{
    const struct json *found = json_dig(of, "properties", name);

    if (of == w->self && json_field(w->root, name) != NULL)
        found = json_field(w->root, name);
    if (of == NULL || found != NULL)
        return found;
    if (json_kind_of(json_field(of, "additionalProperties")) == JSON_IS_OBJECT)
        return json_field(of, "additionalProperties");
    if (strcmp(json_text_or(json_field(of, "type"), ""), "object") == 0 && w->e->code == RC_OK)
        (void)err_set(w->e, RC_INVALID, "undefined field '%s'", name);
    return NULL;
}

static const struct json *
walk_macro(struct walk *w, const struct cel_node *n, const struct binding *vars)
{
    const struct json *over = walk_node(w, n->args[0], vars);
    bool by_key = json_kind_of(json_field(over, "additionalProperties")) == JSON_IS_OBJECT;
    struct binding inner = {n->var, by_key ? NULL : element_schema(over), vars};

    for (size_t i = 1; i < n->n; i++)
        (void)walk_node(w, n->args[i], &inner);
    return strcmp(n->name, "filter") == 0 ? over : NULL;
}

/* The schema of its value; NULL: not known, which anything may be asked of. */
static const struct json *
walk_node(struct walk *w, const struct cel_node *n, const struct binding *vars)
{
    const struct json *first = NULL;

    if (n->op == CEL_NAME)
        return name_schema(w, n->name, vars);
    if (n->op == CEL_MACRO)
        return walk_macro(w, n, vars);
    for (size_t i = 0; i < n->n; i++) {
        const struct json *s = walk_node(w, n->args[i], vars);
        if (i == 0)
            first = s;
    }
    if (n->op == CEL_FIELD || n->op == CEL_HAS)
        return field_schema(w, first, n->name);
    return n->op == CEL_INDEX ? element_schema(first) : NULL;
}

enum rc
cel_check_fields(const struct cel *c, const struct json *schema, bool top, struct err *e)
{
    static const char every[] =
        "{\"apiVersion\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"},\"metadata\":"
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},"
        "\"generateName\":{\"type\":\"string\"}}}}";
    CLEANUP(json_free_ptr) struct json *root = NULL;
    struct walk w = {.self = schema, .e = e};

    e->code = RC_OK;
    if (top && json_parse(str_c(every), &root, e))
        return err_code(e);
    w.root = root;
    (void)walk_node(&w, c->root, NULL);
    return e->code == RC_OK ? RC_OK : err_code(e);
}
