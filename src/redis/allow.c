/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/allow.h"

#include <strings.h>

/* "CONFIG", or "CONFIG|SET" as ACL rules have it. */
static bool
allow_names(const char *rule, const struct cmd *c)
{
    const char *bar = strchr(rule, '|');
    size_t n = bar == NULL ? strlen(rule) : (size_t)(bar - rule);

    return c->n > 0 && c->argv[0].n == n && strncasecmp((const char *)c->argv[0].p, rule, n) == 0 &&
           (bar == NULL || (c->n > 1 && c->argv[1].n == strlen(bar + 1) &&
                            strncasecmp((const char *)c->argv[1].p, bar + 1, c->argv[1].n) == 0));
}

/* Refuse what a dump has no business to hold, and what cannot be taken apart. */
enum rc
allow_check(const struct load_opts *opts, const struct cmd *c, const struct command_class *k,
            struct err *e)
{
    bool keeps = opts->existing == LOAD_SKIP || opts->existing == LOAD_FAIL;
    char verb[40];

    if (k->kind == CMD_FOREIGN)
        for (size_t i = 0; i < opts->n_allow; i++)
            if (allow_names(opts->allow[i], c))
                return RC_OK;
    if (k->kind != CMD_FOREIGN && (k->kind != CMD_MANY || (filter_is_all(&opts->filter) && !keeps)))
        return RC_OK;
    (void)str_show(c->n > 0 ? c->argv[0] : str_of(NULL, 0), verb, sizeof(verb));
    if (k->kind == CMD_MANY)
        return err_set(e, RC_DENIED,
                       "%s at byte %llu of the dump writes several keys: it cannot be loaded while "
                       "keys are filtered or kept",
                       verb, (unsigned long long)c->at);
    (void)err_set(e, RC_DENIED, "%s at byte %llu of the dump is not a command that writes data",
                  verb, (unsigned long long)c->at);
    return err_hint(e, "if it shall run on the server nevertheless: --allow-command %s", verb);
}
