/* SPDX-License-Identifier: Apache-2.0 */
/* What a check found, one text at a time. */
#include <stdarg.h>
#include <stdio.h>

#include "maintain/check_internal.h"

PRINTF_LIKE(3, 0)
static void
check_tell(struct checker *c, bool error, const char *fmt, va_list ap)
{
    void (*to)(void *arg, const char *text) = error ? c->opts->problem : c->opts->hint;
    char text[640];

    (void)vsnprintf(text, sizeof(text), fmt, ap);
    (void)pthread_mutex_lock(&c->mutex);
    if (error)
        c->result.errors++;
    else
        c->result.hints++;
    if (to != NULL)
        to(c->opts->arg, text);
    (void)pthread_mutex_unlock(&c->mutex);
}

void
check_problem(struct checker *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    check_tell(c, true, fmt, ap);
    va_end(ap);
}

void
check_hint(struct checker *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    check_tell(c, false, fmt, ap);
    va_end(ap);
}

bool
check_is_fatal(enum rc rc)
{
    return rc == RC_CANCELLED || rc == RC_TIMEOUT;
}
