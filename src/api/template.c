/* SPDX-License-Identifier: Apache-2.0 */
/* Text and actions. What is not taken is not evaluated either: it is passed over word by word, as Go does. */
#include "api/template.h"

#include <ctype.h>
#include <stdlib.h>

#include "api/template_internal.h"
#include "base/mem.h"

enum { STEPS_MAX = 100 * 1000, CHAIN_MAX = 256 };

/* Why a block ended; the word is eaten. */
enum stop { AT_END_OF_TEXT, AT_ELSE, AT_END, AT_BREAK, AT_CONTINUE };

static enum rc template_block(struct template_run *r, enum stop *stop);

bool
template_is_one(const char *text)
{
    return strstr(text, "{{") != NULL;
}

static enum rc
end_action(struct template_run *r)
{
    template_blanks(r);
    if (!template_at_end(r))
        return template_bad(r, "\"}}\" is missing");
    if (*r->p == '-') {
        r->p += 3;
        template_blanks(r);
    } else {
        r->p += 2;
    }
    return RC_OK;
}

/* The text before the next "{{", into `out` (NULL: nowhere); false: no more of them. */
static enum rc
next_action(struct template_run *r, struct buf *out, bool *found)
{
    const char *open = (const char *)memmem(r->p, (size_t)(r->end - r->p), "{{", 2);
    size_t n = (size_t)((open != NULL ? open : r->end) - r->p);
    const char *text = r->p;
    bool trims =
        open != NULL && r->end - open >= 4 && open[2] == '-' && isspace((unsigned char)open[3]);

    *found = open != NULL;
    r->steps += 1 + (unsigned)(n / 1024); /* a loop comes by here as well where it does nothing */
    if (r->steps > STEPS_MAX)
        return template_bad(r, "it takes too many steps");
    r->p = open != NULL ? open + 2 + trims : r->end;
    while (trims && n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    template_blanks(r);
    return out != NULL ? buf_add(out, text, n, r->e) : RC_OK;
}

static bool
is_comment(const struct template_run *r)
{
    return r->end - r->p >= 2 && memcmp(r->p, "/*", 2) == 0;
}

static enum rc
pass_comment(struct template_run *r)
{
    const char *close = (const char *)memmem(r->p, (size_t)(r->end - r->p), "*/", 2);

    if (close == NULL)
        return template_bad(r, "a comment is not closed");
    r->p = close + 2;
    return end_action(r);
}

/* ---- passing over ---- */

/* The rest of an action. */
static enum rc
pass_action(struct template_run *r)
{
    while (r->p < r->end && !template_at_end(r)) {
        char c = *r->p++;

        if (c != '"' && c != '`')
            continue;
        while (r->p < r->end && *r->p != c)
            r->p += *r->p == '\\' && c == '"' && r->end - r->p > 1 ? 2 : 1;
        if (r->p == r->end)
            return template_bad(r, "a string is not closed");
        r->p++;
    }
    return end_action(r);
}

static bool
opens_block(const char *word)
{
    return strcmp(word, "if") == 0 || strcmp(word, "with") == 0 || strcmp(word, "range") == 0;
}

/* Up to the else or end that belongs to the block. */
static enum rc
pass_block(struct template_run *r, enum stop *stop)
{
    unsigned inner = 0;

    for (;;) {
        char word[TEMPLATE_WORD];
        bool found;

        if (next_action(r, NULL, &found))
            return err_code(r->e);
        if (!found)
            return template_bad(r, "{{end}} is missing");
        if (is_comment(r)) {
            if (pass_comment(r))
                return err_code(r->e);
            continue;
        }
        if (!template_take_word(r, word))
            word[0] = '\0';
        if (strcmp(word, "end") == 0 && inner-- == 0) {
            *stop = AT_END;
            return RC_OK;
        }
        if (strcmp(word, "else") == 0 && inner == 0) {
            *stop = AT_ELSE;
            return RC_OK;
        }
        inner += opens_block(word);
        if (pass_action(r))
            return err_code(r->e);
    }
}

/* Behind a block that was taken, or whose elses are not: up to the last "}}". */
static enum rc
pass_rest(struct template_run *r, enum stop stop)
{
    while (stop == AT_ELSE)
        if (pass_action(r) || pass_block(r, &stop))
            return err_code(r->e);
    return end_action(r);
}

/* ---- if, with, range ---- */

/* "$x := " or "$i, $x := " before a pipeline: the names, "" where there is none. */
static void
take_declaration(struct template_run *r, char first[static TEMPLATE_WORD],
                 char second[static TEMPLATE_WORD])
{
    const char *from = r->p;

    first[0] = second[0] = '\0';
    template_blanks(r);
    if (template_take_var(r, first)) {
        template_blanks(r);
        if (r->p < r->end && *r->p == ',') {
            r->p++;
            template_blanks(r);
            (void)template_take_var(r, second);
            template_blanks(r);
        }
        if (r->end - r->p >= 2 && memcmp(r->p, ":=", 2) == 0) {
            r->p += 2;
            return;
        }
    }
    r->p = from;
    first[0] = second[0] = '\0';
}

static enum rc template_branch(struct template_run *r, bool with, enum stop *left);

/* Behind "else" of one that was not taken: another condition, or the last block. */
static enum rc
else_branch(struct template_run *r, enum stop *left)
{
    char word[TEMPLATE_WORD];
    enum stop stop;

    template_blanks(r);
    if (template_take_word(r, word)) {
        enum rc rc;

        if (strcmp(word, "if") != 0 && strcmp(word, "with") != 0)
            return template_bad(r, "after else only if and with are understood");
        if (++r->chain > CHAIN_MAX)
            return template_bad(r, "there are too many branches");
        rc = template_branch(r, word[0] == 'w', left);
        r->chain--;
        return rc;
    }
    if (end_action(r) || template_block(r, &stop))
        return err_code(r->e);
    if (stop == AT_BREAK || stop == AT_CONTINUE) {
        *left = stop;
        return RC_OK;
    }
    return stop == AT_END ? end_action(r) : template_bad(r, "{{end}} is missing");
}

/* Behind "if" or "with". `*left`: AT_BREAK and AT_CONTINUE leave the loop around, else AT_END. */
static enum rc
template_branch(struct template_run *r, bool with, enum stop *left)
{
    const struct json *dot = r->dot;
    char name[TEMPLATE_WORD], none[TEMPLATE_WORD];
    size_t n_vars = r->n_vars;
    struct json *c = NULL;
    enum stop stop = AT_ELSE;
    bool yes = false;
    enum rc rc;

    *left = AT_END;
    take_declaration(r, name, none);
    rc = template_pipeline(r, &c);
    if (rc == RC_OK)
        rc = end_action(r);
    if (rc == RC_OK && name[0] != '\0')
        rc = template_declare(r, name, json_ref(c));
    if (rc == RC_OK) {
        yes = template_truth(c);
        r->dot = yes && with ? c : dot;
        rc = yes ? template_block(r, &stop) : pass_block(r, &stop);
        r->dot = dot;
    }
    if (rc == RC_OK && stop == AT_END_OF_TEXT)
        rc = template_bad(r, "{{end}} is missing");
    if (rc == RC_OK && (stop == AT_BREAK || stop == AT_CONTINUE))
        *left = stop;
    else if (rc == RC_OK)
        rc = yes || stop == AT_END ? pass_rest(r, stop) : else_branch(r, left);
    template_forget(r, n_vars);
    json_free(c);
    return rc;
}

struct template_loop {
    const char *body;
    char key[TEMPLATE_WORD], value[TEMPLATE_WORD]; /* names of its variables */
};

/* Takes `key` and `value`. */
static enum rc
loop_once(struct template_run *r, const struct template_loop *l, struct json *key,
          struct json *value, bool *over)
{
    size_t n_vars = r->n_vars;
    enum stop stop = AT_END;
    enum rc rc = RC_OK;

    r->dot = value;
    r->p = l->body;
    if (l->key[0] != '\0')
        rc = template_declare(r, l->key, json_ref(key));
    if (rc == RC_OK && l->value[0] != '\0')
        rc = template_declare(r, l->value, json_ref(value));
    if (rc == RC_OK)
        rc = template_block(r, &stop);
    if (rc == RC_OK && stop == AT_END_OF_TEXT)
        rc = template_bad(r, "{{end}} is missing");
    *over = stop == AT_BREAK;
    template_forget(r, n_vars);
    json_free(key);
    json_free(value);
    return rc;
}

static int
by_key(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the order of their keys, as Go does. */
static enum rc
loop_object(struct template_run *r, const struct template_loop *l, const struct json *obj)
{
    size_t n = json_size(obj), i = 0;
    const char **keys = (const char **)mem_zero(MAX(n, (size_t)1), sizeof(*keys));
    bool over = false;
    enum rc rc = RC_OK;

    for (struct json_item it = json_first(obj); it.key != NULL; it = json_next(obj, it))
        keys[i++] = it.key;
    qsort(keys, n, sizeof(*keys), by_key);
    for (i = 0; i < n && rc == RC_OK && !over; i++)
        rc = loop_once(r, l, json_new_cstr(keys[i]), json_ref(json_field(obj, keys[i])), &over);
    mem_free(keys);
    return rc;
}

static enum rc
loop_all(struct template_run *r, const struct template_loop *l, const struct json *over_what)
{
    size_t n = json_kind_of(over_what) == JSON_IS_ARRAY ? json_size(over_what) : 0;
    bool over = false;
    enum rc rc = RC_OK;

    if (json_kind_of(over_what) == JSON_IS_OBJECT)
        return loop_object(r, l, over_what);
    if (n == 0 && template_truth(over_what))
        return template_bad(r, "range takes lists and dictionaries");
    for (size_t i = 0; i < n && rc == RC_OK && !over; i++)
        rc = loop_once(r, l, json_new_int((int64_t)i), json_ref(json_elem(over_what, i)), &over);
    return rc;
}

static enum rc
template_range(struct template_run *r, enum stop *left)
{
    const struct json *dot = r->dot;
    struct template_loop l;
    struct json *v = NULL;
    enum stop stop = AT_END;
    bool any = false;
    enum rc rc;

    *left = AT_END;
    take_declaration(r, l.key, l.value);
    if (l.value[0] == '\0') { /* one name is that of the value */
        memcpy(l.value, l.key, sizeof(l.value));
        l.key[0] = '\0';
    }
    rc = template_pipeline(r, &v);
    if (rc == RC_OK)
        rc = end_action(r);
    if (rc == RC_OK) {
        l.body = r->p;
        any = json_size(v) > 0;
        rc = loop_all(r, &l, v);
        r->dot = dot;
        r->p = l.body;
    }
    if (rc == RC_OK)
        rc = pass_block(r, &stop);
    if (rc == RC_OK)
        rc = any || stop == AT_END ? pass_rest(r, stop) : else_branch(r, left);
    json_free(v);
    return rc;
}

/* ---- the rest ---- */

static enum rc
value_action(struct template_run *r)
{
    const char *from = r->p;
    char name[TEMPLATE_WORD], none[TEMPLATE_WORD];
    struct json *v = NULL;
    bool assigns = false;
    enum rc rc;

    take_declaration(r, name, none);
    if (name[0] == '\0' && template_take_var(r, name)) {
        template_blanks(r);
        assigns = r->p < r->end && *r->p == '=';
        r->p = assigns ? r->p + 1 : from;
    }
    if (!assigns && r->p == from)
        name[0] = '\0';
    rc = template_pipeline(r, &v);
    if (rc != RC_OK)
        return rc;
    if (name[0] != '\0') {
        rc = assigns ? template_assign(r, name, v) : template_declare(r, name, v);
    } else {
        rc = template_print(v, r->out, r->e);
        json_free(v);
    }
    return rc == RC_OK ? end_action(r) : rc;
}

/* An action that begins with a word of the language; RC_NOT_FOUND: it does not. */
static enum rc
word_action(struct template_run *r, const char *word, enum stop *stop)
{
    *stop = AT_END_OF_TEXT;
    if (strcmp(word, "if") == 0 || strcmp(word, "with") == 0)
        return template_branch(r, word[0] == 'w', stop);
    if (strcmp(word, "range") == 0)
        return template_range(r, stop);
    if (strcmp(word, "define") == 0 || strcmp(word, "template") == 0 || strcmp(word, "block") == 0)
        return template_bad(r, "templates within templates are not supported");
    return RC_NOT_FOUND;
}

static bool
stop_word(const char *word, enum stop *stop)
{
    static const struct {
        const char *word;
        enum stop stop;
    } words[] = {
        {"end", AT_END}, {"else", AT_ELSE}, {"break", AT_BREAK}, {"continue", AT_CONTINUE}};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(word, words[i].word) == 0) {
            *stop = words[i].stop;
            return true;
        }
    return false;
}

static enum rc
template_action(struct template_run *r, enum stop *stop)
{
    const char *from = r->p;
    char word[TEMPLATE_WORD];
    enum rc rc = RC_NOT_FOUND;

    *stop = AT_END_OF_TEXT;
    if (is_comment(r))
        return pass_comment(r);
    if (template_take_word(r, word)) {
        if (stop_word(word, stop))
            return RC_OK;
        rc = word_action(r, word, stop);
        if (*stop == AT_END) /* of the block within */
            *stop = AT_END_OF_TEXT;
    }
    if (rc != RC_NOT_FOUND)
        return rc;
    r->p = from;
    return value_action(r);
}

static enum rc
template_block(struct template_run *r, enum stop *stop)
{
    size_t n_vars = r->n_vars;
    bool more = true;
    enum rc rc = RC_OK;

    *stop = AT_END_OF_TEXT;
    if (++r->depth > TEMPLATE_DEPTH)
        return template_bad(r, "it is nested too deeply");
    while (rc == RC_OK && more && *stop == AT_END_OF_TEXT) {
        rc = next_action(r, r->out, &more);
        if (rc == RC_OK && more)
            rc = template_action(r, stop);
    }
    r->depth--;
    template_forget(r, n_vars);
    return rc;
}

enum rc
template_render(struct str text, const struct json *data, struct buf *out, struct err *e)
{
    struct template_run r = {.p = (const char *)text.p,
                             .end = (const char *)text.p + text.n,
                             .root = data,
                             .dot = data,
                             .out = out,
                             .e = e};
    enum stop stop;

    if (text.n == 0)
        return RC_OK;
    if (template_block(&r, &stop)) {
        template_forget(&r, 0);
        return err_code(e);
    }
    return stop == AT_END_OF_TEXT ? RC_OK
                                  : template_bad(&r, "{{else}}, {{end}} or {{break}} of nothing");
}
