/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cron.h"

#include "base/clock.h"
#include "base/zone.h"
#include "t.h"

static int64_t
ms(const char *text)
{
    struct instant t;
    struct err e = ERR_INIT;

    T_OK(instant_parse(str_c(text), &t, &e));
    return instant_ms(t);
}

static void
test_cron_next(void **state)
{
    static const struct {
        const char *schedule, *zone, *after, *next;
    } cases[] = {
        {"*/5 * * * *", NULL, "2026-11-22T10:00:00Z", "2026-11-22T10:05:00Z"},
        {"*/5 * * * *", NULL, "2026-11-22T10:04:59Z", "2026-11-22T10:05:00Z"},
        {"0 3 * * *", NULL, "2026-11-22T03:00:00Z", "2026-11-23T03:00:00Z"},
        {"30 4 1,15 * 5", NULL, "2026-11-22T00:00:00Z", "2026-11-27T04:30:00Z"},
        {"0 0 29 2 *", NULL, "2026-11-22T00:00:00Z", "2028-02-29T00:00:00Z"},
        {"0 12 * dec-jan/1 mon", NULL, "2026-11-22T00:00:00Z", NULL},
        {"0 12 * dec Mon-Fri", NULL, "2026-11-22T00:00:00Z", "2026-12-01T12:00:00Z"},
        {"0 12 ? * 7", NULL, "2026-11-22T13:00:00Z", "2026-11-29T12:00:00Z"},
        {"5/20 8-9 * * *", NULL, "2026-11-22T08:26:00Z", "2026-11-22T08:45:00Z"},
        /* 2026-11-22 is a Sunday: a step goes on to Saturday, not to the other Sunday */
        {"0 12 * * 1/2", NULL, "2026-11-27T13:00:00Z", "2026-11-30T12:00:00Z"},
        {"0 12 * * 5/2", NULL, "2026-11-27T13:00:00Z", "2026-12-04T12:00:00Z"},
        {"0 12 * * */7", NULL, "2026-11-22T13:00:00Z", "2026-11-29T12:00:00Z"},
        {"0 12 * * 5-7", NULL, "2026-11-21T13:00:00Z", "2026-11-22T12:00:00Z"},
        {"0 12 * * fri/1", NULL, "2026-11-22T11:00:00Z", "2026-11-27T12:00:00Z"},
        /* a range of one does not go on, a number does */
        {"5-5/15 * * * *", NULL, "2026-11-22T10:05:00Z", "2026-11-22T11:05:00Z"},
        {"5/15 * * * *", NULL, "2026-11-22T10:05:00Z", "2026-11-22T10:20:00Z"},
        {"0 0 31-31/7 * *", NULL, "2026-11-22T00:00:00Z", "2026-12-31T00:00:00Z"},
        {"0 0 25/3 * *", NULL, "2026-11-25T00:00:00Z", "2026-11-28T00:00:00Z"},
        {"0 0 1 10/1 *", NULL, "2026-09-02T00:00:00Z", "2026-10-01T00:00:00Z"},
        {"*/90 * * * *", NULL, "2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z"},
        {"30/100000000000000000000 * * * *", NULL, "2026-11-22T10:30:00Z", "2026-11-22T11:30:00Z"},
        {"00005 +10 * * *", NULL, "2026-11-22T00:00:00Z", "2026-11-22T10:05:00Z"},
        {",5,,10, * * * *", NULL, "2026-11-22T10:05:00Z", "2026-11-22T10:10:00Z"},
        {" 5\n10 \t* * *\n", NULL, "2026-11-22T00:00:00Z", "2026-11-22T10:05:00Z"},
        {"0 0 * JAN sUn", NULL, "2026-11-22T00:00:00Z", "2027-01-03T00:00:00Z"},
        /* a star with a step is a restriction, a star in a list is none */
        {"0 0 */2,* * 1", NULL, "2026-11-24T00:00:00Z", "2026-11-30T00:00:00Z"},
        {"0 0 */2 * 1", NULL, "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"},
        {"TZ=Asia/Tokyo   @daily", NULL, "2026-11-22T00:00:00Z", "2026-11-22T15:00:00Z"},
        {"@hourly", NULL, "2026-11-22T10:30:00Z", "2026-11-22T11:00:00Z"},
        {"@weekly", NULL, "2026-11-22T10:30:00Z", "2026-11-29T00:00:00Z"},
        {"@every 90s", NULL, "2026-11-22T10:30:00Z", "2026-11-22T10:31:30Z"},
        {"0 3 * * *", "Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-01T01:00:00Z"},
        {"CRON_TZ=America/New_York 0 3 * * *", NULL, "2026-07-01T00:00:00Z",
         "2026-07-01T07:00:00Z"},
        /* 02:30 does not exist on 2026-03-29 in Berlin */
        {"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"},
        /* 02:30 comes twice on 2026-10-25; only the first counts */
        {"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
        {"30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
        /* every hour goes on through it */
        {"30 * * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
        /* midnight is skipped on 2018-11-04 in Sao Paulo */
        {"0 1 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z"},
        /* far ahead the rule of the zone file counts */
        {"0 3 * * *", "Europe/Berlin", "2060-07-01T00:00:00Z", "2060-07-01T01:00:00Z"},
        {"0 0 31 2 *", NULL, "2026-11-22T00:00:00Z", "never"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cron c;
        struct err e = ERR_INIT;
        int64_t got;

        if (cases[i].next == NULL) { /* a range that runs backwards */
            assert_int_equal(cron_parse(cases[i].schedule, NULL, &c, &e), RC_INVALID);
            continue;
        }
        T_OK(cron_parse(cases[i].schedule, cases[i].zone, &c, &e));
        got = cron_next(&c, ms(cases[i].after));
        if (got != (strcmp(cases[i].next, "never") == 0 ? 0 : ms(cases[i].next)))
            fail_msg("%s %s after %s: got %lld", cases[i].schedule,
                     cases[i].zone ? cases[i].zone : "", cases[i].after, (long long)got);
        cron_release(&c);
    }
}

static void
test_cron_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "a * * * *",
        "5-1 * * * *",
        "@never",
        "@every 1ms",
        ", * * * *",
        "1-2-3 * * * *",
        "1/2/3 * * * *",
        "1/ * * * *",
        "-1 * * * *",
        "1/-1 * * * *",
        "* * * january *",
        "* * * * mon-",
        "* * * * 0-8",
        "1;2 * * * *",
        "@every",
        "@every -1h",
        "@Daily",
        "TZ=",
        "TZ=Nowhere/Town * * * * *",
        "CRON_TZ=../x * * * * *",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct cron c;
        struct err e = ERR_INIT;

        if (cron_parse(bad[i], NULL, &c, &e) != RC_INVALID)
            fail_msg("took \"%s\"", bad[i]);
        assert_non_null(strstr(e.msg, "schedule"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cron_next),
        cmocka_unit_test(test_cron_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
