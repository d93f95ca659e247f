/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

/* base/hex -- lower-case hexadecimal; base64 of RFC 4648 section 4 (standard alphabet, padded). */
#include <stdbool.h>

#include "base/buf.h"

/* Write 2n digits and a NUL. */
void hex_encode(const uint8_t *p, size_t n, char *to);
/* Exactly n bytes from 2n digits of either case; false when `s` is anything else. */
bool hex_decode(struct str s, uint8_t *to, size_t n);

void b64_encode(struct str s, struct buf *out);
/*
 * Append the decoded bytes. RC_INVALID when `s` is not padded base64; RC_LIMIT past out's ceiling.
 */
NODISCARD enum rc b64_decode(struct str s, struct buf *out, struct err *e);

#endif
