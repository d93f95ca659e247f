/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions, and their table in docs/conditions.md: `test_api_conditions --print` writes it. */
#include "api/conditions.h"
#include "harness/doc_table.h"

static void
test_condition_set_changes_once(void **state)
{
    struct json *s = json_new_object();

    (void)state;
    assert_true(condition_set(s, COND_TASK_FOUND, COND_TRUE, "m"));
    assert_false(condition_set(s, COND_TASK_FOUND, COND_TRUE, "m"));
    assert_true(condition_set(s, COND_TASK_FOUND, COND_FALSE, "m"));
    assert_true(condition_set(s, COND_DRY_RUN, COND_TRUE, NULL));
    assert_int_equal(json_size(json_field(s, "conditions")), 2);
    assert_true(condition_is_false(s, COND_TASK_FOUND));
    assert_true(condition_is_true(s, COND_DRY_RUN));
    assert_false(condition_is_there(s, COND_METRICS_PUSHED));
    assert_false(condition_is_true(s, COND_METRICS_PUSHED));
    assert_false(condition_is_false(s, COND_METRICS_PUSHED));
    condition_remove(s, COND_DRY_RUN);
    assert_false(condition_is_there(s, COND_DRY_RUN));
    json_free(s);
}

static void
test_one_type_has_several_causes(void **state)
{
    struct json *s = json_new_object();
    struct err why = ERR_INIT;

    (void)state;
    (void)err_set(&why, RC_IO, "broken");
    assert_true(condition_report(s, COND_RETENTION_APPLIED, why.code, &why));
    assert_false(condition_is_because(s, COND_RETENTION_HELD_BACK, COND_FALSE));
    assert_true(condition_set(s, COND_RETENTION_HELD_BACK, COND_FALSE, "too many"));
    assert_int_equal(json_size(json_field(s, "conditions")), 1);
    assert_true(condition_is_because(s, COND_RETENTION_HELD_BACK, COND_FALSE));
    assert_true(condition_is_false(s, COND_RETENTION_APPLIED));
    json_free(s);
}

static void
write_table(struct buf *to)
{
    static const enum condition_state order[] = {COND_TRUE, COND_FALSE, COND_UNKNOWN};

    buf_must_printf(
        to, "# Conditions\n\n"
            "Every condition that a status may hold, with the reason for each state. The words "
            "are Stash's; those of rows with a `+` are ours.\n\n"
            "| type | it says that | True | False | Unknown |\n|---|---|---|---|---|\n");
    for (unsigned id = 0; id < COND_N; id++) {
        const struct condition *c = condition_row((enum condition_id)id);

        buf_must_printf(to, "| `%s`%s | %s |", c->type, c->ours ? " +" : "", c->doc);
        for (size_t i = 0; i < ARRAY_LEN(order); i++)
            if (c->in[order[i]].reason != NULL)
                buf_must_printf(to, " `%s` |", c->in[order[i]].reason);
            else
                buf_must_printf(to, " |");
        buf_must_printf(to, "\n");
    }
}

static void
test_the_table_of_the_docs_is_this_one(void **state)
{
    (void)state;
    doc_table_same(write_table, SOURCE_ROOT "/docs/conditions.md");
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_condition_set_changes_once),
        cmocka_unit_test(test_one_type_has_several_causes),
        cmocka_unit_test(test_the_table_of_the_docs_is_this_one),
    };
    if (doc_table_print(argc, argv, write_table))
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
