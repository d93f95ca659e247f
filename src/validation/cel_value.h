/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_CEL_VALUE_H
#define VALIDATION_CEL_VALUE_H

/*
 * validation/cel_value -- the values of expressions: those of JSON, and what CEL has besides.
 *
 * Shape    uints, bytes and the doubles that JSON has no text for (infinities, NaN) are objects of
 *          one field whose name begins with U+0001; keys of maps that are not strings are names that
 *          begin with it too. Nobody else looks inside.
 * Source   cel-spec langdef.md, "Values", "Equality", "Ordering"; cel-go for what that leaves open.
 */
#include "json/node.h"

enum cel_kind {
    CEL_IS_NULL,
    CEL_IS_BOOL,
    CEL_IS_INT,
    CEL_IS_UINT,
    CEL_IS_DOUBLE,
    CEL_IS_STRING,
    CEL_IS_BYTES,
    CEL_IS_LIST,
    CEL_IS_MAP
};

enum cel_kind cel_kind_of(const struct json *v);
bool cel_is_number(const struct json *v);

struct json *cel_new_uint(uint64_t v);
struct json *cel_new_double(double v);
struct json *cel_new_bytes(struct str s);
struct json *cel_new_bytes_hex(const char *hex);

uint64_t cel_uint(const struct json *v);         /* of CEL_IS_UINT */
double cel_double(const struct json *v);         /* of any number */
const char *cel_bytes_hex(const struct json *v); /* of CEL_IS_BYTES: lower-case digits; borrowed */

/* -1, 0, 1 for two numbers of any kinds by their values, strings, bytes, booleans. False: no order. */
bool cel_compare(const struct json *a, const struct json *b, int *order);
/* Numbers by value, whatever their kinds; values of other kinds differ. `cost` grows. */
bool cel_equal(const struct json *a, const struct json *b, int64_t *cost);

/* The name in a map for a key of that value; NULL: it can be none. mem_free. */
char *cel_key_name(const struct json *key);
/* The key behind a name. The caller frees. */
struct json *cel_key_of(const char *name);

#endif
