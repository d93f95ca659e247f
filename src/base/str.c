/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/str.h"

const char *
str_show(struct str s, char *to, size_t n)
{
    size_t used = 0;

    for (size_t i = 0; i < s.n; i++) {
        char one[8];
        int w;

        if (s.p[i] == '\\' || s.p[i] == '"')
            w = snprintf(one, sizeof(one), "\\%c", s.p[i]);
        else if (s.p[i] >= 0x20 && s.p[i] < 0x7f)
            w = snprintf(one, sizeof(one), "%c", s.p[i]);
        else
            w = snprintf(one, sizeof(one), "\\x%02x", s.p[i]);
        if (used + (size_t)w + 4 > n) {
            (void)snprintf(to + used, n - used, "...");
            return to;
        }
        memcpy(to + used, one, (size_t)w);
        used += (size_t)w;
    }
    to[used] = '\0';
    return to;
}

bool
str_to_u64(struct str s, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n == 0 || s.n > 20)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned)s.p[i] - '0';
        if (d > 9 || v > (UINT64_MAX - d) / 10)
            return false;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

bool
str_to_told(struct str s, uint64_t *out)
{
    uint64_t v;

    if (!str_to_u64(s, &v) || v > (uint64_t)INT64_MAX)
        return false;
    *out = v;
    return true;
}

bool
str_to_size(struct str s, uint64_t *out)
{
    static const char units[] = "kmgt";
    uint64_t v, scale = 1;

    if (s.n > 1 && (s.p[s.n - 1] | 0x20) == 'b')
        s.n--; /* "10MB" is "10M" */
    if (s.n > 1) {
        const char *unit = (const char *)memchr(units, s.p[s.n - 1] | 0x20, sizeof(units) - 1);

        if (unit != NULL) {
            scale = 1ULL << 10 * (unit - units + 1);
            s.n--;
        }
    }
    if (!str_to_u64(s, &v) || v > INT64_MAX / scale)
        return false;
    *out = v * scale;
    return true;
}

bool
str_to_i64(struct str s, int64_t *out)
{
    bool minus = s.n > 0 && s.p[0] == '-';
    uint64_t v;

    if (!str_to_u64(minus ? str_of(s.p + 1, s.n - 1) : s, &v))
        return false;
    if (v > (uint64_t)INT64_MAX + (minus ? 1 : 0))
        return false;
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

size_t
str_put_u64(uint64_t v, uint8_t to[static STR_INT_MAX - 1])
{
    uint8_t rev[STR_INT_MAX - 1];
    size_t n = 0;

    if (v < 10) { /* the common cases: lengths and small counts */
        to[0] = (uint8_t)('0' + v);
        return 1;
    }
    if (v < 100) {
        to[0] = (uint8_t)('0' + v / 10);
        to[1] = (uint8_t)('0' + v % 10);
        return 2;
    }
    for (; v != 0; v /= 10)
        rev[n++] = (uint8_t)('0' + v % 10);
    for (size_t i = 0; i < n; i++)
        to[i] = rev[n - 1 - i];
    return n;
}

size_t
str_put_i64(int64_t v, uint8_t to[static STR_INT_MAX])
{
    if (v >= 0)
        return str_put_u64((uint64_t)v, to);
    to[0] = '-';
    return 1 + str_put_u64(0 - (uint64_t)v, to + 1);
}

const char *
str_grouped(uint64_t v, char to[static STR_GROUPED_MAX])
{
    uint8_t digits[STR_INT_MAX];
    size_t n = str_put_u64(v, digits), used = 0;

    for (size_t i = 0; i < n; i++) {
        if (i != 0 && (n - i) % 3 == 0)
            to[used++] = ',';
        to[used++] = (char)digits[i];
    }
    to[used] = '\0';
    return to;
}

size_t
str_chars(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xC0) != 0x80;
    return n;
}

const char *
str_cut(struct str s, char *to, size_t n)
{
    size_t len = MIN(s.n, n - 1);

    if (len > 0)
        memcpy(to, s.p, len);
    to[len] = '\0';
    return to;
}

char *
str_clean_path(const char *path)
{
    char *out = (char *)mem_zero(strlen(path) + 2, 1);
    size_t n = 0;

    while (*path != '\0') {
        size_t len = strcspn(path, "/");

        if (len == 2 && memcmp(path, "..", 2) == 0) {
            while (n > 0 && out[--n] != '/')
                ;
        } else if (len > 0 && !(len == 1 && path[0] == '.')) {
            if (n > 0)
                out[n++] = '/';
            memcpy(out + n, path, len);
            n += len;
        }
        out[n] = '\0';
        path += len + (path[len] == '/');
    }
    out[n] = '\0';
    return out;
}

/* How many bytes at `s` are a character that a terminal or a reader must not get; 0: none. */
static size_t
unsafe_bytes(const unsigned char *s)
{
    if (s[0] < 0x20 || s[0] == 0x7f)
        return 1;
    if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f)
        return 2;
    if (s[0] != 0xe2)
        return 0;
    /* U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069 */
    if (s[1] == 0x80 && (s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xa8 && s[2] <= 0xae)))
        return 3;
    return s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9 ? 3 : 0;
}

char *
str_one_line(char *s)
{
    for (char *at = s; *at != '\0';) {
        size_t n = unsafe_bytes((const unsigned char *)at);

        if (n == 1)
            *at = *at == '\n' || *at == '\t' || *at == '\r' ? ' ' : '?';
        else if (n > 1)
            memset(at, '?', n);
        at += n > 0 ? n : 1;
    }
    return s;
}

const char *
str_put_double(double v, char to[static STR_DOUBLE_MAX])
{
    char e[STR_DOUBLE_MAX], digits[20];
    const char *sign = signbit(v) ? "-" : "";
    int n = 0, exp;

    if (!isfinite(v)) {
        (void)snprintf(to, STR_DOUBLE_MAX, "%s", isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
        return to;
    }
    for (int p = 0; p < 17; p++) {
        (void)snprintf(e, sizeof(e), "%.*e", p, fabs(v));
        if (strtod(e, NULL) == fabs(v))
            break;
    }
    for (const char *at = e; *at != 'e'; at++)
        if (*at != '.')
            digits[n++] = *at;
    digits[n] = '\0';
    exp = (int)strtol(strchr(e, 'e') + 1, NULL, 10);
    if (exp < -4 || exp >= 6)
        (void)snprintf(to, STR_DOUBLE_MAX, "%s%c%s%se%c%02d", sign, digits[0], n > 1 ? "." : "",
                       digits + 1, exp < 0 ? '-' : '+', abs(exp));
    else if (exp < 0)
        (void)snprintf(to, STR_DOUBLE_MAX, "%s0.%.*s%s", sign, -exp - 1, "000", digits);
    else if (n <= exp + 1)
        (void)snprintf(to, STR_DOUBLE_MAX, "%s%s%.*s", sign, digits, exp + 1 - n, "00000");
    else
        (void)snprintf(to, STR_DOUBLE_MAX, "%s%.*s.%s", sign, exp + 1, digits, digits + exp + 1);
    return to;
}
