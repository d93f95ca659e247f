/* SPDX-License-Identifier: Apache-2.0 */
/* cstash man: manual pages, in the language of man(7). */
#include "cli/app.h"

struct man_args {
    struct app_opts app;
};
static const struct opt_group groups[] = {{opts_app, 0}, {.table = NULL}};

static void
print_escaped(const char *text)
{
    if (*text == '.' || *text == '\'')
        (void)fputs("\\&", stdout);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            (void)fputs("\\e", stdout);
        else if (*text == '-')
            (void)fputs("\\-", stdout);
        else
            (void)putchar(*text);
    }
}

static void
print_option(const struct opt *o)
{
    char value[OPT_VALUE_TEXT], help[OPT_HELP_TEXT];
    const char *named = opt_value(o, value);

    (void)fputs(".TP\n", stdout);
    if (o->letter != 0)
        (void)printf("\\fB\\-%c\\fR, ", o->letter);
    (void)fputs("\\fB\\-\\-", stdout);
    print_escaped(o->name);
    (void)fputs("\\fR", stdout);
    if (named != NULL) {
        (void)fputs(o->field.bare != NULL ? "[=\\fI" : " \\fI", stdout);
        print_escaped(named);
        (void)fputs(o->field.bare != NULL ? "\\fR]" : "\\fR", stdout);
    }
    (void)putchar('\n');
    print_escaped(opt_help(o, help));
    (void)putchar('\n');
}

static void
print_exit_status(void)
{
    (void)puts(
        ".SH EXIT STATUS\n"
        "0 done, 1 failed, 2 usage, 3 a verification or a plan cannot tell, 4 a plan says that the "
        "restore would not work, 10 no repository, 11 locked, 12 wrong password, "
        "130 interrupted.");
}

static void
print_head(const char *title, const char *summary)
{
    (void)printf(".TH %s 1 \"\" \"cstash " CSTASH_VERSION "\" \"cstash\"\n.nh\n.ad l\n.SH NAME\n",
                 title);
    print_escaped(title);
    (void)fputs(" \\- ", stdout);
    print_escaped(summary);
    (void)puts("\n.SH SYNOPSIS");
}

static void
print_page(const struct command *c)
{
    struct opts_cursor at = {0};
    char title[80];

    (void)snprintf(title, sizeof(title), "cstash-%s", c->name);
    print_head(title, c->summary);
    (void)printf(".B cstash %s\n[options]", c->name);
    if (c->usage != NULL) {
        (void)putchar(' ');
        print_escaped(c->usage);
    }
    (void)puts("\n.SH OPTIONS");
    for (const struct opt *o; (o = opts_next_shown(c->groups, &at)) != NULL;)
        print_option(o);
    print_exit_status();
    (void)puts(".SH SEE ALSO\n.BR cstash (1)");
}

static void
print_overview(void)
{
    print_head("cstash", "back up and restore Redis, into a restic repository");
    (void)puts(".B cstash\nCOMMAND [options]\n.SH COMMANDS");
    for (size_t i = 0; app_program->commands[i] != NULL; i++) {
        (void)printf(".TP\n.BR cstash\\-%s (1)\n", app_program->commands[i]->name);
        print_escaped(app_program->commands[i]->summary);
        (void)putchar('\n');
    }
    print_exit_status();
}

static enum rc
man_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct man_args *a = args;
    const char *name = a->app.words.n == 1 ? a->app.words.v[0] : NULL;

    (void)cx;
    if (name == NULL) {
        print_overview();
        return RC_OK;
    }
    for (size_t i = 0; app_program->commands[i] != NULL; i++)
        if (strcmp(app_program->commands[i]->name, name) == 0) {
            print_page(app_program->commands[i]);
            return RC_OK;
        }
    return err_set(e, RC_USAGE, "unknown command %s: \"cstash help\" lists them", name);
}

const struct command cmd_man = {.name = "man",
                                .usage = "[COMMAND]",
                                .summary = "print the manual page of cstash or of a command",
                                .groups = groups,
                                .size = sizeof(struct man_args),
                                .words_max = 1,
                                .first_is_command = true,
                                .run = man_main};
