/* SPDX-License-Identifier: Apache-2.0 */
/* What people read of the rows. */
#include <string.h>

#include "opts/opts.h"

enum { COLUMNS = 80, HELP_AT = 30, LEFT_TEXT = 160 };

const char *const *
opt_words(const struct opt *o)
{
    return o->field.words != NULL ? o->field.words : o->field.type->words;
}

const char *
opt_value(const struct opt *o, char to[static OPT_VALUE_TEXT])
{
    const char *const *words = o->field.words;
    size_t n = 0;

    if (o->field.type->is_flag)
        return NULL;
    if (o->value != NULL || words == NULL) {
        (void)snprintf(to, OPT_VALUE_TEXT, "%s",
                       o->value != NULL ? o->value : o->field.type->value);
        return to;
    }
    for (size_t i = 0; words[i] != NULL && n < OPT_VALUE_TEXT; i++)
        n += (size_t)snprintf(to + n, OPT_VALUE_TEXT - n, "%s%s", i > 0 ? "|" : "", words[i]);
    return to;
}

const char *
opt_help(const struct opt *o, char to[static OPT_HELP_TEXT])
{
    const char *preset = o->field.preset;

    (void)snprintf(to, OPT_HELP_TEXT, "%s%s%s%s", o->help, preset != NULL ? " [" : "",
                   preset != NULL ? preset : "", preset != NULL ? "]" : "");
    return to;
}

/* Words, broken between them, each line from column HELP_AT on. */
static void
opts_print_wrapped(const char *text)
{
    size_t column = HELP_AT;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (column > HELP_AT && column + word > COLUMNS) {
            (void)printf("\n%*s", HELP_AT, "");
            column = HELP_AT;
        }
        (void)printf("%s%.*s", column > HELP_AT ? " " : "", (int)word, text);
        column += word + 1;
        text += word;
        text += strspn(text, " ");
    }
    (void)putchar('\n');
}

static void
opts_print_row(const struct opt *o)
{
    char left[LEFT_TEXT], value[OPT_VALUE_TEXT], help[OPT_HELP_TEXT];
    const char *named = opt_value(o, value);
    int n = o->letter != 0 ? snprintf(left, sizeof(left), "  -%c, --%s", o->letter, o->name)
                           : snprintf(left, sizeof(left), "      --%s", o->name);

    if (named != NULL && n > 0)
        n += snprintf(left + n, sizeof(left) - (size_t)n, "%s%s%s",
                      o->field.bare != NULL ? "[=" : " ", named, o->field.bare != NULL ? "]" : "");
    if (n + 1 > HELP_AT)
        (void)printf("%s\n%*s", left, HELP_AT, "");
    else
        (void)printf("%-*s", HELP_AT, left);
    opts_print_wrapped(opt_help(o, help));
}

void
opts_print(const struct opt_group *groups)
{
    struct opts_cursor at = {0};

    for (const struct opt *o; (o = opts_next(groups, &at)) != NULL;)
        opts_print_row(o);
}
