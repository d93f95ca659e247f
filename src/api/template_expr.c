/* SPDX-License-Identifier: Apache-2.0 */
/* What stands between {{ and }}: values, variables, functions, pipelines. */
#include <ctype.h>
#include <stdio.h>

#include "api/template.h"
#include "api/template_internal.h"

enum { TEXT_MAX = 16 * 1024, BYTES_MAX = 16 * 1024 * 1024 };

enum rc
template_bad(struct template_run *r, const char *what)
{
    return err_set(r->e, RC_INVALID, "template: %s near \"%.*s\"", what,
                   (int)MIN(r->end - r->p, 40), r->p);
}

void
template_blanks(struct template_run *r)
{
    while (r->p < r->end && strchr(" \t\r\n", *r->p) != NULL)
        r->p++;
}

bool
template_at_end(struct template_run *r)
{
    return r->end - r->p >= 2 &&
           (memcmp(r->p, "}}", 2) == 0 || (r->end - r->p >= 3 && memcmp(r->p, "-}}", 3) == 0));
}

static bool
word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool
is_at(const struct template_run *r, char c)
{
    return r->p < r->end && *r->p == c;
}

bool
template_take_word(struct template_run *r, char word[static TEMPLATE_WORD])
{
    size_t n = 0;

    while (r->p + n < r->end && word_char(r->p[n]) && n < TEMPLATE_WORD - 1)
        n++;
    if (n == 0 || isdigit((unsigned char)r->p[0]))
        return false;
    memcpy(word, r->p, n);
    word[n] = '\0';
    r->p += n;
    return true;
}

/* ---- variables ---- */

bool
template_take_var(struct template_run *r, char name[static TEMPLATE_WORD])
{
    const char *from = r->p;

    if (!is_at(r, '$'))
        return false;
    r->p++;
    if (template_take_word(r, name) && !is_at(r, '.'))
        return true;
    r->p = from;
    return false;
}

/* The innermost of that name. */
static struct template_var *
var_find(struct template_run *r, const char *name)
{
    for (size_t i = r->n_vars; i > 0; i--)
        if (strcmp(r->vars[i - 1].name, name) == 0)
            return &r->vars[i - 1];
    return NULL;
}

enum rc
template_declare(struct template_run *r, const char *name, struct json *value)
{
    struct template_var *v = &r->vars[r->n_vars];

    if (r->n_vars == TEMPLATE_VARS) {
        json_free(value);
        return template_bad(r, "too many variables");
    }
    r->n_vars++;
    (void)snprintf(v->name, sizeof(v->name), "%s", name);
    v->value = value;
    return RC_OK;
}

static enum rc
no_var(struct template_run *r, const char *name)
{
    return err_set(r->e, RC_INVALID, "template: variable $%s is not declared", name);
}

enum rc
template_assign(struct template_run *r, const char *name, struct json *value)
{
    struct template_var *v = var_find(r, name);

    if (v == NULL) {
        json_free(value);
        return no_var(r, name);
    }
    json_free(v->value);
    v->value = value;
    return RC_OK;
}

void
template_forget(struct template_run *r, size_t n)
{
    while (r->n_vars > n)
        json_free(r->vars[--r->n_vars].value);
}

/* ---- values ---- */

static enum rc
template_quoted(struct template_run *r, struct json **out)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
    char quote = *r->p++;

    while (r->p < r->end && *r->p != quote) {
        char c = *r->p++;

        if (c == '\\' && quote == '"' && r->p < r->end) {
            c = *r->p++;
            if (c == 'n')
                c = '\n';
            else if (c == 't')
                c = '\t';
        }
        if (buf_add(&text, &c, 1, r->e))
            return template_bad(r, "a string is too long");
    }
    if (r->p == r->end)
        return template_bad(r, "a string is not closed");
    r->p++;
    *out = json_new_str(str_of(text.n > 0 ? (const char *)text.p : "", text.n));
    return RC_OK;
}

static enum rc
template_number(struct template_run *r, struct json **out)
{
    const char *from = r->p;
    int64_t v;

    r->p++;
    while (r->p < r->end && isdigit((unsigned char)*r->p))
        r->p++;
    if (!str_to_i64(str_of(from, (size_t)(r->p - from)), &v))
        return template_bad(r, "a number is malformed");
    *out = json_new_int(v);
    return RC_OK;
}

/* ".a.b" of `at`, which may be nothing at all. `*out` is a share. */
static enum rc
template_fields(struct template_run *r, const struct json *at, struct json **out)
{
    while (is_at(r, '.') && r->end - r->p > 1 && word_char(r->p[1])) {
        char name[TEMPLATE_WORD];

        r->p++;
        if (!template_take_word(r, name))
            return template_bad(r, "a field is malformed");
        if (json_field(at, name) == NULL)
            return err_set(r->e, RC_INVALID, "template: there is no field %s", name);
        at = json_field(at, name);
    }
    *out = json_ref(at);
    return RC_OK;
}

static enum rc
template_dot(struct template_run *r, struct json **out)
{
    if (r->end - r->p > 1 && word_char(r->p[1]))
        return template_fields(r, r->dot, out);
    r->p++;
    *out = json_ref(r->dot);
    return RC_OK;
}

static enum rc
template_variable(struct template_run *r, struct json **out)
{
    char name[TEMPLATE_WORD];
    struct template_var *v;

    r->p++;
    if (!template_take_word(r, name))
        return template_fields(r, r->root, out);
    v = var_find(r, name);
    return v == NULL ? no_var(r, name) : template_fields(r, v->value, out);
}

static enum rc
template_parens(struct template_run *r, struct json **out)
{
    struct json *v = NULL;
    enum rc rc;

    r->p++;
    if (++r->depth > TEMPLATE_DEPTH)
        return template_bad(r, "it is nested too deeply");
    rc = template_pipeline(r, &v);
    r->depth--;
    template_blanks(r);
    if (rc == RC_OK && !is_at(r, ')'))
        rc = template_bad(r, "a \")\" is missing");
    if (rc == RC_OK) {
        r->p++;
        rc = template_fields(r, v, out);
    }
    json_free(v);
    return rc;
}

static bool
template_literal(const char *word, struct json **out)
{
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
        *out = json_new_bool(word[0] == 't');
    else if (strcmp(word, "nil") == 0)
        *out = json_new_null();
    else
        return false;
    return true;
}

/* One that is not a word. */
static enum rc
template_operand(struct template_run *r, struct json **out)
{
    if (r->p == r->end)
        return template_bad(r, "the template ends");
    if (*r->p == '"' || *r->p == '`')
        return template_quoted(r, out);
    if (*r->p == '.')
        return template_dot(r, out);
    if (*r->p == '$')
        return template_variable(r, out);
    if (*r->p == '(')
        return template_parens(r, out);
    if (isdigit((unsigned char)*r->p) || *r->p == '-')
        return template_number(r, out);
    return template_bad(r, "a value is missing");
}

/* ---- functions and pipelines ---- */

static void
free_args(struct template_args *a)
{
    for (size_t i = 0; i < a->n; i++)
        json_free(a->v[i]);
}

/* A word among arguments is a function without any of its own. */
static enum rc
template_argument(struct template_run *r, struct json **out)
{
    struct template_args none = {.n = 0};
    char word[TEMPLATE_WORD];

    if (!template_take_word(r, word))
        return template_operand(r, out);
    return template_literal(word, out) ? RC_OK : template_call(word, &none, out, r->e);
}

/* The arguments up to "|", ")" or the end. */
static enum rc
template_arguments(struct template_run *r, struct template_args *a)
{
    for (;;) {
        template_blanks(r);
        if (template_at_end(r) || r->p == r->end || *r->p == '|' || *r->p == ')')
            return RC_OK;
        if (a->n == TEMPLATE_ARGS)
            return template_bad(r, "too many arguments");
        if (template_argument(r, &a->v[a->n]))
            return err_code(r->e);
        a->n++;
    }
}

/* What a function has to look at; the values of one template may not be more in all. */
static enum rc
template_spend(struct template_run *r, const struct json *v)
{
    r->bytes += 1 + (json_kind_of(v) == JSON_IS_STR ? json_text_str(v).n : 0);
    if (r->bytes > BYTES_MAX)
        return template_bad(r, "it makes too much");
    for (size_t i = 0; json_kind_of(v) == JSON_IS_ARRAY && i < json_size(v); i++)
        if (template_spend(r, json_elem(v, i)))
            return err_code(r->e);
    for (struct json_item it = json_first(v); it.key != NULL; it = json_next(v, it))
        if (template_spend(r, it.value))
            return err_code(r->e);
    return RC_OK;
}

static enum rc
template_run_function(struct template_run *r, const char *name, const struct template_args *a,
                      struct json **out)
{
    struct json *v = NULL;

    for (size_t i = 0; i < a->n; i++)
        if (template_spend(r, a->v[i]))
            return err_code(r->e);
    if (template_call(name, a, &v, r->e))
        return err_code(r->e);
    if (template_spend(r, v)) {
        json_free(v);
        return err_code(r->e);
    }
    *out = v;
    return RC_OK;
}

/* A function with its arguments; `piped` (may be NULL) is taken, as the last of them. */
static enum rc
template_function(struct template_run *r, const char *name, struct json *piped, struct json **out)
{
    struct template_args a = {.n = 0};
    enum rc rc = template_arguments(r, &a);

    if (rc == RC_OK && piped != NULL && a.n == TEMPLATE_ARGS)
        rc = template_bad(r, "too many arguments");
    if (rc == RC_OK && piped != NULL)
        a.v[a.n++] = json_ref(piped);
    if (rc == RC_OK)
        rc = template_run_function(r, name, &a, out);
    free_args(&a);
    json_free(piped);
    return rc;
}

enum rc
template_pipeline(struct template_run *r, struct json **out)
{
    struct json *v = NULL;
    char word[TEMPLATE_WORD];
    enum rc rc;

    template_blanks(r);
    if (!template_take_word(r, word))
        rc = template_operand(r, &v);
    else
        rc = template_literal(word, &v) ? RC_OK : template_function(r, word, NULL, &v);
    while (rc == RC_OK) {
        struct json *next = NULL;

        template_blanks(r);
        if (!is_at(r, '|'))
            break;
        r->p++;
        template_blanks(r);
        if (!template_take_word(r, word)) {
            json_free(v);
            return template_bad(r, "only a function can follow \"|\"");
        }
        rc = template_function(r, word, v, &next);
        v = next;
    }
    if (rc == RC_OK)
        *out = v;
    return rc;
}
