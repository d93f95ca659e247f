/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/policy.h"

#include "base/mem.h"

enum period { LAST, HOUR, DAY, WEEK, MONTH, YEAR, PERIODS };

bool
policy_is_empty(const struct policy *p)
{
    return p->last == 0 && p->hourly == 0 && p->daily == 0 && p->weekly == 0 && p->monthly == 0 &&
           p->yearly == 0 && p->n_tags == 0;
}

/* A number that is the same for two times in the same period. */
static int64_t
value_of(enum period period, const struct instant *t, size_t nth)
{
    time_t local = (time_t)(t->sec + t->zone);
    struct tm tm;
    char week[16];

    (void)gmtime_r(&local, &tm);
    switch (period) {
    case LAST:
        return (int64_t)nth;
    case HOUR:
        return ((int64_t)tm.tm_year * 366 + tm.tm_yday) * 24 + tm.tm_hour;
    case DAY:
        return (int64_t)tm.tm_year * 366 + tm.tm_yday;
    case WEEK:
        (void)strftime(week, sizeof(week), "%G%V", &tm);
        return strtoll(week, NULL, 10);
    case MONTH:
        return (int64_t)tm.tm_year * 12 + tm.tm_mon;
    default:
        return tm.tm_year;
    }
}

static bool
has_tag(const struct snapshot *s, const struct policy *p)
{
    for (size_t i = 0; i < s->n_tags; i++)
        for (size_t k = 0; k < p->n_tags; k++)
            if (strcmp(s->tags[i], p->tags[k]) == 0)
                return true;
    return false;
}

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

void
policy_apply(const struct policy *p, const struct snapshot *list, size_t n, bool *keep)
{
    int64_t left[PERIODS] = {p->last, p->hourly, p->daily, p->weekly, p->monthly, p->yearly};
    int64_t seen[PERIODS];
    struct entry *order = (struct entry *)mem_zero(n + 1, sizeof(*order));

    for (size_t i = 0; i < n; i++)
        order[i] = (struct entry){&list[i], i};
    qsort(order, n, sizeof(*order), newest_first);
    for (size_t k = 0; k < PERIODS; k++)
        seen[k] = -1;
    for (size_t i = 0; i < n; i++) {
        bool stays = has_tag(order[i].s, p);

        for (size_t k = 0; k < PERIODS; k++) {
            int64_t v = value_of((enum period)k, &order[i].s->time, i);

            if (left[k] == 0 || (v == seen[k] && i + 1 < n))
                continue;
            stays = true;
            seen[k] = v;
            left[k] -= left[k] > 0;
        }
        keep[order[i].at] = stays;
    }
    mem_free(order);
}
