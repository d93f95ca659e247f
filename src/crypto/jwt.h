/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_JWT_H
#define CRYPTO_JWT_H

/*
 * crypto/jwt -- a statement signed with an RSA key, for those who give out tokens (RS256).
 *
 * Threads  any.
 * Errors   RC_INVALID: the key is not an RSA key in PEM, or is locked by a password. They say nothing
 *          of it.
 * Source   RFC 7515 (compact serialization), RFC 7518 section 3.3
 */
#include "base/buf.h"

/* Append "HEADER.CLAIMS.SIGNATURE" to `out`. Both are JSON; the header says alg RS256 itself. */
NODISCARD enum rc jwt_sign(struct str key_pem, struct str header, struct str claims,
                           struct buf *out, struct err *e);

#endif
