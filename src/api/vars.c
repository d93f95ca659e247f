/* SPDX-License-Identifier: Apache-2.0 */
#include "api/vars.h"

#include <ctype.h>
#include <fnmatch.h>

#include "base/mem.h"

enum { EXPANDED_MAX = 1024 * 1024, NEST_MAX = 16, PARAMS_MAX = 1000, STRIPPED_MAX = 4096 };

struct var {
    char *name, *value;
};

struct vars {
    struct var *v;
    size_t n;
};

struct vars *
vars_new(void)
{
    return MEM_NEW(struct vars);
}

void
vars_free(struct vars *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->n; i++) {
        mem_free(v->v[i].name);
        mem_free(v->v[i].value);
    }
    mem_free(v->v);
    mem_free(v);
}

static struct var *
vars_find(const struct vars *v, struct str name)
{
    for (size_t i = 0; i < v->n; i++)
        if (str_eq(str_c(v->v[i].name), name))
            return &v->v[i];
    return NULL;
}

void
vars_set(struct vars *v, const char *name, const char *value)
{
    struct var *at = vars_find(v, str_c(name));

    if (value == NULL)
        return;
    if (at == NULL) {
        v->v = (struct var *)mem_more(v->v, v->n, sizeof(*v->v));
        at = &v->v[v->n++];
        *at = (struct var){mem_strdup(name), NULL};
    }
    mem_free(at->value);
    at->value = mem_strdup(value);
}

void
vars_set_int(struct vars *v, const char *name, int64_t value)
{
    char text[STR_INT_MAX + 1] = "";

    (void)str_put_i64(value, (uint8_t *)text);
    vars_set(v, name, text);
}

const char *
vars_get(const struct vars *v, const char *name)
{
    const struct var *at = vars_find(v, str_c(name));

    return at == NULL ? NULL : at->value;
}

void
vars_set_params(struct vars *v, const struct json *params)
{
    for (size_t i = 0; i < json_size(params); i++) {
        const struct json *p = json_elem(params, i);

        if (json_text(json_field(p, "name")) != NULL)
            vars_set(v, json_text(json_field(p, "name")), json_text_or(json_field(p, "value"), ""));
    }
}

/* ---- one ${...} ---- */

static struct str
vars_sub(struct str s, size_t from, size_t to)
{
    return str_of(s.p + from, to - from);
}

static bool
is_name(uint8_t c, bool first)
{
    return isalpha(c) || c == '_' || (!first && (isdigit(c) || c == '-' || c == '.'));
}

static bool
vars_glob(struct str pattern, struct str text)
{
    char *p = mem_strndup((const char *)pattern.p, pattern.n);
    char *t = mem_strndup((const char *)text.p, text.n);
    bool match = fnmatch(p, t, 0) == 0;

    mem_free(p);
    mem_free(t);
    return match;
}

/* What is left after taking a piece that matches off the front (#) or the back (%). */
static struct str
vars_strip(struct str value, struct str pattern, bool front, bool longest)
{
    for (size_t i = 0; i <= value.n; i++) {
        size_t len = longest ? value.n - i : i;

        if (front && vars_glob(pattern, vars_sub(value, 0, len)))
            return vars_sub(value, len, value.n);
        if (!front && vars_glob(pattern, vars_sub(value, value.n - len, value.n)))
            return vars_sub(value, 0, value.n - len);
    }
    return value;
}

static enum rc
vars_replace(struct str value, struct str rest, struct buf *out, struct err *e)
{
    char how = (char)(rest.n > 0 && strchr("/#%", rest.p[0]) != NULL ? rest.p[0] : ' ');
    struct str body = vars_sub(rest, how != ' ', rest.n);
    const uint8_t *slash = (const uint8_t *)memchr(body.p, '/', body.n);
    size_t cut = slash == NULL ? body.n : (size_t)(slash - body.p), at = 0;
    struct str what = vars_sub(body, 0, cut), with = vars_sub(body, cut + (slash != NULL), body.n);
    bool done = what.n == 0;

    while (at < value.n) {
        bool here = !done && value.n - at >= what.n && memcmp(value.p + at, what.p, what.n) == 0;

        here = here && (how != '#' || at == 0) && (how != '%' || at + what.n == value.n);
        if (buf_add_str(out, here ? with : vars_sub(value, at, at + 1), e))
            return err_code(e);
        at += here ? what.n : 1;
        done = done || (here && how != '/');
    }
    return RC_OK;
}

static uint8_t
in_case(uint8_t c, char how)
{
    return (uint8_t)(how == '^' ? toupper(c) : tolower(c));
}

static enum rc
change_case(struct str value, char how, bool all, struct buf *out, struct err *e)
{
    for (size_t i = 0; i < value.n; i++) {
        uint8_t c = value.p[i];

        if (i == 0 || all)
            c = in_case(c, how);
        if (buf_add(out, &c, 1, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
vars_slice(struct str value, struct str how, struct buf *out, struct err *e)
{
    const uint8_t *colon = (const uint8_t *)memchr(how.p, ':', how.n);
    size_t cut = colon == NULL ? how.n : (size_t)(colon - how.p);
    uint64_t from = 0, len = value.n;

    if (!str_to_u64(vars_sub(how, 0, cut), &from) ||
        (colon != NULL && !str_to_u64(vars_sub(how, cut + 1, how.n), &len)))
        return err_set(e, RC_INVALID, "\":%.*s\" is not a place in a value", (int)MIN(how.n, 40),
                       (const char *)how.p);
    from = MIN(from, value.n);
    return buf_add_str(out, vars_sub(value, from, from + MIN(len, value.n - from)), e);
}

static enum rc expand(const struct vars *v, struct str text, unsigned depth, struct buf *out,
                      struct err *e);

/* `body` is what stands between the braces. */
static enum rc
vars_braces(const struct vars *v, struct str body, unsigned depth, struct buf *out, struct err *e)
{
    bool length = body.n > 0 && body.p[0] == '#';
    size_t from = length, end = from;
    const struct var *var;
    struct str value, op;

    while (end < body.n && is_name(body.p[end], end == from))
        end++;
    if (end == from)
        return err_set(e, RC_INVALID, "\"${%.*s}\" names no variable", (int)MIN(body.n, 60),
                       (const char *)body.p);
    var = vars_find(v, vars_sub(body, from, end));
    op = vars_sub(body, end, body.n);
    if (op.n > 0 && (op.p[0] == '=' || (op.n > 1 && op.p[0] == ':' && strchr("=-", op.p[1])))) {
        if (var != NULL)
            return buf_add_str(out, str_c(var->value), e);
        return expand(v, vars_sub(op, op.p[0] == ':' ? 2 : 1, op.n), depth + 1, out, e);
    }
    if (var == NULL)
        return err_set(e, RC_INVALID, "input/default value not found for key %.*s",
                       (int)MIN(end - from, 60), (const char *)body.p + from);
    value = str_c(var->value);
    if (length)
        return buf_printf(out, e, "%zu", value.n);
    if (op.n == 0)
        return buf_add_str(out, value, e);
    bool twice = op.n > 1 && op.p[1] == op.p[0];
    switch (op.p[0]) {
    case '#':
    case '%':
        if (value.n > STRIPPED_MAX) /* each of its ends is compared with the pattern */
            return err_set(e, RC_LIMIT, "a value of more than %d bytes cannot be stripped",
                           STRIPPED_MAX);
        return buf_add_str(
            out, vars_strip(value, vars_sub(op, 1U + twice, op.n), op.p[0] == '#', twice), e);
    case '/':
        return vars_replace(value, vars_sub(op, 1, op.n), out, e);
    case '^':
    case ',':
        return change_case(value, (char)op.p[0], twice, out, e);
    case ':':
        return vars_slice(value, vars_sub(op, 1, op.n), out, e);
    default:
        return err_set(e, RC_INVALID, "\"${%.*s}\" is not understood", (int)MIN(body.n, 60),
                       (const char *)body.p);
    }
}

/* The closing brace for the one before `at`; text.n: none. */
static size_t
vars_closing(struct str text, size_t at)
{
    for (size_t open = 1; at < text.n; at++) {
        if (text.p[at] == '$' && at + 1 < text.n && text.p[at + 1] == '{')
            open++;
        else if (text.p[at] == '}' && --open == 0)
            break;
    }
    return at;
}

static enum rc
expand(const struct vars *v, struct str text, unsigned depth, struct buf *out, struct err *e)
{
    if (depth > NEST_MAX)
        return err_set(e, RC_LIMIT, "variables are nested more than %d deep", NEST_MAX);
    for (size_t i = 0; i < text.n;) {
        bool more = text.p[i] == '$' && i + 1 < text.n;
        size_t end;

        if (more && text.p[i + 1] == '{') {
            end = vars_closing(text, i + 2);
            if (end == text.n)
                return err_set(e, RC_INVALID, "a \"${\" is not closed");
            if (vars_braces(v, vars_sub(text, i + 2, end), depth, out, e))
                return err_code(e);
            i = end + 1;
        } else {
            if (buf_add(out, text.p + i, 1, e))
                return err_code(e);
            i += more && text.p[i + 1] == '$' ? 2 : 1;
        }
    }
    return RC_OK;
}

enum rc
vars_expand(const struct vars *v, struct str text, struct buf *out, struct err *e)
{
    return expand(v, text, 0, out, e);
}

enum rc
vars_expand_tree(const struct vars *v, const struct json *tree, struct json **out, struct err *e)
{
    struct buf text = BUF_INIT(EXPANDED_MAX);
    struct json *copy, *child = NULL;
    enum rc rc = RC_OK;

    switch (json_kind_of(tree)) {
    case JSON_IS_STR:
        rc = expand(v, json_text_str(tree), 0, &text, e);
        if (rc == RC_OK)
            *out = json_new_str(buf_str(&text));
        buf_release(&text);
        return rc;
    case JSON_IS_ARRAY:
        copy = json_new_array();
        for (size_t i = 0; i < json_size(tree) && rc == RC_OK; i++) {
            rc = vars_expand_tree(v, json_elem(tree, i), &child, e);
            if (rc == RC_OK)
                json_push(copy, child);
        }
        break;
    case JSON_IS_OBJECT:
        copy = json_new_object();
        for (struct json_item it = json_first(tree); it.key != NULL && rc == RC_OK;
             it = json_next(tree, it)) {
            rc = vars_expand_tree(v, it.value, &child, e);
            if (rc == RC_OK)
                json_set(copy, it.key, child);
        }
        break;
    default:
        copy = json_clone(tree);
    }
    if (rc == RC_OK)
        *out = copy;
    else
        json_free(copy);
    return rc;
}

/* ---- params that name other params ---- */

enum mark { OPEN, BUSY, DONE };

struct params {
    struct vars *v;
    const struct json *list;
    enum mark *marks;
};

static enum rc vars_settle(struct params *p, size_t i, struct err *e);

/* Settle every param that `text` names. */
static enum rc
settle_named(struct params *p, struct str text, struct err *e)
{
    for (size_t i = 0; i < json_size(p->list); i++) {
        const char *name = json_text_or(json_field(json_elem(p->list, i), "name"), "");
        size_t n = strlen(name);

        for (size_t at = 0; n > 0 && at + n + 2 <= text.n; at++)
            if (text.p[at] == '$' && text.p[at + 1] == '{' &&
                memcmp(text.p + at + 2, name, n) == 0 &&
                (at + n + 2 == text.n || !is_name(text.p[at + n + 2], false)) &&
                vars_settle(p, i, e) != RC_OK)
                return err_code(e);
    }
    return RC_OK;
}

static enum rc
vars_settle(struct params *p, size_t i, struct err *e)
{
    const struct json *one = json_elem(p->list, i);
    const char *name = json_text_or(json_field(one, "name"), "");
    struct str value = str_c(json_text_or(json_field(one, "value"), ""));
    struct buf text = BUF_INIT(EXPANDED_MAX);
    enum rc rc;

    if (p->marks[i] == DONE || vars_find(p->v, str_c(name)) != NULL)
        return RC_OK;
    if (p->marks[i] == BUSY)
        return err_set(e, RC_INVALID, "the value of param %s needs itself", name);
    p->marks[i] = BUSY;
    rc = settle_named(p, value, e);
    if (rc == RC_OK && (rc = expand(p->v, value, 0, &text, e)) != RC_OK)
        (void)err_wrap(e, "param %s", name);
    if (rc == RC_OK)
        vars_set(p->v, name, buf_c(&text));
    p->marks[i] = DONE;
    buf_release(&text);
    return rc;
}

enum rc
vars_set_expanded(struct vars *v, const struct json *params, struct err *e)
{
    struct params p = {v, params, NULL};
    enum rc rc = RC_OK;

    if (json_size(params) > PARAMS_MAX) /* each may need the next one */
        return err_set(e, RC_LIMIT, "there are more than %d params", PARAMS_MAX);
    p.marks = (enum mark *)mem_zero(json_size(params) + 1, sizeof(*p.marks));
    for (size_t i = 0; i < json_size(params) && rc == RC_OK; i++)
        rc = vars_settle(&p, i, e);
    mem_free(p.marks);
    return rc;
}
