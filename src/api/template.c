/* SPDX-License-Identifier: Apache-2.0 */
#include "api/template.h"

#include <ctype.h>

#include "api/template_internal.h"

struct run {
    const char *p, *end; /* what is left of the text */
    const struct json *data;
    struct buf *out;
    unsigned depth;
    struct err *e;
};

bool
template_is_one(const char *text)
{
    return strstr(text, "{{") != NULL;
}

static enum rc
template_bad(struct run *r, const char *what)
{
    return err_set(r->e, RC_INVALID, "template: %s near \"%.*s\"", what,
                   (int)MIN(r->end - r->p, 40), r->p);
}

/* ---- expressions, between {{ and }} ---- */

static void
template_blanks(struct run *r)
{
    while (r->p < r->end && strchr(" \t\r\n", *r->p) != NULL)
        r->p++;
}

static bool
at_end_of_action(struct run *r)
{
    return r->end - r->p >= 2 &&
           (memcmp(r->p, "}}", 2) == 0 || (r->end - r->p >= 3 && memcmp(r->p, "-}}", 3) == 0));
}

static bool
word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static enum rc template_pipeline(struct run *r, struct json **out);

static enum rc
template_quoted(struct run *r, struct json **out)
{
    char text[4096];
    size_t n = 0;
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
        if (n == sizeof(text))
            return template_bad(r, "a string is too long");
        text[n++] = c;
    }
    if (r->p == r->end)
        return template_bad(r, "a string is not closed");
    r->p++;
    *out = json_new_str(str_of(text, n));
    return RC_OK;
}

static enum rc
template_field(struct run *r, struct json **out)
{
    const struct json *at = r->data;

    r->p++;
    while (r->p < r->end && word_char(*r->p)) {
        char name[100];
        size_t n = 0;

        while (r->p < r->end && word_char(*r->p) && n + 1 < sizeof(name))
            name[n++] = *r->p++;
        name[n] = '\0';
        at = json_field(at, name);
        if (at == NULL)
            return err_set(r->e, RC_INVALID, "template: there is no field %s", name);
        if (r->p < r->end && *r->p == '.')
            r->p++;
    }
    *out = json_clone(at);
    return RC_OK;
}

static enum rc
template_number(struct run *r, struct json **out)
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

/* One operand that is not a function. */
static enum rc
template_operand(struct run *r, struct json **out)
{
    enum rc rc;

    if (r->p == r->end)
        return template_bad(r, "the template ends");
    if (*r->p == '"' || *r->p == '`')
        return template_quoted(r, out);
    if (*r->p == '.')
        return template_field(r, out);
    if (isdigit((unsigned char)*r->p) || *r->p == '-')
        return template_number(r, out);
    if (*r->p != '(')
        return template_bad(r, "a value is missing");
    r->p++;
    if (++r->depth > TEMPLATE_DEPTH)
        return template_bad(r, "it is nested too deeply");
    rc = template_pipeline(r, out);
    r->depth--;
    if (rc != RC_OK)
        return rc;
    template_blanks(r);
    if (r->p == r->end || *r->p != ')') {
        json_free(*out);
        return template_bad(r, "a \")\" is missing");
    }
    r->p++;
    return RC_OK;
}

static bool
take_word(struct run *r, char word[static 32])
{
    size_t n = 0;

    while (r->p + n < r->end && word_char(r->p[n]) && n < 31)
        n++;
    if (n == 0 || isdigit((unsigned char)r->p[0]))
        return false;
    memcpy(word, r->p, n);
    word[n] = '\0';
    r->p += n;
    return true;
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

static void
free_args(struct template_args *a)
{
    for (size_t i = 0; i < a->n; i++)
        json_free(a->v[i]);
}

/* The arguments up to "|", ")" or the end. */
static enum rc
template_arguments(struct run *r, struct template_args *a)
{
    for (;;) {
        char word[32];
        const char *from;

        template_blanks(r);
        if (at_end_of_action(r) || r->p == r->end || *r->p == '|' || *r->p == ')')
            return RC_OK;
        if (a->n == TEMPLATE_ARGS)
            return template_bad(r, "too many arguments");
        from = r->p;
        if (take_word(r, word)) {
            if (!template_literal(word, &a->v[a->n])) {
                struct template_args none = {.n = 0};

                r->p = from + strlen(word);
                if (template_call(word, &none, &a->v[a->n], r->e))
                    return err_code(r->e);
            }
        } else if (template_operand(r, &a->v[a->n])) {
            return err_code(r->e);
        }
        a->n++;
    }
}

/* A function with its arguments, or one value. `piped` (may be NULL) is taken: the last argument.
 */
static enum rc
template_command(struct run *r, struct json *piped, struct json **out)
{
    struct template_args a = {.n = 0};
    char word[32];
    enum rc rc;

    template_blanks(r);
    if (r->p < r->end && take_word(r, word) && (piped != NULL || !template_literal(word, out))) {
        rc = template_arguments(r, &a);
        if (rc == RC_OK && piped != NULL && a.n == TEMPLATE_ARGS)
            rc = template_bad(r, "too many arguments");
        if (rc == RC_OK && piped != NULL) {
            a.v[a.n++] = piped;
            piped = NULL;
        }
        if (rc == RC_OK)
            rc = template_call(word, &a, out, r->e);
        free_args(&a);
        json_free(piped);
        return rc;
    }
    json_free(piped);
    if (piped != NULL)
        return template_bad(r, "only a function can follow \"|\"");
    if (r->p > r->end - 1 || !word_char(r->p[-1]) || strchr(".\"`(-0123456789", *r->p) != NULL)
        return template_operand(r, out);
    return RC_OK; /* a literal */
}

static enum rc
template_pipeline(struct run *r, struct json **out)
{
    struct json *v = NULL;

    if (template_command(r, NULL, &v))
        return err_code(r->e);
    for (;;) {
        template_blanks(r);
        if (r->p == r->end || *r->p != '|')
            break;
        r->p++;
        struct json *next = NULL;

        if (template_command(r, v, &next))
            return err_code(r->e);
        v = next;
    }
    *out = v;
    return RC_OK;
}

/* ---- text and actions ---- */

static enum rc
end_action(struct run *r)
{
    template_blanks(r);
    if (!at_end_of_action(r))
        return template_bad(r, "\"}}\" is missing");
    if (*r->p == '-') {
        r->p += 3;
        template_blanks(r);
    } else {
        r->p += 2;
    }
    return RC_OK;
}

static enum rc
emit_text(struct run *r, const char *to, bool wanted)
{
    size_t n = (size_t)(to - r->p);

    /* "{{- " takes the blanks before it. */
    if (r->end - to >= 4 && to[2] == '-' && isspace((unsigned char)to[3]))
        while (n > 0 && isspace((unsigned char)r->p[n - 1]))
            n--;
    return wanted ? buf_add(r->out, r->p, n, r->e) : RC_OK;
}

enum stop { AT_END_OF_TEXT, AT_ELSE, AT_END };

static enum rc template_block(struct run *r, bool wanted, enum stop *stop);

/* Behind "if": the condition, the branches, "end". */
static enum rc
template_branches(struct run *r, bool wanted)
{
    bool taken = false;

    for (;;) {
        struct json *c = NULL;
        enum stop stop;
        char word[32];
        bool yes;

        if (template_pipeline(r, &c) || end_action(r)) {
            json_free(c);
            return err_code(r->e);
        }
        yes = !taken && template_truth(c);
        taken = taken || yes;
        json_free(c);
        if (template_block(r, wanted && yes, &stop))
            return err_code(r->e);
        if (stop == AT_END_OF_TEXT)
            return template_bad(r, "{{end}} is missing");
        if (stop == AT_END)
            return end_action(r);
        template_blanks(r);
        if (take_word(r, word)) { /* else if */
            if (strcmp(word, "if") != 0)
                return template_bad(r, "after else only if is understood");
            continue;
        }
        if (end_action(r) || template_block(r, wanted && !taken, &stop))
            return err_code(r->e);
        if (stop != AT_END)
            return template_bad(r, "{{end}} is missing");
        return end_action(r);
    }
}

static enum rc
value_action(struct run *r, bool wanted)
{
    struct json *v = NULL;
    enum rc rc = template_pipeline(r, &v);

    if (rc == RC_OK && wanted)
        rc = template_print(v, r->out, r->e);
    json_free(v);
    return rc == RC_OK ? end_action(r) : rc;
}

/* Up to else, end (their word is eaten) or the end of the text. */
static enum rc
template_block(struct run *r, bool wanted, enum stop *stop)
{
    if (++r->depth > TEMPLATE_DEPTH)
        return template_bad(r, "it is nested too deeply");
    *stop = AT_END_OF_TEXT;
    for (;;) {
        const char *open = (const char *)memmem(r->p, (size_t)(r->end - r->p), "{{", 2), *from;
        char word[32];
        enum rc rc;

        if (open == NULL) {
            rc = wanted ? buf_add(r->out, r->p, (size_t)(r->end - r->p), r->e) : RC_OK;
            r->p = r->end;
            r->depth--;
            return rc;
        }
        if (emit_text(r, open, wanted))
            return err_code(r->e);
        r->p = open + 2;
        if (r->end - r->p >= 2 && *r->p == '-' && isspace((unsigned char)r->p[1]))
            r->p++;
        template_blanks(r);
        if (r->end - r->p >= 2 && memcmp(r->p, "/*", 2) == 0) {
            const char *close = (const char *)memmem(r->p, (size_t)(r->end - r->p), "*/", 2);

            if (close == NULL)
                return template_bad(r, "a comment is not closed");
            r->p = close + 2;
            if (end_action(r))
                return err_code(r->e);
            continue;
        }
        from = r->p;
        if (take_word(r, word)) {
            *stop = strcmp(word, "end") == 0    ? AT_END
                    : strcmp(word, "else") == 0 ? AT_ELSE
                                                : AT_END_OF_TEXT;
            if (*stop != AT_END_OF_TEXT) {
                r->depth--;
                return RC_OK;
            }
            if (strcmp(word, "if") == 0) {
                if (template_branches(r, wanted))
                    return err_code(r->e);
                continue;
            }
        }
        r->p = from;
        if (value_action(r, wanted))
            return err_code(r->e);
    }
}

enum rc
template_render(struct str text, const struct json *data, struct buf *out, struct err *e)
{
    struct run r = {(const char *)text.p, (const char *)text.p + text.n, data, out, 0, e};
    enum stop stop;

    if (text.n == 0)
        return RC_OK;
    if (template_block(&r, true, &stop))
        return err_code(e);
    return stop == AT_END_OF_TEXT ? RC_OK : template_bad(&r, "{{else}} or {{end}} without {{if}}");
}
