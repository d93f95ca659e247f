/* SPDX-License-Identifier: Apache-2.0 */
#include "api/duration.h"

#include <math.h>

struct unit {
    const char *name;
    double size;
};

/* Longer names first, since "m" begins "ms". In milliseconds. */
static const struct unit units[] = {{"ns", 1e-6}, {"us", 1e-3}, {"\xC2\xB5s", 1e-3}, {"ms", 1},
                                    {"s", 1e3},   {"m", 60e3},  {"h", 3600e3}};
static const struct unit sizes[] = {
    {"TiB", 0x1p40}, {"GiB", 0x1p30}, {"MiB", 0x1p20}, {"KiB", 0x1p10}, {"B", 1}};

/* Digits with an optional fraction at *at; false: none there. */
static bool
duration_number(struct str s, size_t *at, double *out)
{
    double v = 0, scale = 1;
    size_t digits = 0;
    bool point = false;

    for (; *at < s.n; (*at)++) {
        uint8_t c = s.p[*at];

        if (c == '.' && !point) {
            point = true;
        } else if (c >= '0' && c <= '9') {
            v = v * 10 + (c - '0');
            scale *= point ? 10 : 1;
            digits++;
        } else {
            break;
        }
    }
    *out = v / scale;
    return digits > 0;
}

static const struct unit *
unit_at(struct str s, size_t *at, const struct unit *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(list[i].name);

        if (s.n - *at >= len && memcmp(s.p + *at, list[i].name, len) == 0) {
            *at += len;
            return &list[i];
        }
    }
    return NULL;
}

enum rc
duration_parse(struct str s, int64_t *ms, struct err *e)
{
    size_t at = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    bool minus = at > 0 && s.p[0] == '-';
    double sum = 0, v;

    if (s.n - at == 1 && s.p[at] == '0') {
        *ms = 0;
        return RC_OK;
    }
    if (at == s.n)
        goto bad;
    while (at < s.n) {
        const struct unit *u;

        if (!duration_number(s, &at, &v) || (u = unit_at(s, &at, units, ARRAY_LEN(units))) == NULL)
            goto bad;
        sum += v * u->size;
    }
    if (!(sum <= 9.2e12)) /* some 292 years, the most that Go can hold; NaN is more */
        goto bad;
    *ms = (int64_t)llround(minus ? -sum : sum);
    return RC_OK;
bad:
    return err_set(e, RC_INVALID, "\"%.*s\" is not a duration such as \"1h30m\"",
                   (int)(s.n > 60 ? 60 : s.n), (const char *)s.p);
}

const char *
duration_format(int64_t ms, char to[static DURATION_TEXT])
{
    const char *sign = ms < 0 ? "-" : "";
    uint64_t v = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
    unsigned long long h = v / 3600000, m = v / 60000 % 60, s = v / 1000 % 60, f = v % 1000;
    char frac[16] = "";

    if (v == 0)
        (void)snprintf(to, DURATION_TEXT, "0s");
    else if (v < 1000)
        (void)snprintf(to, DURATION_TEXT, "%s%llums", sign, f);
    if (v < 1000)
        return to;
    if (f != 0) {
        size_t n = (size_t)snprintf(frac, sizeof(frac), ".%03llu", f);

        while (n > 0 && frac[n - 1] == '0')
            frac[--n] = '\0';
    }
    if (h > 0)
        (void)snprintf(to, DURATION_TEXT, "%s%lluh%llum%llu%ss", sign, h, m, s, frac);
    else if (m > 0)
        (void)snprintf(to, DURATION_TEXT, "%s%llum%llu%ss", sign, m, s, frac);
    else
        (void)snprintf(to, DURATION_TEXT, "%s%llu%ss", sign, s, frac);
    return to;
}

const char *
duration_format_s(int64_t ms, char to[static DURATION_TEXT])
{
    return duration_format((ms + (ms < 0 ? -500 : 500)) / 1000 * 1000, to);
}

const char *
duration_clock(int64_t ms, char to[static DURATION_TEXT])
{
    unsigned long long s = ms < 0 ? 0 : (unsigned long long)ms / 1000;

    if (s >= 3600)
        (void)snprintf(to, DURATION_TEXT, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
    else
        (void)snprintf(to, DURATION_TEXT, "%llu:%02llu", s / 60, s % 60);
    return to;
}

const char *
size_format(uint64_t bytes, char to[static DURATION_TEXT])
{
    for (size_t i = 0; i + 1 < ARRAY_LEN(sizes); i++)
        if ((double)bytes > sizes[i].size) {
            (void)snprintf(to, DURATION_TEXT, "%.3f %s", (double)bytes / sizes[i].size,
                           sizes[i].name);
            return to;
        }
    (void)snprintf(to, DURATION_TEXT, "%llu B", (unsigned long long)bytes);
    return to;
}

enum rc
size_parse(struct str s, uint64_t *bytes, struct err *e)
{
    size_t at = 0;
    double v;
    const struct unit *u;

    if (!duration_number(s, &at, &v))
        goto bad;
    while (at < s.n && s.p[at] == ' ')
        at++;
    u = unit_at(s, &at, sizes, ARRAY_LEN(sizes));
    if (u == NULL || at != s.n || !(v * u->size <= 9e18))
        goto bad;
    *bytes = (uint64_t)(v * u->size);
    return RC_OK;
bad:
    return err_set(e, RC_INVALID, "not a size such as \"1.234 MiB\"");
}
