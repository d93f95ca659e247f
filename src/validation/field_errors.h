/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_FIELD_ERRORS_H
#define VALIDATION_FIELD_ERRORS_H

/*
 * validation/field_errors -- what is wrong with an object, field by field.
 *
 * Shape    a list of causes, as a Status object has them: {reason, message, field}.
 * Source   Kubernetes' pkg/util/validation/field, for the reasons and the words.
 */
#include "json/node.h"

struct field_errors {
    struct json *causes; /* array of {reason, message, field}, or NULL: none */
};
void field_errors_release(struct field_errors *c);
/* `reason` as "FieldValueInvalid"; `field` as "spec.schedule"; the words follow it. */
void field_error_add(struct field_errors *to, const char *reason, const char *field,
                     const char *fmt, ...) PRINTF_LIKE(4, 5);
/* With the reason FieldValueInvalid; such as "Invalid value: "x": no schedule". */
void field_error_invalid(struct field_errors *to, const char *field, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
