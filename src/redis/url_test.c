/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "redis/url.h"

static void
test_url_takes_every_form(void **state)
{
    static const struct {
        const char *url, *text, *user, *pass;
        bool tls;
    } cases[] = {
        {"localhost", "redis://localhost:6379", NULL, NULL, false},
        {"h:1234", "redis://h:1234", NULL, NULL, false},
        {"h:1234/3", "redis://h:1234/3", NULL, NULL, false},
        {"redis://h", "redis://h:6379", NULL, NULL, false},
        {"redis://h/", "redis://h:6379", NULL, NULL, false},
        {"REDIS://h:7/2", "redis://h:7/2", NULL, NULL, false},
        {"rediss://h:7?db=5", "rediss://h:7/5", NULL, NULL, true},
        {"valkeys://h", "rediss://h:6379", NULL, NULL, true},
        {"redis://:p%40ss@h", "redis://h:6379", NULL, "p@ss", false},
        {"redis://u:p:q@h:1", "redis://h:1", "u", "p:q", false},
        {"redis://u:p@ss@h:1", "redis://h:1", "u", "p@ss", false},
        {"redis://%75ser@h", "redis://h:6379", "user", NULL, false},
        {"redis://[::1]:7/1", "redis://[::1]:7/1", NULL, NULL, false},
        {"[::1]", "redis://[::1]:6379", NULL, NULL, false},
        {"unix:///tmp/r.sock", "unix:///tmp/r.sock", NULL, NULL, false},
        {"unix:///tmp/r%20x?db=4", "unix:///tmp/r x?db=4", NULL, NULL, false},
        {"unix://u:p@/tmp/r", "unix:///tmp/r", "u", "p", false},
    };
    struct redis_addr a;
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        T_OK(redis_addr_parse(str_c(cases[i].url), NULL, &a, &e));
        assert_string_equal(redis_addr_text(&a), cases[i].text);
        assert_int_equal(a.tls, cases[i].tls);
        assert_int_equal(a.user != NULL, cases[i].user != NULL);
        if (cases[i].user != NULL)
            assert_string_equal(a.user, cases[i].user);
        assert_int_equal(a.pass.p != NULL, cases[i].pass != NULL);
        if (cases[i].pass != NULL)
            T_STR(secret_str(&a.pass), str_c(cases[i].pass));
        redis_addr_release(&a);
    }
}

static void
test_url_refuses_without_telling_the_password(void **state)
{
    static const char *const bad[] = {
        "",
        "redis://",
        "redis://:hunter2@",
        "redis://:hunter2@h:0",
        "redis://:hunter2@h:65536",
        "redis://:hunter2@h:6x",
        "redis://:hunter2@h/db",
        "redis://:hunter2@h/-1",
        "redis://:hunter2%4@h",
        "redis://:hunter2@[::1",
        "redis://:hunter2@::1",
        "redis://:hunter2@h?x=1",
        "redis://:hunter2@h\n:1",
        "http://:hunter2@h",
        "unix://hunter2/x",
        "unix://",
        "unix:///a%00b",
    };
    struct redis_addr a;
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        T_RC(redis_addr_parse(str_c(bad[i]), NULL, &a, &e), RC_INVALID);
        assert_null(strstr(e.msg, "hunter2"));
        assert_null(strstr(e.hint, "hunter2"));
    }
}

static void
test_url_names_nodes_of_a_cluster(void **state)
{
    struct redis_addr a;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(redis_addr_parse(str_c("rediss-cluster://u:p@i:2,[::1],h"), NULL, &a, &e));
    assert_string_equal(redis_addr_text(&a), "rediss-cluster://[::1]:6379,h:6379,i:2");
    assert_true(a.cluster && a.tls);
    assert_null(a.master);
    assert_int_equal(a.n_seeds, 3);
    assert_string_equal(a.host, "::1");
    redis_addr_release(&a);
    T_RC(redis_addr_parse(str_c("redis-cluster://h,,i"), NULL, &a, &e), RC_INVALID);
    T_RC(redis_addr_parse(str_c("redis-cluster://"), NULL, &a, &e), RC_INVALID);
}

static void
test_url_sentinels_are_a_set(void **state)
{
    static const char *const bad[] = {"redis-sentinel://h:1",        "redis-sentinel://h:1/",
                                      "redis-sentinel://h:1,,i:2/m", "redis-sentinel:///m",
                                      "redis-sentinel://h:1/a b",    "redis-sentinel://h:1/m/x"};
    struct redis_addr a, at;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(redis_addr_parse(str_c("redis-sentinel://u:p@i:2,[::1],h/m/3"), NULL, &a, &e));
    assert_string_equal(redis_addr_text(&a), "redis-sentinel://[::1]:26379,h:26379,i:2/m/3");
    assert_string_equal(a.master, "m");
    assert_int_equal(a.n_seeds, 3);
    assert_null(a.host);
    redis_addr_at(&a, "::2", 7, &at);
    assert_string_equal(redis_addr_text(&at), "redis://[::2]:7/3");
    assert_string_equal(at.user, "u");
    T_STR(secret_str(&at.pass), STR_LIT("p"));
    assert_null(at.master);
    redis_addr_release(&at);
    redis_addr_release(&a);
    T_OK(redis_addr_parse(str_c("rediss-sentinel://h/m"), NULL, &a, &e));
    assert_true(a.tls);
    redis_addr_release(&a);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        T_RC(redis_addr_parse(str_c(bad[i]), NULL, &a, &e), RC_INVALID);
}

static void
test_url_password_of_the_environment_is_second(void **state)
{
    struct secret env = {.p = NULL};
    struct redis_addr a;
    struct err e = ERR_INIT;

    (void)state;
    secret_set(&env, STR_LIT("other"));
    T_OK(redis_addr_parse(str_c("redis://:own@h"), &env, &a, &e));
    T_STR(secret_str(&a.pass), STR_LIT("own"));
    redis_addr_release(&a);
    T_OK(redis_addr_parse(str_c("redis://joe@h"), &env, &a, &e));
    T_STR(secret_str(&a.pass), STR_LIT("other"));
    redis_addr_release(&a);
    secret_release(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url_takes_every_form),
        cmocka_unit_test(test_url_refuses_without_telling_the_password),
        cmocka_unit_test(test_url_names_nodes_of_a_cluster),
        cmocka_unit_test(test_url_sentinels_are_a_set),
        cmocka_unit_test(test_url_password_of_the_environment_is_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
