/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as kubectl shows them: ages, and the columns of a definition. */
#include "t.h"

#include "base/mem.h"
#include "plane/table.h"

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
    char to[24];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(table_age(cases[i].s, to), cases[i].want);
}

static void
test_rows_of_a_definition(void **state)
{
    struct kind k = {.custom = true, .store = NULL};
    struct json *columns = NULL, *obj = NULL, *table;
    struct err e = ERR_INIT;
    char *got;

    (void)state;
    T_OK(json_parse(STR_LIT("[{\"name\":\"Size\",\"type\":\"integer\",\"jsonPath\":\".spec.n\"},"
                            "{\"name\":\"None\",\"type\":\"string\",\"jsonPath\":\".x\"}]"),
                    &columns, &e));
    T_OK(json_parse(STR_LIT("{\"metadata\":{\"name\":\"one\"},\"spec\":{\"n\":3}}"), &obj, &e));
    k.columns = columns;
    table = table_new(&k);
    table_add(table, &k, obj, "None");
    got = json_to_text(json_field(table, "rows"), true);
    assert_string_equal(got, "[{\"cells\":[\"one\",3,null]}]");
    mem_free(got);
    json_free(table);
    json_free(columns);
    json_free(obj);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ages),
        cmocka_unit_test(test_rows_of_a_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
