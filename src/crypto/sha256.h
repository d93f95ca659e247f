/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_SHA256_H
#define CRYPTO_SHA256_H

/*
 * crypto/sha256 -- the hash that names every blob and every stored file.
 *
 * Why      OpenSSL's plain SHA256 calls take no lock and no allocation; the EVP layer costs both
 *          per hash.
 * Threads  one struct sha256 per thread; nothing is shared.
 * Source   FIPS 180-4.
 */
#include "base/str.h"
#include "crypto/id.h"

struct sha256 {
    uint64_t state[16]; /* belongs to sha256.c */
};

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *p, size_t n);
/* Ends it; sha256_init starts afresh. */
void sha256_end(struct sha256 *h, struct id *out);

/* All at once. */
void sha256_of(struct str bytes, struct id *out);

/*
 * The hashes of n runs of bytes, side by side in the wide registers of the processor where that is
 * faster than one after the other: three to six times without SHA instructions. Best with eight or
 * more runs of like length.
 */
void sha256_many(const struct str *in, size_t n, struct id *out);

#endif
