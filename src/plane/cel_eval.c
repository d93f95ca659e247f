/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>

#include "base/mem.h"
#include "plane/cel_tree.h"
#include "plane/pattern.h"

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
static const struct json *eval(struct eval *ev, const struct cel_node *n, const struct var *vars);

static const struct json *
fail(struct eval *ev, const char *what)
{
    (void)err_set(ev->e, RC_INVALID, "%s", what);
    return NULL;
}

/* Takes `j`. */
static const struct json *
made(struct eval *ev, struct json *j)
{
    json_push(ev->made, j);
    return j;
}

static const struct json *
made_bool(struct eval *ev, bool v)
{
    return made(ev, json_new_bool(v));
}

static bool
is_number(const struct json *j)
{
    return json_kind_of(j) == JSON_IS_INT || json_kind_of(j) == JSON_IS_DOUBLE;
}

static bool
equal(const struct json *a, const struct json *b)
{
    if (is_number(a) && is_number(b) && json_kind_of(a) != json_kind_of(b))
        return json_double_or(a, 0) == json_double_or(b, 1);
    return json_same(a, b);
}

static const struct json *
eval_name(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    for (; vars != NULL; vars = vars->outer)
        if (strcmp(vars->name, n->name) == 0)
            return vars->value;
    if (strcmp(n->name, "self") == 0)
        return ev->self;
    return ev->old != NULL ? ev->old : fail(ev, "there is no oldSelf");
}

static const struct json *
eval_field(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    const struct json *of = eval(ev, n->args[0], vars), *v;

    if (of == NULL)
        return NULL;
    if (json_kind_of(of) != JSON_IS_OBJECT)
        return fail(ev, "no such overload: a field of what is no object");
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
    const struct json *of = eval(ev, n->args[0], vars);
    const struct json *at = of != NULL ? eval(ev, n->args[1], vars) : NULL, *v = NULL;
    int64_t i = json_int_or(at, -1);

    if (at == NULL)
        return NULL;
    if (json_kind_of(of) == JSON_IS_OBJECT && json_text(at) != NULL)
        v = json_field(of, json_text(at));
    else if (json_kind_of(of) == JSON_IS_ARRAY && i >= 0)
        v = json_elem(of, (size_t)i);
    return v != NULL ? v : fail(ev, "no such key or index");
}

/* && and ||: what decides wins over an error on the other side. */
static const struct json *
eval_logic(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    bool decides = n->op == CEL_OR, failed = false;
    struct err first = ERR_INIT;

    for (size_t i = 0; i < 2; i++) {
        const struct json *v = eval(ev, n->args[i], vars);
        if (ev->e->code == RC_LIMIT)
            return NULL;
        if (v != NULL && json_kind_of(v) != JSON_IS_BOOL)
            v = fail(ev, "no such overload: a condition that is no boolean");
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
    const struct json *v = eval(ev, n->args[0], vars);

    if (v == NULL)
        return NULL;
    if (json_kind_of(v) != JSON_IS_BOOL)
        return fail(ev, "no such overload: a condition that is no boolean");
    return eval(ev, n->args[json_is_true(v) ? 1 : 2], vars);
}

static const struct json *
compare(struct eval *ev, enum cel_op op, const struct json *a, const struct json *b)
{
    int order;

    if (json_text(a) != NULL && json_text(b) != NULL) {
        order = strcmp(json_text(a), json_text(b));
    } else if (json_kind_of(a) == JSON_IS_INT && json_kind_of(b) == JSON_IS_INT) {
        int64_t x = json_int_or(a, 0), y = json_int_or(b, 0);
        order = x < y ? -1 : x > y;
    } else if (is_number(a) && is_number(b)) {
        double x = json_double_or(a, 0), y = json_double_or(b, 0);
        order = x < y ? -1 : x > y;
    } else if (json_kind_of(a) == JSON_IS_BOOL && json_kind_of(b) == JSON_IS_BOOL) {
        order = (int)json_is_true(a) - (int)json_is_true(b);
    } else {
        return fail(ev, "no such overload: values that have no order");
    }
    return made_bool(ev, op == CEL_LT   ? order < 0
                         : op == CEL_LE ? order <= 0
                         : op == CEL_GT ? order > 0
                                        : order >= 0);
}

static const struct json *
calculate_int(struct eval *ev, enum cel_op op, int64_t a, int64_t b)
{
    int64_t v = 0;
    bool bad = false;

    switch (op) {
    case CEL_ADD:
        bad = __builtin_add_overflow(a, b, &v);
        break;
    case CEL_SUB:
        bad = __builtin_sub_overflow(a, b, &v);
        break;
    case CEL_MUL:
        bad = __builtin_mul_overflow(a, b, &v);
        break;
    default:
        if (b == 0)
            return fail(ev, "division by zero");
        if (a == INT64_MIN && b == -1)
            bad = true;
        else
            v = op == CEL_DIV ? a / b : a % b;
    }
    return bad ? fail(ev, "integer overflow") : made(ev, json_new_int(v));
}

static const struct json *
concat(struct eval *ev, const struct json *a, const struct json *b)
{
    struct json *list;

    ev->cost += (int64_t)(json_text_str(a).n + json_text_str(b).n) / 16;
    if (json_text(a) != NULL && json_text(b) != NULL) {
        CLEANUP(mem_free_ptr) char *text = mem_printf("%s%s", json_text(a), json_text(b));
        return made(ev, json_new_cstr(text));
    }
    if (json_kind_of(a) != JSON_IS_ARRAY || json_kind_of(b) != JSON_IS_ARRAY)
        return fail(ev, "no such overload: +");
    ev->cost += (int64_t)(json_size(a) + json_size(b));
    list = json_new_array();
    for (size_t i = 0; i < json_size(a); i++)
        json_push(list, json_ref(json_elem(a, i)));
    for (size_t i = 0; i < json_size(b); i++)
        json_push(list, json_ref(json_elem(b, i)));
    return made(ev, list);
}

static const struct json *
calculate(struct eval *ev, enum cel_op op, const struct json *a, const struct json *b)
{
    double x, y;

    if (json_kind_of(a) == JSON_IS_INT && json_kind_of(b) == JSON_IS_INT)
        return calculate_int(ev, op, json_int_or(a, 0), json_int_or(b, 0));
    if (!is_number(a) || !is_number(b))
        return op == CEL_ADD ? concat(ev, a, b) : fail(ev, "no such overload: arithmetic");
    x = json_double_or(a, 0);
    y = json_double_or(b, 0);
    x = op == CEL_ADD   ? x + y
        : op == CEL_SUB ? x - y
        : op == CEL_MUL ? x * y
        : op == CEL_DIV ? x / y
                        : (double)NAN;
    return isfinite(x) ? made(ev, json_new_double(x)) : fail(ev, "the result is no number");
}

static const struct json *
is_in(struct eval *ev, const struct json *what, const struct json *in)
{
    bool found = false;

    if (json_kind_of(in) == JSON_IS_OBJECT)
        return made_bool(ev, json_text(what) != NULL && json_field(in, json_text(what)) != NULL);
    if (json_kind_of(in) != JSON_IS_ARRAY)
        return fail(ev, "no such overload: in");
    ev->cost += (int64_t)json_size(in);
    for (size_t i = 0; i < json_size(in) && !found; i++)
        found = equal(what, json_elem(in, i));
    return made_bool(ev, found);
}

static const struct json *
eval_binary(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    const struct json *a = eval(ev, n->args[0], vars);
    const struct json *b = a != NULL ? eval(ev, n->args[1], vars) : NULL;

    if (b == NULL)
        return NULL;
    switch (n->op) {
    case CEL_EQ:
    case CEL_NE:
        return made_bool(ev, equal(a, b) == (n->op == CEL_EQ));
    case CEL_IN:
        return is_in(ev, a, b);
    case CEL_LT:
    case CEL_LE:
    case CEL_GT:
    case CEL_GE:
        return compare(ev, n->op, a, b);
    default:
        return calculate(ev, n->op, a, b);
    }
}

static const struct json *
eval_unary(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    const struct json *v = eval(ev, n->args[0], vars);

    if (v == NULL)
        return NULL;
    if (n->op == CEL_NOT)
        return json_kind_of(v) == JSON_IS_BOOL ? made_bool(ev, !json_is_true(v))
                                               : fail(ev, "no such overload: !");
    if (json_kind_of(v) == JSON_IS_INT)
        return calculate_int(ev, CEL_SUB, 0, json_int_or(v, 0));
    return json_kind_of(v) == JSON_IS_DOUBLE ? made(ev, json_new_double(-json_double_or(v, 0)))
                                             : fail(ev, "no such overload: -");
}

/* --- functions ------------------------------------------------------------------------------- */

static const struct json *
call_size(struct eval *ev, const struct json *v)
{
    const char *s = json_text(v);
    int64_t n = 0;

    if (s == NULL)
        return json_kind_of(v) == JSON_IS_ARRAY || json_kind_of(v) == JSON_IS_OBJECT
                   ? made(ev, json_new_int((int64_t)json_size(v)))
                   : fail(ev, "no such overload: size");
    for (; *s != '\0'; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return made(ev, json_new_int(n));
}

static const struct json *
call_convert(struct eval *ev, char to, const struct json *v)
{
    const char *s = json_text(v);
    char *end;
    double d;
    int64_t n;

    if (to == 's') {
        CLEANUP(mem_free_ptr) char *text = s == NULL ? json_to_text(v, false) : NULL;
        if (json_kind_of(v) == JSON_IS_ARRAY || json_kind_of(v) == JSON_IS_OBJECT)
            return fail(ev, "no such overload: string");
        return s != NULL ? v : made(ev, json_new_cstr(text));
    }
    if (to == 'b')
        return json_kind_of(v) == JSON_IS_BOOL ? v
               : s != NULL && (strcmp(s, "true") == 0 || strcmp(s, "false") == 0)
                   ? made_bool(ev, s[0] == 't')
                   : fail(ev, "no such overload: bool");
    if (to == 'i') {
        if (s != NULL)
            return str_to_i64(str_c(s), &n) ? made(ev, json_new_int(n))
                                            : fail(ev, "the string is no integer");
        d = trunc(json_double_or(v, NAN));
        if (json_kind_of(v) == JSON_IS_INT)
            return v;
        return fabs(d) < 9.2e18 ? made(ev, json_new_int((int64_t)d))
                                : fail(ev, "no such overload: int");
    }
    if (s == NULL)
        return is_number(v) ? made(ev, json_new_double(json_double_or(v, 0)))
                            : fail(ev, "no such overload: double");
    d = strtod(s, &end);
    return *end == '\0' && end != s && isfinite(d) ? made(ev, json_new_double(d))
                                                   : fail(ev, "the string is no number");
}

static const struct json *
call_text(struct eval *ev, char how, const char *s)
{
    CLEANUP(mem_free_ptr) char *copy = mem_strdup(s);
    char *at = copy;
    size_t n = strlen(copy);

    if (how == 't') {
        while (n > 0 && isspace((unsigned char)copy[n - 1]))
            copy[--n] = '\0';
        while (isspace((unsigned char)*at))
            at++;
    }
    for (size_t i = 0; i < n && how != 't'; i++)
        copy[i] =
            (char)(how == 'l' ? tolower((unsigned char)copy[i]) : toupper((unsigned char)copy[i]));
    return made(ev, json_new_cstr(at));
}

static const struct json *
eval_call(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    const struct json *of = eval(ev, n->args[0], vars), *arg;
    const char *s, *t;
    size_t len, tail;

    if (of == NULL)
        return NULL;
    if (strcmp(n->name, "size") == 0)
        return call_size(ev, of);
    if (strcmp(n->name, "string") == 0 || strcmp(n->name, "int") == 0 ||
        strcmp(n->name, "double") == 0 || strcmp(n->name, "bool") == 0)
        return call_convert(ev, n->name[0], of);
    s = json_text(of);
    if (s == NULL)
        return fail(ev, "no such overload: a method of what is no string");
    if (n->n == 1)
        return call_text(ev, n->name[0], s);
    arg = eval(ev, n->args[1], vars);
    if (arg == NULL)
        return NULL;
    t = json_text(arg);
    if (t == NULL)
        return fail(ev, "no such overload: an argument that is no string");
    len = strlen(s);
    tail = strlen(t);
    ev->cost += (int64_t)(len + tail) / 16;
    if (strcmp(n->name, "startsWith") == 0)
        return made_bool(ev, strncmp(s, t, tail) == 0);
    if (strcmp(n->name, "endsWith") == 0)
        return made_bool(ev, len >= tail && strcmp(s + len - tail, t) == 0);
    if (strcmp(n->name, "contains") == 0)
        return made_bool(ev, strstr(s, t) != NULL);
    ev->cost += 50;
    switch (pattern_match(t, s)) {
    case PATTERN_BAD:
        return fail(ev, "bad regular expression");
    default:
        return made_bool(ev, pattern_match(t, s) == PATTERN_MATCHES);
    }
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
    const struct json *v = eval(ev, f->n->args[1], &var);
    bool yes = json_is_true(v);

    if (f->how == 'm' && f->n->n == 2) {
        if (v != NULL)
            json_push(f->list, json_ref(v));
        return v != NULL;
    }
    if (v != NULL && json_kind_of(v) != JSON_IS_BOOL)
        v = fail(ev, "no such overload: a condition that is no boolean");
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
        v = eval(ev, f->n->args[2], &var);
        if (v != NULL)
            json_push(f->list, json_ref(v));
        return v != NULL;
    }
    return !(f->how == 'a' && !yes) && !(f->how == 'e' && yes);
}

static const struct json *
eval_macro(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    const struct json *of = eval(ev, n->args[0], vars);
    struct fold f = {.n = n, .how = n->name[0]};
    bool early = false;

    if (of == NULL)
        return NULL;
    if (json_kind_of(of) != JSON_IS_ARRAY && json_kind_of(of) != JSON_IS_OBJECT)
        return fail(ev, "no such overload: a macro over what is no list");
    if (strcmp(n->name, "exists_one") == 0)
        f.how = 'o';
    f.list = json_new_array();
    (void)made(ev, f.list);
    for (size_t i = 0; json_kind_of(of) == JSON_IS_ARRAY && i < json_size(of) && !early; i++)
        early = !fold_one(ev, &f, json_elem(of, i), vars);
    if (json_kind_of(of) == JSON_IS_OBJECT)
        for (struct json_item it = json_first(of); it.key != NULL && !early; it = json_next(of, it))
            early = !fold_one(ev, &f, made(ev, json_new_cstr(it.key)), vars);
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

static const struct json *
eval_list(struct eval *ev, const struct cel_node *n, const struct var *vars)
{
    struct json *to = n->op == CEL_LIST ? json_new_array() : json_new_object();

    (void)made(ev, to);
    for (size_t i = 0; i < n->n; i++) {
        const struct json *v = eval(ev, n->args[i], vars), *key = v;
        if (v == NULL)
            return NULL;
        if (n->op == CEL_LIST) {
            json_push(to, json_ref(v));
            continue;
        }
        v = eval(ev, n->args[++i], vars);
        if (v == NULL)
            return NULL;
        if (json_text(key) == NULL)
            return fail(ev, "keys of maps must be strings here");
        json_set(to, json_text(key), json_ref(v));
    }
    return to;
}

static const struct json *
eval(struct eval *ev, const struct cel_node *n, const struct var *vars)
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
    const struct json *v = eval(&ev, c->root, NULL);

    if (v == NULL) {
        *e = why;
        return e->code;
    }
    *out = json_clone(v);
    return RC_OK;
}
