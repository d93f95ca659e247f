/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <string.h>

#include "dump/slot.h"

/* CRC-16/XMODEM, four bytes a step: table[k][b] is the remainder of byte b followed by k zero bytes. */
enum { SLICES = 4, POLY = 0x1021 };

static uint16_t table[SLICES][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
fill_table(void)
{
    for (unsigned b = 0; b < 256; b++) {
        unsigned c = b << 8;
        for (int bit = 0; bit < 8; bit++)
            c = (c & 0x8000) != 0 ? c << 1 ^ POLY : c << 1;
        table[0][b] = (uint16_t)c;
    }
    for (unsigned b = 0; b < 256; b++)
        for (unsigned k = 1; k < SLICES; k++)
            table[k][b] = (uint16_t)(table[k - 1][b] << 8) ^ table[0][table[k - 1][b] >> 8];
}

static uint16_t
crc16(struct str s)
{
    const uint8_t *p = s.p;
    size_t n = s.n;
    uint16_t crc = 0;

    (void)pthread_once(&once, fill_table);
    for (; n >= 4; n -= 4, p += 4)
        crc = table[3][crc >> 8 ^ p[0]] ^ table[2][(crc & 0xff) ^ p[1]] ^ table[1][p[2]] ^
              table[0][p[3]];
    for (; n > 0; n--, p++)
        crc = (uint16_t)(crc << 8) ^ table[0][crc >> 8 ^ *p];
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
