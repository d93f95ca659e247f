/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "validation/cel_call.h"
#include "validation/cel_convert.h"
#include "validation/cel_tree.h"
#include "validation/cel_value.h"

struct var {
    const char *name;
    const struct json *value;
    const struct var *outer;
};

struct eval {
    const struct json *self, *old;
    int64_t cost;
    struct json *made; /* values that came to be on the way: all freed at the end */
    struct err *e;
};

/* Values are borrowed: from the objects, the expression or `made`. NULL: failed, ev->e says why. */
static const struct json *cel_eval_node(struct eval *ev, const struct cel_node *n,
                                        const struct var *vars);

static const struct json *
cel_eval_fail(struct eval *ev, const char *what)
{
    (void)err_set(ev->e, RC_INVALID, "%s", what);
    return NULL;
}

/* Takes `j`. */
static const struct json *
cel_eval_made(struct eval *ev, struct json *j)
{
    json_push(ev->made, j);
    return j;
}

static const struct json *
made_bool(struct eval *ev, bool v)
{
    return cel_eval_made(ev, json_new_bool(v));
}

/* Takes `j`; NULL: failed already. */
static const struct json *
made_or_null(struct eval *ev, struct json *j)
{
    return j != NULL ? cel_eval_made(ev, j) : NULL;
}

static const struct json *
eval_name(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    for (; vars != NULL; vars = vars->outer)
        if (strcmp(vars->name, n->name) == 0)
            return vars->value;
    if (strcmp(n->name, "self") == 0)
        return ev->self;
    return ev->old != NULL ? ev->old : cel_eval_fail(ev, "there is no oldSelf");
}

static const struct json *
eval_field(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    const struct json *of = cel_eval_node(ev, n->args[0], vars), *v;

    if (of == NULL)
        return NULL;
    if (cel_kind_of(of) != CEL_IS_MAP)
        return cel_eval_fail(ev, "no such overload: a field of what is not an object");
    v = json_field(of, n->name);
    if (n->op == CEL_HAS)
        return made_bool(ev, v != NULL && json_kind_of(v) != JSON_IS_NULL);
    if (v == NULL)
        (void)err_set(ev->e, RC_INVALID, "no such key: %s", n->name);
    return v;
}

static const struct json *
eval_index(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    const struct json *of = cel_eval_node(ev, n->args[0], vars);
    const struct json *at = of != NULL ? cel_eval_node(ev, n->args[1], vars) : NULL, *v = NULL;
    CLEANUP(mem_free_ptr) char *name = at != NULL ? cel_key_name(at) : NULL;
    bool whole = at != NULL && cel_is_number(at) && name != NULL && cel_double(at) >= 0;

    if (at == NULL)
        return NULL;
    if (cel_kind_of(of) == CEL_IS_MAP && name != NULL)
        v = json_field(of, name);
    else if (cel_kind_of(of) == CEL_IS_LIST && whole && cel_double(at) < (double)json_size(of))
        v = json_elem(of, (size_t)cel_double(at));
    return v != NULL ? v : cel_eval_fail(ev, "no such key or index");
}

/* && and ||: what decides wins over an error on the other side. */
static const struct json *
eval_logic(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    bool decides = n->op == CEL_OR, failed = false;
    struct err first = ERR_INIT;

    for (size_t i = 0; i < 2; i++) {
        const struct json *v = cel_eval_node(ev, n->args[i], vars);
        if (ev->e->code == RC_LIMIT)
            return NULL;
        if (v != NULL && json_kind_of(v) != JSON_IS_BOOL)
            v = cel_eval_fail(ev, "no such overload: a condition that is not a boolean");
        if (v != NULL && json_is_true(v) == decides) {
            *ev->e = (struct err)ERR_INIT;
            return v;
        }
        if (v == NULL && !failed) {
            first = *ev->e;
            failed = true;
        }
    }
    if (!failed)
        return made_bool(ev, !decides);
    *ev->e = first;
    return NULL;
}

static const struct json *
eval_if(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    const struct json *v = cel_eval_node(ev, n->args[0], vars);

    if (v == NULL)
        return NULL;
    if (json_kind_of(v) != JSON_IS_BOOL)
        return cel_eval_fail(ev, "no such overload: a condition that is not a boolean");
    return cel_eval_node(ev, n->args[json_is_true(v) ? 1 : 2], vars);
}

static const struct json *
cel_eval_compare(struct eval *ev, enum cel_op op, const struct json *a, const struct json *b)
{
    int order;

    if (!cel_compare(a, b, &order))
        return cel_eval_fail(ev, "no such overload: values that have no order");
    return made_bool(ev, op == CEL_LT   ? order < 0
                         : op == CEL_LE ? order <= 0
                         : op == CEL_GT ? order > 0
                                        : order >= 0);
}

static const struct json *
cel_eval_concat(struct eval *ev, const struct json *a, const struct json *b)
{
    struct json *list;

    ev->cost += (int64_t)(json_text_str(a).n + json_text_str(b).n) / 16;
    if (json_text(a) != NULL && json_text(b) != NULL) {
        CLEANUP(mem_free_ptr) char *text = mem_printf("%s%s", json_text(a), json_text(b));
        return cel_eval_made(ev, json_new_cstr(text));
    }
    if (cel_kind_of(a) == CEL_IS_BYTES && cel_kind_of(b) == CEL_IS_BYTES) {
        CLEANUP(mem_free_ptr) char *hex = mem_printf("%s%s", cel_bytes_hex(a), cel_bytes_hex(b));
        ev->cost += (int64_t)strlen(hex) / 16;
        return cel_eval_made(ev, cel_new_bytes_hex(hex));
    }
    if (cel_kind_of(a) != CEL_IS_LIST || cel_kind_of(b) != CEL_IS_LIST)
        return cel_eval_fail(ev, "no such overload: +");
    ev->cost += (int64_t)(json_size(a) + json_size(b));
    list = json_new_array();
    for (size_t i = 0; i < json_size(a); i++)
        json_push(list, json_ref(json_elem(a, i)));
    for (size_t i = 0; i < json_size(b); i++)
        json_push(list, json_ref(json_elem(b, i)));
    return cel_eval_made(ev, list);
}

static const struct json *
cel_eval_calculate(struct eval *ev, enum cel_op op, const struct json *a, const struct json *b)
{
    static const char signs[] = {
        [CEL_ADD] = '+', [CEL_SUB] = '-', [CEL_MUL] = '*', [CEL_DIV] = '/', [CEL_MOD] = '%'};

    if (op == CEL_ADD && !cel_is_number(a))
        return cel_eval_concat(ev, a, b);
    return made_or_null(ev, cel_calculate(signs[op], a, b, ev->e));
}

static const struct json *
is_in(struct eval *ev, const struct json *what, const struct json *in)
{
    bool found = false;

    if (cel_kind_of(in) == CEL_IS_MAP) {
        CLEANUP(mem_free_ptr) char *name = cel_key_name(what);
        return made_bool(ev, name != NULL && json_field(in, name) != NULL);
    }
    if (cel_kind_of(in) != CEL_IS_LIST)
        return cel_eval_fail(ev, "no such overload: in");
    for (size_t i = 0; i < json_size(in) && !found; i++)
        found = cel_equal(what, json_elem(in, i), &ev->cost);
    return made_bool(ev, found);
}

static const struct json *
eval_binary(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    const struct json *a = cel_eval_node(ev, n->args[0], vars);
    const struct json *b = a != NULL ? cel_eval_node(ev, n->args[1], vars) : NULL;

    if (b == NULL)
        return NULL;
    switch (n->op) {
    case CEL_EQ:
    case CEL_NE:
        return made_bool(ev, cel_equal(a, b, &ev->cost) == (n->op == CEL_EQ));
    case CEL_IN:
        return is_in(ev, a, b);
    case CEL_LT:
    case CEL_LE:
    case CEL_GT:
    case CEL_GE:
        return cel_eval_compare(ev, n->op, a, b);
    default:
        return cel_eval_calculate(ev, n->op, a, b);
    }
}

static const struct json *
eval_unary(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    const struct json *v = cel_eval_node(ev, n->args[0], vars);

    if (v == NULL)
        return NULL;
    if (n->op == CEL_NOT)
        return json_kind_of(v) == JSON_IS_BOOL ? made_bool(ev, !json_is_true(v))
                                               : cel_eval_fail(ev, "no such overload: !");
    if (cel_kind_of(v) == CEL_IS_DOUBLE)
        return cel_eval_made(ev, cel_new_double(-cel_double(v)));
    return cel_kind_of(v) == CEL_IS_INT
               ? made_or_null(ev, cel_calculate('-', cel_eval_made(ev, json_new_int(0)), v, ev->e))
               : cel_eval_fail(ev, "no such overload: -");
}

static const struct json *
eval_call(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    const struct json *args[CEL_CALL_ARGS_MAX] = {NULL};

    for (size_t i = 0; i < n->n; i++) {
        args[i] = cel_eval_node(ev, n->args[i], vars);
        if (args[i] == NULL)
            return NULL;
    }
    return made_or_null(ev, cel_call(n->name, n->op == CEL_METHOD, args, n->n, &ev->cost, ev->e));
}

/* --- macros ---------------------------------------------------------------------------------- */

struct fold {
    const struct cel_node *n;
    char how; /* a: all, e: exists, o: exists_one, f: filter, m: map */
    size_t hits;
    struct json *list;
    struct err failed; /* of all and exists: passed over when another element decides */
};

/* One element. False: the outcome is known, or it failed for good. */
static bool
fold_one(struct eval *ev, struct fold *f, const struct json *item, const struct var *vars)
{
    struct var var = {f->n->var, item, vars};
    const struct json *v = cel_eval_node(ev, f->n->args[1], &var);
    bool yes = json_is_true(v);

    if (f->how == 'm' && f->n->n == 2) {
        if (v != NULL)
            json_push(f->list, json_ref(v));
        return v != NULL;
    }
    if (v != NULL && json_kind_of(v) != JSON_IS_BOOL)
        v = cel_eval_fail(ev, "no such overload: a condition that is not a boolean");
    if (v == NULL) {
        if ((f->how != 'a' && f->how != 'e') || ev->e->code == RC_LIMIT)
            return false;
        f->failed = *ev->e;
        *ev->e = (struct err)ERR_INIT;
        return true;
    }
    f->hits += yes;
    if (yes && f->how == 'f')
        json_push(f->list, json_ref(item));
    if (yes && f->how == 'm') {
        v = cel_eval_node(ev, f->n->args[2], &var);
        if (v != NULL)
            json_push(f->list, json_ref(v));
        return v != NULL;
    }
    return !(f->how == 'a' && !yes) && !(f->how == 'e' && yes);
}

static const struct json *
eval_macro(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    const struct json *of = cel_eval_node(ev, n->args[0], vars);
    struct fold f = {.n = n, .how = n->name[0]};
    bool early = false;

    if (of == NULL)
        return NULL;
    if (cel_kind_of(of) != CEL_IS_LIST && cel_kind_of(of) != CEL_IS_MAP)
        return cel_eval_fail(ev, "no such overload: a macro over what is not a list");
    if (strcmp(n->name, "exists_one") == 0)
        f.how = 'o';
    f.list = json_new_array();
    (void)cel_eval_made(ev, f.list);
    for (size_t i = 0; json_kind_of(of) == JSON_IS_ARRAY && i < json_size(of) && !early; i++)
        early = !fold_one(ev, &f, json_elem(of, i), vars);
    if (json_kind_of(of) == JSON_IS_OBJECT)
        for (struct json_item it = json_first(of); it.key != NULL && !early; it = json_next(of, it))
            early = !fold_one(ev, &f, cel_eval_made(ev, cel_key_of(it.key)), vars);
    if (ev->e->code != RC_OK)
        return NULL;
    if (!early && f.failed.code != RC_OK) {
        *ev->e = f.failed;
        return NULL;
    }
    switch (f.how) {
    case 'a':
        return made_bool(ev, !early);
    case 'e':
        return made_bool(ev, early);
    case 'o':
        return made_bool(ev, f.hits == 1);
    default:
        return f.list;
    }
}

static bool
map_add(struct eval *ev, struct json *to, const struct json *key, const struct json *v)
{
    CLEANUP(mem_free_ptr) char *name = cel_kind_of(key) != CEL_IS_DOUBLE ? cel_key_name(key) : NULL;

    if (name == NULL || json_field(to, name) != NULL)
        return cel_eval_fail(ev, name == NULL ? "unsupported kind of key" : "repeated key") != NULL;
    json_set(to, name, json_ref(v));
    return true;
}

static const struct json *
eval_list(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    struct json *to = n->op == CEL_LIST ? json_new_array() : json_new_object();

    (void)cel_eval_made(ev, to);
    for (size_t i = 0; i < n->n; i++) {
        const struct json *v = cel_eval_node(ev, n->args[i], vars), *key = v;
        if (v == NULL)
            return NULL;
        if (n->op == CEL_LIST) {
            json_push(to, json_ref(v));
            continue;
        }
        v = cel_eval_node(ev, n->args[++i], vars);
        if (v == NULL)
            return NULL;
        if (!map_add(ev, to, key, v))
            return NULL;
    }
    return to;
}

static const struct json *
cel_eval_node(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    if (ev->cost++ > CEL_COST_MAX) {
        (void)err_set(ev->e, RC_LIMIT, "the rule is too expensive");
        return NULL;
    }
    switch (n->op) {
    case CEL_LITERAL:
        return n->value;
    case CEL_NAME:
        return eval_name(ev, n, vars);
    case CEL_LIST:
    case CEL_MAP:
        return eval_list(ev, n, vars);
    case CEL_FIELD:
    case CEL_HAS:
        return eval_field(ev, n, vars);
    case CEL_INDEX:
        return eval_index(ev, n, vars);
    case CEL_CALL:
    case CEL_METHOD:
        return eval_call(ev, n, vars);
    case CEL_MACRO:
        return eval_macro(ev, n, vars);
    case CEL_NOT:
    case CEL_MINUS:
        return eval_unary(ev, n, vars);
    case CEL_AND:
    case CEL_OR:
        return eval_logic(ev, n, vars);
    case CEL_IF:
        return eval_if(ev, n, vars);
    default:
        return eval_binary(ev, n, vars);
    }
}

enum rc
cel_eval(const struct cel *c, const struct json *self, const struct json *old, struct json **out,
         struct err *e)
{
    CLEANUP(json_free_ptr) struct json *all = json_new_array();
    struct err why = ERR_INIT;
    struct eval ev = {.self = self, .old = old, .made = all, .e = &why};
    const struct json *v = cel_eval_node(&ev, c->root, NULL);

    if (v == NULL) {
        *e = why;
        return err_code(e);
    }
    *out = json_clone(v);
    return RC_OK;
}
