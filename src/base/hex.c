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

static int
hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool
hex_decode(struct str s, uint8_t *to, size_t n)
{
    if (s.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int hi = hex_digit(s.p[2 * i]), lo = hex_digit(s.p[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        to[i] = (uint8_t)(hi * 16 + lo);
    }
    return true;
}

static const char b64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
b64_encode(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i += 3) {
        size_t left = s.n - i;
        uint32_t v = (uint32_t)s.p[i] << 16;
        char four[4];

        if (left > 1)
            v |= (uint32_t)s.p[i + 1] << 8;
        if (left > 2)
            v |= s.p[i + 2];
        four[0] = b64_alphabet[v >> 18];
        four[1] = b64_alphabet[(v >> 12) & 63];
        four[2] = (char)(left > 1 ? b64_alphabet[(v >> 6) & 63] : '=');
        four[3] = (char)(left > 2 ? b64_alphabet[v & 63] : '=');
        buf_must_add(out, four, 4);
    }
}

static int
b64_digit(uint8_t c)
{
    const char *at = c == '\0' ? NULL : strchr(b64_alphabet, c);
    return at == NULL ? -1 : (int)(at - b64_alphabet);
}

enum rc
b64_decode(struct str s, struct buf *out, struct err *e)
{
    if (s.n % 4 != 0)
        return err_set(e, RC_INVALID, "base64 text has %zu characters, not a multiple of 4", s.n);
    for (size_t i = 0; i < s.n; i += 4) {
        size_t pad = 0;
        uint32_t v = 0;
        uint8_t three[3];

        if (i + 4 == s.n)
            pad = (s.p[i + 3] == '=') + (size_t)(s.p[i + 3] == '=' && s.p[i + 2] == '=');
        for (size_t k = 0; k < 4; k++) {
            int d = k + pad >= 4 ? 0 : b64_digit(s.p[i + k]);
            if (d < 0)
                return err_set(e, RC_INVALID, "base64 text has a wrong character at %zu", i + k);
            v = v << 6 | (uint32_t)d;
        }
        three[0] = (uint8_t)(v >> 16);
        three[1] = (uint8_t)(v >> 8);
        three[2] = (uint8_t)v;
        if (buf_add(out, three, 3 - pad, e))
            return e->code;
    }
    return RC_OK;
}
