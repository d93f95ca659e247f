/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_SHA256_LANES_H
#define CRYPTO_SHA256_LANES_H

/*
 * crypto/sha256_lanes -- the block function of SHA-256 for eight messages at once, one in each
 * 32-bit lane of a 256-bit register.
 *
 * Why      one message is a chain of additions that waits for itself; eight of them fill the
 *          processor. With SHA instructions one message is fast enough, and OpenSSL uses them.
 * Threads  pure.
 * Source   FIPS 180-4 section 6.2.
 */
#include <stddef.h>
#include <stdint.h>

enum { SHA256_LANES = 8 };

struct sha256_lanes {
    uint32_t state[8][SHA256_LANES] __attribute__((aligned(32))); /* a..h, then the lane */
    const uint8_t *from[SHA256_LANES];                            /* the next block of each lane */
    size_t stride[SHA256_LANES];                                  /* 64, or 0 for an idle lane */
};

typedef void sha256_lanes_fn(struct sha256_lanes *l, size_t blocks);

/* The fastest this processor has, or NULL where one message at a time is better. */
sha256_lanes_fn *sha256_lanes_best(void);

#endif
