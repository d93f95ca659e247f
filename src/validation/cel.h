/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_CEL_H
#define VALIDATION_CEL_H

/*
 * validation/cel -- the expressions of validation rules: a part of the Common Expression Language.
 *
 * Shape    parsed once, evaluated on trees. Known: literals (validation/cel_literal; also lists, and maps
 *          with keys of any kind but double), self, oldSelf, fields, has(), [], in, ! && ||,
 *          == != < <= > >=, + - * / %, ?:, the functions of validation/cel_call, all, exists,
 *          exists_one, filter, map. && and || pass over an error on one side when the other
 *          decides, as CEL does. Kinds are looked at when a value is there, not before. Not known:
 *          times, durations, optionals, type().
 * Errors   of cel_parse: RC_INVALID with the place, for what is not in that part too. Of cel_eval:
 *          RC_INVALID (no such key, wrong types), RC_LIMIT (too expensive).
 * Limits   CEL_DEPTH_MAX levels, CEL_COST_MAX steps of one evaluation.
 * Threads  a parsed expression never changes.
 * Source   cel-spec langdef.md; validation/cel_value says what a value is; Kubernetes "Validation rules".
 * Tests    cel_test.c, fuzz/cel.c
 */
#include "json/node.h"

enum { CEL_DEPTH_MAX = 64, CEL_COST_MAX = 1000 * 1000, CEL_TEXT_MAX = 16 * 1024 };

struct cel;

NODISCARD enum rc cel_parse(const char *text, struct cel **out, struct err *e);
void cel_free(struct cel *c);
/* Does it speak of oldSelf? */
bool cel_is_transition(const struct cel *c);
/*
 * RC_INVALID: it reads a field of an object that the schema of self does not have; of metadata a
 * rule sees name and generateName only. `top`: the schema is that of a whole object.
 */
NODISCARD enum rc cel_check_fields(const struct cel *c, const struct json *schema, bool top,
                                   struct err *e);
/* The value; the caller frees. `old` may be NULL when it is not a transition. */
NODISCARD enum rc cel_eval(const struct cel *c, const struct json *self, const struct json *old,
                           struct json **out, struct err *e);

#endif
