/* SPDX-License-Identifier: Apache-2.0 */
/* cstash completion: what shells need to complete commands, options and their words. */
#include "cli/app.h"

struct completion_args {
    struct app_opts app;
};
static const struct opt_group groups[] = {{opts_app, 0}, {.table = NULL}};

/* Between single quotes; what `special` names gets a backslash. */
static void
print_quoted(const char *text, const char *special)
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

static void
print_words(const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++)
        (void)printf("%s%s", i > 0 ? " " : "", words[i]);
}

static void
print_commands(void)
{
    for (size_t i = 0; app_commands[i] != NULL; i++)
        (void)printf("%s%s", i > 0 ? " " : "", app_commands[i]->name);
}

/* What the first word behind the command may be. */
static void
print_first(const struct command *c)
{
    if (c->first_is_command)
        print_commands();
    else if (c->first_words != NULL)
        print_words(c->first_words);
}

/* ---- bash ---- */

static void
bash_options(const struct command *c)
{
    struct opts_cursor at = {0};

    (void)printf("    %s)\n        options=\"", c->name);
    for (const struct opt *o; (o = opts_next(c->groups, &at)) != NULL;)
        (void)printf("%s--%s", at.group == 0 && at.row == 1 ? "" : " ", o->name);
    (void)fputs("\"\n        first=\"", stdout);
    print_first(c);
    (void)fputs("\"\n        case $prev in\n", stdout);
    at = (struct opts_cursor){0};
    for (const struct opt *o; (o = opts_next(c->groups, &at)) != NULL;) {
        if (opt_words(o) == NULL || o->field.type->is_flag)
            continue;
        (void)printf("        --%s", o->name);
        if (o->letter != 0)
            (void)printf("|-%c", o->letter);
        (void)fputs(") words=\"", stdout);
        print_words(opt_words(o));
        (void)fputs("\" ;;\n", stdout);
    }
    (void)fputs("        esac ;;\n", stdout);
}

static void
print_bash(void)
{
    (void)fputs("# bash completion for cstash: source <(cstash completion bash)\n"
                "_cstash() {\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                "    local commands=\"",
                stdout);
    print_commands();
    (void)fputs(" help version\" options= words= first=\n"
                "    COMPREPLY=()\n"
                "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
                "        mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\")\n"
                "        return\n"
                "    fi\n"
                "    if [ \"$cur\" = = ]; then\n"
                "        cur=\n"
                "    elif [ \"$prev\" = = ]; then\n"
                "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                "    fi\n"
                "    case ${COMP_WORDS[1]} in\n",
                stdout);
    for (size_t i = 0; app_commands[i] != NULL; i++)
        bash_options(app_commands[i]);
    (void)fputs("    help) first=$commands ;;\n"
                "    esac\n"
                "    if [ -n \"$words\" ]; then\n"
                "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                "    elif [ \"$COMP_CWORD\" = 2 ] && [ -n \"$first\" ] && [[ $cur != -* ]]; then\n"
                "        mapfile -t COMPREPLY < <(compgen -W \"$first\" -- \"$cur\")\n"
                "    elif [[ $cur == -* ]]; then\n"
                "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
                "    fi\n"
                "}\n"
                "complete -o default -F _cstash cstash\n",
                stdout);
}

/* ---- zsh ---- */

static void
zsh_option(const struct opt *o)
{
    const struct opt_type *t = o->field.type;
    char value[OPT_VALUE_TEXT], help[OPT_HELP_TEXT];
    const char *named = opt_value(o, value);

    (void)fputs("            ", stdout);
    if (o->letter != 0 && t->is_list)
        (void)printf("'*'{-%c+,--%s=}'", o->letter, o->name);
    else if (o->letter != 0)
        (void)printf("'(-%c --%s)'{-%c%s,--%s%s}'", o->letter, o->name, o->letter,
                     named != NULL ? "+" : "", o->name, named != NULL ? "=" : "");
    else
        (void)printf("'%s--%s%s", t->is_list ? "*" : "", o->name,
                     named == NULL           ? ""
                     : o->field.bare != NULL ? "=-"
                                             : "=");
    (void)putchar('[');
    print_quoted(opt_help(o, help), "[]:\\");
    (void)putchar(']');
    if (named != NULL) {
        (void)fputs(o->field.bare != NULL ? "::" : ":", stdout);
        print_quoted(named, "[]:\\");
        (void)putchar(':');
        if (t->is_path)
            (void)fputs("_files", stdout);
        else if (opt_words(o) != NULL) {
            (void)putchar('(');
            print_words(opt_words(o));
            (void)putchar(')');
        }
    }
    (void)fputs("' \\\n", stdout);
}

static void
print_zsh(void)
{
    (void)fputs("#compdef cstash\n"
                "# zsh completion for cstash: cstash completion zsh >\"${fpath[1]}/_cstash\"\n"
                "_cstash() {\n"
                "    local -a commands=(\n",
                stdout);
    for (size_t i = 0; app_commands[i] != NULL; i++) {
        (void)printf("        '%s:", app_commands[i]->name);
        print_quoted(app_commands[i]->summary, ":");
        (void)fputs("'\n", stdout);
    }
    (void)fputs("        'help:explain a command'\n"
                "    )\n"
                "    if (( CURRENT == 2 )); then\n"
                "        _describe command commands\n"
                "        return\n"
                "    fi\n"
                "    local command=$words[2]\n"
                "    shift words\n"
                "    (( CURRENT-- ))\n"
                "    case $command in\n",
                stdout);
    for (size_t i = 0; app_commands[i] != NULL; i++) {
        struct opts_cursor at = {0};

        (void)printf("    %s)\n        _arguments \\\n", app_commands[i]->name);
        for (const struct opt *o; (o = opts_next(app_commands[i]->groups, &at)) != NULL;)
            zsh_option(o);
        if (app_commands[i]->first_is_command || app_commands[i]->first_words != NULL) {
            (void)fputs("            '1:argument:(", stdout);
            print_first(app_commands[i]);
            (void)fputs(")' \\\n", stdout);
        }
        (void)fputs("            '*:argument:_files' ;;\n", stdout);
    }
    (void)fputs("    help)\n        _describe command commands ;;\n"
                "    esac\n"
                "}\n"
                "if [[ $funcstack[1] == _cstash ]]; then\n"
                "    _cstash \"$@\" # autoloaded, by the first completion\n"
                "else\n"
                "    compdef _cstash cstash\n"
                "fi\n",
                stdout);
}

/* ---- fish ---- */

static void
fish_option(const struct command *c, const struct opt *o)
{
    const struct opt_type *t = o->field.type;
    char help[OPT_HELP_TEXT];

    (void)printf("complete -c cstash -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
    if (o->letter != 0)
        (void)printf(" -s %c", o->letter);
    if (!t->is_flag && o->field.bare == NULL)
        (void)fputs(t->is_path ? " -r" : " -x", stdout);
    if (!t->is_flag && opt_words(o) != NULL) {
        (void)fputs(" -a '", stdout);
        print_words(opt_words(o));
        (void)putchar('\'');
    }
    (void)fputs(" -d '", stdout);
    print_quoted(opt_help(o, help), "\\");
    (void)fputs("'\n", stdout);
}

static void
fish_first(const struct command *c)
{
    if (!c->first_is_command && c->first_words == NULL)
        return;
    (void)printf("complete -c cstash -n '__fish_seen_subcommand_from %s; and test (count "
                 "(commandline -opc)) -eq 2' -f -a '",
                 c->name);
    print_first(c);
    (void)fputs("'\n", stdout);
}

static void
print_fish(void)
{
    (void)fputs("# fish completion for cstash: cstash completion fish | source\n", stdout);
    for (size_t i = 0; app_commands[i] != NULL; i++) {
        (void)printf("complete -c cstash -n __fish_use_subcommand -f -a %s -d '",
                     app_commands[i]->name);
        print_quoted(app_commands[i]->summary, "\\");
        (void)fputs("'\n", stdout);
    }
    (void)fputs("complete -c cstash -n __fish_use_subcommand -f -a help -d 'explain a command'\n"
                "complete -c cstash -n '__fish_seen_subcommand_from help' -f -a '",
                stdout);
    print_commands();
    (void)fputs("'\n", stdout);
    for (size_t i = 0; app_commands[i] != NULL; i++) {
        struct opts_cursor at = {0};

        fish_first(app_commands[i]);
        for (const struct opt *o; (o = opts_next(app_commands[i]->groups, &at)) != NULL;)
            fish_option(app_commands[i], o);
    }
}

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

static enum rc
completion_main(struct ctx *cx, const void *args, struct err *e)
{
    static void (*const print[])(void) = {print_bash, print_zsh, print_fish};
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
