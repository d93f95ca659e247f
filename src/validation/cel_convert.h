/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_CEL_CONVERT_H
#define VALIDATION_CEL_CONVERT_H

/*
 * validation/cel_convert -- numbers of expressions: from kind to kind, and the sums of them.
 *
 * Errors   RC_INVALID: no such overload, overflow, division by zero, text that is not a number.
 */
#include "json/node.h"

/* `to`: bool bytes double dyn int string uint. The caller frees. NULL: failed. */
struct json *cel_convert(const char *to, const struct json *v, struct err *e);
/* `op`: one of + - * / % of two numbers of one kind; doubles and ints may meet. As above. */
struct json *cel_calculate(char op, const struct json *a, const struct json *b, struct err *e);

#endif
