/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/t.h"

#include "cli/jsonpath.h"

static const char object[] =
    "{\"kind\":\"List\",\"items\":[{\"name\":\"a\",\"n\":1,\"labels\":{\"x.y/z\":\"dot\"},"
    "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"},{\"type\":\"Other\","
    "\"status\":\"False\"}]},{\"name\":\"b\",\"n\":2,\"conditions\":[],\"alias\":\"b\"}],"
    "\"words\":[\"a\",\"b\",\"c\",\"d\"],\"price\":19.95,\"big\":1.0e6,\"whole\":100000.0,"
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
        {"{.items[0,-1].name}", "a b"},
        {"{.items[0]['name', 'n']}", "a 1"},
        {"{.words[1:]}", "b c d"},
        {"{.words[-2:]}", "c d"},
        {"{.words[0:4:3]}", "a d"},
        {"{.words[::2]}", "a c"},
        {"{.words[2:2]}", ""},
        {"{.words[0:2,3]}", "a b d"},
        {"{.words[?(@>\"b\")]}", "c d"},
        {"{.words[?(@=='a)b')]}", ""},
        {"{.items[?(@.n>1)].name}", "b"},
        {"{.items[?(@.n<=1)].name}", "a"},
        {"{.items[?( @.n != 1 )].name}", "b"},
        {"{.items[?(@.missing!=1)].name}", ""},
        {"{.items[?(@.name==@.alias)].name}", "b"},
        {"{.items[?(@.n>1.5)].name}", "b"},
        {"{.items[?(@['n']>1)].name}", "b"},
        {"{..name}", "a b"},
        {"{..conditions[0:0]}", ""},
        {"{.price} {.big} {.whole}", "19.95 1e+06 100000"},
        {"{ .kind }", "List"},
        {"{.missing[0]}", ""},
        {"{range .missing[*]}{.x}{\"}\"}{end}after", "after"},
        {"{range .words[*]}{@}{\"{end}\"}{ end }", "a{end}b{end}c{end}d{end}"},
        {"{1}{\" \"}{1.50}{true}{'x'}", "1 1.5truex"},
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
        "{.items[*].d]}",
        "{.a",
        "{",
        "{.a[}",
        "{.a[0}",
        "{['a}",
        "{\"a}",
        "{range .a}",
        "{.a[?(@.b",
        "{.a[?b]}",
        "{.a[?(@.b=='",
        "{.a b}",
        "{range}",
        "{.a[x]}",
        "{.a[1]}",
        "{.a[-2]}",
        "{.a[0:2]}",
        "{.a[1:0]}",
        "{.a[::0]}",
        "{.a[::-1]}",
        "{.a[0][0]}",
        "{.a[?(@.b='1')]}",
        "{.a[?(@.b=='1')]}",
        "{.a[?(@.b<>1)]}",
        "{.a[?(@.b==)]}",
        "{end}",
        "{hello}",
        "{range .a[*]}{range .b}{end}",
        "{.a[99999999999]}",
    };
    struct json *on = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(json_parse(str_c("{\"a\":[{\"b\":1}]}"), &on, &e));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_release) struct buf out = BUF_INIT(1000);
        if (jsonpath_print(bad[i], on, &out, &e) != RC_INVALID)
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
