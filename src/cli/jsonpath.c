/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/jsonpath.h"

#include "base/mem.h"
#include "cli/jsonpath_walk.h"

struct print {
    const char *at;
    struct json *made;
    size_t added;
    struct err *e;
};

static enum rc
print_found(const struct found *f, struct buf *out, struct err *e)
{
    char number[STR_DOUBLE_MAX];

    for (size_t i = 0; i < f->n; i++) {
        CLEANUP(mem_free_ptr) char *json = NULL;
        struct str s = json_text_str(f->v[i]);
        if (json_kind_of(f->v[i]) == JSON_IS_DOUBLE)
            s = str_c(str_put_double(json_double_or(f->v[i], 0), number));
        else if (json_text(f->v[i]) == NULL)
            json = json_to_text(f->v[i], true), s = str_c(json);
        if ((i > 0 && buf_add(out, " ", 1, e)) || buf_add_str(out, s, e))
            return err_code(e);
    }
    return RC_OK;
}

/* The closing brace of what begins at `at`; texts in quotes may hold some. NULL: there is none. */
static const char *
print_closing(const char *at)
{
    char quote = '\0';

    for (; *at != '\0' && (quote != '\0' || *at != '}'); at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
        else if (*at == quote)
            quote = '\0';
        else if (quote == '\0' && (*at == '"' || *at == '\''))
            quote = *at;
    return *at == '}' ? at : NULL;
}

static enum rc
print_find(struct print *t, const char *at, const char *end, const struct json *on, struct found *f)
{
    struct path p = {.at = at, .end = end, .made = t->made, .added = t->added, .e = t->e};
    enum rc rc;

    found_add(&p, f, on);
    rc = path_walk(&p, f);
    t->added = p.added;
    return rc;
}

static enum rc print_block(struct print *t, const struct json *on, int depth, struct buf *out);

/* The block behind a range, once for each value; without one it is only passed over. */
static enum rc
print_range(struct print *t, const char *at, const char *end, const struct json *on, int depth,
            struct buf *out)
{
    struct found f = {.v = NULL};
    const char *body = end + 1;
    enum rc rc = print_find(t, at, end, on, &f);

    for (size_t i = 0; rc == RC_OK && i < MAX(f.n, (size_t)1); i++) {
        t->at = body;
        rc = f.n > 0 ? print_block(t, f.v[i], depth + 1, out)
                     : print_block(t, NULL, depth + 1, NULL);
    }
    found_release(&f);
    return rc;
}

static bool
print_is_word(const char *at, const char *end, const char *word)
{
    size_t n = strlen(word);

    return (size_t)(end - at) >= n && memcmp(at, word, n) == 0 &&
           (at + n == end || path_ends_word(at[n]));
}

/*
 * From t->at on, up to the end or, inside of a range (depth > 0), behind its {end}. `out` NULL: it
 * is only read.
 */
static enum rc
print_block(struct print *t, const struct json *on, int depth, struct buf *out)
{
    if (depth > JSONPATH_DEPTH_MAX)
        return err_set(t->e, RC_LIMIT, "the jsonpath is nested too deeply");
    while (*t->at != '\0') {
        size_t n = strcspn(t->at, "{");
        const char *at = t->at + n + 1, *start = at, *end;
        struct found f = {.v = NULL};
        enum rc rc = out != NULL ? buf_add(out, t->at, n, t->e) : RC_OK;
        if (rc != RC_OK || t->at[n] == '\0')
            return rc != RC_OK || depth == 0
                       ? rc
                       : err_set(t->e, RC_INVALID, "the jsonpath has a range without {end}");
        end = print_closing(at);
        if (end == NULL)
            return err_set(t->e, RC_INVALID, "the jsonpath is malformed at \"%.60s\"", start);
        at += strspn(at, " ");
        t->at = end + 1;
        if (print_is_word(at, end, "end"))
            return depth > 0
                       ? RC_OK
                       : err_set(t->e, RC_INVALID, "the jsonpath ends a range that is not there");
        if (print_is_word(at, end, "range")) {
            rc = print_range(t, at + strlen("range"), end, on, depth, out);
        } else {
            rc = print_find(t, at, end, on, &f);
            rc = rc == RC_OK && out != NULL ? print_found(&f, out, t->e) : rc;
            found_release(&f);
        }
        if (rc != RC_OK)
            return rc;
    }
    return depth == 0 ? RC_OK : err_set(t->e, RC_INVALID, "the jsonpath has a range without {end}");
}

enum rc
jsonpath_print(const char *text, const struct json *on, struct buf *out, struct err *e)
{
    CLEANUP(mem_free_ptr) char *whole = NULL;
    CLEANUP(json_free_ptr) struct json *made = json_new_array();
    struct print t = {.at = text, .made = made, .e = e};

    if (strchr(text, '{') == NULL) {
        whole = mem_printf("{%s%s}", strchr(".[$@", text[0]) != NULL ? "" : ".", text);
        t.at = whole;
    }
    return print_block(&t, on, 0, out);
}
