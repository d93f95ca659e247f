/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_UTF8_H
#define JSON_UTF8_H

/* json/utf8 -- one code point at a time. Source: RFC 3629. */
#include <stdbool.h>

#include "base/str.h"

/*
 * The code point at the front of `s` (s.n > 0) and the number of bytes it takes. False for bytes
 * that are not UTF-8 (surrogates and overlong forms too); `*len` is 1 then.
 */
bool utf8_next(struct str s, uint32_t *rune, size_t *len);

/* Write the code point as 1..4 bytes; returns how many. Surrogates and beyond become U+FFFD. */
size_t utf8_put(uint32_t rune, uint8_t to[static 4]);

#endif
