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

/*
 * The most that a key file may ask for, which anybody who can write to the place may have left:
 * memory (128 * r bytes, n and p times each) and work (n * r * p; 2^24 take about five seconds).
 * restic's own stay below 60 MiB and 2^22.
 */
#define SCRYPT_MAX_BYTES (256ULL * 1024 * 1024)
#define SCRYPT_MAX_WORK (1ULL << 24)

struct scrypt_params {
    uint64_t n; /* a power of two above 1 */
    uint32_t r, p;
};

/* n * r * p, at most UINT64_MAX. */
uint64_t scrypt_work(struct scrypt_params params);

/*
 * Fill `out` from `password` and `salt`. RC_INVALID: parameters that scrypt does not have.
 * RC_LIMIT: more memory or work than allowed.
 */
NODISCARD enum rc scrypt_key(struct str password, struct str salt, struct scrypt_params params,
                             uint8_t out[static SCRYPT_KEY], struct err *e);

#endif
