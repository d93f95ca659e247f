/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/volume_runtime.h"

#include "base/mem.h"
#include "operator/podspec.h"
#include "t.h"
#include "harness/t_json.h"

#define REPO(backend)                                                                              \
    "{\"kind\":\"Repository\",\"metadata\":{\"name\":\"repo\",\"namespace\":\"demo\"},"            \
    "\"spec\":{\"backend\":{" backend "}}}"
#define LOCAL REPO("\"local\":{\"mountPath\":\"/safe\",\"hostPath\":{\"path\":\"/data\"}}")
#define CONFIG(name, repo, runtime)                                                                \
    "{\"kind\":\"BackupConfiguration\",\"metadata\":{\"name\":\"" name                             \
    "\",\"namespace\":\"demo\"},\"spec\":{\"repository\":{\"name\":\"" repo                        \
    "\"},\"runtimeSettings\":" runtime "}}"
#define USER(n) "{\"pod\":{\"securityContext\":{\"runAsUser\":" n "}}}"
#define NOTHING "{\"pod\":{\"serviceAccountName\":\"x\",\"automountServiceAccountToken\":false}}"
#define ELSEWHERE                                                                                  \
    "{\"kind\":\"BackupConfiguration\",\"metadata\":{\"name\":\"a\",\"namespace\":\"other\"},"     \
    "\"spec\":{\"repository\":{\"name\":\"repo\",\"namespace\":\"demo\"},"                         \
    "\"runtimeSettings\":" USER("0") "}}"

static void
test_whose_settings(void **state)
{
    static const struct {
        const char *repo, *writers, *want; /* NULL: none */
    } cases[] = {
        {LOCAL, "[]", NULL},
        {LOCAL, "[" CONFIG("a", "repo", NOTHING) "]", NULL},
        {LOCAL, "[" CONFIG("a", "repo", USER("7")) "]", USER("7")},
        {REPO("\"s3\":{\"bucket\":\"b\"}"), "[" CONFIG("a", "repo", USER("7")) "]", NULL},
        {LOCAL, "[" CONFIG("a", "another", USER("7")) "]", NULL},
        {LOCAL, "[" ELSEWHERE "]", NULL},
        {LOCAL, "[" CONFIG("b", "repo", USER("7")) "," CONFIG("a", "repo", USER("8")) "]",
         USER("8")},
        {LOCAL, "[" CONFIG("a", "repo", USER("7")) "," CONFIG("b", "repo", USER("0")) "]",
         USER("0")},
        {LOCAL,
         "[" CONFIG("a", "repo",
                    "{\"pod\":{\"nodeSelector\":{\"a\":\"b\"},\"priority\":1},\"container\":{"
                    "\"securityContext\":{\"runAsUser\":0},\"resources\":{}}}") "]",
         "{\"container\":{\"securityContext\":{\"runAsUser\":0}},\"pod\":{\"nodeSelector\":{\"a\":"
         "\"b\"}}}"},
        {LOCAL,
         "[{\"kind\":\"BackupBatch\",\"metadata\":{\"name\":\"a\",\"namespace\":\"demo\"},\"spec\":"
         "{\"repository\":{\"name\":\"repo\"},\"members\":[{},{\"runtimeSettings\":" USER(
             "0") "}]}}]",
         USER("0")},
        {LOCAL,
         "[{\"kind\":\"BackupConfiguration\",\"metadata\":{\"name\":\"a\",\"namespace\":\"demo\","
         "\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"},\"spec\":{\"repository\":{\"name\":"
         "\"repo\"},\"runtimeSettings\":" USER("0") "}}]",
         NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(json_free_ptr) struct json *repo = t_json(cases[i].repo);
        CLEANUP(json_free_ptr) struct json *writers = t_json(cases[i].writers);
        CLEANUP(json_free_ptr) struct json *got = volume_runtime(repo, writers);
        CLEANUP(json_free_ptr)
        struct json *want = cases[i].want == NULL ? NULL : t_json(cases[i].want);

        if (!json_same(got, want))
            fail_msg("case %zu", i);
    }
}

/* As a Job of ours uses it: root where somebody chose root, wherever he said it. */
static void
test_in_a_pod(void **state)
{
    static const char *const roots[] = {USER("0"),
                                        "{\"container\":{\"securityContext\":{\"runAsUser\":0}}}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
        CLEANUP(json_free_ptr) struct json *runtime = t_json(roots[i]);
        CLEANUP(json_free_ptr) struct json *pod = json_new_object();
        CLEANUP(json_free_ptr) struct json *c = json_new_object();
        const struct json *sc;

        podspec_secure(c, runtime);
        podspec_apply_runtime(pod, runtime, NULL);
        sc = json_field(c, "securityContext");
        assert_int_equal(
            json_int_or(json_field(sc, "runAsUser"),
                        json_int_or(json_dig(pod, "securityContext", "runAsUser"), -1)),
            0);
        assert_null(json_field(sc, "runAsNonRoot"));
        assert_null(json_field(sc, "capabilities"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whose_settings),
        cmocka_unit_test(test_in_a_pod),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
