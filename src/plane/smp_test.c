/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/mem.h"
#include "plane/smp.h"

static void
test_patches(void **state)
{
    static const struct {
        const char *target, *patch, *want; /* keys in order */
    } cases[] = {
        {"{\"a\":1,\"b\":2}", "{\"b\":null,\"c\":3}", "{\"a\":1,\"c\":3}"},
        {"{\"containers\":[{\"image\":\"1\",\"name\":\"a\"},{\"name\":\"b\"}]}",
         "{\"containers\":[{\"name\":\"a\",\"image\":\"2\"},{\"name\":\"c\"}]}",
         "{\"containers\":[{\"image\":\"2\",\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}]}"},
        {"{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
         "{\"containers\":[{\"$patch\":\"delete\",\"name\":\"a\"}]}",
         "{\"containers\":[{\"name\":\"b\"}]}"},
        {"{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
         "{\"$setElementOrder/containers\":[{\"name\":\"b\"},{\"name\":\"a\"}],"
         "\"containers\":[{\"name\":\"a\",\"x\":1}]}",
         "{\"containers\":[{\"name\":\"b\"},{\"name\":\"a\",\"x\":1}]}"},
        {"{\"args\":[\"1\",\"2\"]}", "{\"args\":[\"3\"]}", "{\"args\":[\"3\"]}"},
        {"{\"metadata\":{\"finalizers\":[\"a\",\"b\"]}}",
         "{\"metadata\":{\"finalizers\":[\"c\"],\"$deleteFromPrimitiveList/finalizers\":[\"a\"]}}",
         "{\"metadata\":{\"finalizers\":[\"b\",\"c\"]}}"},
        {"{\"m\":{\"a\":1,\"b\":2}}", "{\"m\":{\"$patch\":\"replace\",\"c\":3}}",
         "{\"m\":{\"c\":3}}"},
        {"{\"m\":{\"a\":1}}", "{\"m\":{\"$patch\":\"delete\"}}", "{}"},
        {"{\"s\":{\"a\":1,\"b\":2}}", "{\"s\":{\"$retainKeys\":[\"b\",\"c\"],\"c\":3}}",
         "{\"s\":{\"b\":2,\"c\":3}}"},
        {"{}", "{\"env\":[{\"name\":\"a\",\"value\":\"b\"}]}",
         "{\"env\":[{\"name\":\"a\",\"value\":\"b\"}]}"},
        {"{\"ports\":[{\"containerPort\":80,\"protocol\":\"TCP\"}]}",
         "{\"ports\":[{\"containerPort\":80,\"name\":\"web\"}]}",
         "{\"ports\":[{\"containerPort\":80,\"name\":\"web\",\"protocol\":\"TCP\"}]}"},
        {"{\"env\":[{\"name\":\"a\"}]}", "{\"env\":[{\"$patch\":\"replace\"},{\"name\":\"b\"}]}",
         "{\"env\":[{\"name\":\"b\"}]}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *target = NULL, *patch = NULL, *out = NULL;
        struct err e = ERR_INIT;
        char *got;
        T_OK(json_parse(str_c(cases[i].target), &target, &e));
        T_OK(json_parse(str_c(cases[i].patch), &patch, &e));
        T_OK(smp_apply(target, patch, &out, &e));
        got = json_to_text(out, true);
        assert_string_equal(got, cases[i].want);
        mem_free(got);
        json_free(target);
        json_free(patch);
        json_free(out);
    }
}

static void
test_an_element_needs_its_key(void **state)
{
    struct json *target = NULL, *patch = NULL, *out = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(json_parse(STR_LIT("{}"), &target, &e));
    T_OK(json_parse(STR_LIT("{\"containers\":[{\"image\":\"x\"}]}"), &patch, &e));
    T_RC(smp_apply(target, patch, &out, &e), RC_INVALID);
    json_free(target);
    json_free(patch);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patches),
        cmocka_unit_test(test_an_element_needs_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
