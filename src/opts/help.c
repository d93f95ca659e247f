/* SPDX-License-Identifier: Apache-2.0 */
/* The rows as help text. */
#include <string.h>

#include "opts/opts.h"

enum { COLUMNS = 80, HELP_AT = 30, LEFT_TEXT = 160 };

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

    for (const struct opt *o; (o = opts_next_shown(groups, &at)) != NULL;)
        opts_print_row(o);
}
