/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

void
hex_encode(const uint8_t *p, size_t n, char *to)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *to++ = digits[p[i] >> 4];
        *to++ = digits[p[i] & 15];
    }
    *to = '\0';
}

/* What a digit is worth, plus one; 0: not a digit. */
static const uint8_t worth[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* Without a branch for each digit: an index is full of them. */
bool
hex_decode(struct str s, uint8_t *to, size_t n)
{
    unsigned seen = 0; /* what any of them is worth; above 15: one was not a digit */

    if (s.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned hi = worth[s.p[2 * i]] - 1U, lo = worth[s.p[2 * i + 1]] - 1U;

        seen |= hi | lo;
        to[i] = (uint8_t)(hi << 4 | lo);
    }
    return seen <= 15;
}
