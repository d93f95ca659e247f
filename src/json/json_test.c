/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/mem.h"
#include "json/node.h"
#include "json/pull.h"
#include "json/write.h"

static void
test_getters_name_the_field(void **state)
{
    struct json *root = NULL;
    const struct json *arr = NULL;
    struct err e = ERR_INIT;
    struct str s;
    uint64_t u = 7;
    bool b;

    (void)state;
    T_OK(json_parse(STR_LIT("{\"s\":\"x\",\"n\":9223372036854775807,\"b\":true,\"m\":-1,"
                            "\"a\":[\"p\",1],\"z\":null}"),
                    &root, &e));
    T_OK(json_get_str(root, "s", &s, &e));
    T_STR(s, STR_LIT("x"));
    T_OK(json_get_u64(root, "n", &u, &e));
    assert_true(u == INT64_MAX);
    T_OK(json_get_bool(root, "b", &b, &e));
    assert_true(b);
    T_OK(json_get_array(root, "a", &arr, &e));
    assert_int_equal(json_len(arr), 2);
    T_OK(json_at_str(arr, 0, &s, &e));
    T_RC(json_at_str(arr, 1, &s, &e), RC_CORRUPT);
    T_RC(json_get_str(root, "n", &s, &e), RC_CORRUPT);
    T_CONTAINS(e.msg, "\"n\"");
    T_RC(json_get_u64(root, "m", &u, &e), RC_CORRUPT);
    T_RC(json_get_str(root, "gone", &s, &e), RC_CORRUPT);
    T_CONTAINS(e.msg, "\"gone\" is missing");
    u = 7;
    T_OK(json_opt_u64(root, "z", &u, &e));
    assert_int_equal(u, 7);
    T_RC(json_opt_u64(root, "s", &u, &e), RC_CORRUPT);
    json_free(root);
    T_RC(json_parse(STR_LIT("{\"a\":}"), &root, &e), RC_CORRUPT);
    T_CONTAINS(e.msg, "byte");
}

static void
test_numbers_beyond_63_bits_are_null_where_that_is_asked_for(void **state)
{
    static const char *const cases[][2] = {
        {"{\"a\":18446744073699256640,\"b\":7}", "{\"a\":null,\"b\":7}"},
        {"{\"a\":[-9223372036854775809,9223372036854775807]}",
         "{\"a\":[null,9223372036854775807]}"},
        {"{\"18446744073709551615\":\"\\\"18446744073709551615\",\"a\":9223372036854775808}",
         "{\"18446744073709551615\":\"\\\"18446744073709551615\",\"a\":null}"},
    };
    struct json *j = NULL;
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text;

        T_RC(json_parse(str_c(cases[i][0]), &j, &e), RC_CORRUPT);
        e = (struct err)ERR_INIT;
        T_OK(json_parse_lenient(str_c(cases[i][0]), &j, &e));
        text = json_to_text(j, false);
        assert_string_equal(text, cases[i][1]);
        mem_free(text);
        json_free(j);
    }
    T_RC(json_parse_lenient(STR_LIT("{\"a\":18446744073709551615"), &j, &e), RC_CORRUPT);
    T_RC(json_parse_lenient(STR_LIT("{\"a\":\"18446744073709551615"), &j, &e), RC_CORRUPT);
}

static void
test_one_field_of_the_top_level_is_parsed_alone(void **state)
{
    static const char doc[] = "{ \"a\": {\"b\": [\"}\", 1]} , \"x\\\"b\":\"b\", \"b\" : "
                              "{\"c\":[{\"b\":\"\\\\\"},2]}, \"n\":12}";
    static const char *const cases[][2] = {{"a", "{\"a\":{\"b\":[\"}\",1]}}"},
                                           {"b", "{\"b\":{\"c\":[{\"b\":\"\\\\\"},2]}}"},
                                           {"n", "{\"n\":12}"},
                                           {"c", "{}"},
                                           {"", "{}"}};
    struct json *one = NULL, *whole = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(json_parse(str_c(doc), &whole, &e)); /* the document is what the function asks for */
    json_free(whole);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        T_OK(json_parse_field(str_c(doc), cases[i][0], &one, &e));
        char *text = json_to_text(one, false);
        assert_string_equal(text, cases[i][1]);
        mem_free(text);
        json_free(one);
    }
    T_OK(json_parse_field(STR_LIT("{}"), "a", &one, &e));
    assert_int_equal(json_size(one), 0);
    json_free(one);
}

static void
test_fields_of_a_name_are_cut_out(void **state)
{
    static const char *const cases[][2] = {
        {"{\"m\":[{\"a\":\"]}\"}],\"b\":1}", "{\"b\":1}"},
        {"{\"a\":1,\"m\":{\"x\":2},\"b\":3}", "{\"a\":1,\"b\":3}"},
        {"{\"a\":1,\"m\":\"\\\",\"}", "{\"a\":1}"},
        {"{\"m\":null}", "{}"},
        {"[{\"m\":1},{\"c\":{\"d\":2,\"m\":[]}},{\"m\":{\"m\":1},\"e\":4}]",
         "[{},{\"c\":{\"d\":2}},{\"e\":4}]"},
        {"{\"a\":\"\\\"m\\\":1,\",\"mm\":\"m\"}", "{\"a\":\"\\\"m\\\":1,\",\"mm\":\"m\"}"},
        {"{\"a\":1}", "{\"a\":1}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = mem_strdup(cases[i][0]);
        size_t n = json_cut_field((uint8_t *)text, strlen(text), "m");

        T_STR(str_of(text, n), str_c(cases[i][1]));
        mem_free(text);
    }
}

static void
test_writing_gives_the_bytes_of_go(void **state)
{
    struct buf out = BUF_INIT(1000);
    struct err e = ERR_INIT;
    struct jw w;

    (void)state;
    jw_init(&w, &out);
    jw_open_object(&w);
    jw_key(&w, "k");
    jw_str(&w, STR_LIT("a\"\\\n\r\t\x01<>&/\x7f\xc3\xbc\xe2\x80\xa8\xff\xed\xa0\x80'"));
    jw_key(&w, "a");
    jw_open_array(&w);
    jw_u64(&w, UINT64_MAX);
    jw_i64(&w, -1);
    jw_null(&w);
    jw_open_object(&w);
    jw_close_object(&w);
    jw_bool(&w, false);
    jw_close_array(&w);
    jw_close_object(&w);
    T_OK(jw_end(&w, &e));
    T_STR(
        buf_str(&out),
        STR_LIT("{\"k\":\"a\\\"\\\\\\n\\r\\t\\u0001\\u003c\\u003e\\u0026/\x7f\xc3\xbc\\u2028\\ufffd"
                "\\ufffd\\ufffd\\ufffd'\",\"a\":[18446744073709551615,-1,null,{},false]}"));
    buf_release(&out);
    out.max = 3;
    jw_init(&w, &out);
    jw_cstr(&w, "long");
    T_RC(jw_end(&w, &e), RC_LIMIT);
    buf_release(&out);
}

static const char doc[] =
    " {\"skip\":{\"a\":[1,-2.5e+3,true,false,null,\"\\u00e9\\\"\"],\"b\":{}} , \"n\" : "
    "18446744073709551615, \"s\":\"\\ud83d\\ude00\\/x\\n\",\"l\":[\"p\",\"q\"],\"z\":null}\n";

/* Reads doc; its error is the reader's. */
static enum rc
read_doc(struct str text, size_t step, struct err *e)
{
    CLEANUP(mem_free_ptr) struct pull *j = MEM_NEW(struct pull);
    CLEANUP(buf_release) struct buf seen = BUF_INIT(1000);
    struct rd_mem from;
    struct str key, s;
    uint64_t u = 0;
    bool more = true, item = true, null = false;
    enum rc rc = RC_OK;

    rd_mem_init(&from, text, step);
    pull_init(j, &from.rd);
    rc = pull_object(j, e);
    while (rc == RC_OK && (rc = pull_key(j, &key, &more, e)) == RC_OK && more) {
        if (str_eq(key, STR_LIT("n"))) {
            rc = pull_u64(j, &u, e);
        } else if (str_eq(key, STR_LIT("s"))) {
            rc = pull_str(j, &s, e);
            if (rc == RC_OK)
                buf_must_add(&seen, s.p, s.n);
        } else if (str_eq(key, STR_LIT("l"))) {
            rc = pull_array(j, e);
            while (rc == RC_OK && (rc = pull_item(j, &item, e)) == RC_OK && item) {
                rc = pull_str(j, &s, e);
                if (rc == RC_OK)
                    buf_must_add(&seen, s.p, s.n);
            }
        } else if (str_eq(key, STR_LIT("z"))) {
            rc = pull_null(j, &null, e);
        } else {
            rc = pull_skip(j, e);
        }
    }
    if (rc == RC_OK)
        rc = pull_end(j, e);
    pull_release(j);
    if (rc == RC_OK) {
        T_STR(buf_str(&seen), STR_LIT("\xf0\x9f\x98\x80/x\npq"));
        assert_true(u == UINT64_MAX && null);
    }
    return rc;
}

static void
test_pull_reads_the_same_in_any_step_and_refuses_every_prefix(void **state)
{
    struct err e = ERR_INIT;
    size_t n = sizeof(doc) - 1;

    (void)state;
    for (size_t step = 0; step < 40; step++) {
        T_OK(read_doc(str_of(doc, n), step, &e));
    }
    for (size_t cut = 0; cut < n - 2; cut++)
        T_RC(read_doc(str_of(doc, cut), 0, &e), RC_CORRUPT);
}

static void
test_pull_refuses_what_is_not_json(void **state)
{
    static const char *const bad[] = {"{\"a\":tru}",
                                      "{\"a\":1 2}",
                                      "{\"a\" 1}",
                                      "{a:1}",
                                      "{\"n\":-1}",
                                      "{\"n\":1.5}",
                                      "{\"n\":1e3}",
                                      "{}x",
                                      "[",
                                      "{\"a\":\"\\x\"}",
                                      "{\"n\":18446744073709551616}"};
    struct err e = ERR_INIT;
    char deep[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        T_RC(read_doc(str_c(bad[i]), 0, &e), RC_CORRUPT);
    (void)snprintf(deep, sizeof(deep), "{\"a\":%0100d", 0);
    memset(deep + 5, '[', 100);
    T_RC(read_doc(str_c(deep), 0, &e), RC_CORRUPT);
    T_CONTAINS(e.msg, "too deep");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_getters_name_the_field),
        cmocka_unit_test(test_numbers_beyond_63_bits_are_null_where_that_is_asked_for),
        cmocka_unit_test(test_one_field_of_the_top_level_is_parsed_alone),
        cmocka_unit_test(test_fields_of_a_name_are_cut_out),
        cmocka_unit_test(test_writing_gives_the_bytes_of_go),
        cmocka_unit_test(test_pull_reads_the_same_in_any_step_and_refuses_every_prefix),
        cmocka_unit_test(test_pull_refuses_what_is_not_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
