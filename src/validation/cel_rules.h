/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_CEL_RULES_H
#define VALIDATION_CEL_RULES_H

/*
 * validation/cel_rules -- the x-kubernetes-validations of a schema.
 *
 * Threads  compiled rules never change and may be shared.
 */
#include "validation/field_errors.h"

struct rules;

/* NULL when the schema has none. Rules that do not parse are passed over: rules_check says so. */
struct rules *rules_new(const struct json *schema);
void rules_free(struct rules *r);

/*
 * Complain about rules that Kubernetes refuses: that do not parse, read fields that are not there,
 * or want an old value where none can be found. `field` is where the schema is.
 */
void rules_check(const struct json *schema, const char *field, struct field_errors *to);
/* Complain about the rules that `obj` breaks; `old` is what it replaces, or NULL. */
void rules_apply(const struct rules *r, const struct json *old, const struct json *obj,
                 struct field_errors *to);

#endif
