/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_JSONPATH_H
#define CLI_JSONPATH_H

/*
 * cli/jsonpath -- kubectl's templates: "{.items[*].metadata.name}".
 *
 * Shape    text stays, what is in braces is replaced: .a.b, ['a.b'], .a\.b, [0], [-1], [*], .*,
 *          [?(@.type=="Ready")] (== and !=), {range .items[*]}...{end}, {"\n"}. Strings come as
 *          they are, the rest as compact JSON, several results with a blank between them. What is
 *          not there is nothing. Without any brace the whole text is an expression.
 * Errors   RC_INVALID: malformed; RC_LIMIT: the buffer's ceiling, or nested too deeply.
 * Source   https://kubernetes.io/docs/reference/kubectl/jsonpath/
 * Tests    jsonpath_test.c
 */
#include "json/node.h"

enum { JSONPATH_DEPTH_MAX = 16 };

NODISCARD enum rc jsonpath_print(const char *text, const struct json *on, struct buf *out,
                                 struct err *e);

#endif
