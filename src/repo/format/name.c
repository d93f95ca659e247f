/* SPDX-License-Identifier: Apache-2.0 */
#include "json/utf8.h"
#include "repo/format/name.h"

/* Runs of code points from U+0080 on that do not print. Which exactly changes with every Unicode.
 */
static const uint32_t hidden[][2] = {
    {0x80, 0xa0},     {0xad, 0xad},     {0x1680, 0x1680},   {0x180e, 0x180e},    {0x2000, 0x200f},
    {0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000},   {0xe000, 0xf8ff},    {0xfeff, 0xfeff},
    {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe00ff}, {0xe01f0, 0x10ffff},
};

static const char short_from[] = "\a\b\f\n\r\t\v\\\"", short_to[] = "abfnrtv\\\"";

static bool
name_prints(uint32_t rune)
{
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
        if (rune >= hidden[i][0] && rune <= hidden[i][1])
            return false;
    }
    return true;
}

enum rc
name_quote(struct str raw, struct buf *out, struct err *e)
{
    size_t i = 0;

    while (i < raw.n) {
        uint32_t rune = raw.p[i];
        const char *found = rune != 0 && rune < 0x80 ? strchr(short_from, (int)rune) : NULL;
        size_t len = 1;
        enum rc rc;
        if (!utf8_next(str_of(raw.p + i, raw.n - i), &rune, &len))
            rc = buf_printf(out, e, "\\x%02x", raw.p[i]);
        else if (found != NULL)
            rc = buf_printf(out, e, "\\%c", short_to[found - short_from]);
        else if (rune < 0x20 || rune == 0x7f)
            rc = buf_printf(out, e, "\\x%02x", rune);
        else if (!name_prints(rune))
            rc = buf_printf(out, e, rune > 0xffff ? "\\U%08x" : "\\u%04x", rune);
        else
            rc = buf_add(out, raw.p + i, len, e);
        if (rc)
            return rc;
        i += len;
    }
    return RC_OK;
}

/* `n` digits of base 16 or 8 at the front of `s`. */
static bool
name_digits(struct str s, size_t n, uint32_t base, uint32_t *out)
{
    uint32_t v = 0;

    if (s.n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint32_t c = s.p[i], d = c >= '0' && c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
        if ((c < '0' || c > '9') && ((c | 32) < 'a' || (c | 32) > 'f'))
            return false;
        if (d >= base)
            return false;
        v = v * base + d;
    }
    *out = v;
    return true;
}

/* One escape, after its backslash; `*len` bytes of `s` belong to it. */
static enum rc
name_unescape(struct str s, struct buf *out, size_t *len, struct err *e)
{
    const char *found = s.n > 0 && s.p[0] != 0 ? strchr(short_to, s.p[0]) : NULL;
    size_t n = s.n == 0 ? 0 : s.p[0] == 'x' ? 2 : s.p[0] == 'u' ? 4 : s.p[0] == 'U' ? 8 : 0;
    uint32_t v = 0;
    uint8_t bytes[4];

    if (found != NULL) {
        *len = 1;
        return buf_add(out, &short_from[found - short_to], 1, e);
    }
    if (n != 0 && name_digits(str_of(s.p + 1, s.n - 1), n, 16, &v)) {
        *len = 1 + n;
        if (n > 2 && (v > 0x10ffff || (v >= 0xd800 && v < 0xe000)))
            return err_set(e, RC_CORRUPT, "a name has an escape that is not a character");
        bytes[0] = (uint8_t)v;
        return buf_add(out, bytes, n == 2 ? 1 : utf8_put(v, bytes), e);
    }
    if (name_digits(s, 3, 8, &v) && v < 256) {
        *len = 3;
        bytes[0] = (uint8_t)v;
        return buf_add(out, bytes, 1, e);
    }
    return err_set(e, RC_CORRUPT, "a name has an unknown escape");
}

enum rc
name_unquote(struct str quoted, struct buf *out, struct err *e)
{
    size_t i = 0;

    while (i < quoted.n) {
        size_t len = 1;
        if (quoted.p[i] == '"' || quoted.p[i] == '\n')
            return err_set(e, RC_CORRUPT, "a name has a bare quote or line end");
        if (quoted.p[i] != '\\') {
            if (buf_add(out, quoted.p + i, 1, e))
                return err_code(e);
        } else {
            if (name_unescape(str_of(quoted.p + i + 1, quoted.n - i - 1), out, &len, e))
                return err_code(e);
            len++;
        }
        i += len;
    }
    return RC_OK;
}
