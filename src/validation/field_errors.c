/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/field_errors.h"

#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_MAX = 8192 };

void
field_errors_release(struct field_errors *c)
{
    json_free(c->causes);
    c->causes = NULL;
}

PRINTF_LIKE(4, 0)
static void
add_cause(struct field_errors *to, const char *reason, const char *field, const char *fmt,
          va_list ap)
{
    char message[MESSAGE_MAX];
    struct json *cause = json_new_object();

    (void)vsnprintf(message, sizeof(message), fmt, ap);
    if (to->causes == NULL)
        to->causes = json_new_array();
    json_set_cstr(cause, "reason", reason);
    json_set_cstr(cause, "message", message);
    json_set_cstr(cause, "field", field);
    json_push(to->causes, cause);
}

void
field_error_add(struct field_errors *to, const char *reason, const char *field, const char *fmt,
                ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_cause(to, reason, field, fmt, ap);
    va_end(ap);
}

void
field_error_invalid(struct field_errors *to, const char *field, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_cause(to, "FieldValueInvalid", field, fmt, ap);
    va_end(ap);
}
