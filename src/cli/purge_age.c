/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/purge_age.h"

enum { NUMBER_MAX = 100 * 1000 }; /* of one unit: the sums stay far from any limit */

static enum rc
refuse(const char *text, struct err *e)
{
    char shown[64];

    return err_set(
        e, RC_INVALID,
        "\"%s\" is not a time such as 1y, 6mo, 30d or 1y6mo12h (y, mo, d, h, m, s; mo is "
        "months, m is minutes)",
        str_show(str_c(text), shown, sizeof(shown)));
}

static bool
add(struct purge_age *a, const char **at, int n)
{
    static const struct {
        const char *name;
        int seconds;
    } units[] = {{"mo", 0}, {"y", 0}, {"d", 0}, {"h", 3600}, {"m", 60}, {"s", 1}};
    int *const calendar[] = {&a->calendar.months, &a->calendar.years, &a->calendar.days};

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        size_t len = strlen(units[i].name);
        if (strncmp(*at, units[i].name, len) != 0)
            continue;
        *at += len;
        if (units[i].seconds == 0)
            *calendar[i] += n;
        a->seconds += (int64_t)n * units[i].seconds;
        return true;
    }
    return false;
}

static bool
is_too_long(const struct purge_age *a)
{
    return a->calendar.years >= NUMBER_MAX || a->calendar.months >= NUMBER_MAX ||
           a->calendar.days >= NUMBER_MAX || a->seconds >= (int64_t)NUMBER_MAX * 3600;
}

enum rc
purge_age_parse(const char *text, struct purge_age *out, struct err *e)
{
    const char *at = text;

    *out = (struct purge_age){.seconds = 0};
    do {
        const char *from = at;
        int n = 0;

        for (; *at >= '0' && *at <= '9' && n < NUMBER_MAX; at++)
            n = n * 10 + (*at - '0');
        if (at == from || n >= NUMBER_MAX || !add(out, &at, n) || is_too_long(out))
            return refuse(text, e);
    } while (*at != '\0');
    if (out->seconds == 0 && out->calendar.years == 0 && out->calendar.months == 0 &&
        out->calendar.days == 0)
        return err_set(e, RC_INVALID, "\"%s\" is no time at all: everything would be older", text);
    return RC_OK;
}

int64_t
purge_age_before(const struct purge_age *a, int64_t now_ms)
{
    struct instant now = {.sec = now_ms / 1000};

    return (policy_before(now, &a->calendar).sec - a->seconds) * 1000 + now_ms % 1000;
}
