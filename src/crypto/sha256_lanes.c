/* SPDX-License-Identifier: Apache-2.0 */
#include "base/endian.h"
#include "crypto/sha256_lanes.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

typedef uint32_t lanes_t __attribute__((vector_size(4 * SHA256_LANES)));

static const uint32_t k256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define LANES_FN run_avx2
#define LANES_TARGET "avx2"
#include "crypto/sha256_lanes.inc"
#undef LANES_FN
#undef LANES_TARGET

#define LANES_FN run_avx512
#define LANES_TARGET "avx512f,avx512vl"
#include "crypto/sha256_lanes.inc"
#undef LANES_FN
#undef LANES_TARGET

enum { PAIR = 2 };

/* The t-th four of them, after the words that they need were made of the sixteen before. */
__attribute__((target("sha,avx"), always_inline)) static inline void
four_rounds(__m128i v[static 4], size_t t, __m128i *abef, __m128i *cdgh)
{
    const __m128i k = _mm_loadu_si128((const __m128i *)(const void *)(k256 + 4 * t));
    __m128i m;

    if (t >= 4) {
        m = _mm_alignr_epi8(v[(t + 3) % 4], v[(t + 2) % 4], 4);
        m = _mm_add_epi32(_mm_sha256msg1_epu32(v[t % 4], v[(t + 1) % 4]), m);
        v[t % 4] = _mm_sha256msg2_epu32(m, v[(t + 3) % 4]);
    }
    m = _mm_add_epi32(v[t % 4], k);
    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, m);
    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(m, 0x0e));
}

/* Two messages in turn: what one waits for, the other one does meanwhile. */
__attribute__((target("sha,avx"))) static void
run_sha(struct sha256_lanes *l, size_t blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i abef[PAIR], cdgh[PAIR];

    _mm256_zeroupper(); /* what others left there would make every instruction here wait */

    for (size_t i = 0; i < PAIR; i++) {
        const uint32_t(*s)[SHA256_LANES] = l->state;
        abef[i] = _mm_set_epi32((int)s[0][i], (int)s[1][i], (int)s[4][i], (int)s[5][i]);
        cdgh[i] = _mm_set_epi32((int)s[2][i], (int)s[3][i], (int)s[6][i], (int)s[7][i]);
    }
    for (; blocks > 0; blocks--) {
        __m128i w[PAIR][4], x[PAIR], y[PAIR];
        for (size_t i = 0; i < PAIR; i++) {
            for (size_t t = 0; t < 4; t++)
                w[i][t] = _mm_shuffle_epi8(
                    _mm_loadu_si128((const __m128i *)(const void *)(l->from[i] + 16 * t)), swap);
            l->from[i] += l->stride[i];
            x[i] = abef[i];
            y[i] = cdgh[i];
        }
#pragma GCC unroll 16
        for (size_t t = 0; t < 16; t++)
#pragma GCC unroll 2
            for (size_t i = 0; i < PAIR; i++)
                four_rounds(w[i], t, &x[i], &y[i]);
        for (size_t i = 0; i < PAIR; i++) {
            abef[i] = _mm_add_epi32(abef[i], x[i]);
            cdgh[i] = _mm_add_epi32(cdgh[i], y[i]);
        }
    }
    for (size_t i = 0; i < PAIR; i++) {
        uint32_t feba[4], hgdc[4];
        memcpy(feba, &abef[i], sizeof(feba));
        memcpy(hgdc, &cdgh[i], sizeof(hgdc));
        for (size_t k = 0; k < 2; k++) {
            l->state[k][i] = feba[3 - k];
            l->state[2 + k][i] = hgdc[3 - k];
            l->state[4 + k][i] = feba[1 - k];
            l->state[6 + k][i] = hgdc[1 - k];
        }
    }
}

const struct sha256_engine *
sha256_engine(size_t at)
{
    static const struct sha256_engine sha = {run_sha, PAIR, PAIR},
                                      avx512 = {run_avx512, SHA256_LANES, 3},
                                      avx2 = {run_avx2, SHA256_LANES, 3};
    const struct sha256_engine *has[3];
    unsigned a = 0, b = 0, c = 0, d = 0;
    size_t n = 0;

    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) != 0 &&
        __builtin_cpu_supports("avx"))
        has[n++] = &sha;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        has[n++] = &avx512;
    if (__builtin_cpu_supports("avx2"))
        has[n++] = &avx2;
    return at < n ? has[at] : NULL;
}

#else

const struct sha256_engine *
sha256_engine(size_t at)
{
    (void)at;
    return NULL;
}

#endif
