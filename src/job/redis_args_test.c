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
    assert_true(db_set_is(&a.keys.dbs, 1));
    assert_string_equal(a.keys.match.v[0], "user:*");
    assert_string_equal(a.user, "admin");
    redis_args_release(&a);
    T_OK(redis_args_parse(" --pipe-timeout 300 \t--user x --existing=skip --tls",
                          REDIS_ARGS_RESTORE, &a, &e));
    assert_int_equal(a.pipe_timeout_ms, 300000);
    assert_int_equal(a.load.existing, LOAD_SKIP);
    assert_true(a.use_tls);
    assert_false(a.load.verify);
    redis_args_release(&a);
    T_OK(redis_args_parse("--allow-command CONFIG --verify --allow-command=JSON.SET",
                          REDIS_ARGS_RESTORE, &a, &e));
    assert_true(a.load.verify);
    assert_int_equal(a.load.allow.n, 2);
    assert_string_equal(a.load.allow.v[1], "JSON.SET");
    assert_int_equal(a.keys.dbs.n, 0);
    redis_args_release(&a);
    T_OK(redis_args_parse("--match k\"* --pass 'quoted'", REDIS_ARGS_RESTORE, &a, &e));
    assert_string_equal(a.keys.match.v[0], "k\"*");
    assert_string_equal(a.password, "'quoted'");
    redis_args_release(&a);
    T_OK(redis_args_parse("", REDIS_ARGS_BACKUP, &a, &e));
    assert_null(a.user);
    assert_int_equal(a.source.kind, SOURCE_AUTO);
    redis_args_release(&a);
}

static void
test_redis_args_refuses(void **state)
{
    static char many[65 * 3 + 1];
    static const struct {
        const char *text;
        enum redis_args_direction direction;
        const char *words;
    } cases[] = {
        {"--existing skip", REDIS_ARGS_BACKUP, "unknown option --existing"},
        {"--frobnicate=1", REDIS_ARGS_RESTORE,
         "the Task's param \"args\": unknown option --frobnicate"},
        {"-db", REDIS_ARGS_BACKUP, "needs a value"},
        {"--match=", REDIS_ARGS_BACKUP, "the Task's param \"args\": the value of --match is empty"},
        {"-db one", REDIS_ARGS_BACKUP, "not a number"},
        {"--pass my secret", REDIS_ARGS_RESTORE,
         "belongs to no option: values cannot contain blanks"},
        {"-ttl=false", REDIS_ARGS_BACKUP, "expiry"},
        {"-output commands", REDIS_ARGS_BACKUP, "always RESP"},
        {"--source disk", REDIS_ARGS_BACKUP,
         "--source: \"disk\" must be auto, replication or scan"},
        {"--existing never", REDIS_ARGS_RESTORE, "--existing: \"never\" must be replace, skip"},
        {"--pipe-timeout soon", REDIS_ARGS_RESTORE, "--pipe-timeout: \"soon\" is not a time"},
        {"--match \"k*\"", REDIS_ARGS_BACKUP,
         "the value of --match has quotes around it, which nothing removes here"},
        {"-filter='k*'", REDIS_ARGS_BACKUP, "the value of --filter has quotes"},
        {"--db \"1\"", REDIS_ARGS_RESTORE, "the value of --db has quotes"},
        {"--existing 'skip'", REDIS_ARGS_RESTORE, "the value of --existing has quotes"},
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

/* All of them are listed, and none is cut. */
static void
test_redis_args_unknown(void **state)
{
    struct redis_args a;
    struct err e = ERR_INIT;

    (void)state;
    T_RC(redis_args_parse("--frobnicate", REDIS_ARGS_BACKUP, &a, &e), RC_INVALID);
    assert_non_null(strstr(e.hint, "known: --db --match --exclude --type --user"));
    assert_non_null(strstr(e.hint, " --source --format"));
    assert_string_equal(e.hint + strlen(e.hint) - strlen(" --filter"), " --filter");
    T_RC(redis_args_parse("--frobnicate", REDIS_ARGS_RESTORE, &a, &e), RC_INVALID);
    assert_string_equal(e.hint + strlen(e.hint) - strlen(" --pipe-timeout"), " --pipe-timeout");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redis_args_of_stash_users),
        cmocka_unit_test(test_redis_args_refuses),
        cmocka_unit_test(test_redis_args_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
