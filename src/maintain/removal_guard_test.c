/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/t.h"
#include "maintain/removal_guard.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_whole_one_of_each_target_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
