/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/t.h"
#include "harness/t_json.h"

#include "cli/print.h"

static void
test_print_tabs_align_runs(void **state)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(1000);

    (void)state;
    print_tabs(str_c("a:\tx\nlonger:\ty\nhead:\nb:\tz\n\xc3\xa4\xc3\xb6:\tu\n1\t22\t3\n11\t2\t3\n"),
               2, &out);
    assert_string_equal(buf_c(&out), "a:       x\nlonger:  y\nhead:\nb:   z\n\xc3\xa4\xc3\xb6:  u\n"
                                     "1    22  3\n11   2   3\n");
}

static const char table[] =
    "{\"kind\":\"Table\",\"columnDefinitions\":[{\"name\":\"Name\",\"format\":\"name\"},"
    "{\"name\":\"Size\"},{\"name\":\"More\",\"priority\":1}],\"rows\":["
    "{\"cells\":[\"one\",12345678,\"m\"],\"object\":{\"metadata\":{\"namespace\":\"demo\","
    "\"labels\":{\"a\":\"b\",\"c\":\"d\"}}}},"
    "{\"cells\":[\"a-longer-name\",null,\"x\\ny\"],\"object\":{\"metadata\":{}}}]}";

static void
check_table(struct print_table *t, const char *prefix, const char *want)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(1000);
    CLEANUP(json_free_ptr) struct json *j = t_json(table);

    assert_int_equal(print_table(t, j, prefix, &out), 2);
    assert_string_equal(buf_c(&out), want);
}

static void
test_print_table_layouts(void **state)
{
    struct print_table plain = {.wide = false},
                       all = {.wide = true, .show_labels = true, .with_namespace = true};
    struct print_table bare = {.no_headers = true};

    (void)state;
    check_table(&plain, NULL,
                "NAME            SIZE\none             12345678\n"
                "a-longer-name   \n");
    check_table(&plain, NULL, "one             12345678\na-longer-name   \n"); /* a watch */
    check_table(&all, "k.g",
                "NAMESPACE   NAME                SIZE       MORE   LABELS\n"
                "demo        k.g/one             12345678   m      a=b,c=d\n"
                "            k.g/a-longer-name              x...   <none>\n");
    check_table(&bare, NULL, "one             12345678\na-longer-name   \n");
}

static void
test_print_documents(void **state)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(1000);
    CLEANUP(json_free_ptr)
    struct json *j = t_json("{\"kind\":\"A\",\"a\":{\"y\":[1,\"  two\"],\"b\":{}},"
                            "\"metadata\":{\"name\":\"n\",\"managedFields\":[]}}");
    struct err e = ERR_INIT;

    (void)state;
    T_OK(print_json(j, &out, &e));
    assert_string_equal(buf_c(&out),
                        "{\n    \"a\": {\n        \"b\": {},\n        \"y\": [\n            1,\n"
                        "            \"  two\"\n        ]\n    },\n    \"kind\": \"A\",\n"
                        "    \"metadata\": {\n        \"name\": \"n\"\n    }\n}\n");
    buf_reset(&out);
    T_OK(print_yaml(j, &out, &e));
    assert_string_equal(buf_c(&out), "a:\n  b: {}\n  \"y\":\n  - 1\n  - '  two'\nkind: A\n"
                                     "metadata:\n  name: \"n\"\n");
}

static void
test_print_describe_layout(void **state)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(2000);
    CLEANUP(json_free_ptr)
    struct json *j = t_json(
        "{\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"n\",\"namespace\":\"d\","
        "\"labels\":{\"b\":\"2\",\"a\":\"1\"},\"resourceVersion\":\"7\",\"uid\":\"u\"},"
        "\"spec\":{\"runtimeSettings\":{\"pod\":{}},\"list\":[\"x\",{\"k\":true}],\"e_x\":null,"
        "\"baseURLPath\":1}}");
    CLEANUP(json_free_ptr) struct json *none = t_json("[]");
    CLEANUP(json_free_ptr)
    struct json *events = t_json("[{\"type\":\"Warning\",\"reason\":\"R\",\"message\":\"told\\n\","
                                 "\"source\":{\"component\":\"c\"}}]");

    (void)state;
    print_describe(j, none, &out);
    assert_string_equal(
        buf_c(&out),
        "Name:         n\nNamespace:    d\nLabels:       a=1\n              b=2\n"
        "Annotations:  <none>\nAPI Version:  v1\nKind:         A\nMetadata:\n"
        "  Resource Version:  7\n  UID:               u\nSpec:\n  Base URL Path:  1\n"
        "  e_x:            <nil>\n  List:\n    x\n    K:  true\n  Runtime Settings:\n    Pod:\n"
        "Events:  <none>\n");
    buf_reset(&out);
    print_describe(j, events, &out);
    T_CONTAINS(buf_c(&out), "Events:\n  Type     Reason  Age        From  Message\n"
                            "  ----     ------  ----       ----  -------\n"
                            "  Warning  R       <unknown>  c     told\n");
}

/* Objects are written by many, and read at a terminal; as kubectl where that escapes too. */
static void
test_print_changes_no_terminal(void **state)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(2000);
    CLEANUP(json_free_ptr)
    struct json *j =
        t_json("{\"metadata\":{\"name\":\"n\",\"annotations\":{\"x\":\"\\u001b[2Jy\"}},"
               "\"spec\":{\"alias\":\"a\\u001b]0;t\\u0007\\u009b\\u202eb\\rc\\td\"}}");
    CLEANUP(json_free_ptr)
    struct json *rows = t_json("{\"columnDefinitions\":[{\"name\":\"Name\"},{\"name\":\"Alias\"}],"
                               "\"rows\":[{\"cells\":[\"n\\u001b[31m\",\"a\\u0008b\"]}]}");
    struct print_table t = {.wide = false};

    (void)state;
    print_describe(j, NULL, &out);
    T_CONTAINS(buf_c(&out), "x: ^[[2Jy\n");
    T_CONTAINS(buf_c(&out), "  Alias:  a^[]0;t?\?\?\?\?\?b\\rc  d\n");
    buf_reset(&out);
    assert_int_equal(print_table(&t, rows, NULL, &out), 1);
    assert_string_equal(buf_c(&out), "NAME      ALIAS\nn^[[31m   a?b\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print_changes_no_terminal),
        cmocka_unit_test(test_print_tabs_align_runs),
        cmocka_unit_test(test_print_table_layouts),
        cmocka_unit_test(test_print_documents),
        cmocka_unit_test(test_print_describe_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
