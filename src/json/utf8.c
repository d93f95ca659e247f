/* SPDX-License-Identifier: Apache-2.0 */
#include "json/utf8.h"

bool
utf8_next(struct str s, uint32_t *rune, size_t *len)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t c = s.p[0];
    size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    uint32_t r = n == 1 ? c : c & (0x7fU >> n);

    *len = 1;
    if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || n > s.n)
        return false;
    for (size_t i = 1; i < n; i++) {
        if ((s.p[i] & 0xc0) != 0x80)
            return false;
        r = r << 6 | (s.p[i] & 0x3fU);
    }
    if (r < least[n] || r > 0x10ffff || (r >= 0xd800 && r < 0xe000))
        return false;
    *len = n;
    *rune = r;
    return true;
}

size_t
utf8_put(uint32_t rune, uint8_t to[static 4])
{
    if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
        rune = 0xfffd;
    if (rune < 0x80) {
        to[0] = (uint8_t)rune;
        return 1;
    }
    if (rune < 0x800) {
        to[0] = (uint8_t)(0xc0 | rune >> 6);
        to[1] = (uint8_t)(0x80 | (rune & 0x3f));
        return 2;
    }
    if (rune < 0x10000) {
        to[0] = (uint8_t)(0xe0 | rune >> 12);
        to[1] = (uint8_t)(0x80 | (rune >> 6 & 0x3f));
        to[2] = (uint8_t)(0x80 | (rune & 0x3f));
        return 3;
    }
    to[0] = (uint8_t)(0xf0 | rune >> 18);
    to[1] = (uint8_t)(0x80 | (rune >> 12 & 0x3f));
    to[2] = (uint8_t)(0x80 | (rune >> 6 & 0x3f));
    to[3] = (uint8_t)(0x80 | (rune & 0x3f));
    return 4;
}
