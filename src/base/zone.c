/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone.h"

#include <ctype.h>

#include "base/fs.h"
#include "base/mem.h"

/* A day of a POSIX rule: "Mm.w.d", "Jn" or "n", with the local second at which it happens. */
struct turn {
    enum { BY_WEEK, BY_JULIAN, BY_DAY } how;
    int month, week, day;
    int32_t at;
};

struct zone {
    int64_t *times; /* when an offset begins */
    int32_t *offsets;
    size_t n;
    int32_t first;          /* before the first time */
    bool has_rule, has_dst; /* the footer */
    int32_t std, dst;
    struct turn begin, end; /* of summer time */
};

void
zone_free(struct zone *z)
{
    if (z == NULL)
        return;
    mem_free(z->times);
    mem_free(z->offsets);
    mem_free(z);
}

/* ---- the rule ---- */

struct in {
    const char *p, *end;
};

static bool
zone_number(struct in *in, int *out)
{
    int v = 0, digits = 0;

    while (in->p < in->end && isdigit((unsigned char)*in->p) && digits++ < 4)
        v = v * 10 + (*in->p++ - '0');
    *out = v;
    return digits > 0;
}

static bool
zone_eat(struct in *in, char c)
{
    if (in->p == in->end || *in->p != c)
        return false;
    in->p++;
    return true;
}

/* [+-]h[:m[:s]] as seconds */
static bool
clock_time(struct in *in, int32_t *out)
{
    bool minus = zone_eat(in, '-');
    int h, m = 0, s = 0;

    if (!minus)
        (void)zone_eat(in, '+');
    if (!zone_number(in, &h) || h > 167 || (zone_eat(in, ':') && !zone_number(in, &m)) ||
        (zone_eat(in, ':') && !zone_number(in, &s)))
        return false;
    *out = (h * 3600 + m * 60 + s) * (minus ? -1 : 1);
    return true;
}

static bool
zone_name(struct in *in)
{
    const char *from = in->p;

    if (zone_eat(in, '<')) {
        while (in->p < in->end && *in->p != '>')
            in->p++;
        return zone_eat(in, '>');
    }
    while (in->p < in->end && isalpha((unsigned char)*in->p))
        in->p++;
    return in->p - from >= 3;
}

static bool
zone_turn(struct in *in, struct turn *t)
{
    t->at = 2 * 3600;
    if (zone_eat(in, 'M')) {
        t->how = BY_WEEK;
        if (!zone_number(in, &t->month) || !zone_eat(in, '.') || !zone_number(in, &t->week) ||
            !zone_eat(in, '.') || !zone_number(in, &t->day) || t->month < 1 || t->month > 12 ||
            t->week < 1 || t->week > 5 || t->day > 6)
            return false;
    } else {
        t->how = zone_eat(in, 'J') ? BY_JULIAN : BY_DAY;
        if (!zone_number(in, &t->day) || t->day > 365)
            return false;
    }
    return !zone_eat(in, '/') || clock_time(in, &t->at);
}

/* "CET-1CEST,M3.5.0,M10.5.0/3" */
static bool
zone_rule(struct zone *z, struct str text)
{
    struct in in = {(const char *)text.p, (const char *)text.p + text.n};
    int32_t west;

    if (!zone_name(&in) || !clock_time(&in, &west))
        return false;
    z->std = -west;
    z->dst = z->std + 3600;
    z->has_rule = true;
    if (in.p == in.end)
        return true;
    if (!zone_name(&in))
        return false;
    if (in.p < in.end && *in.p != ',') {
        if (!clock_time(&in, &west))
            return false;
        z->dst = -west;
    }
    z->has_dst = true;
    return zone_eat(&in, ',') && zone_turn(&in, &z->begin) && zone_eat(&in, ',') &&
           zone_turn(&in, &z->end) && in.p == in.end;
}

/* Days since 1970 of a civil date (Gregorian), month 1 to 12. */
static int64_t
days_of(int64_t y, int m, int d)
{
    struct tm tm = {.tm_year = (int)(y - 1900), .tm_mon = m - 1, .tm_mday = d};

    return timegm(&tm) / 86400;
}

/* The local second since 1970 at which `t` happens in year `y`. */
static int64_t
turn_at(const struct turn *t, int64_t y)
{
    int64_t first = days_of(y, 1, 1), day;
    bool leap = days_of(y + 1, 1, 1) - first == 366;

    if (t->how == BY_WEEK) {
        int64_t month = days_of(y, t->month, 1), next = days_of(y, t->month + 1, 1);
        int64_t weekday = (month % 7 + 11) % 7; /* 1970-01-01 was a Thursday */

        day = month + (t->day - weekday + 7) % 7 + (t->week - 1) * 7;
        if (day >= next)
            day -= 7;
    } else {
        day = first + t->day - (t->how == BY_JULIAN ? 1 : 0);
        if (t->how == BY_JULIAN && leap && t->day >= 60)
            day++;
    }
    return day * 86400 + t->at;
}

static int32_t
by_rule(const struct zone *z, int64_t s)
{
    time_t local = (time_t)(s + z->std);
    struct tm tm;
    int64_t begin, end, y;
    bool summer;

    if (!z->has_dst)
        return z->std;
    (void)gmtime_r(&local, &tm);
    y = tm.tm_year + 1900LL;
    begin = turn_at(&z->begin, y) - z->std;
    end = turn_at(&z->end, y) - z->dst;
    summer = begin < end ? s >= begin && s < end : s >= begin || s < end;
    return summer ? z->dst : z->std;
}

int32_t
zone_offset(const struct zone *z, int64_t s)
{
    size_t lo = 0, hi;

    if (z == NULL)
        return 0;
    if (z->has_rule && (z->n == 0 || s >= z->times[z->n - 1]))
        return by_rule(z, s);
    for (hi = z->n; lo < hi;) { /* how many times are <= s */
        size_t mid = (lo + hi) / 2;

        if (z->times[mid] <= s)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo == 0 ? z->first : z->offsets[lo - 1];
}

/* ---- the file ---- */

static int64_t
zone_be(const uint8_t *p, unsigned bytes)
{
    uint64_t v = (p[0] & 0x80) != 0 ? UINT64_MAX : 0;

    while (bytes-- > 0)
        v = v << 8 | *p++;
    return (int64_t)v;
}

enum { HEADER = 44 };

struct counts {
    size_t isut, isstd, leap, times, types, chars;
};

static bool
zone_header(struct str f, struct counts *c)
{
    const uint8_t *p = f.p;

    if (f.n < HEADER || memcmp(p, "TZif", 4) != 0)
        return false;
    *c = (struct counts){(size_t)zone_be(p + 20, 4) & 0xFFFF, (size_t)zone_be(p + 24, 4) & 0xFFFF,
                         (size_t)zone_be(p + 28, 4) & 0xFFFF, (size_t)zone_be(p + 32, 4) & 0xFFFF,
                         (size_t)zone_be(p + 36, 4) & 0xFFFF, (size_t)zone_be(p + 40, 4) & 0xFFFF};
    return true;
}

static size_t
block_bytes(const struct counts *c, size_t time_bytes)
{
    return c->times * (time_bytes + 1) + c->types * 6 + c->chars + c->leap * (time_bytes + 4) +
           c->isstd + c->isut;
}

static bool
read_block(struct zone *z, struct str f, const struct counts *c)
{
    const uint8_t *times = f.p, *which = times + c->times * 8, *types = which + c->times;

    if (c->types == 0)
        return false;
    z->n = c->times;
    z->times = (int64_t *)mem_zero(c->times + 1, sizeof(*z->times));
    z->offsets = (int32_t *)mem_zero(c->times + 1, sizeof(*z->offsets));
    z->first = (int32_t)zone_be(types, 4);
    for (size_t i = 0; i < c->times; i++) {
        if (which[i] >= c->types)
            return false;
        z->times[i] = zone_be(times + i * 8, 8);
        z->offsets[i] = (int32_t)zone_be(types + (size_t)which[i] * 6, 4);
        if (i > 0 && z->times[i] < z->times[i - 1])
            return false;
    }
    return true;
}

enum rc
zone_parse(struct str f, struct zone **out, struct err *e)
{
    struct zone *z = MEM_NEW(struct zone);
    struct counts c;
    size_t skip, len;

    /* A version 1 block comes first; it is passed over. */
    if (!zone_header(f, &c) || f.p[4] < '2')
        goto bad;
    skip = HEADER + block_bytes(&c, 4);
    if (skip > f.n)
        goto bad;
    f = str_of(f.p + skip, f.n - skip);
    if (!zone_header(f, &c) || f.n < HEADER + block_bytes(&c, 8) ||
        !read_block(z, str_of(f.p + HEADER, f.n - HEADER), &c))
        goto bad;
    f = str_of(f.p + HEADER + block_bytes(&c, 8), f.n - HEADER - block_bytes(&c, 8));
    len = f.n < 2 ? 0 : f.n - 2; /* between two line feeds */
    if (len > 0 && !zone_rule(z, str_of(f.p + 1, len)))
        goto bad;
    *out = z;
    return RC_OK;
bad:
    zone_free(z);
    return err_set(e, RC_CORRUPT, "not a time zone file of version 2 or later");
}

enum rc
zone_load(const char *name, struct zone **out, struct err *e)
{
    const char *dir = getenv("TZDIR");
    CLEANUP(buf_release) struct buf file = BUF_INIT(ZONE_FILE_MAX);
    struct err why = ERR_INIT;
    char path[512];

    if (name[0] == '\0' || name[0] == '/' || strstr(name, "..") != NULL || strlen(name) > 200)
        return err_set(e, RC_NOT_FOUND, "unknown time zone \"%.60s\"", name);
    (void)snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : "/usr/share/zoneinfo", name);
    if (fs_read_file(path, &file, &why)) {
        if (strcmp(name, "UTC") == 0 && why.code == RC_NOT_FOUND) { /* a machine without zones */
            *out = MEM_NEW(struct zone);
            return RC_OK;
        }
        (void)err_set(e, RC_NOT_FOUND, "unknown time zone \"%s\"", name);
        return err_hint(e, "zones are read from %s (package tzdata)",
                        dir != NULL ? dir : "/usr/share/zoneinfo");
    }
    if (zone_parse(buf_str(&file), out, e))
        return err_wrap(e, "time zone \"%s\"", name);
    return RC_OK;
}
