/* SPDX-License-Identifier: Apache-2.0 */
/* One row after the other, and what each says of itself. */
#include <stdio.h>

#include "opts/opts.h"

const struct opt *
opts_next(const struct opt_group *groups, struct opts_cursor *at)
{
    for (; groups[at->group].table != NULL; at->group++, at->row = 0) {
        const struct opt *o = &groups[at->group].table[at->row];

        if (o->name != NULL) {
            at->row++;
            return o;
        }
    }
    return NULL;
}

const struct opt *
opts_next_shown(const struct opt_group *groups, struct opts_cursor *at)
{
    const struct opt *o = opts_next(groups, at);

    while (o != NULL && o->help == NULL)
        o = opts_next(groups, at);
    return o;
}

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
