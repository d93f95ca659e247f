/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

/*
 * crypto/digest -- the digests that peers ask for: to sign a request, to check an upload.
 *
 * Why      MD5 and SHA-1 guard no secret here; object stores compare them with what arrived.
 * Threads  any.
 * Source   RFC 2104 (HMAC), RFC 1321, FIPS 180-4
 */
#include "base/str.h"

enum { HMAC_SHA256 = 32, MD5 = 16, SHA1 = 20 };

void hmac_sha256(struct str key, struct str text, uint8_t out[static HMAC_SHA256]);
void md5_of(struct str bytes, uint8_t out[static MD5]);
void sha1_of(struct str bytes, uint8_t out[static SHA1]);

#endif
