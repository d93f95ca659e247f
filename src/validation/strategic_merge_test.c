/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/mem.h"
#include "validation/strategic_merge.h"

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
        {"{\"m\":{\"a\":1}}", "{\"m\":{\"$patch\":\"delete\"}}", "{\"m\":{}}"},
        {"{\"s\":{\"a\":1,\"b\":2}}", "{\"s\":{\"$retainKeys\":[\"b\",\"c\"],\"c\":3}}",
         "{\"s\":{\"b\":2,\"c\":3}}"},
        {"{}", "{\"env\":[{\"name\":\"a\",\"value\":\"b\"}]}",
         "{\"env\":[{\"name\":\"a\",\"value\":\"b\"}]}"},
        {"{\"ports\":[{\"containerPort\":80,\"protocol\":\"TCP\"}]}",
         "{\"ports\":[{\"containerPort\":80,\"name\":\"web\"}]}",
         "{\"ports\":[{\"containerPort\":80,\"name\":\"web\",\"protocol\":\"TCP\"}]}"},
        {"{\"spec\":{\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":\"zone\"},{"
         "\"topologyKey\":\"host\"}]}}",
         "{\"spec\":{\"topologySpreadConstraints\":[{\"topologyKey\":\"zone\",\"maxSkew\":2}]}}",
         "{\"spec\":{\"topologySpreadConstraints\":[{\"maxSkew\":2,\"topologyKey\":\"zone\"},{"
         "\"topologyKey\":\"host\"}]}}"},
        {"{\"ports\":[{\"containerPort\":53,\"protocol\":\"UDP\"}]}",
         "{\"ports\":[{\"containerPort\":53,\"protocol\":\"TCP\"}]}",
         "{\"ports\":[{\"containerPort\":53,\"protocol\":\"TCP\"}]}"},
        {"{\"ports\":[{\"port\":80,\"protocol\":\"TCP\"}]}",
         "{\"ports\":[{\"port\":80,\"protocol\":\"UDP\"},{\"port\":81}]}",
         "{\"ports\":[{\"port\":80,\"protocol\":\"UDP\"},{\"port\":81}]}"},
        {"{\"ports\":[{\"containerPort\":53,\"protocol\":\"UDP\"},{\"containerPort\":53,"
         "\"protocol\":\"TCP\"}]}",
         "{\"ports\":[{\"containerPort\":53,\"$patch\":\"delete\"}]}", "{\"ports\":[]}"},
        {"{\"spec\":{\"hostAliases\":[{\"hostnames\":[\"a\"],\"ip\":\"::1\"}]}}",
         "{\"spec\":{\"hostAliases\":[{\"ip\":\"::1\",\"hostnames\":[\"b\"]}]}}",
         "{\"spec\":{\"hostAliases\":[{\"hostnames\":[\"b\"],\"ip\":\"::1\"}]}}"},
        {"{\"spec\":{\"imagePullSecrets\":[{\"name\":\"a\"}]}}",
         "{\"spec\":{\"imagePullSecrets\":[{\"name\":\"b\"}]}}",
         "{\"spec\":{\"imagePullSecrets\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}"},
        {"{\"imagePullSecrets\":[{\"name\":\"a\"}]}", "{\"imagePullSecrets\":[{\"name\":\"b\"}]}",
         "{\"imagePullSecrets\":[{\"name\":\"b\"}]}"},
        {"{\"spec\":{\"tolerations\":[{\"key\":\"a\"}]}}",
         "{\"spec\":{\"tolerations\":[{\"key\":\"b\"}]}}",
         "{\"spec\":{\"tolerations\":[{\"key\":\"b\"}]}}"},
        {"{\"spec\":{\"taints\":[{\"key\":\"a\"}]}}", "{\"spec\":{\"taints\":[{\"key\":\"b\"}]}}",
         "{\"spec\":{\"taints\":[{\"key\":\"b\"}]}}"},
        {"{\"status\":{\"conditions\":[{\"type\":\"Ready\"}]}}",
         "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
         "{\"status\":{\"conditions\":[{\"status\":\"True\",\"type\":\"Ready\"}]}}"},
        {"{\"containers\":[{\"name\":\"a\"},{\"name\":\"s\"},{\"name\":\"b\"}]}",
         "{\"$setElementOrder/"
         "containers\":[{\"name\":\"n\"},{\"name\":\"b\"},{\"name\":\"a\"}],\"containers\":[{"
         "\"name\":\"n\"}]}",
         "{\"containers\":[{\"name\":\"n\"},{\"name\":\"s\"},{\"name\":\"b\"},{\"name\":\"a\"}]}"},
        {"{\"metadata\":{\"finalizers\":[\"a\",\"b\",\"c\"]}}",
         "{\"metadata\":{\"$setElementOrder/finalizers\":[\"c\",\"a\"]}}",
         "{\"metadata\":{\"finalizers\":[\"b\",\"c\",\"a\"]}}"},
        {"{\"s\":{\"a\":1,\"b\":2}}", "{\"s\":{\"$retainKeys\":[\"b\"],\"a\":null}}",
         "{\"s\":{\"b\":2}}"},
        {"{\"a\":1}", "{\"$patch\":\"delete\"}", "{}"},
        {"{\"a\":1}", "{\"$patch\":\"replace\",\"b\":2}", "{\"b\":2}"},
        {"{}", "{\"m\":{\"$patch\":\"replace\",\"a\":1}}", "{\"m\":{\"a\":1}}"},
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
        T_OK(strategic_merge_apply(target, patch, &out, &e));
        got = json_to_text(out, true);
        assert_string_equal(got, cases[i].want);
        mem_free(got);
        json_free(target);
        json_free(patch);
        json_free(out);
    }
}

static void
test_bad_patches(void **state)
{
    static const char *const bad[] = {
        "{\"containers\":[{\"image\":\"x\"}]}",
        "{\"containers\":[\"x\"]}",
        "{\"spec\":{\"topologySpreadConstraints\":[{\"maxSkew\":1}]}}",
        "{\"containers\":[{\"name\":\"x\",\"$patch\":\"merge\"}]}",
        "{\"m\":{\"$patch\":\"nothing\"}}",
        "{\"m\":{\"$retainKeys\":[\"a\"],\"b\":1}}",
        "[]",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct json *target = NULL, *patch = NULL, *out = NULL;
        struct err e = ERR_INIT;
        T_OK(json_parse(STR_LIT("{\"m\":{\"a\":1}}"), &target, &e));
        T_OK(json_parse(str_c(bad[i]), &patch, &e));
        T_RC(strategic_merge_apply(target, patch, &out, &e), RC_INVALID);
        json_free(target);
        json_free(patch);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patches),
        cmocka_unit_test(test_bad_patches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
