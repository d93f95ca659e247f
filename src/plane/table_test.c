/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as kubectl shows them: the columns of a definition. */
#include "t.h"

#include "base/mem.h"
#include "plane/table.h"

static void
test_rows_of_a_definition(void **state)
{
    struct resource_info k = {.custom = true, .store = NULL};
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
        cmocka_unit_test(test_rows_of_a_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
