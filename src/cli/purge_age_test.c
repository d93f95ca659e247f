/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/t.h"

#include "cli/purge_age.h"

/* How long before 2026-03-31T12:00:00Z, as a time. */
static void
before(const char *age, const char *want)
{
    struct instant now, then;
    struct purge_age a;
    struct err e = ERR_INIT;
    char text[INSTANT_TEXT];

    T_OK(instant_parse(STR_LIT("2026-03-31T12:00:00Z"), &now, &e));
    T_OK(purge_age_parse(age, &a, &e));
    then = (struct instant){.sec = purge_age_before(&a, instant_ms(now)) / 1000};
    assert_string_equal(instant_format(then, text), want);
}

static void
test_units(void **state)
{
    (void)state;
    before("1s", "2026-03-31T11:59:59Z");
    before("2m", "2026-03-31T11:58:00Z");
    before("36h", "2026-03-30T00:00:00Z");
    before("30d", "2026-03-01T12:00:00Z");
    before("3mo", "2025-12-31T12:00:00Z");
    before("1y", "2025-03-31T12:00:00Z");
    before("1y6mo30d", "2024-09-01T12:00:00Z");
    before("30d1y6mo", "2024-09-01T12:00:00Z");
    before("1mo1m", "2026-03-03T11:59:00Z"); /* February has no 31st */
    before("1d1d", "2026-03-29T12:00:00Z");
}

static void
test_wrong(void **state)
{
    static const char *const wrong[] = {
        "",    "y",   "1",    "1w",  "1y6",          "-1d",
        " 1d", "1d ", "1.5d", "0d",  "0y0s",         "100000d",
        "1 d", "1D",  "mo",   "1yo", "99999d99999d", "18446744073709551617s"};
    struct purge_age a;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct err e = ERR_INIT;
        T_RC(purge_age_parse(wrong[i], &a, &e), RC_INVALID);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_units), cmocka_unit_test(test_wrong)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
