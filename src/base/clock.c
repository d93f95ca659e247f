/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

static struct timespec
read_clock(clockid_t which)
{
    struct timespec t;

    if (clock_gettime(which, &t) != 0)
        BUG("no clock %d", (int)which);
    return t;
}

int64_t
clock_mono_ns(void)
{
    struct timespec t = read_clock(CLOCK_MONOTONIC);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t
clock_mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

int64_t
clock_real_ms(void)
{
    return instant_ms(instant_now());
}

int64_t
clock_boot_ms(void)
{
    struct timespec t = read_clock(CLOCK_BOOTTIME);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct instant
instant_now(void)
{
    struct timespec t = read_clock(CLOCK_REALTIME);
    return (struct instant){.sec = t.tv_sec, .nsec = (int32_t)t.tv_nsec, .zone = 0};
}

int
instant_cmp(struct instant a, struct instant b)
{
    if (a.sec != b.sec)
        return a.sec < b.sec ? -1 : 1;
    return (a.nsec > b.nsec) - (a.nsec < b.nsec);
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar; months count from March. */
static int64_t
days_from_date(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted = month > 2 ? month - 3 : month + 9, y = month > 2 ? year : year - 1;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * shifted + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

const char *
instant_format(struct instant t, char to[static INSTANT_TEXT])
{
    time_t local = (time_t)(t.sec + t.zone);
    struct tm tm;
    char frac[12] = "", zone[8] = "Z";

    if (gmtime_r(&local, &tm) == NULL)
        BUG("time out of range");
    if (t.nsec != 0) {
        (void)snprintf(frac, sizeof(frac), ".%09u", (unsigned)t.nsec % 1000000000U);
        for (size_t n = 9; n > 0 && frac[n] == '0'; n--)
            frac[n] = '\0';
    }
    if (t.zone != 0) {
        int minutes = abs(t.zone) / 60;
        (void)snprintf(zone, sizeof(zone), "%c%02u:%02u", t.zone < 0 ? '-' : '+',
                       (unsigned)minutes / 60U % 100U, (unsigned)minutes % 60U);
    }
    (void)snprintf(to, INSTANT_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d%s%s",
                   (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                   tm.tm_sec, frac, zone);
    return to;
}

const char *
instant_format_micro(struct instant t, char to[static INSTANT_TEXT])
{
    char second[INSTANT_TEXT];

    (void)instant_format((struct instant){.sec = t.sec}, second);
    (void)snprintf(to, INSTANT_TEXT, "%.19s.%06uZ", second, (unsigned)t.nsec / 1000U % 1000000U);
    return to;
}

/* Take exactly `digits` digits off the front of `s`. */
static bool
take_number(struct str *s, size_t digits, int64_t *out)
{
    uint64_t v;

    if (s->n < digits || !str_to_u64(str_of(s->p, digits), &v))
        return false;
    *s = str_of(s->p + digits, s->n - digits);
    *out = (int64_t)v;
    return true;
}

static bool
take_char(struct str *s, const char *any_of)
{
    if (s->n == 0 || s->p[0] == '\0' || strchr(any_of, s->p[0]) == NULL)
        return false;
    *s = str_of(s->p + 1, s->n - 1);
    return true;
}

static bool
take_zone(struct str *s, int32_t *zone)
{
    int64_t h, m;
    bool minus = s->n > 0 && s->p[0] == '-';

    if (take_char(s, "Zz")) {
        *zone = 0;
        return true;
    }
    if (!take_char(s, "+-") || !take_number(s, 2, &h) || !take_char(s, ":") ||
        !take_number(s, 2, &m) || h > 24 || m > 59)
        return false;
    *zone = (int32_t)((h * 60 + m) * 60) * (minus ? -1 : 1);
    return true;
}

enum rc
instant_parse(struct str text, struct instant *out, struct err *e)
{
    struct str s = text;
    int64_t year, month, day, h, m, sec, nsec = 0;
    int32_t zone;
    char shown[64];

    if (!take_number(&s, 4, &year) || !take_char(&s, "-") || !take_number(&s, 2, &month) ||
        !take_char(&s, "-") || !take_number(&s, 2, &day) || !take_char(&s, "Tt ") ||
        !take_number(&s, 2, &h) || !take_char(&s, ":") || !take_number(&s, 2, &m) ||
        !take_char(&s, ":") || !take_number(&s, 2, &sec) || month < 1 || month > 12 || day < 1 ||
        day > 31 || h > 24 || m > 59 || sec > 60)
        goto bad;
    if (take_char(&s, ".")) {
        int64_t unit = 100000000;
        size_t n = 0;
        for (; s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9'; n++, unit /= 10) {
            nsec += (s.p[0] - '0') * unit;
            s = str_of(s.p + 1, s.n - 1);
        }
        if (n == 0)
            goto bad;
    }
    if (!take_zone(&s, &zone) || s.n != 0)
        goto bad;
    out->sec = days_from_date(year, month, day) * 86400 + h * 3600 + m * 60 + sec - zone;
    out->nsec = (int32_t)nsec;
    out->zone = zone;
    return RC_OK;
bad:
    return err_set(e, RC_INVALID, "\"%s\" is not a time of the form 2006-01-02T15:04:05Z",
                   str_show(text, shown, sizeof(shown)));
}
