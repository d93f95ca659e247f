/* SPDX-License-Identifier: Apache-2.0 */
#include "maintain/policy.h"

#include "base/mem.h"

enum { SPAN_MAX = 100000, SPAN_TEXT = 64 };

/* ---- as text ---- */

enum rc
policy_count_parse(struct str text, int64_t *out, struct err *e)
{
    char shown[32];

    *out = -1;
    if (str_eq(text, str_c("unlimited")) || str_eq(text, str_c("-1")))
        return RC_OK;
    if (!str_to_i64(text, out) || *out < 0)
        return err_set(e, RC_INVALID, "\"%s\" must be a number or \"unlimited\"",
                       str_show(text, shown, sizeof(shown)));
    return RC_OK;
}

static int *
unit_of(struct policy_span *s, uint8_t c)
{
    return c == 'y'   ? &s->years
           : c == 'm' ? &s->months
           : c == 'd' ? &s->days
           : c == 'h' ? &s->hours
                      : NULL;
}

enum rc
policy_span_parse(struct str text, struct policy_span *out, struct err *e)
{
    char shown[32];
    size_t i = 0;

    *out = (struct policy_span){0};
    while (i < text.n) {
        int *unit, n = 0;
        size_t from = i;

        for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9' && n < SPAN_MAX; i++)
            n = n * 10 + (text.p[i] - '0');
        unit = i < text.n && i > from ? unit_of(out, text.p[i++]) : NULL;
        if (unit == NULL || n >= SPAN_MAX)
            break;
        *unit = n;
        if (i == text.n)
            return RC_OK;
    }
    return err_set(e, RC_INVALID,
                   "\"%s\" is not a time such as 1y5m7d2h (years, months, days, hours)",
                   str_show(text, shown, sizeof(shown)));
}

static const char *
span_text(const struct policy_span *s, char to[static SPAN_TEXT])
{
    const struct {
        int n;
        char unit;
    } parts[] = {{s->years, 'y'}, {s->months, 'm'}, {s->days, 'd'}, {s->hours, 'h'}};
    size_t at = 0;

    to[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].n != 0)
            at += (size_t)snprintf(to + at, SPAN_TEXT - at, "%d%c", parts[i].n, parts[i].unit);
    return to;
}

static bool
is_set(const struct policy_span *s)
{
    return s->years != 0 || s->months != 0 || s->days != 0 || s->hours != 0;
}

bool
policy_is_empty(const struct policy *p)
{
    for (size_t k = 0; k < POLICY_PERIODS; k++)
        if (p->count[k] != 0 || is_set(&p->within[k]))
            return false;
    return p->n_tags == 0;
}

/* ---- times ---- */

/* A number that is the same for two times in the same period. */
static int64_t
value_of(enum policy_period period, const struct instant *t, size_t nth)
{
    time_t local = (time_t)(t->sec + t->zone);
    struct tm tm;
    char week[16];

    (void)gmtime_r(&local, &tm);
    switch (period) {
    case POLICY_LAST:
        return (int64_t)nth;
    case POLICY_HOURLY:
        return ((int64_t)tm.tm_year * 366 + tm.tm_yday) * 24 + tm.tm_hour;
    case POLICY_DAILY:
        return (int64_t)tm.tm_year * 366 + tm.tm_yday;
    case POLICY_WEEKLY:
        (void)strftime(week, sizeof(week), "%G%V", &tm);
        return strtoll(week, NULL, 10);
    case POLICY_MONTHLY:
        return (int64_t)tm.tm_year * 12 + tm.tm_mon;
    default:
        return tm.tm_year;
    }
}

struct instant
policy_before(struct instant t, const struct policy_span *s)
{
    time_t local = (time_t)(t.sec + t.zone);
    struct tm tm;

    (void)gmtime_r(&local, &tm);
    tm.tm_year -= s->years;
    tm.tm_mon -= s->months;
    tm.tm_mday -= s->days;
    t.sec = (int64_t)timegm(&tm) - t.zone - (int64_t)s->hours * 3600;
    return t;
}

/* ---- decisions ---- */

struct entry {
    const struct snapshot *s;
    size_t at;
};

static int
newest_first(const void *a, const void *b)
{
    const struct entry *x = (const struct entry *)a, *y = (const struct entry *)b;
    int c = instant_cmp(y->s->time, x->s->time);

    return c != 0 ? c : memcmp(x->s->id.b, y->s->id.b, sizeof(x->s->id.b));
}

/* The newest that is not in the future; NULL: all of them are. */
static const struct snapshot *
latest_of(const struct entry *order, size_t n, struct instant now)
{
    for (size_t i = 0; i < n; i++)
        if (instant_cmp(order[i].s->time, now) < 0)
            return order[i].s;
    return NULL;
}

struct state {
    const struct policy *p;
    int64_t left[POLICY_PERIODS];
    int64_t count_seen[POLICY_PERIODS], within_seen[POLICY_PERIODS];
    struct instant since[POLICY_PERIODS]; /* of `within` */
};

static void
policy_start(struct state *st, const struct policy *p, const struct snapshot *latest)
{
    st->p = p;
    for (size_t k = 0; k < POLICY_PERIODS; k++) {
        st->left[k] = p->count[k];
        st->count_seen[k] = st->within_seen[k] = INT64_MIN;
        st->since[k] = latest != NULL ? policy_before(latest->time, &p->within[k])
                                      : (struct instant){.sec = INT64_MIN};
    }
}

/* One rule and one snapshot: a new value, or the last of all. */
static void
policy_judge(int64_t value, bool oldest, unsigned bit, int64_t *seen, uint8_t *mark,
             uint8_t *oldest_mark)
{
    if (value != *seen)
        *mark = (uint8_t)(*mark | bit);
    else if (oldest)
        *oldest_mark = (uint8_t)(*oldest_mark | bit);
    *seen = value;
}

static struct policy_mark
mark_of(struct state *st, const struct snapshot *s, size_t nth, bool oldest)
{
    struct policy_mark m = {.keep = false};

    for (size_t k = 0; k < POLICY_PERIODS; k++) {
        int64_t value = value_of((enum policy_period)k, &s->time, nth);
        unsigned bit = 1U << k;

        if (st->left[k] != 0) {
            policy_judge(value, oldest, bit, &st->count_seen[k], &m.count, &m.oldest_count);
            if (((m.count | m.oldest_count) & bit) != 0)
                st->left[k] -= st->left[k] > 0;
        }
        if (is_set(&st->p->within[k]) && instant_cmp(s->time, st->since[k]) > 0)
            policy_judge(value, oldest, bit, &st->within_seen[k], &m.within, &m.oldest_within);
    }
    m.keep = (m.count | m.oldest_count | m.within | m.oldest_within) != 0;
    for (size_t i = 0; i < st->p->n_tags; i++)
        m.keep = m.keep || snapshot_has_tags(s, st->p->tags[i]);
    return m;
}

void
policy_apply(const struct policy *p, const struct snapshot *list, size_t n, struct instant now,
             struct policy_mark *marks)
{
    struct entry *order = (struct entry *)mem_zero(n + 1, sizeof(*order));
    struct state st;

    for (size_t i = 0; i < n; i++)
        order[i] = (struct entry){&list[i], i};
    qsort(order, n, sizeof(*order), newest_first);
    policy_start(&st, p, latest_of(order, n, now));
    for (size_t i = 0; i < n; i++)
        marks[order[i].at] = mark_of(&st, order[i].s, i, i + 1 == n);
    mem_free(order);
}

bool
policy_is_old_copy(const struct policy_span *keep, const struct snapshot *s, struct instant now)
{
    return s->safety && instant_cmp(s->time, policy_before(now, keep)) < 0;
}

/* ---- reasons ---- */

/* "a,b" as "has tags [a, b]". */
static void
tags_text(const char *list, char *to, size_t n)
{
    size_t at = (size_t)snprintf(to, n, "has tags [");

    for (; *list != '\0' && at + 4 < n; list++) {
        to[at++] = *list;
        if (*list == ',')
            to[at++] = ' ';
    }
    (void)snprintf(to + at, n - at, "]");
}

void
policy_reasons(const struct policy *p, const struct snapshot *s, const struct policy_mark *m,
               void (*fn)(void *arg, const char *text), void *arg)
{
    static const char *const names[] = {"last", "hourly", "daily", "weekly", "monthly", "yearly"};
    char text[320], span[SPAN_TEXT];

    for (size_t i = 0; i < p->n_tags; i++) {
        if (!snapshot_has_tags(s, p->tags[i]))
            continue;
        tags_text(p->tags[i], text, sizeof(text));
        fn(arg, text);
    }
    if ((m->within & 1U << POLICY_LAST) != 0) {
        (void)snprintf(text, sizeof(text), "within %s", span_text(&p->within[POLICY_LAST], span));
        fn(arg, text);
    }
    for (size_t k = 0; k < POLICY_PERIODS; k++) {
        if (((m->count | m->oldest_count) >> k & 1) == 0)
            continue;
        (void)snprintf(text, sizeof(text), "%s%s snapshot",
                       m->oldest_count >> k & 1 ? "oldest " : "", names[k]);
        fn(arg, text);
    }
    for (size_t k = POLICY_LAST + 1; k < POLICY_PERIODS; k++) {
        if (((m->within | m->oldest_within) >> k & 1) == 0)
            continue;
        (void)snprintf(text, sizeof(text), "%s%s within %s",
                       m->oldest_within >> k & 1 ? "oldest " : "", names[k],
                       span_text(&p->within[k], span));
        fn(arg, text);
    }
}
