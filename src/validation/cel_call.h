/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_CEL_CALL_H
#define VALIDATION_CEL_CALL_H

/*
 * validation/cel_call -- the functions of expressions.
 *
 * Shape    size, conversions (bool bytes double dyn int string uint), tests and parts of strings,
 *          of lists; indexes count code points.
 * Source   cel-spec langdef.md, "List of Standard Definitions"; cel-go ext/strings; Kubernetes
 *          "CEL in Kubernetes", list library.
 */
#include "json/node.h"

enum { CEL_CALL_ARGS_MAX = 4 };

/* Is there such a function; as `of.name()`, or as `name()`? */
bool cel_call_known(const char *name, bool method);
/* Does it take `n` arguments, what it is called on among them? */
bool cel_call_takes(const char *name, bool method, size_t n);
/*
 * The value, which the caller frees. NULL: RC_INVALID (values of other kinds, out of range) or
 * RC_LIMIT. `cost` grows by what the call costs besides its step.
 */
struct json *cel_call(const char *name, bool method, const struct json *const *args, size_t n,
                      int64_t *cost, struct err *e);

#endif
