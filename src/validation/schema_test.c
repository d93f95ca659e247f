/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/mem.h"
#include "validation/field_errors.h"
#include "validation/path.h"
#include "validation/pattern.h"
#include "validation/schema.h"

static const char schema_text[] =
    "{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"object\",\"required\":[\"n\"],"
    "\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9},"
    "\"s\":{\"type\":\"string\",\"enum\":[\"a\",\"b\"],\"default\":\"a\"},"
    "\"p\":{\"type\":\"string\",\"pattern\":\"^[a-z]+$\",\"maxLength\":4},"
    "\"q\":{\"x-kubernetes-int-or-string\":true},"
    "\"t\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"nul\":{\"type\":\"string\",\"nullable\":true},"
    "\"map\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"any\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true},"
    "\"list\":{\"type\":\"array\",\"maxItems\":3,\"x-kubernetes-list-type\":\"map\","
    "\"x-kubernetes-list-map-keys\":[\"k\"],\"items\":{\"type\":\"object\",\"properties\":{"
    "\"k\":{\"type\":\"string\"},\"v\":{\"type\":\"integer\",\"default\":7}}}}}}}}";

static void
test_prune_default_check(void **state)
{
    static const struct {
        const char *in, *want;     /* want: after pruning and defaults, keys sorted */
        const char *unknown, *bad; /* the first unknown field, the first complaint */
    } cases[] = {
        {"{\"spec\":{\"n\":1}}", "{\"spec\":{\"n\":1,\"s\":\"a\"}}", NULL, NULL},
        {"{\"metadata\":{\"name\":\"x\"},\"spec\":{\"n\":1,\"zzz\":2}}",
         "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"n\":1,\"s\":\"a\"}}", "spec.zzz", NULL},
        {"{\"spec\":{\"n\":1,\"any\":{\"x\":{\"y\":1}},\"map\":{\"k\":\"v\"}}}",
         "{\"spec\":{\"any\":{\"x\":{\"y\":1}},\"map\":{\"k\":\"v\"},\"n\":1,\"s\":\"a\"}}", NULL,
         NULL},
        {"{\"spec\":{\"n\":1,\"list\":[{\"k\":\"a\",\"w\":1}]}}",
         "{\"spec\":{\"list\":[{\"k\":\"a\",\"v\":7}],\"n\":1,\"s\":\"a\"}}", "spec.list[0].w",
         NULL},
        {"{\"spec\":{}}", "{\"spec\":{\"s\":\"a\"}}", NULL, "spec.n: Required value"},
        {"{\"spec\":{\"n\":\"1\"}}", NULL, NULL, "spec.n: Invalid value: \"string\""},
        {"{\"spec\":{\"n\":10}}", NULL, NULL, "less than or equal to 9"},
        {"{\"spec\":{\"n\":1,\"s\":\"c\"}}", NULL, NULL,
         "Unsupported value: \"c\": supported values: \"a\", \"b\""},
        {"{\"spec\":{\"n\":1,\"p\":\"A\"}}", NULL, NULL, "should match '^[a-z]+$'"},
        {"{\"spec\":{\"n\":1,\"p\":\"abcde\"}}", NULL, NULL, "Too long"},
        {"{\"spec\":{\"n\":1,\"q\":\"5%\"}}", NULL, NULL, NULL},
        {"{\"spec\":{\"n\":1,\"q\":true}}", NULL, NULL, "spec.q: Invalid value"},
        {"{\"spec\":{\"n\":1,\"t\":\"yesterday\"}}", NULL, NULL, "date-time"},
        {"{\"spec\":{\"n\":1,\"nul\":null}}", NULL, NULL, NULL},
        {"{\"spec\":{\"n\":1,\"p\":null}}", NULL, NULL, "spec.p: Invalid value: \"null\""},
        {"{\"spec\":{\"n\":1,\"map\":{\"k\":1}}}", NULL, NULL, "spec.map.k: Invalid value"},
        {"{\"spec\":{\"n\":1,\"list\":[{\"k\":\"a\"},{\"k\":\"a\"}]}}", NULL, NULL,
         "spec.list[1]: Duplicate value"},
        {"{\"spec\":{\"n\":1,\"list\":[{},{},{},{}]}}", NULL, NULL, "Too many: 4"},
    };
    struct json *schema = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(json_parse(str_c(schema_text), &schema, &e));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *obj = NULL, *unknown = json_new_array();
        struct field_errors why = {0};
        char *got, *said;
        T_OK(json_parse(str_c(cases[i].in), &obj, &e));
        schema_prune(schema, obj, unknown);
        schema_default(schema, obj);
        schema_check(schema, obj, &why);
        got = json_to_text(obj, true);
        said = mem_printf("%s: %s", json_text_or(json_field(json_elem(why.causes, 0), "field"), ""),
                          json_text_or(json_field(json_elem(why.causes, 0), "message"), ""));
        if (cases[i].want != NULL)
            assert_string_equal(got, cases[i].want);
        if (cases[i].unknown != NULL)
            assert_string_equal(json_text_or(json_elem(unknown, 0), ""), cases[i].unknown);
        else
            assert_int_equal(json_size(unknown), 0);
        if (cases[i].bad == NULL)
            assert_string_equal(said, ": ");
        else
            T_CONTAINS(said, cases[i].bad);
        mem_free(got);
        mem_free(said);
        field_errors_release(&why);
        json_free(obj);
        json_free(unknown);
    }
    json_free(schema);
}

static void
test_patterns(void **state)
{
    static const struct {
        const char *pattern, *text;
        enum pattern_result want;
    } cases[] = {
        {"^\\d+$", "123", PATTERN_MATCHES},
        {"^\\d+$", "12a", PATTERN_DIFFERS},
        {"^[\\w.-]+$", "a_b.c-1", PATTERN_MATCHES},
        {"^(?:a|b)$", "b", PATTERN_MATCHES},
        {"b", "abc", PATTERN_MATCHES},
        {"^[^\\s/]+$", "a b", PATTERN_DIFFERS},
        {"^a{2,3}$", "aaa", PATTERN_MATCHES},
        {"^a+?b$", "aab", PATTERN_MATCHES},
        {"(", "a", PATTERN_BAD},
        {"^a$", "a\n", PATTERN_DIFFERS},      /* RE2's $ is the end of the text */
        {"^\\d$", "\u0663", PATTERN_DIFFERS}, /* and its digits are those of ASCII */
        {"^.$", "\u00e9", PATTERN_MATCHES},
        {"^\\pL+$", "\u00e9t\u00e9", PATTERN_MATCHES},
        {"^[[:alpha:]_]+$", "a_b", PATTERN_MATCHES},
        {"(?i)^abc$", "ABC", PATTERN_MATCHES},
        {"(?P<n>a)(?:b)", "ab", PATTERN_MATCHES},
        {"\\Q(?=\\E", "(?=", PATTERN_MATCHES},
        {"[(?=]", "=", PATTERN_MATCHES},
        {"(?=a)", "a", PATTERN_BAD},
        {"(?<!a)b", "b", PATTERN_BAD},
        {"(?>a)", "a", PATTERN_BAD},
        {"(a)\\1", "aa", PATTERN_BAD},
        {"(?P=n)", "a", PATTERN_BAD},
        {"(?R)", "a", PATTERN_BAD},
        {"a++", "a", PATTERN_BAD},
        {"(*FAIL)", "a", PATTERN_BAD},
        {"\\K", "a", PATTERN_BAD},
        {"\\C", "a", PATTERN_BAD},
        {"a{1000}", "a", PATTERN_DIFFERS},
        {"a{1001}", "a", PATTERN_BAD},
        {"((((a{1000}){1000}){1000}){1000})", "a", PATTERN_BAD}, /* gigabytes elsewhere */
        {"^(a|aa)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
         PATTERN_LIMIT},
        {"^\\.$", ".", PATTERN_MATCHES},
        {"^[A-Z\\-_]$", "-", PATTERN_MATCHES},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (pattern_match(cases[i].pattern, cases[i].text) != cases[i].want)
            fail_msg("%s with %s", cases[i].pattern, cases[i].text);
}

static void
test_paths(void **state)
{
    static const struct {
        const char *path, *want;
    } cases[] = {
        {".a.b", "1"},
        {".l[1]", "\"y\""},
        {".l[-1]", "\"y\""},
        {"['a']['b']", "1"},
        {".c[?(@.type==\"Ready\")].status", "\"True\""},
        {".c[*].type", "\"Other\""},
        {".a\\.b", "2"},
        {".x.y", NULL},
        {".l[", NULL},
        {".l[9]", NULL},
    };
    struct json *j = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(json_parse(STR_LIT("{\"a\":{\"b\":1},\"a.b\":2,\"l\":[\"x\",\"y\"],\"c\":[{\"type\":"
                            "\"Other\"},{\"type\":\"Ready\",\"status\":\"True\"}]}"),
                    &j, &e));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct json *v = path_first(j, cases[i].path);
        char *got = v != NULL ? json_to_text(v, true) : NULL;
        if (cases[i].want == NULL)
            assert_null(v);
        else if (got == NULL || strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s", cases[i].path, got);
        mem_free(got);
    }
    json_free(j);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prune_default_check),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
