/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/opts.h"

#include "base/str.h"

static const struct opt *
find_long(const struct opt *const *tables, const char *name, size_t n)
{
    for (; *tables != NULL; tables++)
        for (const struct opt *o = *tables; o->name != NULL; o++)
            if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
                return o;
    return NULL;
}

static const struct opt *
find_letter(const struct opt *const *tables, char letter)
{
    for (; *tables != NULL; tables++)
        for (const struct opt *o = *tables; o->name != NULL; o++)
            if (o->letter == letter)
                return o;
    return NULL;
}

/*
 * What people know from redis-cli and restic and is called otherwise here; told where the command
 * has the option `ours`.
 */
static const struct foreign {
    const char *word, *ours, *say;
} foreigners[] = {
    {"-h", "redis", "use --redis redis://HOST:PORT"},
    {"--hostname", "redis", "use --redis redis://HOST:PORT"},
    {"-p", "redis", "use --redis redis://HOST:PORT"},
    {"--port", "redis", "use --redis redis://HOST:PORT"},
    {"-s", "redis", "use --redis unix:///PATH"},
    {"-u", "redis", "use --redis URL"},
    {"--uri", "redis", "use --redis URL"},
    {"--url", "redis", "use --redis URL"},
    {"--tls", "redis", "use --redis rediss://HOST:PORT"},
    {"--user", "redis", "use --redis redis://USER@HOST:PORT"},
    {"-a", "redis", "use --redis-password-file FILE, or set REDISCLI_AUTH"},
    {"--pass", "redis", "use --redis-password-file FILE, or set REDISCLI_AUTH"},
    {"--password", "redis", "use --redis-password-file FILE, or set REDISCLI_AUTH"},
    {"--askpass", "redis", "use --redis-password-file FILE, or set REDISCLI_AUTH"},
    {"-n", "db", "use --db N"},
    {"--pattern", "match", "use --match GLOB"},
    {"--include", "match", "use --match GLOB"},
    {"--iinclude", "match", "use --match GLOB"},
    {"--overwrite", "existing", "use --existing replace|skip|fail|flush"},
    {"--repository-file", "repo", "use --repo URL, or set RESTIC_REPOSITORY"},
    {"--password-command", "password-file", "use --password-file FILE, or set RESTIC_PASSWORD"},
    {"--stdin-from-command", "stdin", "use a pipe: COMMAND | cstash backup --stdin"},
    {"--rdb", "from-rdb", "use --from-rdb FILE"},
    {"--pipe", "existing", "use cstash load FILE, or cstash load - for standard input"},
    {"--cacert-dir", "cacertdir", "use --cacertdir DIR"},
};

/* The right name for an option of another program, or NULL. */
static const char *
find_foreign(const struct opt *const *tables, const char *word)
{
    size_t n = word[1] == '-' ? strcspn(word, "=") : 2;

    for (size_t i = 0; i < sizeof(foreigners) / sizeof(foreigners[0]); i++) {
        const struct foreign *f = &foreigners[i];

        if (strlen(f->word) == n && memcmp(f->word, word, n) == 0 &&
            find_long(tables, f->ours, strlen(f->ours)) != NULL)
            return f->say;
    }
    return NULL;
}

static enum rc
opts_unknown(const struct opt *const *tables, const char *word, struct err *e)
{
    const char *foreign = find_foreign(tables, word);
    char known[sizeof(e->hint)] = "known:";
    size_t n = strlen(known);

    if (foreign != NULL)
        return err_set(e, RC_USAGE, "unknown option %.*s: %s", (int)strcspn(word, "="), word,
                       foreign);
    for (; *tables != NULL; tables++)
        for (const struct opt *o = *tables; o->name != NULL && n < sizeof(known) - 4; o++)
            n += (size_t)snprintf(known + n, sizeof(known) - n, " --%s", o->name);
    (void)err_set(e, RC_USAGE, "unknown option %.*s", (int)strcspn(word, "="), word);
    return err_hint(e, "%s", known);
}

static enum rc
store_value(const struct opt *o, const char *value, struct args *out, struct err *e)
{
    char *at = (char *)out + o->offset;

    if (o->kind <= OPT_BOOL) {
        *(bool *)(void *)at = true;
        return RC_OK;
    }
    if (value[0] == '\0' && (o->kind == OPT_TEXT || o->kind == OPT_LIST))
        return err_set(e, RC_USAGE,
                       "the value of --%s is empty: leave the option out, or give a %s", o->name,
                       o->value);
    if (o->kind == OPT_WORD || o->kind == OPT_TEXT || o->kind == OPT_TEXT_OR_NONE) {
        memcpy(at, &value, sizeof(value));
        return RC_OK;
    }
    struct args_list *list = (struct args_list *)(void *)at;
    if (list->n == ARGS_LIST_MAX)
        return err_set(e, RC_USAGE, "--%s is given more than %d times", o->name, ARGS_LIST_MAX);
    list->v[list->n++] = value;
    return RC_OK;
}

/* A cursor over the words. */
struct words {
    int i, argc;
    char **argv;
};

static enum rc
take_value(const struct opt *o, const char *inside, struct words *w, struct args *out,
           struct err *e)
{
    if (o->kind == OPT_BOOL && inside != NULL) {
        bool yes = strcmp(inside, "true") == 0 || strcmp(inside, "1") == 0;

        if (!yes && strcmp(inside, "false") != 0 && strcmp(inside, "0") != 0)
            return err_set(e, RC_USAGE, "--%s=%s: true or false", o->name, inside);
        *(bool *)(void *)((char *)out + o->offset) = yes;
        return RC_OK;
    }
    if (o->kind <= OPT_BOOL) {
        if (inside != NULL)
            return err_set(e, RC_USAGE, "--%s takes no value", o->name);
        return store_value(o, NULL, out, e);
    }
    if (inside == NULL && o->kind == OPT_WORD)
        inside = "true";
    if (inside == NULL) {
        if (w->i + 1 >= w->argc)
            return err_set(e, RC_USAGE, "--%s needs a value (%s)", o->name, o->value);
        inside = w->argv[++w->i];
    }
    return store_value(o, inside, out, e);
}

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
check_ambiguous(const struct opt *const *tables, const struct opt *o, const char *rest,
                const struct words *w, struct err *e)
{
    const char *next = w->i + 1 < w->argc ? w->argv[w->i + 1] : NULL, *say;
    bool value = rest[0] != '\0' || (next != NULL && next[0] != '-'),
         number = is_number(rest[0] != '\0' ? rest : next), port = o->letter == 'p' && number;
    char word[] = {'-', o->letter, '\0'};

    if (!(o->letter == 'h' && value) && !port && !(o->letter == 'n' && number))
        return RC_OK;
    say = find_foreign(tables, word);
    if (say == NULL && (o->letter != 'h' || find_long(tables, "repo", 4) == NULL))
        return RC_OK;
    return err_set(e, RC_USAGE, "-%c is --%s here and takes no %s%s%s", o->letter, o->name,
                   o->letter == 'h'   ? "value"
                   : o->letter == 'p' ? "port"
                                      : "number",
                   say != NULL ? "; " : "", say != NULL ? say : "");
}

static enum rc
parse_letters(const struct opt *const *tables, struct words *w, struct args *out, struct err *e)
{
    const char *word = w->argv[w->i];

    for (const char *c = word + 1; *c != '\0'; c++) {
        const struct opt *o = find_letter(tables, *c);
        if (o == NULL)
            return opts_unknown(tables, c == word + 1 ? word : (const char[]){'-', *c, '\0'}, e);
        if (c == word + 1 && check_ambiguous(tables, o, c + 1, w, e))
            return e->code;
        if (o->kind > OPT_BOOL)
            return take_value(o, c[1] == '=' ? c + 2 : c[1] != '\0' ? c + 1 : NULL, w, out, e);
        if (store_value(o, NULL, out, e))
            return e->code;
    }
    return RC_OK;
}

static enum rc
parse_long(const struct opt *const *tables, struct words *w, struct args *out, struct err *e)
{
    const char *word = w->argv[w->i] + 2, *equals = strchr(word, '=');
    const struct opt *o =
        find_long(tables, word, equals == NULL ? strlen(word) : (size_t)(equals - word));

    if (o == NULL)
        return opts_unknown(tables, w->argv[w->i], e);
    return take_value(o, equals == NULL ? NULL : equals + 1, w, out, e);
}

enum rc
opts_parse(const struct opt *const *tables, int argc, char **argv, struct args *out, struct err *e)
{
    struct words w = {.argc = argc, .argv = argv};
    bool only_rest = false;

    for (; w.i < argc; w.i++) {
        const char *word = argv[w.i];
        enum rc rc = RC_OK;
        if (!only_rest && strcmp(word, "--") == 0)
            only_rest = true;
        else if (!only_rest && word[0] == '-' && word[1] == '-')
            rc = parse_long(tables, &w, out, e);
        else if (!only_rest && word[0] == '-' && word[1] != '\0')
            rc = parse_letters(tables, &w, out, e);
        else if (word[0] == '\0')
            rc = err_set(e, RC_USAGE, "argument %zu is empty", out->n_rest + 1);
        else if (out->n_rest == ARGS_REST_MAX)
            rc = err_set(e, RC_USAGE, "too many arguments");
        else
            out->rest[out->n_rest++] = word;
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

void
opts_print(const struct opt *const *tables)
{
    for (; *tables != NULL; tables++)
        for (const struct opt *o = *tables; o->name != NULL; o++) {
            char left[64];
            int n = o->letter ? snprintf(left, sizeof(left), "  -%c, --%s", o->letter, o->name)
                              : snprintf(left, sizeof(left), "      --%s", o->name);
            if (o->value != NULL && n > 0)
                (void)snprintf(left + n, sizeof(left) - (size_t)n, " %s", o->value);
            (void)printf("%-36s %s\n", left, o->help);
        }
}
