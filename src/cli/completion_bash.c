/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

static void
print_command(const struct command *c)
{
    struct opts_cursor at = {0};
    const char *between = "";

    (void)printf("    \"%s\")\n        options=\"", c->name);
    for (const struct opt *o; (o = completion_next(c, &at)) != NULL; between = " ")
        (void)printf("%s--%s", between, o->name);
    (void)fputs("\"\n        first=\"", stdout);
    completion_first(c);
    (void)fputs("\"\n        case $prev in\n", stdout);
    at = (struct opts_cursor){0};
    for (const struct opt *o; (o = completion_next(c, &at)) != NULL;) {
        if (opt_words(o) == NULL || o->field.type->is_flag)
            continue;
        (void)printf("        --%s", o->name);
        if (o->letter != 0)
            (void)printf("|-%c", o->letter);
        (void)fputs(") words=\"", stdout);
        completion_words(opt_words(o));
        (void)fputs("\" ;;\n", stdout);
    }
    (void)fputs("        esac ;;\n", stdout);
}

static void
print_seconds(void *arg, const struct command *c, const char *head, size_t n)
{
    bool *some = (bool *)arg;

    (void)fputs(*some ? "" : "    case $command in\n", stdout);
    *some = true;
    (void)printf("    %.*s) seconds=\"", (int)n, head);
    completion_seconds(c);
    (void)fputs("\" ;;\n", stdout);
}

/* Which second words there are. */
static void
print_pairs(void)
{
    bool some = false;

    completion_each_pair(print_seconds, &some);
    if (some)
        (void)fputs("    esac\n"
                    "    if [ -n \"$seconds\" ] && [ \"$COMP_CWORD\" = 2 ]; then\n"
                    "        mapfile -t COMPREPLY < <(compgen -W \"$seconds\" -- \"$cur\")\n"
                    "        return\n"
                    "    elif [ -n \"$seconds\" ]; then\n"
                    "        command=\"$command ${COMP_WORDS[2]}\" behind=3\n"
                    "    fi\n",
                    stdout);
}

static void
print_start(void)
{
    if (app_program->asked != NULL)
        (void)printf("#!/bin/bash\n"
                     "# In PATH as the executable %s it is what kubectl asks, in any shell.\n",
                     app_program->asked);
    (void)printf("# bash completion for %s: source <(%s completion bash)\n", app_program->file,
                 app_program->file);
    completion_function();
    (void)fputs("() {\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                "    local commands=\"",
                stdout);
    completion_heads();
    (void)fputs(
        " help version\" command=${COMP_WORDS[1]} behind=2 seconds= options= words= first=\n"
        "    COMPREPLY=()\n"
        "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
        "        mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\")\n"
        "        return\n"
        "    fi\n"
        "    if [ \"$cur\" = = ]; then\n"
        "        cur=\n"
        "    elif [ \"$prev\" = = ]; then\n"
        "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
        "    fi\n",
        stdout);
}

/* kubectl's protocol: the words as arguments, the last of them unfinished; what it may be, and
 * ":0", by which the shell goes on to names of files where that is nothing. */
static void
print_asked(void)
{
    (void)fputs("if [ \"${BASH_SOURCE[0]}\" = \"$0\" ]; then # asked by kubectl\n"
                "    last=${*: -1}\n",
                stdout);
    (void)printf("    COMP_WORDS=(%s \"$@\") COMP_CWORD=$#\n", app_program->file);
    (void)fputs("    if [[ $last == --*=* ]]; then\n"
                "        COMP_WORDS[COMP_CWORD]=${last%%=*}\n"
                "        COMP_WORDS+=(= \"${last#*=}\")\n"
                "        COMP_CWORD=$((COMP_CWORD + 2))\n"
                "    fi\n"
                "    ",
                stdout);
    completion_function();
    (void)fputs("\n"
                "    printf '%s\\n' \"${COMPREPLY[@]}\" :0\n"
                "    exit\n"
                "fi\n",
                stdout);
}

void
completion_bash(void)
{
    print_start();
    print_pairs();
    (void)fputs("    case $command in\n", stdout);
    for (size_t i = 0; app_program->commands[i] != NULL; i++)
        print_command(app_program->commands[i]);
    (void)fputs("    help) first=$commands ;;\n"
                "    esac\n"
                "    if [ -n \"$words\" ]; then\n"
                "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                "    elif [ \"$COMP_CWORD\" = \"$behind\" ] && [ -n \"$first\" ] && [[ $cur != -* "
                "]]; then\n"
                "        mapfile -t COMPREPLY < <(compgen -W \"$first\" -- \"$cur\")\n"
                "    elif [[ $cur == -* ]]; then\n"
                "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
                "    fi\n"
                "}\n",
                stdout);
    if (app_program->asked != NULL)
        print_asked();
    (void)fputs("complete -o default -F ", stdout);
    completion_function();
    (void)printf(" %s\n", app_program->file);
}
