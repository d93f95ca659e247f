/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_B64_H
#define BASE_B64_H

/*
 * base/b64 -- base64 with padding, the standard alphabet; and for URLs.
 *
 * Source   RFC 4648 sections 4 and 5. Decoding passes over white space, as YAML blocks have it.
 */
#include "base/buf.h"

/* Append the text of `n` bytes. RC_LIMIT at the buffer's ceiling. */
NODISCARD enum rc b64_encode(struct str bytes, struct buf *out, struct err *e);
/* The same in the alphabet for URLs, and without padding. */
NODISCARD enum rc b64_encode_url(struct str bytes, struct buf *out, struct err *e);
/* Append the bytes. RC_INVALID: not base64. */
NODISCARD enum rc b64_decode(struct str text, struct buf *out, struct err *e);

#endif
