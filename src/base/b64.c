/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum rc
b64_encode(struct str bytes, struct buf *out, struct err *e)
{
    if (buf_reserve(out, (bytes.n + 2) / 3 * 4, e))
        return err_code(e);
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t v = (uint32_t)bytes.p[i] << 16;
        uint8_t *to = out->p + out->n;

        v |= left > 1 ? (uint32_t)bytes.p[i + 1] << 8 : 0;
        v |= left > 2 ? bytes.p[i + 2] : 0;
        to[0] = (uint8_t)alphabet[v >> 18];
        to[1] = (uint8_t)alphabet[v >> 12 & 63];
        to[2] = left > 1 ? (uint8_t)alphabet[v >> 6 & 63] : '=';
        to[3] = left > 2 ? (uint8_t)alphabet[v & 63] : '=';
        out->n += 4;
    }
    return RC_OK;
}

enum rc
b64_encode_url(struct str bytes, struct buf *out, struct err *e)
{
    size_t at = out->n;

    if (b64_encode(bytes, out, e))
        return err_code(e);
    for (; at < out->n && out->p[at] != '='; at++)
        out->p[at] = out->p[at] == '+' ? '-' : out->p[at] == '/' ? '_' : out->p[at];
    out->n = at;
    return RC_OK;
}

static int
value_of(uint8_t c)
{
    const char *at = c == 0 ? NULL : strchr(alphabet, c);

    return at == NULL ? -1 : (int)(at - alphabet);
}

enum rc
b64_decode(struct str text, struct buf *out, struct err *e)
{
    size_t start = out->n, n = 0, pad = 0;
    uint32_t v = 0;

    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        int d = value_of(c);

        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            continue;
        if (c == '=' && n % 4 >= 2)
            pad++;
        else if (d < 0 || pad > 0)
            goto bad;
        v = v << 6 | (uint32_t)(d < 0 ? 0 : d);
        if (++n % 4 == 0) {
            uint8_t three[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

            if (buf_add(out, three, 3 - pad, e)) {
                out->n = start;
                return err_code(e);
            }
            v = 0;
        }
    }
    if (n % 4 == 0)
        return RC_OK;
bad:
    out->n = start;
    return err_set(e, RC_INVALID, "not base64");
}
