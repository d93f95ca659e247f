/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/jsonpath.h"

#include <ctype.h>

#include "base/mem.h"

/* The values that an expression came to so far, borrowed. */
struct found {
    const struct json **v;
    size_t n;
};

static void
found_add(struct found *f, const struct json *j)
{
    if (j == NULL)
        return;
    f->v = (const struct json **)mem_more(f->v, f->n, sizeof(struct json *));
    f->v[f->n++] = j;
}

static void
found_release(struct found *f)
{
    mem_free(f->v);
    *f = (struct found){.v = NULL};
}

static enum rc
malformed(const char *at, struct err *e)
{
    return err_set(e, RC_INVALID, "the jsonpath is malformed at \"%.60s\"", at);
}

static void
each_child(const struct json *j, struct found *to)
{
    for (struct json_item it = json_first(j); it.key != NULL; it = json_next(j, it))
        found_add(to, it.value);
    for (size_t i = 0; json_kind_of(j) == JSON_IS_ARRAY && i < json_size(j); i++)
        found_add(to, json_elem(j, i));
}

/* Go on with the field `key` of all that was found; "*" means every one. */
static void
step_field(struct found *f, const char *key, bool quoted)
{
    struct found next = {.v = NULL};

    for (size_t i = 0; i < f->n; i++) {
        if (!quoted && strcmp(key, "*") == 0)
            each_child(f->v[i], &next);
        else
            found_add(&next, json_field(f->v[i], key));
    }
    found_release(f);
    *f = next;
}

static void
step_index(struct found *f, int64_t at)
{
    struct found next = {.v = NULL};

    for (size_t i = 0; i < f->n; i++) {
        int64_t n = (int64_t)json_size(f->v[i]), k = at < 0 ? n + at : at;
        if (k >= 0 && k < n)
            found_add(&next, json_elem(f->v[i], (size_t)k));
    }
    found_release(f);
    *f = next;
}

static bool
is_name(char c)
{
    return isalnum((unsigned char)c) || strchr("_-/*$", c) != NULL;
}

/* A name of a field into `to`; a backslash keeps the next character. */
static void
take_name(const char **at, struct buf *to)
{
    buf_reset(to);
    while (**at != '\0' && (**at == '\\' || is_name(**at))) {
        *at += **at == '\\' && (*at)[1] != '\0';
        buf_must_add(to, (*at)++, 1);
    }
}

/* 'text' or "text"; false: no end. */
static bool
take_quoted(const char **at, struct buf *to)
{
    char quote = *(*at)++;

    buf_reset(to);
    for (; **at != '\0' && **at != quote; (*at)++) {
        char c = **at;
        if (c == '\\' && (*at)[1] != '\0') {
            c = *++*at;
            c = (char)(c == 'n' ? '\n' : c == 't' ? '\t' : c);
        }
        buf_must_add(to, &c, 1);
    }
    return *(*at) == quote && (*at)++ != NULL;
}

static void
skip_blanks(const char **at)
{
    while (**at == ' ')
        (*at)++;
}

static bool
equals(const struct json *j, struct str want)
{
    char *text;
    bool same;

    if (json_text(j) != NULL)
        return str_eq(json_text_str(j), want);
    text = json_to_text(j, false);
    same = str_eq(str_c(text), want);
    mem_free(text);
    return same;
}

/* [?(@.a.b=="x")], from behind the question mark on. */
static enum rc
step_filter(struct found *f, const char **at, struct err *e)
{
    CLEANUP(buf_release) struct buf key = BUF_INIT(SIZE_MAX);
    CLEANUP(buf_release) struct buf want = BUF_INIT(SIZE_MAX);
    struct found next = {.v = NULL}, *sides = NULL;
    const char *start = *at;
    size_t n;
    bool not, bare;

    if (strncmp(*at, "(@", 2) != 0)
        return malformed(start, e);
    step_field(f, "*", false);
    n = f->n;
    sides = (struct found *)mem_zero(n + 1, sizeof(*sides));
    for (size_t i = 0; i < n; i++)
        found_add(&sides[i], f->v[i]);
    for (*at += 2; **at == '.';) {
        (*at)++;
        take_name(at, &key);
        for (size_t i = 0; i < n; i++)
            step_field(&sides[i], buf_c(&key), true);
    }
    skip_blanks(at);
    bare = **at == ')';
    not = **at == '!';
    if (!bare && (*at)[0] != '\0' && (*at)[1] == '=') {
        *at += 2;
        skip_blanks(at);
        if ((**at == '"' || **at == '\'') && !take_quoted(at, &want))
            *at = "";
        while (isalnum((unsigned char)**at) || **at == '-' || **at == '.')
            buf_must_add(&want, (*at)++, 1);
        skip_blanks(at);
    }
    for (size_t i = 0; i < n; i++) {
        bool is = sides[i].n > 0 && (bare || equals(sides[i].v[0], buf_str(&want)) != not );
        if (is)
            found_add(&next, f->v[i]);
        found_release(&sides[i]);
    }
    mem_free(sides);
    found_release(f);
    *f = next;
    if (**at != ')')
        return malformed(start, e);
    (*at)++;
    return RC_OK;
}

/* What is in brackets, from behind the opening one on. */
static enum rc
step_bracket(struct found *f, const char **at, struct err *e)
{
    CLEANUP(buf_release) struct buf key = BUF_INIT(SIZE_MAX);
    const char *start = *at;
    enum rc rc = RC_OK;
    char *end;

    if (**at == '\'' || **at == '"') {
        if (!take_quoted(at, &key))
            return malformed(start, e);
        step_field(f, buf_c(&key), true);
    } else if (**at == '*') {
        (*at)++;
        step_field(f, "*", false);
    } else if (**at == '?') {
        (*at)++;
        rc = step_filter(f, at, e);
    } else {
        long i = strtol(*at, &end, 10);
        if (end == *at)
            return malformed(start, e);
        *at = end;
        step_index(f, i);
    }
    if (rc != RC_OK)
        return rc;
    if (**at != ']')
        return malformed(start, e);
    (*at)++;
    return RC_OK;
}

/* A path from `on`, up to the end of `*at` or to a closing brace. */
static enum rc
find(const char **at, const struct json *on, struct found *f, struct err *e)
{
    CLEANUP(buf_release) struct buf key = BUF_INIT(SIZE_MAX);

    found_add(f, on);
    *at += **at == '$' || **at == '@';
    while (**at != '\0' && **at != '}') {
        const char *start = *at;
        if (**at == '[') {
            (*at)++;
            if (step_bracket(f, at, e))
                return e->code;
            continue;
        }
        *at += **at == '.';
        if (**at == '[' || **at == '}' || **at == '\0')
            continue;
        take_name(at, &key);
        if (key.n == 0)
            return malformed(start, e);
        step_field(f, buf_c(&key), false);
    }
    return RC_OK;
}

static enum rc
print_found(const struct found *f, struct buf *out, struct err *e)
{
    for (size_t i = 0; i < f->n; i++) {
        if (i > 0 && buf_add(out, " ", 1, e))
            return e->code;
        if (json_text(f->v[i]) != NULL ? buf_add_str(out, json_text_str(f->v[i]), e)
                                       : json_print(f->v[i], out, e))
            return e->code;
    }
    return RC_OK;
}

/* Behind the {end} of a range whose content begins at `at`; NULL: there is none. */
static const char *
range_end(const char *at)
{
    for (int depth = 0; (at = strchr(at, '{')) != NULL; at++) {
        if (strncmp(at, "{range", 6) == 0)
            depth++;
        else if (strncmp(at, "{end}", 5) == 0 && depth-- == 0)
            return at;
    }
    return NULL;
}

static enum rc print_part(const char *at, const char *end, const struct json *on, int depth,
                          struct buf *out, struct err *e);

static enum rc
print_range(const char **at, const struct json *on, int depth, struct buf *out, struct err *e)
{
    struct found f = {.v = NULL};
    const char *start = *at, *end;
    enum rc rc;

    skip_blanks(at);
    rc = find(at, on, &f, e);
    if (rc == RC_OK && (**at != '}' || (end = range_end(*at + 1)) == NULL))
        rc = malformed(start, e);
    if (rc == RC_OK) {
        for (size_t i = 0; i < f.n && rc == RC_OK; i++)
            rc = print_part(*at + 1, end, f.v[i], depth + 1, out, e);
        *at = end + strlen("{end}");
    }
    found_release(&f);
    return rc;
}

/* One pair of braces, from behind the opening one on. */
static enum rc
print_braces(const char **at, const struct json *on, int depth, struct buf *out, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(SIZE_MAX);
    struct found f = {.v = NULL};
    const char *start = *at;
    enum rc rc;

    skip_blanks(at);
    if (strncmp(*at, "range ", 6) == 0) {
        *at += 6;
        return print_range(at, on, depth, out, e);
    }
    if (**at == '"' || **at == '\'') {
        if (!take_quoted(at, &text))
            return malformed(start, e);
        rc = buf_add_str(out, buf_str(&text), e);
    } else {
        rc = find(at, on, &f, e);
        rc = rc == RC_OK ? print_found(&f, out, e) : rc;
        found_release(&f);
    }
    if (rc != RC_OK)
        return rc;
    skip_blanks(at);
    if (*(*at)++ != '}') {
        *at = start;
        return malformed(start, e);
    }
    return RC_OK;
}

static enum rc
print_part(const char *at, const char *end, const struct json *on, int depth, struct buf *out,
           struct err *e)
{
    if (depth > JSONPATH_DEPTH_MAX)
        return err_set(e, RC_LIMIT, "the jsonpath is nested too deeply");
    while (at < end) {
        const char *open = memchr(at, '{', (size_t)(end - at));
        size_t n = (size_t)((open != NULL ? open : end) - at);
        if (buf_add(out, at, n, e))
            return e->code;
        at += n;
        if (open == NULL)
            break;
        at++;
        if (print_braces(&at, on, depth, out, e))
            return e->code;
    }
    return RC_OK;
}

enum rc
jsonpath_print(const char *text, const struct json *on, struct buf *out, struct err *e)
{
    CLEANUP(mem_free_ptr) char *whole = NULL;

    if (strchr(text, '{') == NULL) {
        whole = mem_printf("{%s%s}", text[0] == '.' || text[0] == '[' ? "" : ".", text);
        text = whole;
    }
    return print_part(text, text + strlen(text), on, 0, out, e);
}
