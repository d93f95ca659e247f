/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_TEMPLATE_H
#define API_TEMPLATE_H

/*
 * api/template -- the templates in hooks: "{{ .Name }} is {{ .Status.Phase | lower }}".
 *
 * Language Go's text/template as far as one line of a hook goes: fields, strings, numbers, true,
 *          false, nil, parentheses, pipelines, {{- trimming -}}, comments, {{if}} {{else if}}
 *          {{else}} {{end}}; functions of Go (and or not eq ne lt le gt ge len print printf) and of
 *          Sprig (upper lower title trim trimPrefix trimSuffix trimAll replace contains hasPrefix
 *          hasSuffix quote squote default empty coalesce ternary trunc repeat nospace toString int
 *          add sub b64enc toJson now unixEpoch date). Anything else is an error, not text.
 * Data     a JSON tree; a field that is not there is an error, as for a struct of Go.
 * Limits   TEMPLATE_MAX bytes of output, TEMPLATE_DEPTH levels.
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
