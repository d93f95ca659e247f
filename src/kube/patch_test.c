/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "kube/patch.h"

/* Parses any value, scalars too. */
static struct json *
value(const char *text)
{
    char *wrapped = mem_printf("[%s]", text);
    struct json *arr = NULL, *j;
    struct err e = ERR_INIT;

    T_OK(json_parse(str_c(wrapped), &arr, &e));
    j = json_ref(json_elem(arr, 0));
    json_free(arr);
    mem_free(wrapped);
    return j;
}

static void
is(const struct json *got, const char *want)
{
    struct json *w = value(want);

    if (!json_same(got, w)) {
        char *text = json_to_text(got, false);
        fail_msg("got %s, wanted %s", text, want);
    }
    json_free(w);
}

static void
test_patch_merge_rfc7386_appendix(void **state)
{
    static const char *const cases[][3] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
        {"{\"a\":\"foo\"}", "null", "null"},
        {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *t = value(cases[i][0]), *p = value(cases[i][1]), *got = patch_merge(t, p);
        is(got, cases[i][2]);
        is(t, cases[i][0]);
        json_free(got);
        json_free(p);
        json_free(t);
    }
}

static void
test_patch_json_rfc6902_appendix(void **state)
{
    static const struct {
        const char *doc, *ops, *want; /* NULL: refused */
        enum rc rc;
    } cases[] = {
        {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
         "{\"baz\":\"qux\",\"foo\":\"bar\"}", RC_OK},
        {"{\"foo\":[\"bar\",\"baz\"]}", "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
         "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", RC_OK},
        {"{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]",
         "{\"foo\":\"bar\"}", RC_OK},
        {"{\"foo\":[1,2,3]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]", "{\"foo\":[1,3]}",
         RC_OK},
        {"{\"baz\":\"qux\"}", "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
         "{\"baz\":\"boo\"}", RC_OK},
        {"{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
         "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
         "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}", RC_OK},
        {"{\"foo\":[1,2,3,4]}", "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
         "{\"foo\":[1,3,4,2]}", RC_OK},
        {"{\"baz\":\"qux\",\"foo\":[\"a\",2]}",
         "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},"
         "{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
         "{\"baz\":\"qux\",\"foo\":[\"a\",2]}", RC_OK},
        {"{\"baz\":\"qux\"}", "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"bar\"}]", NULL,
         RC_CONFLICT},
        {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"g\":{}}}]",
         "{\"foo\":\"bar\",\"child\":{\"g\":{}}}", RC_OK},
        {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]", NULL,
         RC_INVALID},
        {"{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]",
         "{\"/\":9,\"~1\":10}", RC_OK},
        {"{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":\"10\"}]", NULL,
         RC_CONFLICT},
        {"{\"foo\":[\"bar\"]}", "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\"]}]",
         "{\"foo\":[\"bar\",[\"abc\"]]}", RC_OK},
        {"{\"a\":{\"b\":1}}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/c\"}]",
         "{\"a\":{\"b\":1,\"c\":{\"b\":1}}}", RC_OK},
        {"{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/c\"}]", NULL,
         RC_INVALID},
        {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":[1]}]", "[1]", RC_OK},
        {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/b\"}]", NULL, RC_INVALID},
        {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/b\",\"value\":1}]", NULL, RC_INVALID},
        {"[1]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":1}]", NULL, RC_INVALID},
        {"[1]", "[{\"op\":\"add\",\"path\":\"/01\",\"value\":1}]", NULL, RC_INVALID},
        {"[1]", "[{\"op\":\"replace\",\"path\":\"/-\",\"value\":1}]", NULL, RC_INVALID},
        {"{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", NULL, RC_INVALID},
        {"{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NULL, RC_INVALID},
        {"{}", "[{\"op\":\"spin\",\"path\":\"/a\"}]", NULL, RC_INVALID},
        {"{}", "{}", NULL, RC_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *doc = value(cases[i].doc), *ops = value(cases[i].ops), *got = NULL;
        struct err e = ERR_INIT;
        T_RC(patch_json(doc, ops, &got, &e), cases[i].rc);
        if (cases[i].want != NULL)
            is(got, cases[i].want);
        is(doc, cases[i].doc);
        json_free(got);
        json_free(ops);
        json_free(doc);
    }
}

static void
test_patch_diff_is_the_way_back(void **state)
{
    static const char *const docs[] = {
        "{}",
        "{\"a\":1}",
        "{\"a\":{\"b\":[1,2],\"c\":\"d\"}}",
        "{\"a\":{\"b\":[1],\"x\":{}},\"y\":true}",
        "{\"a\":[{}]}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(docs); i++)
        for (size_t k = 0; k < ARRAY_LEN(docs); k++) {
            struct json *from = value(docs[i]), *to = value(docs[k]);
            struct json *patch = patch_diff(from, to), *got = patch_merge(from, patch);
            is(got, docs[k]);
            if (i == k)
                is(patch, "{}");
            json_free(got);
            json_free(patch);
            json_free(to);
            json_free(from);
        }
}

/* A few copies that double a value each would fill any memory. */
static void
test_copies_are_limited_together(void **state)
{
    struct json *target = value("{\"data\":{\"a\":\"0123456789012345678901234567890123456789\"}}");
    struct json *ops = json_new_array(), *out = NULL;
    struct err e = ERR_INIT;

    (void)state;
    for (int i = 0; i < 40; i++) {
        char *op = mem_printf("{\"op\":\"copy\",\"from\":\"/data\",\"path\":\"/data/d%d\"}", i);
        json_push(ops, value(op));
        mem_free(op);
    }
    T_RC(patch_json(target, ops, &out, &e), RC_LIMIT);
    T_CONTAINS(e.msg, "copies");
    json_free(ops);
    json_free(target);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patch_merge_rfc7386_appendix),
        cmocka_unit_test(test_patch_json_rfc6902_appendix),
        cmocka_unit_test(test_patch_diff_is_the_way_back),
        cmocka_unit_test(test_copies_are_limited_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
