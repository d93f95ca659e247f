/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

/* The line behind which something may stand. */
static void
print_line(const char *when)
{
    (void)printf("complete -c %s -n '%s", app_program->file, when);
}

/* The command was named. */
static void
print_seen(const struct command *c)
{
    size_t n = completion_head(c);

    print_line("__fish_seen_subcommand_from ");
    (void)printf("%.*s", (int)n, c->name);
    if (completion_is_pair(c))
        (void)printf("; and __fish_seen_subcommand_from %s", c->name + n + 1);
}

static void
print_option(const struct command *c, const struct opt *o)
{
    const struct opt_type *t = o->field.type;
    char help[OPT_HELP_TEXT];

    print_seen(c);
    (void)printf("' -l %s", o->name);
    if (o->letter != 0)
        (void)printf(" -s %c", o->letter);
    if (!t->is_flag && o->field.bare == NULL)
        (void)fputs(t->is_path ? " -r" : " -x", stdout);
    if (!t->is_flag && opt_words(o) != NULL) {
        (void)fputs(" -a '", stdout);
        completion_words(opt_words(o));
        (void)putchar('\'');
    }
    (void)fputs(" -d '", stdout);
    completion_quoted(opt_help(o, help), "\\");
    (void)fputs("'\n", stdout);
}

static void
print_first(const struct command *c)
{
    if (!c->first_is_command && c->first_words == NULL)
        return;
    print_seen(c);
    (void)printf("; and test (count (commandline -opc)) -eq %d' -f -a '",
                 completion_is_pair(c) ? 3 : 2);
    completion_first(c);
    (void)fputs("'\n", stdout);
}

static void
print_name(const struct command *c)
{
    size_t n = completion_head(c);

    if (completion_is_new(c)) {
        print_line("__fish_use_subcommand' -f -a ");
        (void)printf("%.*s -d '", (int)n, c->name);
        if (completion_is_pair(c))
            completion_seconds(c);
        else
            completion_quoted(c->summary, "\\");
        (void)fputs("'\n", stdout);
    }
    if (!completion_is_pair(c))
        return;
    print_line("__fish_seen_subcommand_from ");
    (void)printf("%.*s; and not __fish_seen_subcommand_from ", (int)n, c->name);
    completion_seconds(c);
    (void)printf("' -f -a %s -d '", c->name + n + 1);
    completion_quoted(c->summary, "\\");
    (void)fputs("'\n", stdout);
}

void
completion_fish(void)
{
    (void)printf("# fish completion for %s: %s completion fish | source\n", app_program->file,
                 app_program->file);
    for (size_t i = 0; app_program->commands[i] != NULL; i++)
        print_name(app_program->commands[i]);
    print_line("__fish_use_subcommand' -f -a help -d 'explain a command'\n");
    print_line("__fish_seen_subcommand_from help' -f -a '");
    completion_heads();
    (void)fputs("'\n", stdout);
    for (size_t i = 0; app_program->commands[i] != NULL; i++) {
        const struct command *c = app_program->commands[i];
        struct opts_cursor at = {0};

        print_first(c);
        for (const struct opt *o; (o = completion_next(c, &at)) != NULL;)
            print_option(c, o);
    }
}
