/* SPDX-License-Identifier: Apache-2.0 */
#include "job/step_internal.h"
#include "t.h"

static void
test_redis_args_of_stash_users(void **state)
{
    struct redis_args a;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(redis_args_parse("-db 1 -filter user:* -user admin -n 20 -batchSize=500 -noscan -s",
                          REDIS_ARGS_BACKUP, &a, &e));
    assert_int_equal(a.db, 1);
    assert_string_equal(a.match, "user:*");
    assert_string_equal(a.user, "admin");
    redis_args_release(&a);
    T_OK(redis_args_parse(" --pipe-timeout 300 \t--user x --existing=skip --tls",
                          REDIS_ARGS_RESTORE, &a, &e));
    assert_int_equal(a.pipe_timeout_ms, 300000);
    assert_string_equal(a.existing, "skip");
    assert_true(a.tls);
    assert_false(a.verify);
    redis_args_release(&a);
    T_OK(redis_args_parse("--allow-command CONFIG --verify --allow-command=JSON.SET",
                          REDIS_ARGS_RESTORE, &a, &e));
    assert_true(a.verify);
    assert_int_equal(a.allow_commands.n, 2);
    assert_string_equal(a.allow_commands.v[1], "JSON.SET");
    assert_int_equal(a.db, -1);
    redis_args_release(&a);
    T_OK(redis_args_parse("", REDIS_ARGS_BACKUP, &a, &e));
    assert_int_equal(a.n, 0);
    redis_args_release(&a);
}

static void
test_redis_args_refuses(void **state)
{
    static char many[65 * 3 + 1];
    static const struct {
        const char *text;
        int direction;
        const char *words;
    } cases[] = {
        {"--existing skip", REDIS_ARGS_BACKUP, "unknown option --existing"},
        {"--frobnicate=1", REDIS_ARGS_RESTORE, "unknown option --frobnicate in"},
        {"-db", REDIS_ARGS_BACKUP, "needs a value"},
        {"--match=", REDIS_ARGS_BACKUP, "--match in the Task's param \"args\" has an empty value"},
        {"-db one", REDIS_ARGS_BACKUP, "not a number"},
        {"--pass my secret", REDIS_ARGS_RESTORE, "a word without"},
        {"-ttl=false", REDIS_ARGS_BACKUP, "expiry"},
        {"-output commands", REDIS_ARGS_BACKUP, "always RESP"},
        {many, REDIS_ARGS_BACKUP, "more than 64 words"},
    };

    (void)state;
    for (size_t i = 0; i + 2 < sizeof(many); i += 3)
        (void)snprintf(many + i, sizeof(many) - i, "-s ");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct redis_args a;
        struct err e = ERR_INIT;

        assert_int_not_equal(redis_args_parse(cases[i].text, cases[i].direction, &a, &e), RC_OK);
        if (strstr(e.msg, cases[i].words) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", e.msg, cases[i].words);
        assert_null(strstr(e.msg, "secret"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redis_args_of_stash_users),
        cmocka_unit_test(test_redis_args_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
