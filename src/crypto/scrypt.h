/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_SCRYPT_H
#define CRYPTO_SCRYPT_H

/*
 * crypto/scrypt -- a key from a password, slowly.
 *
 * Source   RFC 7914.
 */
#include "base/err.h"
#include "base/str.h"

enum { SCRYPT_KEY = 64 };

/* The most memory a key file may ask for: 128 * n * r bytes. restic stays below 60 MiB. */
#define SCRYPT_MAX_BYTES (512ULL * 1024 * 1024)

struct scrypt_params {
    uint64_t n; /* a power of two above 1 */
    uint32_t r, p;
};

/*
 * Fill `out` from `password` and `salt`. RC_INVALID: parameters that scrypt does not have.
 * RC_LIMIT: more memory or work than SCRYPT_MAX_BYTES stands for.
 */
NODISCARD enum rc scrypt_key(struct str password, struct str salt, struct scrypt_params params,
                             uint8_t out[static SCRYPT_KEY], struct err *e);

#endif
