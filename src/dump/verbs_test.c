/* SPDX-License-Identifier: Apache-2.0 */
#include "dump/verbs.h"
#include "t.h"

static void
test_verbs_that_write_data(void **state)
{
    static const char *const yes[][2] = {
        {"SET", "k"},          {"set", "k"},       {"XGROUP", "CREATE"}, {"XGROUP", "setid"},
        {"FUNCTION", "LOAD"},  {"SCRIPT", "LOAD"}, {"RESTORE", "k"},     {"FUNCTION", "RESTORE"},
        {"MSET", "k"},         {"XCLAIM", "k"},    {"HPEXPIREAT", "k"},  {"SELECT", "0"},
        {"XGROUP", "DESTROY"}, {"ECHO", ""},       {"UNLINK", "k"},      {"XSETID", "k"},
    };
    static const char *const no[][2] = {
        {"CONFIG", "SET"},      {"ACL", "SETUSER"},  {"REPLICAOF", "h"},
        {"SLAVEOF", "h"},       {"EVAL", "x"},       {"EVALSHA", "x"},
        {"FCALL", "f"},         {"SCRIPT", "FLUSH"}, {"FUNCTION", "FLUSH"},
        {"FUNCTION", "DELETE"}, {"FLUSHALL", ""},    {"FLUSHDB", ""},
        {"SHUTDOWN", ""},       {"DEBUG", "RELOAD"}, {"MODULE", "LOAD"},
        {"CLUSTER", "RESET"},   {"CLIENT", "KILL"},  {"MIGRATE", "h"},
        {"SWAPDB", "0"},        {"XGROUP", "HELP"},  {"XGROUP", ""},
        {"SORT", "k"},          {"PUBLISH", "c"},    {"SAVE", ""},
        {"SETT", "k"},          {"SE", "k"},         {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (verb_find(str_c(yes[i][0]), str_c(yes[i][1])) == NULL)
            fail_msg("%s %s", yes[i][0], yes[i][1]);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (verb_find(str_c(no[i][0]), str_c(no[i][1])) != NULL)
            fail_msg("%s %s", no[i][0], no[i][1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verbs_that_write_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
