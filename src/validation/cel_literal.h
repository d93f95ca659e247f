/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_CEL_LITERAL_H
#define VALIDATION_CEL_LITERAL_H

/*
 * validation/cel_literal -- numbers, strings and bytes of expressions.
 *
 * Shape    12, 0x1F, 7u, 1.5, .5e-3; '..', "..", three quotes of either kind; r'..' (no escapes),
 *          b'..' (bytes), br'..'. Escapes: \a \b \f \n \r \t \v \\ \? \" \' \`, \xHH, \uHHHH,
 *          \UHHHHHHHH, \OOO; code points in strings, byte values in bytes. No character 0 in
 *          strings.
 * Source   cel-spec langdef.md, "Syntax".
 */
#include "json/node.h"

/* Does a literal of a number, a string or bytes begin here? */
bool cel_is_literal(const char *at);
bool cel_is_number_literal(const char *at);
/*
 * Its value, as validation/cel_value has it; *at goes behind it. `negative`: a minus stands before the
 * number. NULL: malformed; *why says how, *at is the place. The caller frees.
 */
struct json *cel_literal(const char **at, bool negative, const char **why);

#endif
