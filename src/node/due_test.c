/* SPDX-License-Identifier: Apache-2.0 */
#include "node/due.h"

#include "base/clock.h"
#include "t.h"

static int64_t
at(const char *text)
{
    struct instant t;
    struct err e = ERR_INIT;

    T_OK(instant_parse(str_c(text), &t, &e));
    return instant_ms(t);
}

static struct due_slots
due(const char *schedule, const char *since, const char *now)
{
    struct cron c;
    struct err e = ERR_INIT;
    struct due_slots d;

    T_OK(cron_parse(schedule, NULL, &c, &e));
    d = due_slots(&c, at(since), at(now));
    cron_release(&c);
    return d;
}

static void
test_nothing_is_due_before_the_first_slot(void **state)
{
    struct due_slots d = due("0 * * * *", "2026-01-01T10:00:00Z", "2026-01-01T10:59:59Z");

    (void)state;
    assert_int_equal(d.last_ms, 0);
    assert_int_equal(d.missed, 0);
    d = due("0 * * * *", "2026-01-01T10:00:00Z", "2026-01-01T09:00:00Z"); /* the clock went back */
    assert_int_equal(d.last_ms, 0);
}

static void
test_the_latest_missed_slot_is_the_one(void **state)
{
    struct due_slots d = due("0 * * * *", "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z");

    (void)state;
    assert_int_equal(d.last_ms, at("2026-01-01T11:00:00Z"));
    assert_int_equal(d.missed, 1);
    d = due("0 * * * *", "2026-01-01T10:00:00Z", "2026-01-01T13:30:00Z");
    assert_int_equal(d.last_ms, at("2026-01-01T13:00:00Z"));
    assert_int_equal(d.missed, 3);
}

static void
test_years_of_missed_slots_are_counted_no_further_than_needed(void **state)
{
    struct due_slots d = due("* * * * *", "2016-01-01T10:00:00Z", "2026-01-01T13:30:30Z");

    (void)state;
    assert_int_equal(d.last_ms, at("2026-01-01T13:30:00Z"));
    assert_int_equal(d.missed, DUE_SLOTS_MANY + 1);
    d = due("0 3 1 5 *", "1800-01-01T10:00:00Z", "2026-01-01T13:30:30Z"); /* sparse */
    assert_int_equal(d.last_ms, at("2025-05-01T03:00:00Z"));
    assert_int_equal(d.missed, DUE_SLOTS_MANY + 1);
}

static void
test_every_counts_on_from_the_last_one(void **state)
{
    struct due_slots d = due("@every 2s", "2026-01-01T10:00:00Z", "2026-01-01T10:00:01Z");

    (void)state;
    assert_int_equal(d.last_ms, 0);
    d = due("@every 2s", "2026-01-01T10:00:00.9Z", "2026-01-01T10:00:07Z");
    assert_int_equal(d.last_ms, at("2026-01-01T10:00:06Z"));
    assert_int_equal(d.missed, 3);
    d = due("@every 1h30m", "2026-01-01T10:00:00Z", "2036-01-01T10:00:00Z");
    assert_int_equal(d.missed, DUE_SLOTS_MANY + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_due_before_the_first_slot),
        cmocka_unit_test(test_the_latest_missed_slot_is_the_one),
        cmocka_unit_test(test_years_of_missed_slots_are_counted_no_further_than_needed),
        cmocka_unit_test(test_every_counts_on_from_the_last_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
