/* SPDX-License-Identifier: Apache-2.0 */
#include "opts/opts.h"

#include "base/log.h"
#include "base/str.h"

/* A row, and the struct that its offset is of. */
struct found {
    const struct opt *o;
    char *base;
};

/* One parse: the words, and what becomes of them. */
struct parse {
    const struct opts_syntax *s;
    int i, argc;
    char **argv;
    char *out;
    struct opt_list *rest;
};

static bool
opts_find(const struct parse *p, const char *name, size_t n, char letter, struct found *out)
{
    struct opts_cursor at = {0};

    for (const struct opt *o; (o = opts_next(p->s->groups, &at)) != NULL;)
        if (name != NULL ? strlen(o->name) == n && memcmp(o->name, name, n) == 0
                         : o->letter == letter) {
            *out = (struct found){o, p->out + p->s->groups[at.group].offset};
            return true;
        }
    return false;
}

/* The right name for an option of another program, or NULL. */
static const char *
opts_foreign(const struct parse *p, const char *word)
{
    size_t n = word[1] == '-' ? strcspn(word, "=") : 2;
    struct found ours;

    for (const struct opt_foreign *f = p->s->foreign; f != NULL && f->word != NULL; f++)
        if (strlen(f->word) == n && memcmp(f->word, word, n) == 0 &&
            opts_find(p, f->ours, strlen(f->ours), 0, &ours))
            return f->say;
    return NULL;
}

/* ---- names that are like another ---- */

enum { NAME_MAX_LEN = 40, NEAR = 2 };

/* How many letters must change to make `a` of `b` (Levenshtein). */
static size_t
opts_distance(const char *a, size_t n, const char *b)
{
    size_t row[NAME_MAX_LEN + 1], m = strlen(b);

    if (n > NAME_MAX_LEN || m > NAME_MAX_LEN)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j];

            row[j] = MIN(MIN(above, row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[m];
}

bool
opts_alike(const char *given, size_t n, const char *name)
{
    if (n >= 3 && strncmp(name, given, n) == 0)
        return true;
    return n >= 3 && opts_distance(given, n, name) <= MIN((size_t)NEAR, n / 3);
}

static void
opts_names_like(const struct opt_group *groups, const char *like, char *to, size_t size)
{
    struct opts_cursor at = {0};
    size_t n = 0, len = like != NULL ? strcspn(like, "=") : 0;

    to[0] = '\0';
    for (const struct opt *o; (o = opts_next(groups, &at)) != NULL;) {
        size_t need = strlen(o->name) + 4;

        if (o->field.type->is_ignored || (like != NULL && !opts_alike(like, len, o->name)))
            continue;
        if (n + need > size)
            return;
        n += (size_t)snprintf(to + n, size - n, "%s%s%s", n > 0 ? " " : "",
                              o->name[1] == '\0' ? "-" : "--", o->name);
    }
}

void
opts_names(const struct opt_group *groups, char *to, size_t n)
{
    opts_names_like(groups, NULL, to, n);
}

static enum rc
opts_unknown(const struct parse *p, const char *word, struct err *e)
{
    const char *foreign = opts_foreign(p, word);
    int n = (int)strcspn(word, "=");
    char like[sizeof(e->hint) - 20];

    if (foreign != NULL)
        return err_set(e, RC_USAGE, "unknown option %.*s: %s", n, word, foreign);
    (void)err_set(e, RC_NOT_FOUND, "unknown option %.*s", n, word);
    opts_names_like(p->s->groups, p->s->go ? NULL : word + strspn(word, "-"), like, sizeof(like));
    if (p->s->go)
        return err_hint(e, "known: %s", like);
    return like[0] != '\0' ? err_hint(e, "did you mean %s?", like) : err_code(e);
}

/* ---- values ---- */

static const char *
opts_dashes(const struct opt *o)
{
    return o->name[1] == '\0' ? "-" : "--";
}

static bool
opts_is_quoted(const char *text)
{
    size_t n = strlen(text);

    return n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n - 1] == text[0];
}

static enum rc
opts_store(const struct parse *p, const struct found *f, const char *text, struct err *e)
{
    const struct opt *o = f->o;
    char value[OPT_VALUE_TEXT];

    if (p->s->go && !o->field.type->may_be_quoted && opts_is_quoted(text))
        return err_set(
            e, RC_USAGE,
            "the value of %s%s has quotes around it, which nothing removes here: write it "
            "without them",
            opts_dashes(o), o->name);

    if (text[0] == '\0' && !o->field.type->may_be_empty && !o->field.type->is_flag)
        return err_set(e, RC_USAGE,
                       "the value of %s%s is empty: leave the option out, or give it a value (%s)",
                       opts_dashes(o), o->name, opt_value(o, value));
    if (o->field.type->is_ignored)
        log_debug("%s%s has no effect here", opts_dashes(o), o->name);
    if (o->field.type->parse(o, text, f->base + o->field.offset, e))
        return err_wrap(e, "%s%s", opts_dashes(o), o->name);
    return RC_OK;
}

/* `inside`: what stands in the same word as the name. */
static enum rc
opts_take(struct parse *p, const struct found *f, const char *inside, struct err *e)
{
    const struct opt *o = f->o;
    char value[OPT_VALUE_TEXT];

    if (o->field.type->is_flag) {
        if (inside != NULL && o->field.type == &opt_flag && !p->s->go)
            return err_set(e, RC_USAGE, "--%s takes no value", o->name);
        return opts_store(p, f, inside != NULL ? inside : "true", e);
    }
    if (inside == NULL)
        inside = o->field.bare;
    if (inside == NULL) {
        if (p->i + 1 >= p->argc)
            return err_set(e, RC_USAGE, "%s%s needs a value (%s)", opts_dashes(o), o->name,
                           opt_value(o, value));
        inside = p->argv[++p->i];
    }
    return opts_store(p, f, inside, e);
}

/* ---- words ---- */

static bool
is_number(const char *word)
{
    return word != NULL && word[0] != '\0' && strspn(word, "0123456789") == strlen(word);
}

/*
 * A letter that redis-cli has with another meaning, in use as there: a host behind -h, a port
 * behind -p, a database behind -n.
 */
static enum rc
opts_check_ambiguous(const struct parse *p, const struct opt *o, const char *rest, struct err *e)
{
    const char *next = p->i + 1 < p->argc ? p->argv[p->i + 1] : NULL, *say;
    bool value = rest[0] != '\0' || (next != NULL && next[0] != '-'),
         number = is_number(rest[0] != '\0' ? rest : next), port = o->letter == 'p' && number;
    char word[] = {'-', o->letter, '\0'};
    struct found repo;

    if (!(o->letter == 'h' && value) && !port && !(o->letter == 'n' && number))
        return RC_OK;
    say = opts_foreign(p, word);
    if (say == NULL && (o->letter != 'h' || !opts_find(p, "repo", 4, 0, &repo)))
        return RC_OK;
    return err_set(e, RC_USAGE, "-%c is --%s here and takes no %s%s%s", o->letter, o->name,
                   o->letter == 'h'   ? "value"
                   : o->letter == 'p' ? "port"
                                      : "number",
                   say != NULL ? "; " : "", say != NULL ? say : "");
}

static enum rc
opts_letters(struct parse *p, struct err *e)
{
    const char *word = p->argv[p->i];

    for (const char *c = word + 1; *c != '\0'; c++) {
        struct found f;

        if (!opts_find(p, NULL, 0, *c, &f))
            return opts_unknown(p, c == word + 1 ? word : (const char[]){'-', *c, '\0'}, e);
        if (c == word + 1 && opts_check_ambiguous(p, f.o, c + 1, e))
            return err_code(e);
        if (!f.o->field.type->is_flag)
            return opts_take(p, &f, c[1] == '=' ? c + 2 : c[1] != '\0' ? c + 1 : NULL, e);
        if (opts_store(p, &f, "true", e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
opts_long(struct parse *p, const char *name, struct err *e)
{
    const char *equals = strchr(name, '=');
    struct found f;

    if (!opts_find(p, name, equals == NULL ? strlen(name) : (size_t)(equals - name), 0, &f))
        return opts_unknown(p, p->argv[p->i], e);
    return opts_take(p, &f, equals == NULL ? NULL : equals + 1, e);
}

static enum rc
opts_rest(struct parse *p, const char *word, struct err *e)
{
    if (word[0] == '\0')
        return err_set(e, RC_USAGE, "argument %zu is empty", p->rest->n + 1);
    if (p->rest->n == OPT_LIST_MAX)
        return err_set(e, RC_USAGE, "too many arguments: %d at most", OPT_LIST_MAX);
    p->rest->v[p->rest->n++] = word;
    return RC_OK;
}

static void
opts_preset(const struct parse *p)
{
    struct opts_cursor at = {0};
    struct err e = ERR_INIT;

    for (const struct opt *o; (o = opts_next(p->s->groups, &at)) != NULL;)
        if (o->field.type->parse(o, o->field.preset,
                                 p->out + p->s->groups[at.group].offset + o->field.offset, &e))
            BUG("the preset of --%s: %s", o->name, e.msg);
}

enum rc
opts_parse(const struct opts_syntax *s, int argc, char **argv, void *out, struct opt_list *rest,
           struct err *e)
{
    struct parse p = {.s = s, .argc = argc, .argv = argv, .out = out, .rest = rest};
    bool only_rest = false;
    enum rc first = RC_OK;

    rest->n = 0;
    opts_preset(&p);
    for (; p.i < argc; p.i++) {
        const char *word = argv[p.i];
        struct err why = ERR_INIT;
        enum rc rc = RC_OK;

        if (!only_rest && strcmp(word, "--") == 0)
            only_rest = true;
        else if (!only_rest && word[0] == '-' && word[1] == '-')
            rc = opts_long(&p, word + 2, &why);
        else if (!only_rest && word[0] == '-' && word[1] != '\0')
            rc = s->go ? opts_long(&p, word + 1, &why) : opts_letters(&p, &why);
        else
            rc = opts_rest(&p, word, &why);
        if (rc != RC_OK && first == RC_OK) {
            first = rc;
            *e = why;
        }
    }
    return first;
}

/* An option at argv[i]: how many words it takes; 0: it is none of these. */
static int
opts_leading_one(struct parse *p, const char *word)
{
    const char *equals = strchr(word, '=');
    struct found f;

    if (word[1] == '-') {
        if (!opts_find(p, word + 2, equals != NULL ? (size_t)(equals - word - 2) : strlen(word + 2),
                       0, &f))
            return 0;
        return f.o->field.type->is_flag || f.o->field.bare != NULL || equals != NULL ? 1 : 2;
    }
    for (const char *c = word + 1; *c != '\0'; c++) {
        if (!opts_find(p, NULL, 0, *c, &f))
            return 0;
        if (!f.o->field.type->is_flag)
            return c[1] != '\0' ? 1 : 2;
    }
    return 1;
}

int
opts_leading(const struct opt_group *groups, int argc, char **argv)
{
    const struct opts_syntax syntax = {.groups = groups};
    char none; /* nothing is stored */
    struct parse p = {.s = &syntax, .argc = argc, .argv = argv, .out = &none};
    int i = 0;

    while (i < argc && argv[i][0] == '-' && argv[i][1] != '\0' && strcmp(argv[i], "--") != 0) {
        int n = opts_leading_one(&p, argv[i]);

        if (n == 0)
            break;
        i += n;
    }
    return MIN(i, argc);
}
