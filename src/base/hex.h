/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

/* base/hex -- lower-case hexadecimal. */
#include <stdbool.h>

#include "base/buf.h"

/* Write 2n digits and a NUL. */
void hex_encode(const uint8_t *p, size_t n, char *to);
/* Exactly n bytes from 2n digits of either case; false when `s` is anything else. */
bool hex_decode(struct str s, uint8_t *to, size_t n);

#endif
