/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "api/age.h"

static void
test_ages(void **state)
{
    static const struct {
        int64_t s;
        const char *want;
    } cases[] = {
        {-5, "0s"},       {0, "0s"},           {119, "119s"},       {120, "2m"},
        {185, "3m5s"},    {700, "11m"},        {3 * 3600, "3h"},    {3 * 3600 + 300, "3h5m"},
        {9 * 3600, "9h"}, {50 * 3600, "2d2h"}, {10 * 86400, "10d"}, {800 * 86400, "2y70d"},
    };
    char to[AGE_TEXT];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(age_text(cases[i].s, to), cases[i].want);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
