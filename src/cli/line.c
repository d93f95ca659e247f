/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/line.h"

#include "cli/cluster.h"
#include "cli/completion.h"

bool
line_is_help(const char *word)
{
    static const char *const helps[] = {"help", "--help", "-h", NULL};

    return app_word(word, helps) >= 0;
}

const struct command *
line_head(const char *word)
{
    for (size_t i = 0; app_program->commands[i] != NULL; i++) {
        const struct command *c = app_program->commands[i];

        if (completion_is_pair(c) && strlen(word) == completion_head(c) &&
            strncmp(c->name, word, completion_head(c)) == 0)
            return c;
    }
    return NULL;
}

bool
line_is_of_cluster(const struct command *c)
{
    for (const struct opt_group *g = c->groups; g != NULL && g->table != NULL; g++)
        if (g->table == opts_cluster_access)
            return true;
    return false;
}

static bool
is_level(const char *word)
{
    return word[0] != '\0' && strspn(word, "0123456789") == strlen(word);
}

int
line_drop_levels(int argc, char **argv)
{
    int n = 0;

    for (int i = 0; i < argc; i++) {
        const char *word = argv[i], *level = strncmp(word, "-v", 2) != 0 ? "" : word + 2;

        if (strcmp(word, "-v") == 0 && i + 1 < argc && is_level(argv[i + 1]))
            i++;
        else if (!is_level(level + (level[0] == '=')))
            argv[n++] = argv[i];
    }
    return n;
}

/* From argv[at] on: the word behind options that may stand before it goes to the front. False: there is none. */
static bool
line_lift(int at, int argc, char **argv)
{
    int n = at < argc ? opts_leading(app_program->leading, argc - at, argv + at) : 0;
    char *word;

    if (at + n >= argc || argv[at + n][0] == '-')
        return false;
    word = argv[at + n];
    memmove(argv + at + 1, argv + at, (size_t)n * sizeof(*argv));
    argv[at] = word;
    return true;
}

enum line_order
line_sort(int argc, char **argv)
{
    int n = opts_leading(app_program->leading, argc - 1, argv + 1);

    if (line_lift(1, argc, argv)) {
        if (line_head(argv[1]) != NULL || line_is_help(argv[1]))
            (void)line_lift(2, argc, argv);
        return LINE_SORTED;
    }
    if (n + 1 < argc) {
        argv[1] = argv[n + 1]; /* --version, or what must not stand there */
        return LINE_SORTED;
    }
    return line_is_help(argv[argc - 1]) ? LINE_ASKS_HELP : LINE_NO_COMMAND;
}
