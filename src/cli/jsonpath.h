/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_JSONPATH_H
#define CLI_JSONPATH_H

/*
 * cli/jsonpath -- kubectl's templates: "{.items[*].metadata.name}".
 *
 * Shape    text stays, what is in braces is replaced: .a.b, ['a.b'], .a\.b, ..a, .*, [0], [-1],
 *          [*], slices [1:-1:2], unions [0,2] and ['a','b'], filters [?(@.n>2)] with == != < <= >
 *          >= between paths, numbers, texts and booleans, {range .items[*]}...{end}, {"\n"}.
 *          Strings come as they are, floats as short as can be, the rest as compact JSON with
 *          sorted keys, several results with a blank between them. Missing keys are nothing.
 *          Beyond kubectl: ints and floats compare by value; without any brace the whole text is
 *          an expression.
 * Errors   RC_INVALID: malformed, an index out of bounds, an index of something that is not
 *          a list, values that do not compare; RC_LIMIT: the buffer's ceiling, nested
 *          too deeply, too many values.
 * Source   https://kubernetes.io/docs/reference/kubectl/jsonpath/
 * Tests    jsonpath_test.c
 */
#include "json/node.h"

enum { JSONPATH_DEPTH_MAX = 16 };

NODISCARD enum rc jsonpath_print(const char *text, const struct json *on, struct buf *out,
                                 struct err *e);

#endif
