/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rand.h"
#include "repo/format/poly.h"

static int
poly_degree(uint64_t a)
{
    return a == 0 ? -1 : 63 - __builtin_clzll(a);
}

uint64_t
poly_mod(uint64_t a, uint64_t m)
{
    int dm = poly_degree(m);

    for (int da = poly_degree(a); da >= dm; da = poly_degree(a))
        a ^= m << (da - dm);
    return a;
}

/* a * b mod m, for a, b of a smaller degree than m's (< 63). */
static uint64_t
mul_mod(uint64_t a, uint64_t b, uint64_t m)
{
    uint64_t sum = 0, top = 1ULL << poly_degree(m);

    for (; b != 0; b >>= 1) {
        if (b & 1)
            sum ^= a;
        a <<= 1;
        if (a & top)
            a ^= m;
    }
    return sum;
}

static uint64_t
poly_gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = poly_mod(a, b);
        a = b;
        b = rest;
    }
    return a;
}

/* Irreducible means: no factor in common with x^(2^i) - x for any i up to half the degree. */
bool
poly_is_good(uint64_t poly)
{
    uint64_t q = 2;

    if (poly_degree(poly) != POLY_DEGREE)
        return false;
    for (int i = 1; i <= POLY_DEGREE / 2; i++) {
        q = mul_mod(q, q, poly);
        if (poly_gcd(poly, q ^ 2) != 1)
            return false;
    }
    return true;
}

uint64_t
poly_random(void)
{
    uint64_t p;

    do { /* about one in 26 is good */
        rand_bytes(&p, sizeof(p));
        p = (p & ((1ULL << POLY_DEGREE) - 1)) | 1ULL << POLY_DEGREE | 1;
    } while (!poly_is_good(p));
    return p;
}

enum rc
poly_parse(struct str text, uint64_t *out, struct err *e)
{
    uint64_t p = 0;
    bool ok = text.n >= 1 && text.n <= 16;

    for (size_t i = 0; ok && i < text.n; i++) {
        uint8_t c = text.p[i] | 0x20;
        ok = (text.p[i] >= '0' && text.p[i] <= '9') || (c >= 'a' && c <= 'f');
        p = p << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    if (!ok || !poly_is_good(p))
        return err_set(e, RC_CORRUPT, "the chunker polynomial is not irreducible of degree 53");
    *out = p;
    return RC_OK;
}
