/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "base/endian.h"
#include "codec/crc64.h"

/* Eight bytes a step: table[k][b] is the remainder of byte b followed by k zero bytes. */
enum { SLICES = 8 };

#define POLY_REFLECTED UINT64_C(0x95ac9329ac4bc9b5)

static uint64_t table[SLICES][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
fill_table(void)
{
    for (unsigned b = 0; b < 256; b++) {
        uint64_t c = b;
        for (int bit = 0; bit < 8; bit++)
            c = (c & 1) ? c >> 1 ^ POLY_REFLECTED : c >> 1;
        table[0][b] = c;
    }
    for (unsigned b = 0; b < 256; b++)
        for (unsigned k = 1; k < SLICES; k++)
            table[k][b] = table[0][table[k - 1][b] & 0xff] ^ table[k - 1][b] >> 8;
}

uint64_t
crc64(uint64_t crc, const uint8_t *p, size_t n)
{
    (void)pthread_once(&once, fill_table);
    for (; n >= 8; n -= 8, p += 8) {
        crc ^= le64_load(p);
        crc = table[7][crc & 0xff] ^ table[6][crc >> 8 & 0xff] ^ table[5][crc >> 16 & 0xff] ^
              table[4][crc >> 24 & 0xff] ^ table[3][crc >> 32 & 0xff] ^ table[2][crc >> 40 & 0xff] ^
              table[1][crc >> 48 & 0xff] ^ table[0][crc >> 56];
    }
    for (; n > 0; n--, p++)
        crc = table[0][(crc ^ *p) & 0xff] ^ crc >> 8;
    return crc;
}
