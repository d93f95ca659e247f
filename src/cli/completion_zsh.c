/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

static void
print_option(const struct opt *o)
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
    completion_quoted(opt_help(o, help), "[]:\\");
    (void)putchar(']');
    if (named != NULL) {
        (void)fputs(o->field.bare != NULL ? "::" : ":", stdout);
        completion_quoted(named, "[]:\\");
        (void)putchar(':');
        if (t->is_path)
            (void)fputs("_files", stdout);
        else if (opt_words(o) != NULL) {
            (void)putchar('(');
            completion_words(opt_words(o));
            (void)putchar(')');
        }
    }
    (void)fputs("' \\\n", stdout);
}

static void
print_entry(const char *name, size_t n, const char *summary)
{
    (void)printf("        '%.*s:", (int)n, name);
    completion_quoted(summary, ":");
    (void)fputs("'\n", stdout);
}

static void
print_start(void)
{
    (void)printf("#compdef %s\n# zsh completion for %s: %s completion zsh >\"${fpath[1]}/",
                 app_program->file, app_program->file, app_program->file);
    completion_function();
    (void)fputs("\"\n", stdout);
    completion_function();
    (void)fputs("() {\n    local -a commands=(\n", stdout);
    for (size_t i = 0; app_program->commands[i] != NULL; i++) {
        const struct command *c = app_program->commands[i];
        if (!completion_is_pair(c)) {
            print_entry(c->name, strlen(c->name), c->summary);
        } else if (completion_is_new(c)) {
            (void)printf("        '%.*s:", (int)completion_head(c), c->name);
            completion_seconds(c);
            (void)fputs("'\n", stdout);
        }
    }
    (void)fputs("        'help:explain a command'\n"
                "    )\n"
                "    if (( CURRENT == 2 )); then\n"
                "        _describe command commands\n"
                "        return\n"
                "    fi\n"
                "    local command=$words[2]\n"
                "    shift words\n"
                "    (( CURRENT-- ))\n",
                stdout);
}

static void
print_second(void *arg, const struct command *c, const char *word, size_t n)
{
    (void)arg;
    print_entry(word, n, c->summary);
}

static void
print_seconds(void *arg, const struct command *c, const char *head, size_t n)
{
    bool *some = (bool *)arg;

    (void)fputs(*some ? "" : "    local -a seconds\n    case $command in\n", stdout);
    *some = true;
    (void)printf("    %.*s) seconds=(\n", (int)n, head);
    completion_each_second(c, print_second, NULL);
    (void)fputs("    ) ;;\n", stdout);
}

/* Which second words there are. */
static void
print_pairs(void)
{
    bool some = false;

    completion_each_pair(print_seconds, &some);
    if (some)
        (void)fputs("    esac\n"
                    "    if (( $#seconds && CURRENT == 2 )); then\n"
                    "        _describe command seconds\n"
                    "        return\n"
                    "    elif (( $#seconds )); then\n"
                    "        command=\"$command $words[2]\"\n"
                    "        shift words\n"
                    "        (( CURRENT-- ))\n"
                    "    fi\n",
                    stdout);
}

static void
print_command(const struct command *c)
{
    struct opts_cursor at = {0};

    (void)printf("    '%s')\n        _arguments \\\n", c->name);
    for (const struct opt *o; (o = completion_next(c, &at)) != NULL;)
        print_option(o);
    if (c->first_is_command || c->first_words != NULL) {
        (void)fputs("            '1:argument:(", stdout);
        completion_first(c);
        (void)fputs(")' \\\n", stdout);
    }
    (void)fputs("            '*:argument:_files' ;;\n", stdout);
}

void
completion_zsh(void)
{
    print_start();
    print_pairs();
    (void)fputs("    case $command in\n", stdout);
    for (size_t i = 0; app_program->commands[i] != NULL; i++)
        print_command(app_program->commands[i]);
    (void)fputs("    help)\n        _describe command commands ;;\n"
                "    esac\n"
                "}\n"
                "if [[ $funcstack[1] == ",
                stdout);
    completion_function();
    (void)fputs(" ]]; then\n    ", stdout);
    completion_function();
    (void)fputs(" \"$@\" # autoloaded, by the first completion\n"
                "else\n"
                "    compdef ",
                stdout);
    completion_function();
    (void)printf(" %s\nfi\n", app_program->file);
}
