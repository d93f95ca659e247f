/* SPDX-License-Identifier: Apache-2.0 */
#include "api/vars.h"

#include "base/mem.h"
#include "t.h"

static struct vars *
sample(void)
{
    struct vars *v = vars_new();

    vars_set(v, "NAME", "sample-redis");
    vars_set(v, "EMPTY", "");
    vars_set(v, "PATH", "/a/b/c.tar.gz");
    vars_set(v, "TEXT", "say \"hi\" \\ ${NAME}");
    return v;
}

static void
test_vars_expand_forms(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"plain", "plain"},
        {"--x=${NAME}", "--x=sample-redis"},
        {"${NAME}${NAME}", "sample-redissample-redis"},
        {"${NONE:=d}", "d"},
        {"${NONE=d}", "d"},
        {"${NONE:-d}", "d"},
        {"${EMPTY:=d}", ""},
        {"${NONE:=}", ""},
        {"${NONE:=${NAME}/x}", "sample-redis/x"},
        {"${NONE:=-db 1 -filter a:*}", "-db 1 -filter a:*"},
        {"${#NAME}", "12"},
        {"${PATH##*/}", "c.tar.gz"},
        {"${PATH#*/}", "a/b/c.tar.gz"},
        {"${PATH%.*}", "/a/b/c.tar"},
        {"${PATH%%.*}", "/a/b/c"},
        {"${NAME/s/S}", "Sample-redis"},
        {"${NAME//s/S}", "Sample-rediS"},
        {"${NAME/#s/S}", "Sample-redis"},
        {"${NAME/%s/S}", "sample-rediS"},
        {"${NAME^}", "Sample-redis"},
        {"${NAME^^}", "SAMPLE-REDIS"},
        {"${NAME:7}", "redis"},
        {"${NAME:0:6}", "sample"},
        {"${NAME:50:6}", ""},
        {"a$$b $c $", "a$b $c $"},
        {"$${NAME}", "${NAME}"},
        {"${TEXT}", "say \"hi\" \\ ${NAME}"},
    };
    struct vars *v = sample();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = BUF_INIT(4096);
        struct err e = ERR_INIT;

        T_OK(vars_expand(v, str_c(cases[i].text), &out, &e));
        assert_string_equal(buf_c(&out), cases[i].want);
        buf_release(&out);
    }
    vars_free(v);
}

static void
test_vars_expand_refuses(void **state)
{
    static const char *const bad[] = {"${NONE}",  "${",        "x${NAME",  "${}",
                                      "${NAME?}", "${NAME:x}", "${NONE#a}"};
    struct vars *v = sample();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct buf out = BUF_INIT(4096);
        struct err e = ERR_INIT;

        assert_int_equal(vars_expand(v, str_c(bad[i]), &out, &e), RC_INVALID);
        buf_release(&out);
    }
    vars_free(v);
}

static void
test_vars_tree_keeps_values_in_their_place(void **state)
{
    struct vars *v = sample();
    struct json *in, *out = NULL;
    struct err e = ERR_INIT;
    char *text;

    (void)state;
    T_OK(json_parse(
        str_c("{\"args\":[\"--t=${TEXT}\",1,true,null],\"k\":{\"${NAME}\":\"${EMPTY}\"}}"), &in,
        &e));
    T_OK(vars_expand_tree(v, in, &out, &e));
    text = json_to_text(out, false);
    assert_string_equal(text, "{\"args\":[\"--t=say \\\"hi\\\" \\\\ ${NAME}\",1,true,null],"
                              "\"k\":{\"${NAME}\":\"\"}}");
    mem_free(text);
    json_free(in);
    json_free(out);
    vars_free(v);
}

static struct json *
params(const char *text)
{
    struct json *j = NULL;
    struct err e = ERR_INIT;

    T_OK(json_parse(str_c(text), &j, &e));
    return j;
}

static void
test_vars_params_name_each_other(void **state)
{
    struct vars *v = sample();
    struct json *p =
        params("[{\"name\":\"a\",\"value\":\"${b}/${NAME}\"},"
               "{\"name\":\"b\",\"value\":\"x\"},{\"name\":\"NAME\",\"value\":\"no\"}]");
    struct err e = ERR_INIT;

    (void)state;
    T_OK(vars_set_expanded(v, p, &e));
    assert_string_equal(vars_get(v, "a"), "x/sample-redis");
    assert_string_equal(vars_get(v, "NAME"), "sample-redis");
    json_free(p);
    vars_free(v);
}

static void
test_vars_params_refuse_cycles(void **state)
{
    struct vars *v = sample();
    struct json *p =
        params("[{\"name\":\"a\",\"value\":\"${b}\"},{\"name\":\"b\",\"value\":\"${a}\"}]");
    struct err e = ERR_INIT;

    (void)state;
    assert_int_equal(vars_set_expanded(v, p, &e), RC_INVALID);
    assert_non_null(strstr(e.msg, "needs itself"));
    json_free(p);
    vars_free(v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vars_expand_forms),
        cmocka_unit_test(test_vars_expand_refuses),
        cmocka_unit_test(test_vars_tree_keeps_values_in_their_place),
        cmocka_unit_test(test_vars_params_name_each_other),
        cmocka_unit_test(test_vars_params_refuse_cycles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
