/* SPDX-License-Identifier: Apache-2.0 */
#include "dump/slot.h"

#include <string.h>

/* Four bits at a time: a table of sixteen, and fast enough beside what a key costs otherwise. */
static uint16_t
crc16(struct str s)
{
    static const uint16_t table[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5,
                                       0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
                                       0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};
    uint16_t crc = 0;

    for (size_t i = 0; i < s.n; i++) {
        crc = (uint16_t)(crc << 4) ^ table[(crc >> 12) ^ (s.p[i] >> 4)];
        crc = (uint16_t)(crc << 4) ^ table[(crc >> 12) ^ (s.p[i] & 15)];
    }
    return crc;
}

uint16_t
slot_of(struct str key)
{
    const uint8_t *open = key.n == 0 ? NULL : memchr(key.p, '{', key.n), *close = NULL;

    if (open != NULL)
        close = memchr(open + 1, '}', key.n - (size_t)(open + 1 - key.p));
    if (close != NULL && close > open + 1)
        key = str_of(open + 1, (size_t)(close - open - 1));
    return crc16(key) % SLOTS;
}
