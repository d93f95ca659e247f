/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/jsonpath_walk.h"

#include <ctype.h>

#include "base/mem.h"
#include "cli/jsonpath.h"
#include "json/utf8.h"

enum { FOUND_MAX = 4 * 1000 * 1000 };

void
found_add(struct path *p, struct found *f, const struct json *j)
{
    if (j == NULL || p->added > FOUND_MAX)
        return;
    p->added++;
    f->v = (const struct json **)mem_more(f->v, f->n, sizeof(struct json *));
    f->v[f->n++] = j;
}

void
found_release(struct found *f)
{
    mem_free(f->v);
    *f = (struct found){.v = NULL};
}

static void
found_become(struct found *f, struct found next)
{
    found_release(f);
    *f = next;
}

static enum rc
path_malformed(struct path *p, const char *at)
{
    return err_set(p->e, RC_INVALID, "the jsonpath is malformed at \"%.60s\"", at);
}

static bool
path_is(const struct path *p, const char *token)
{
    size_t n = strlen(token);

    return (size_t)(p->end - p->at) >= n && memcmp(p->at, token, n) == 0;
}

/* --- steps: from what was found to what is found there --- */

static void
step_children(struct path *p, struct found *f)
{
    struct found next = {.v = NULL};

    for (size_t i = 0; i < f->n; i++) {
        const struct json *j = f->v[i];
        for (struct json_item it = json_first(j); it.key != NULL; it = json_next(j, it))
            found_add(p, &next, it.value);
        for (size_t k = 0; json_kind_of(j) == JSON_IS_ARRAY && k < json_size(j); k++)
            found_add(p, &next, json_elem(j, k));
    }
    found_become(f, next);
}

static void
step_field(struct path *p, struct found *f, const char *key)
{
    struct found next = {.v = NULL};

    for (size_t i = 0; i < f->n; i++)
        found_add(p, &next, json_field(f->v[i], key));
    found_become(f, next);
}

/* `j` and all below it, in order: what holds something, and strings, as kubectl has it. */
static void
add_all(struct path *p, struct found *to, const struct json *j)
{
    struct found below = {.v = NULL};

    if (json_text(j) != NULL ? json_text(j)[0] != '\0' : json_size(j) > 0)
        found_add(p, to, j);
    found_add(p, &below, j);
    step_children(p, &below);
    for (size_t i = 0; i < below.n; i++)
        add_all(p, to, below.v[i]);
    found_release(&below);
}

static void
step_descend(struct path *p, struct found *f)
{
    struct found next = {.v = NULL};

    for (size_t i = 0; i < f->n; i++)
        add_all(p, &next, f->v[i]);
    found_become(f, next);
}

struct slice {
    bool has[3];
    int64_t v[3]; /* from, to, step */
};

static enum rc
add_slice(struct path *p, struct found *to, const struct json *list, const struct slice *s)
{
    int64_t n = (int64_t)json_size(list), from = s->has[0] ? s->v[0] : 0,
            end = s->has[1] ? s->v[1] : n, step = s->has[2] ? s->v[2] : 1;

    if (json_kind_of(list) == JSON_IS_NULL)
        return RC_OK;
    if (json_kind_of(list) != JSON_IS_ARRAY)
        return err_set(p->e, RC_INVALID, "an index or slice of something that is not a list");
    from += from < 0 ? n : 0;
    end += end < 0 ? n : 0;
    if (from == end)
        return RC_OK;
    if (from < 0 || from >= n || end < 0 || end > n)
        return err_set(p->e, RC_INVALID, "array index out of bounds: index %lld, length %lld",
                       (long long)(from < 0 || from >= n ? from : end - 1), (long long)n);
    if (from > end)
        return err_set(p->e, RC_INVALID, "starting index %lld is greater than ending index %lld",
                       (long long)from, (long long)end);
    for (; from < end; from += step)
        found_add(p, to, json_elem(list, (size_t)from));
    return RC_OK;
}

/* "1", "-1", "1:", ":-1", "::2", "*" between `at` and `end`. */
static bool
slice_parse(const char *at, const char *end, struct slice *s)
{
    int part = 0;
    bool colon = false;

    *s = (struct slice){.v = {0}};
    if (end - at == 1 && *at == '*')
        return true;
    for (; at < end; at++) {
        char *stop;
        if (*at == ':') {
            colon = true;
            if (++part > 2)
                return false;
            continue;
        }
        s->v[part] = strtoll(at, &stop, 10);
        if (s->has[part] || stop == at || isspace((unsigned char)*at) || *at == '+' ||
            s->v[part] > INT32_MAX || s->v[part] < -INT32_MAX)
            return false;
        s->has[part] = true;
        at = stop - 1;
    }
    if (!colon) { /* one element */
        s->v[1] = s->v[0] + 1;
        s->has[1] = s->v[0] != -1;
    }
    return !s->has[2] || s->v[2] > 0;
}

/* --- words and texts --- */

bool
path_ends_word(char c)
{
    return isspace((unsigned char)c) || strchr(".,[]$@{}", c) != NULL;
}

/* A name of a field; a backslash keeps the next character. */
static void
path_name(struct path *p, struct buf *to)
{
    buf_reset(to);
    while (p->at < p->end && !path_ends_word(*p->at)) {
        p->at += *p->at == '\\' && p->at + 1 < p->end;
        buf_must_add(to, p->at++, 1);
    }
}

static void
put_escape(const char **at, struct buf *to)
{
    static const char names[] = "abfnrtv", plain[] = "\a\b\f\n\r\t\v";
    size_t digits = **at == 'x' ? 2 : **at == 'u' ? 4 : 0, i = 0;
    uint32_t code = 0;
    uint8_t u[4];

    while (i < digits && isxdigit((unsigned char)(*at)[i + 1])) {
        char c = (*at)[++i];
        code = code * 16 + (uint32_t)(isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (digits > 0 && i == digits && code != 0) {
        buf_must_add(to, u, utf8_put(code, u));
        *at += digits + 1;
    } else {
        const char *known = **at != '\0' ? strchr(names, **at) : NULL;
        buf_must_add(to, known != NULL ? &plain[known - names] : *at, 1);
        ++*at;
    }
}

/* 'text' or "text"; false: no end. */
static bool
path_quoted(struct path *p, struct buf *to)
{
    char quote = *p->at++;

    buf_reset(to);
    while (p->at < p->end && *p->at != quote)
        if (*p->at == '\\' && p->at + 1 < p->end) {
            p->at++;
            put_escape(&p->at, to);
        } else {
            buf_must_add(to, p->at++, 1);
        }
    return p->at < p->end && *p->at++ == quote;
}

static void
found_literal(struct path *p, struct found *f, struct json *value)
{
    struct found next = {.v = NULL};

    json_push(p->made, value);
    found_add(p, &next, value);
    found_become(f, next);
}

/* 12, -1.5, true, "text": what an action or one side of a filter may be. */
static enum rc
step_literal(struct path *p, struct found *f)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(SIZE_MAX);
    const char *start = p->at;
    int64_t i;
    char *stop;
    double d;

    if (*p->at == '"' || *p->at == '\'') {
        if (!path_quoted(p, &text))
            return path_malformed(p, start);
        found_literal(p, f, json_new_str(buf_str(&text)));
        return RC_OK;
    }
    while (p->at < p->end && (!path_ends_word(*p->at) || *p->at == '.'))
        buf_must_add(&text, p->at++, 1);
    if (text.n == 0)
        return path_malformed(p, start);
    if (str_eq(buf_str(&text), STR_LIT("true")) || str_eq(buf_str(&text), STR_LIT("false"))) {
        found_literal(p, f, json_new_bool(*start == 't'));
        return RC_OK;
    }
    if (str_to_i64(str_c(buf_c(&text) + (buf_c(&text)[0] == '+')), &i)) {
        found_literal(p, f, json_new_int(i));
        return RC_OK;
    }
    d = strtod(buf_c(&text), &stop);
    if (strspn(buf_c(&text), "+-.0123456789") != text.n || stop != buf_c(&text) + text.n)
        return path_malformed(p, start);
    found_literal(p, f, json_new_double(d));
    return RC_OK;
}

/* --- filters --- */

/* -1, 0, 1; false: they cannot be compared. Booleans know no more than equality. */
static bool
filter_compare(const struct json *a, const struct json *b, bool ordered, int *order)
{
    enum json_kind ka = json_kind_of(a), kb = json_kind_of(b);
    double x = json_double_or(a, 0), y = json_double_or(b, 0);

    if (ka == JSON_IS_STR && kb == JSON_IS_STR) {
        *order = strcmp(json_text(a), json_text(b));
    } else if (ka == JSON_IS_INT && kb == JSON_IS_INT) {
        int64_t i = json_int_or(a, 0), k = json_int_or(b, 0);
        *order = i < k ? -1 : i > k;
    } else if ((ka == JSON_IS_INT || ka == JSON_IS_DOUBLE) &&
               (kb == JSON_IS_INT || kb == JSON_IS_DOUBLE)) {
        *order = x < y ? -1 : x > y;
    } else if (ka == JSON_IS_BOOL && kb == JSON_IS_BOOL && !ordered) {
        *order = json_is_true(a) != json_is_true(b);
    } else {
        return false;
    }
    return true;
}

struct filter {
    const char *left, *left_end, *right, *right_end; /* right NULL: is there something? */
    char op[3];
};

static enum rc
filter_side(struct path *p, const char *at, const char *end, const struct json *item,
            struct found *f)
{
    struct path side = {
        .at = at, .end = end, .made = p->made, .added = p->added, .depth = p->depth + 1, .e = p->e};
    enum rc rc;

    found_add(&side, f, item);
    rc = path_walk(&side, f);
    p->added = side.added;
    return rc;
}

/* Does `item` pass? NULL: no item, only the words are looked at. */
static enum rc
filter_one(struct path *p, const struct filter *t, const struct json *item, bool *pass)
{
    struct found left = {.v = NULL}, right = {.v = NULL};
    bool ordered = t->op[0] == '<' || t->op[0] == '>', equal = t->op[1] == '=';
    int order = 0;
    enum rc rc = filter_side(p, t->left, t->left_end, item, &left);

    *pass = left.n > 0;
    if (rc == RC_OK && t->right != NULL) {
        rc = filter_side(p, t->right, t->right_end, item, &right);
        *pass = left.n > 0 && right.n > 0;
        if (rc == RC_OK && item != NULL && (left.n > 1 || right.n > 1))
            rc = err_set(p->e, RC_INVALID, "a filter can only compare one value at a time");
        else if (rc == RC_OK && item != NULL && *pass &&
                 !filter_compare(left.v[0], right.v[0], ordered, &order))
            rc = err_set(p->e, RC_INVALID, "a filter compares values of different types");
        *pass = *pass && (t->op[0] == '='   ? order == 0
                          : t->op[0] == '!' ? order != 0
                          : t->op[0] == '<' ? order < 0 || (equal && order == 0)
                                            : order > 0 || (equal && order == 0));
    }
    found_release(&left);
    found_release(&right);
    return rc;
}

/* The parts of what is between the parentheses. */
static bool
filter_parse(struct path *p, struct filter *t)
{
    static const char *const ops[] = {"==", "!=", "<=", ">=", "<", ">"};
    const char *op, *after;
    char quote = '\0';

    *t = (struct filter){.left = p->at};
    for (; p->at < p->end && (quote != '\0' || *p->at != ')'); p->at++)
        if (quote != '\0' && *p->at == '\\' && p->at + 1 < p->end)
            p->at++;
        else if (quote == '\0' && (*p->at == '"' || *p->at == '\''))
            quote = *p->at;
        else if (*p->at == quote)
            quote = '\0';
    t->left_end = p->at;
    if (!path_is(p, ")]"))
        return false;
    p->at += 2;
    op = t->left;
    for (quote = '\0'; op < t->left_end && (quote != '\0' || strchr("!<>=", *op) == NULL); op++)
        if (quote != '\0' && *op == '\\')
            op++;
        else if (*op == quote)
            quote = '\0';
        else if (quote == '\0' && (*op == '"' || *op == '\''))
            quote = *op;
    if (op >= t->left_end)
        return t->left < t->left_end;
    for (after = op; after < t->left_end && strchr("!<>=", *after) != NULL;)
        after++;
    t->right = after;
    t->right_end = t->left_end;
    t->left_end = op;
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if ((size_t)(after - op) == strlen(ops[i]) && memcmp(op, ops[i], strlen(ops[i])) == 0)
            memcpy(t->op, ops[i], strlen(ops[i]));
    return t->op[0] != '\0' && t->left < t->left_end && t->right < t->right_end;
}

/* [?(@.a.b=="x")], from behind the parenthesis on. */
static enum rc
step_filter(struct path *p, struct found *f)
{
    struct found next = {.v = NULL};
    const char *start = p->at;
    struct filter t;
    bool pass;
    enum rc rc;

    if (p->depth >= JSONPATH_DEPTH_MAX)
        return err_set(p->e, RC_LIMIT, "the jsonpath is nested too deeply");
    if (!filter_parse(p, &t))
        return path_malformed(p, start);
    rc = filter_one(p, &t, NULL, &pass);
    for (size_t i = 0; i < f->n && rc == RC_OK; i++) {
        if (json_kind_of(f->v[i]) != JSON_IS_ARRAY)
            rc = err_set(p->e, RC_INVALID, "a filter of something that is not a list");
        for (size_t k = 0; k < json_size(f->v[i]) && rc == RC_OK; k++) {
            rc = filter_one(p, &t, json_elem(f->v[i], k), &pass);
            if (rc == RC_OK && pass)
                found_add(p, &next, json_elem(f->v[i], k));
        }
    }
    found_become(f, next);
    return rc;
}

/* --- brackets --- */

/* One part of a union: 'key', or an index or slice. */
static enum rc
step_bracket_part(struct path *p, const char *end, const struct found *f, struct found *to)
{
    CLEANUP(buf_release) struct buf key = BUF_INIT(SIZE_MAX);
    const char *start = p->at;
    struct slice slice;

    if (p->at < end && (*p->at == '\'' || *p->at == '"')) {
        if (!path_quoted(p, &key) || p->at != end)
            return path_malformed(p, start);
        for (size_t i = 0; i < f->n; i++)
            found_add(p, to, json_field(f->v[i], buf_c(&key)));
        return RC_OK;
    }
    if (!slice_parse(p->at, end, &slice))
        return path_malformed(p, start);
    p->at = end;
    for (size_t i = 0; i < f->n; i++) {
        struct found all = {.v = NULL};
        if (*start == '*' && json_kind_of(f->v[i]) == JSON_IS_OBJECT) {
            found_add(p, &all, f->v[i]);
            step_children(p, &all);
            for (size_t k = 0; k < all.n; k++)
                found_add(p, to, all.v[k]);
            found_release(&all);
        } else if (add_slice(p, to, f->v[i], &slice)) {
            return err_code(p->e);
        }
    }
    return RC_OK;
}

/* What is in brackets, from behind the opening one on. */
static enum rc
step_bracket(struct path *p, struct found *f)
{
    struct found next = {.v = NULL};
    const char *start = p->at;
    enum rc rc = RC_OK;

    for (bool more = true; more && rc == RC_OK;) {
        const char *end, *blank;
        char quote = '\0';
        while (p->at < p->end && *p->at == ' ')
            p->at++;
        for (end = p->at; end < p->end && (quote != '\0' || (*end != ',' && *end != ']')); end++)
            if (quote != '\0' && *end == '\\' && end + 1 < p->end)
                end++;
            else if (*end == quote)
                quote = '\0';
            else if (quote == '\0' && (*end == '"' || *end == '\''))
                quote = *end;
        for (blank = end; blank > p->at && blank[-1] == ' ';)
            blank--;
        rc = end >= p->end ? path_malformed(p, start) : step_bracket_part(p, blank, f, &next);
        more = rc == RC_OK && *end == ',';
        if (rc == RC_OK)
            p->at = end + 1;
    }
    found_become(f, next);
    return rc;
}

/* --- expressions --- */

static enum rc
step_dot(struct path *p, struct found *f)
{
    CLEANUP(buf_release) struct buf key = BUF_INIT(SIZE_MAX);
    const char *start = p->at;

    if (path_is(p, "..")) {
        p->at += 2;
        if (path_is(p, "."))
            return path_malformed(p, start);
        step_descend(p, f);
        if (p->at == p->end || path_ends_word(*p->at))
            return RC_OK;
    } else {
        p->at++;
        if (p->at == p->end || *p->at == '[' || *p->at == ' ') /* "." alone is the value itself */
            return RC_OK;
    }
    path_name(p, &key);
    if (key.n == 0)
        return path_malformed(p, start);
    if (p->at - start == (start[1] == '.' ? 3 : 2) && buf_c(&key)[0] == '*')
        step_children(p, f);
    else
        step_field(p, f, buf_c(&key));
    return RC_OK;
}

/* All steps up to the end of the expression. */
enum rc
path_walk(struct path *p, struct found *f)
{
    enum rc rc = RC_OK;

    while (p->at < p->end && rc == RC_OK) {
        if (*p->at == ' ' || *p->at == '@' || *p->at == '$') {
            p->at++;
        } else if (path_is(p, "[?(")) {
            p->at += 3;
            rc = step_filter(p, f);
        } else if (*p->at == '[') {
            p->at++;
            rc = step_bracket(p, f);
        } else if (*p->at == '.') {
            rc = step_dot(p, f);
        } else {
            rc = step_literal(p, f);
        }
        if (p->added > FOUND_MAX)
            return err_set(p->e, RC_LIMIT, "the jsonpath finds too much");
    }
    return rc;
}
