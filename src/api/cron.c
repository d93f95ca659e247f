/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cron.h"

#include <ctype.h>
#include <strings.h>

#include "api/duration.h"
#include "base/mem.h"
#include "base/zone.h"

enum { YEARS_AHEAD = 5, NUMBER_MAX = 9999 };
static const char blanks[] = " \t\n\v\f\r";

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct field_def {
    const char *what;
    unsigned min, max, last,
        n_names;              /* last: where "*" and "a/step" end; 7, the other Sunday, is beyond */
    const char *const *names; /* of min, min + 1, ... */
};
static const struct field_def fields[] = {
    {"minute", 0, 59, 59, 0, NULL},
    {"hour", 0, 23, 23, 0, NULL},
    {"day of the month", 1, 31, 31, 0, NULL},
    {"month", 1, 12, 12, 12, month_names},
    {"day of the week", 0, 7, 6, 7, day_names},
};

static const char *const shorthands[][2] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

/* Digits, with a plus before them as Go's Atoi takes it; what is too large stays too large. */
static bool
cron_number(const char **p, unsigned *out)
{
    const char *from = *p += **p == '+';
    unsigned v = 0;

    for (; isdigit((unsigned char)**p); (*p)++)
        v = MIN(v * 10 + (unsigned)(**p - '0'), NUMBER_MAX);
    *out = v;
    return *p != from;
}

static bool
cron_value(const struct field_def *f, const char **p, unsigned *out)
{
    for (unsigned i = 0; i < f->n_names; i++)
        if (strncasecmp(*p, f->names[i], 3) == 0) {
            *out = f->min + i;
            *p += 3;
            return true;
        }
    return cron_number(p, out) && *out >= f->min && *out <= f->max;
}

/* "*", "a", "a-b", each with "/step"; "a/step" goes on to the end, "a-a/step" does not. */
static bool
cron_part(const struct field_def *f, const char **p, uint64_t *bits, bool *any)
{
    unsigned from = f->min, to = f->last, step = 1;
    bool all = **p == '*' || **p == '?', one = false;

    if (all) {
        (*p)++;
    } else {
        if (!cron_value(f, p, &from))
            return false;
        one = **p != '-';
        if (one)
            to = from;
        else if (++*p, !cron_value(f, p, &to) || to < from)
            return false;
    }
    if (**p == '/') {
        ++*p;
        if (!cron_number(p, &step) || step == 0)
            return false;
        if (one)
            to = MAX(from, f->last);
    }
    *any = *any || (all && step == 1);
    for (unsigned v = from; v <= to; v += step)
        *bits |= 1ULL << v;
    return true;
}

static enum rc
parse_field(const struct field_def *f, const char **p, uint64_t *bits, bool *any, struct err *e)
{
    const char *from;

    *p += strspn(*p, blanks);
    from = *p;
    *bits = 0;
    *any = false;
    for (*p += strspn(*p, ","); **p != '\0' && strchr(blanks, **p) == NULL;) {
        if (!cron_part(f, p, bits, any) || (**p != '\0' && strchr(",\n\t\v\f\r ", **p) == NULL))
            goto bad;
        *p += strspn(*p, ","); /* "1,,2" is a list of two, as Kubernetes reads it */
    }
    if (*bits != 0)
        return RC_OK;
bad:
    if (*from == '\0')
        return err_set(e, RC_INVALID, "the schedule has no %s: it needs five fields", f->what);
    return err_set(e, RC_INVALID, "\"%.*s\" is no %s (%u-%u)", (int)MIN(strcspn(from, blanks), 40),
                   from, f->what, f->min, f->max);
}

static enum rc
parse_fields(const char *p, struct cron *c, struct err *e)
{
    bool any[ARRAY_LEN(fields)];
    uint64_t bits[ARRAY_LEN(fields)];

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (parse_field(&fields[i], &p, &bits[i], &any[i], e))
            return err_code(e);
    p += strspn(p, blanks);
    if (*p != '\0')
        return err_set(e, RC_INVALID, "the schedule has more than five fields");
    c->minutes = bits[0];
    c->hours = bits[1];
    c->days = bits[2];
    c->months = bits[3];
    c->weekdays = bits[4] | (bits[4] >> 7 & 1); /* 7 is Sunday too */
    c->any_day = any[2];
    c->any_weekday = any[4];
    return RC_OK;
}

static enum rc
parse_at(const char *s, struct cron *c, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(shorthands); i++)
        if (strcmp(s, shorthands[i][0]) == 0)
            return parse_fields(shorthands[i][1], c, e);
    if (strncmp(s, "@every ", 7) == 0) {
        if (duration_parse(str_c(s + 7), &c->every_ms, e))
            return err_code(e);
        if (c->every_ms >= 1000)
            return RC_OK;
        return err_set(e, RC_INVALID, "@every needs a second at least");
    }
    return err_set(e, RC_INVALID, "\"%.40s\" is not a schedule", s);
}

static enum rc
parse_schedule(const char *s, const char *time_zone, struct cron *c, struct err *e)
{
    size_t skip = strncmp(s, "TZ=", 3) == 0 ? 3 : strncmp(s, "CRON_TZ=", 8) == 0 ? 8 : 0, n;
    char *zone = NULL;
    enum rc rc = RC_OK;

    if (skip > 0) {
        n = strcspn(s + skip, " ");
        zone = mem_strndup(s + skip, n);
        s += skip + n;
        s += strspn(s, blanks);
    }
    if (zone != NULL || time_zone != NULL)
        rc = zone_load(zone != NULL ? zone : time_zone, &c->zone, e);
    mem_free(zone);
    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? (e->code = RC_INVALID) : rc;
    return s[0] == '@' ? parse_at(s, c, e) : parse_fields(s, c, e);
}

enum rc
cron_parse(const char *schedule, const char *time_zone, struct cron *out, struct err *e)
{
    struct cron c = {0};

    if (parse_schedule(schedule, time_zone, &c, e)) {
        cron_release(&c);
        return err_wrap(e, "schedule \"%.60s\"", schedule);
    }
    *out = c;
    return RC_OK;
}

void
cron_release(struct cron *c)
{
    zone_free(c->zone);
    c->zone = NULL;
}

static struct tm
local_of(const struct cron *c, int64_t s)
{
    time_t t = (time_t)(s + zone_offset(c->zone, s));
    struct tm tm;

    (void)gmtime_r(&t, &tm);
    return tm;
}

static bool
day_is_due(const struct cron *c, const struct tm *tm)
{
    bool day = (c->days >> tm->tm_mday & 1) != 0, week = (c->weekdays >> tm->tm_wday & 1) != 0;

    return c->any_day || c->any_weekday ? day && week : day || week;
}

/* The next local midnight, or as early after it as that day begins. */
static int64_t
next_day(const struct cron *c, int64_t s, const struct tm *tm)
{
    int64_t to = s + 86400 - (tm->tm_hour * 3600 + tm->tm_min * 60);
    struct tm at = local_of(c, to);

    if (at.tm_mday != tm->tm_mday && at.tm_hour > 0) {
        int64_t back = to - (at.tm_hour * 3600 + at.tm_min * 60);

        if (local_of(c, back).tm_mday == at.tm_mday)
            to = back;
    }
    return to;
}

/* Did the clock show this very minute an hour ago too? */
static bool
is_second_time(const struct cron *c, int64_t s)
{
    return zone_offset(c->zone, s - 3600) == zone_offset(c->zone, s) + 3600;
}

int64_t
cron_next(const struct cron *c, int64_t after_ms)
{
    int64_t s = after_ms / 1000, end = s + (int64_t)YEARS_AHEAD * 366 * 86400;
    bool every_hour = c->hours == (1ULL << 24) - 1;

    if (c->every_ms > 0)
        return after_ms / 1000 * 1000 + c->every_ms / 1000 * 1000;
    s = s / 60 * 60 + 60;
    while (s < end) {
        struct tm tm = local_of(c, s);

        if ((c->months >> (tm.tm_mon + 1) & 1) == 0 || !day_is_due(c, &tm))
            s = next_day(c, s, &tm);
        else if ((c->hours >> tm.tm_hour & 1) == 0)
            s += 3600 - tm.tm_min * 60;
        else if ((c->minutes >> tm.tm_min & 1) == 0 || (!every_hour && is_second_time(c, s)))
            s += 60;
        else
            return s * 1000;
    }
    return 0;
}
