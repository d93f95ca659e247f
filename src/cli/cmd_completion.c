/* SPDX-License-Identifier: Apache-2.0 */
/* completion: what shells need to complete commands, options and their words. */
#include "cli/completion.h"
#include "cli/plugin.h"

struct completion_args {
    struct app_opts app;
};
static const struct opt_group groups[] = {{opts_app, 0}, {.table = NULL}};

void
completion_function(void)
{
    (void)putchar('_');
    for (const char *c = app_program->file; *c != '\0'; c++)
        (void)putchar(*c == '-' ? '_' : *c);
}

void
completion_quoted(const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            (void)fputs("'\\''", stdout);
            continue;
        }
        if (strchr(special, *text) != NULL)
            (void)putchar('\\');
        (void)putchar(*text);
    }
}

void
completion_words(const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++)
        (void)printf("%s%s", i > 0 ? " " : "", words[i]);
}

/* ---- commands ---- */

size_t
completion_head(const struct command *c)
{
    return strcspn(c->name, " ");
}

static bool
is_same_head(const struct command *a, const struct command *b)
{
    size_t n = completion_head(a);

    return n == completion_head(b) && memcmp(a->name, b->name, n) == 0;
}

bool
completion_is_new(const struct command *c)
{
    for (size_t i = 0; app_program->commands[i] != c; i++)
        if (is_same_head(app_program->commands[i], c))
            return false;
    return true;
}

void
completion_each_head(completion_fn *fn, void *arg)
{
    for (size_t i = 0; app_program->commands[i] != NULL; i++) {
        const struct command *c = app_program->commands[i];
        if (completion_is_new(c))
            fn(arg, c, c->name, completion_head(c));
    }
}

void
completion_each_pair(completion_fn *fn, void *arg)
{
    for (size_t i = 0; app_program->commands[i] != NULL; i++) {
        const struct command *c = app_program->commands[i];
        if (completion_is_pair(c) && completion_is_new(c))
            fn(arg, c, c->name, completion_head(c));
    }
}

void
completion_each_second(const struct command *c, completion_fn *fn, void *arg)
{
    for (size_t i = 0; app_program->commands[i] != NULL; i++) {
        const struct command *other = app_program->commands[i];
        const char *second = other->name + completion_head(other) + 1;
        if (is_same_head(c, other) && completion_is_pair(other))
            fn(arg, other, second, strlen(second));
    }
}

/* `arg`: what stands between two. */
static void
print_word(void *arg, const struct command *c, const char *word, size_t n)
{
    const char **between = (const char **)arg;

    (void)c;
    (void)printf("%s%.*s", *between, (int)n, word);
    *between = " ";
}

void
completion_heads(void)
{
    const char *between = "";

    completion_each_head(print_word, &between);
}

void
completion_seconds(const struct command *c)
{
    const char *between = "";

    completion_each_second(c, print_word, &between);
}

void
completion_first(const struct command *c)
{
    if (c->first_is_command)
        completion_heads();
    else if (c->first_words != NULL)
        completion_words(c->first_words);
}

/* ---- options ---- */

const struct opt *
completion_next(const struct command *c, struct opts_cursor *at)
{
    return opts_next_shown(app_command_groups(c), at);
}

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

static enum rc
completion_main(struct ctx *cx, const void *args, struct err *e)
{
    static void (*const print[])(void) = {completion_bash, completion_zsh, completion_fish};
    const struct completion_args *a = args;
    int shell = app_word(a->app.words.v[0], shells);

    (void)cx;
    if (shell < 0)
        return err_set(e, RC_USAGE, "completion is for bash, zsh or fish, not for %s",
                       a->app.words.v[0]);
    print[shell]();
    return RC_OK;
}

const struct command cmd_completion = {.name = "completion",
                                       .usage = "bash|zsh|fish",
                                       .summary = "print a completion script for a shell",
                                       .groups = groups,
                                       .size = sizeof(struct completion_args),
                                       .words_min = 1,
                                       .words_max = 1,
                                       .first_words = shells,
                                       .run = completion_main};
