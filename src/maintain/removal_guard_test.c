/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/t.h"
#include "maintain/removal_guard.h"
#include "repo/verdict.h"

#define WHOLE(n, host_)                                                                            \
    {                                                                                              \
        .owner = (n), .hostname = (char *)(uintptr_t)(host_)                                       \
    }

static void
test_the_newest_whole_one_of_each_target_stays(void **state)
{
    struct snapshot list[] = {WHOLE(1, "a"), WHOLE(1, "b"), WHOLE(2, "a"), WHOLE(0, "a"),
                              WHOLE(0, "b"), WHOLE(1, "a"), WHOLE(1, "a")};
    const bool stays[] = {false, true, true, true, true, false, false};

    (void)state;
    list[5].part = (char *)(uintptr_t) "--db 3";
    list[6].repaired = true;
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        assert_int_equal(removal_guard(list, ARRAY_LEN(list), i) != NULL, stays[i]);
    list[0].pinned = list[5].pinned = true;
    assert_non_null(strstr(removal_guard(list, ARRAY_LEN(list), 0), "pinned"));
    assert_non_null(strstr(removal_guard(list, ARRAY_LEN(list), 5), "pinned"));
}

static void
test_the_only_verified_one_of_a_target_stays(void **state)
{
    struct verdict good = {.good = true}, bad = {.good = false};
    struct snapshot list[] = {WHOLE(0, "a"), WHOLE(0, "a"), WHOLE(0, "b"), WHOLE(0, "a"),
                              WHOLE(0, "a")};

    (void)state;
    list[0].verdict = list[1].verdict = list[2].verdict = &good;
    list[3].verdict = &bad;
    removal_pins(list, ARRAY_LEN(list));
    assert_false(list[0].last_verified);
    assert_true(list[1].last_verified);
    assert_true(list[2].last_verified);
    assert_false(list[3].last_verified);
    assert_null(removal_guard(list, ARRAY_LEN(list), 1)); /* another one was verified */
    list[0].verdict = &bad;
    assert_non_null(strstr(removal_guard(list, ARRAY_LEN(list), 1), "only one"));
    assert_null(removal_guard(list, ARRAY_LEN(list), 0));
    list[2].safety = true; /* of no history */
    assert_null(removal_guard(list, ARRAY_LEN(list), 2));
    removal_pins(list, ARRAY_LEN(list));
    assert_false(list[2].last_verified);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_whole_one_of_each_target_stays),
        cmocka_unit_test(test_the_only_verified_one_of_a_target_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
