/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_TEMPLATE_H
#define API_TEMPLATE_H

/*
 * api/template -- the templates in hooks: "{{ .Name }} is {{ .Status.Phase | lower }}".
 *
 * Language Go's text/template: fields, strings, numbers, true, false, nil, variables ($x := .., $x = .., $), parentheses,
 *          pipelines, {{- trimming -}}, comments, if, with, range (with else), break, continue; no templates within
 *          templates. Functions of Go (and or not eq ne lt le gt ge len index print printf println) and of Sprig (upper
 *          lower title trim trimPrefix trimSuffix trimAll replace contains hasPrefix hasSuffix quote squote default
 *          empty coalesce ternary trunc repeat nospace indent nindent toString int add sub mul div mod max min b64enc
 *          toJson toPrettyJson dict list get hasKey keys first last rest join splitList now unixEpoch date fail).
 *          Anything else is an error, not text.
 * Data     a JSON tree; a field that is not there is an error, as for a struct of Go. What is not taken is not evaluated.
 * Limits   TEMPLATE_MAX bytes of output, TEMPLATE_DEPTH levels, 100,000 steps, 16 MiB that functions look at and make.
 * Errors   RC_INVALID: says what and near which text.
 * Source   Go text/template, Sprig's documentation.
 * Tests    template_test.c, fuzz/template.c
 */
#include "json/node.h"

enum { TEMPLATE_MAX = 1024 * 1024, TEMPLATE_DEPTH = 32 };

/* Does `text` hold a template at all? */
bool template_is_one(const char *text);
/* Append the result. */
NODISCARD enum rc template_render(struct str text, const struct json *data, struct buf *out,
                                  struct err *e);

#endif
