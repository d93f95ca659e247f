/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_SHA256_LANES_H
#define CRYPTO_SHA256_LANES_H

/*
 * crypto/sha256_lanes -- the block function of SHA-256 for several messages at once: two by the SHA
 * instructions, or eight, one in each 32-bit lane of a 256-bit register.
 *
 * Why      one message is a chain of additions that waits for itself; several of them fill the
 *          processor.
 * Threads  pure.
 * Source   FIPS 180-4 section 6.2; Intel's manual for SHA256RNDS2, SHA256MSG1 and SHA256MSG2.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "crypto/id.h"

enum { SHA256_LANES = 8 };

struct sha256_lanes {
    uint32_t state[8][SHA256_LANES] __attribute__((aligned(32))); /* a..h, then the lane */
    const uint8_t *from[SHA256_LANES];                            /* the next block of each lane */
    size_t stride[SHA256_LANES];                                  /* 64, or 0 for an idle lane */
};

struct sha256_engine {
    void (*run)(struct sha256_lanes *l, size_t blocks);
    size_t lanes; /* the first ones that it looks at */
    size_t worth; /* with fewer in use, one message after the other is as fast */
};

/* Those that this processor has, the fastest at 0; NULL: there are no more. */
const struct sha256_engine *sha256_engine(size_t at);

/* sha256_many by one of them; NULL: one message after the other. */
void sha256_many_by(const struct sha256_engine *g, const struct str *in, size_t n, struct id *out);

#endif
