/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "json/yaml.h"

/* The documents of `yaml` must be those of the JSON array `want`. */
static void
same(const char *yaml, const char *want)
{
    struct json *docs = NULL;
    struct err e = ERR_INIT;
    char *got;

    T_OK(yaml_to_json(str_c(yaml), &docs, &e));
    got = json_to_text(docs, false);
    assert_string_equal(got, want);
    mem_free(got);
    json_free(docs);
}

static void
test_yaml_documents(void **state)
{
    (void)state;
    same("", "[]");
    same("---\n---\n# nothing\n---\na: 1\n---\n- b\n...\n", "[{\"a\":1},[\"b\"]]");
    same("{\"a\": [1, 2.5, {\"b\": null}], \"c\": \"d\"}",
         "[{\"a\":[1,2.5,{\"b\":null}],\"c\":\"d\"}]");
    same("a:\n- x\n-   y: 1\n    z: 2\nb: |\n  one\n  two\nc: >-\n  one\n  two\n",
         "[{\"a\":[\"x\",{\"y\":1,\"z\":2}],\"b\":\"one\\ntwo\\n\",\"c\":\"one two\"}]");
}

static void
test_yaml_scalars(void **state)
{
    static const char *const cases[][2] = {
        {"true", "true"},
        {"False", "false"},
        {"yes", "true"},
        {"off", "false"},
        {"'true'", "\"true\""},
        {"\"no\"", "\"no\""},
        {"~", "null"},
        {"null", "null"},
        {"'null'", "\"null\""},
        {"12", "12"},
        {"-3", "-3"},
        {"+3", "3"},
        {"0x1F", "31"},
        {"0o17", "15"},
        {"017", "15"},
        {"0b101", "5"},
        {"1_000", "1000"},
        {"08", "8.0"},
        {"1.5", "1.5"},
        {"1e3", "1000.0"},
        {".5", "0.5"},
        {"1.2.3", "\"1.2.3\""},
        {".inf", "\".inf\""},
        {"1e999", "\"1e999\""},
        {"5m", "\"5m\""},
        {"-", "[null]"},
        {"2026-11-22", "\"2026-11-22\""},
        {"!!str 12", "\"12\""},

        {"!!int \"12\"", "12"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"18446744073709551616", "1.8446744073709552e19"},
        {"*/5 * * * *", NULL},
        {"'*/5 * * * *'", "\"*/5 * * * *\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *yaml = mem_printf("a: %s\n", cases[i][0]);
        char *want = cases[i][1] == NULL ? NULL : mem_printf("[{\"a\":%s}]", cases[i][1]);
        struct json *docs = NULL;
        struct err e = ERR_INIT;
        if (strcmp(cases[i][0], "-") == 0)
            T_RC(yaml_to_json(str_c(yaml), &docs, &e), RC_INVALID);
        else if (want == NULL)
            T_RC(yaml_to_json(str_c(yaml), &docs, &e), RC_INVALID);
        else if (strcmp(cases[i][0], "~") == 0)
            same("a: ~", "[{\"a\":null}]");
        else
            same(yaml, want);
        mem_free(yaml);
        mem_free(want);
    }
}

static void
test_yaml_anchors_and_merges(void **state)
{
    (void)state;
    same("a: &x {p: 1}\nb: *x\n", "[{\"a\":{\"p\":1},\"b\":{\"p\":1}}]");
    same("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n",
         "[{\"a\":{\"p\":1,\"q\":2},\"b\":{\"q\":3,\"p\":1}}]");
    same("- &x {p: 1}\n- &y {p: 2, r: 3}\n- <<: [*x, *y]\n",
         "[[{\"p\":1},{\"p\":2,\"r\":3},{\"p\":1,\"r\":3}]]");
}

static void
test_yaml_refuses(void **state)
{
    static const struct {
        const char *yaml, *says;
    } cases[] = {
        {"a: 1\nb: ]", "line 2"},    {"a: 1\na: 2\n", "line 2"}, {"a:\n\t- b", "line 2"},
        {"a: *nobody", "nobody"},    {"a: &x [*x]", "\"x\""},    {"[a]: b", "key"},
        {"a: 1\n b: 2\n", "line 2"}, {"<<: 5", "merged"},        {"\"a\\0b\": 1", "key"},
        {"a: \xff\n", "line"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *docs = NULL;
        struct err e = ERR_INIT;
        T_RC(yaml_to_json(str_c(cases[i].yaml), &docs, &e), RC_INVALID);
        T_CONTAINS(e.msg, cases[i].says);
    }
}

static void
test_yaml_limits(void **state)
{
    struct buf deep = BUF_INIT(10000), laughs = BUF_INIT(200000);
    struct json *docs = NULL;
    struct err e = ERR_INIT;

    (void)state;
    for (int i = 0; i < 300; i++)
        buf_must_printf(&deep, "[");
    T_RC(yaml_to_json(buf_str(&deep), &docs, &e), RC_LIMIT);
    buf_must_printf(&laughs, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 12; i++) {
        buf_must_printf(&laughs, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            buf_must_printf(&laughs, "%s*a%d", k > 0 ? "," : "", i - 1);
        buf_must_printf(&laughs, "]\n");
    }
    T_RC(yaml_to_json(buf_str(&laughs), &docs, &e), RC_LIMIT);
    T_CONTAINS(e.msg, "repeats more than");
    buf_reset(&laughs); /* one that is long instead of many */
    buf_must_printf(&laughs, "a: &a \"%0100000d\"\nb: [", 0);
    for (int i = 0; i < 1000; i++)
        buf_must_printf(&laughs, "*a,");
    buf_must_printf(&laughs, "]\n");
    T_RC(yaml_to_json(buf_str(&laughs), &docs, &e), RC_LIMIT);
    T_CONTAINS(e.msg, "repeats more than");
    buf_release(&deep);
    buf_release(&laughs);
}

static void
test_yaml_writes_what_people_expect(void **state)
{
    static const char json[] =
        "{\"apiVersion\":\"v1\",\"n\":1,\"f\":1.5,\"t\":true,\"z\":null,\"e\":{},\"l\":[],"
        "\"s\":[\"a\",{\"b\":\"c\",\"d\":[\"x\",[\"y\"]]},\"true\",\"12\",\"*/5 * * * *\",\"\"],"
        "\"m\":\"one\\ntwo\\n\",\"when\":\"2026-11-22T00:00:00Z\",\"o\":{\"p\":{\"q\":\"a: b\"}}}";
    static const char want[] = "apiVersion: v1\n\"n\": 1\nf: 1.5\nt: true\nz: null\ne: {}\nl: []\n"
                               "s:\n- a\n- b: c\n  d:\n  - x\n  - - \"y\"\n- \"true\"\n- \"12\"\n"
                               "- '*/5 * * * *'\n- \"\"\n"
                               "m: |\n  one\n  two\nwhen: \"2026-11-22T00:00:00Z\"\n"
                               "o:\n  p:\n    q: 'a: b'\n";
    struct buf out = BUF_INIT(10000);
    struct json *j = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(json_parse(str_c(json), &j, &e));
    T_OK(json_to_yaml(j, &out, &e));
    assert_string_equal(buf_c(&out), want);
    json_free(j);
    buf_release(&out);
}

/* Whatever the string: as a value, a key, an element and alone, it is read as it was. */
static void
test_yaml_round_trip_of_strings(void **state)
{
    static const char *const bits[] = {"",
                                       " ",
                                       "a",
                                       "-",
                                       ":",
                                       "#",
                                       "'",
                                       "\"",
                                       "\n",
                                       "\t",
                                       "\r",
                                       "\\",
                                       "{",
                                       "}",
                                       "*",
                                       "&",
                                       "|",
                                       "? ",
                                       "0",
                                       ".",
                                       "e",
                                       "~",
                                       "on",
                                       "---",
                                       "\x01",
                                       "\x7f",
                                       "é",
                                       "日",
                                       "%",
                                       "@",
                                       "\xC2\x85",
                                       "\xE2\x80\xA8",
                                       "\xF0\x9F\x98\x80"};
    struct buf text = BUF_INIT(100), out = BUF_INIT(100000);
    struct err e = ERR_INIT;

    (void)state;
    for (size_t n = 0; n < ARRAY_LEN(bits) * ARRAY_LEN(bits) * ARRAY_LEN(bits); n++) {
        struct json *j = json_new_object(), *docs = NULL;
        size_t k = n;
        buf_reset(&text);
        for (int i = 0; i < 3; i++, k /= ARRAY_LEN(bits))
            buf_must_add(&text, bits[k % ARRAY_LEN(bits)], strlen(bits[k % ARRAY_LEN(bits)]));
        json_set(j, buf_c(&text), json_new_str(buf_str(&text)));
        json_push(json_need_array(j, "list"), json_new_str(buf_str(&text)));
        json_push(json_need_array(json_need_object(j, "o"), "l"), json_clone(j));
        buf_reset(&out);
        T_OK(json_to_yaml(j, &out, &e));
        if (yaml_to_json(buf_str(&out), &docs, &e))
            fail_msg("%s: %s", e.msg, buf_c(&out));
        if (!json_same(json_elem(docs, 0), j))
            fail_msg("not the same: %s", buf_c(&out));
        json_free(docs);
        json_free(j);
    }
    buf_release(&text);
    buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_documents),
        cmocka_unit_test(test_yaml_scalars),
        cmocka_unit_test(test_yaml_anchors_and_merges),
        cmocka_unit_test(test_yaml_refuses),
        cmocka_unit_test(test_yaml_limits),
        cmocka_unit_test(test_yaml_writes_what_people_expect),
        cmocka_unit_test(test_yaml_round_trip_of_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
