/* SPDX-License-Identifier: Apache-2.0 */
/* Words that follow from objects: phases, outcomes, history. */
#include "operator/phase.h"

#include "base/mem.h"
#include "operator/history.h"
#include "operator/operator_internal.h"
#include "t.h"
#include "harness/t_json.h"

#define C(type, status) "{\"type\":\"" type "\",\"status\":\"" status "\"}"
#define CONDITIONS(list) "\"conditions\":[" list "]"
#define MEMBERS(rest) "\"members\":[{" rest "}]"
#define TARGET(rest) "\"targets\":[{" rest "}]"
#define DONE "\"totalHosts\":1,\"stats\":[{\"hostname\":\"h\",\"phase\":\"Succeeded\"}]"
#define LOST "\"totalHosts\":1,\"stats\":[{\"hostname\":\"h\",\"phase\":\"Failed\"}]"
#define PUSHED C("MetricsPushed", "True")
#define HELD_BACK                                                                                  \
    "{\"type\":\"RetentionPolicyApplied\",\"status\":\"False\",\"reason\":\"RetentionHeldBack\"}"

struct phase_case {
    const char *status, *phase;
};

static void
check(const struct phase_case *cases, size_t n, const char *(*phase)(const struct json *))
{
    for (size_t i = 0; i < n; i++) {
        struct json *j = t_json(cases[i].status);

        if (strcmp(phase(j), cases[i].phase) != 0)
            fail_msg("%s: %s, not %s", cases[i].status, phase(j), cases[i].phase);
        json_free(j);
    }
}

static void
test_phase_session_follows_from_the_status(void **state)
{
    static const struct phase_case cases[] = {
        {"{}", "Pending"},
        {"{" TARGET("\"ref\":{}") "}", "Pending"},
        {"{" TARGET("\"totalHosts\":1") "}", "Running"},
        {"{" TARGET(DONE) "}", "Running"},
        {"{" TARGET(DONE) "," CONDITIONS(PUSHED) "}", "Succeeded"},
        {"{" TARGET(LOST) "," CONDITIONS(PUSHED) "}", "Failed"},
        {"{" TARGET(DONE) "," CONDITIONS(C("MetricsPushed", "False")) "}", "Succeeded"},
        {"{" TARGET(DONE) "," CONDITIONS(PUSHED "," C("RepositoryMetricsPushed", "False")) "}",
         "Succeeded"},
        {"{" TARGET(DONE) "," CONDITIONS(PUSHED "," C("RetentionPolicyApplied", "False")) "}",
         "Failed"},
        {"{" TARGET(DONE) "," CONDITIONS(PUSHED "," HELD_BACK) "}", "Succeeded"},
        {"{" TARGET(DONE) "," CONDITIONS(PUSHED "," C("RepositoryIntegrityVerified", "False")) "}",
         "Failed"},
        {"{" TARGET(LOST) "," CONDITIONS(PUSHED "," C("DeadlineExceeded", "True")) "}", "Failed"},
        {"{" CONDITIONS(C("BackupSkipped", "True")) "}", "Skipped"},
        {"{" TARGET(DONE "," CONDITIONS(C("BackupDisrupted", "True"))) "," CONDITIONS(PUSHED) "}",
         "Failed"},
        {"{" TARGET(CONDITIONS(C("BackupExecutorEnsured", "False"))) "," CONDITIONS(PUSHED) "}",
         "Failed"},
        /* of several targets */
        {"{" TARGET(DONE "},{\"ref\":{}") "," CONDITIONS(PUSHED) "}", "Running"},
        {"{" TARGET(DONE "},{" LOST) "," CONDITIONS(PUSHED) "}", "Failed"},
        {"{" TARGET("\"ref\":{}") "," CONDITIONS(C("GlobalPreBackupHookSucceeded", "Unknown")) "}",
         "Running"},
        {"{" TARGET("\"ref\":{}") "," CONDITIONS(
             C("GlobalPreBackupHookSucceeded", "False") "," PUSHED) "}",
         "Failed"},
        {"{" TARGET(DONE "},{" DONE) "," CONDITIONS(
             C("GlobalPostBackupHookSucceeded", "False") "," PUSHED) "}",
         "Failed"},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases), phase_session);
}

static void
test_phase_restore_follows_from_the_status(void **state)
{
    static const struct phase_case cases[] = {
        {"{}", "Pending"},
        {"{" CONDITIONS(C("RepositoryFound", "False")) "}", "Pending"},
        {"{" CONDITIONS(C("RepositoryFound", "True") "," C("ValidationPassed", "False")) "}",
         "Invalid"},
        {"{\"totalHosts\":1," CONDITIONS(C("RestoreExecutorEnsured", "True")) "}", "Running"},
        {"{" DONE "," CONDITIONS(C("RestoreExecutorEnsured", "True")) "}", "Running"},
        {"{" DONE "," CONDITIONS(PUSHED) "}", "Succeeded"},
        {"{" LOST "," CONDITIONS(PUSHED) "}", "Failed"},
        {"{" LOST "," CONDITIONS(PUSHED "," C("DeadlineExceeded", "True")) "}", "Failed"},
        /* of several targets */
        {"{" MEMBERS("\"ref\":{}") "," CONDITIONS(C("RepositoryFound", "True")) "}", "Pending"},
        {"{" MEMBERS(DONE "},{\"ref\":{}") "," CONDITIONS(C("RepositoryFound", "True")) "}",
         "Running"},
        {"{" MEMBERS(CONDITIONS(C("RestoreTargetFound", "False"))) "," CONDITIONS(
             C("RepositoryFound", "True")) "}",
         "Pending"},
        {"{" MEMBERS(DONE "},{" LOST) "," CONDITIONS(C("RepositoryFound", "True")) "}", "Running"},
        {"{" MEMBERS(DONE "},{" LOST) "," CONDITIONS(PUSHED) "}", "Failed"},
        {"{" MEMBERS(DONE "},{" DONE
                          "," CONDITIONS(C("DryRun", "True"))) "," CONDITIONS(PUSHED) "}",
         "DryRunSucceeded"},
        {"{\"totalHosts\":1,\"stats\":[{\"phase\":\"Planned\"}]," CONDITIONS(PUSHED) "}",
         "Planned"},
        {"{" MEMBERS(DONE "},{" DONE) "," CONDITIONS(PUSHED) "}", "Succeeded"},
        {"{" MEMBERS(DONE) "," CONDITIONS(
             C("GlobalPostRestoreHookSucceeded", "False") "," PUSHED) "}",
         "Failed"},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases), phase_restore);
}

static const char *
restic_configuration(const struct json *status)
{
    return phase_configuration(status, "Restic");
}

static void
test_phase_configuration_follows_from_the_status(void **state)
{
#define FOUND C("RepositoryFound", "True") "," C("BackendSecretFound", "True")
    static const struct phase_case cases[] = {
        {"{}", "NotReady"},
        {"{" CONDITIONS(C("RepositoryFound", "False")) "}", "NotReady"},
        {"{" CONDITIONS(FOUND "," C("ValidationPassed", "False")) "}", "Invalid"},
        {"{" CONDITIONS(FOUND "," C("ValidationPassed", "True")) "}", "NotReady"},
        {"{" CONDITIONS(FOUND
                        "," C("ValidationPassed", "True") "," C("CronJobCreated", "True")) "}",
         "Ready"},
        {"{" CONDITIONS(FOUND
                        "," C("ValidationPassed", "True") "," C("CronJobCreated", "False")) "}",
         "NotReady"},
        {"{\"memberConditions\":[{" CONDITIONS(C("TaskFound", "True")) "},{" CONDITIONS(
             C("BackupTargetFound",
               "False")) "}]," CONDITIONS(FOUND "," C("ValidationPassed",
                                                      "True") "," C("CronJobCreated", "True")) "}",
         "NotReady"},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases), restic_configuration);
}

/* ---- how a Job stands ---- */

#define BORN "\"creationTimestamp\":\"2026-01-01T00:00:00Z\""
#define BORN_MS INT64_C(1767225600000)
#define JOB_WITH(rest, status)                                                                     \
    "{\"metadata\":{\"name\":\"j\"," BORN "},\"status\":{" rest "\"conditions\":[" status "]}}"
#define JOB(status) JOB_WITH("", status)
#define POD(phase, rest)                                                                           \
    "[{\"metadata\":{\"name\":\"p\"," BORN "},\"status\":{"                                        \
    "\"phase\":\"" phase "\"," rest "}}]"
#define FAILED C("Failed", "True")

static void
test_outcome_says_why(void **state)
{
    static const struct {
        const char *job, *pods;
        int64_t age_s;
        enum outcome want;
        const char *why;
    } cases[] = {
        {JOB(""), "[]", 19, OUTCOME_GOING, ""},
        {JOB(""), "[]", 20, OUTCOME_WAITING, "Job j has no pod"},
        {JOB(""), "[]", 300, OUTCOME_DEAD, "kubectl describe job"},
        {JOB_WITH("\"active\":1,", ""), "[]", 300, OUTCOME_GOING, ""},
        {"{\"metadata\":{" BORN "},\"spec\":{\"suspend\":true}}", "[]", 300, OUTCOME_GOING, ""},
        {JOB(C("Complete", "True")), "[]", 0, OUTCOME_DONE, ""},
        {NULL, "[]", 0, OUTCOME_DEAD, "Job is gone"},
        {JOB(FAILED),
         POD("Failed", "\"initContainerStatuses\":[{\"name\":\"redis-backup-0\",\"state\":"
                       "{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\"}}}]"),
         0, OUTCOME_DEAD, "redis-backup-0 was killed for using too much memory (OOMKilled)"},
        {JOB(FAILED),
         POD("Failed", "\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"terminated\":"
                       "{\"exitCode\":1,\"message\":\"a\\nerror: no route\\n\"}}}]"),
         0, OUTCOME_DEAD, "container c failed with exit code 1: error: no route"},
        {JOB(FAILED),
         POD("Failed", "\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"terminated\":"
                       "{\"exitCode\":137}}}]"),
         0, OUTCOME_DEAD, "killed by signal 9"},
        {JOB(FAILED), POD("Failed", "\"reason\":\"Evicted\",\"message\":\"low on memory\""), 0,
         OUTCOME_DEAD, "pod p failed (Evicted): low on memory"},
        {JOB(FAILED),
         POD("Failed", "\"conditions\":[{\"type\":\"DisruptionTarget\",\"status\":\"True\","
                       "\"reason\":\"EvictionByEvictionAPI\",\"message\":\"by an admin\"}],"
                       "\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"terminated\":"
                       "{\"exitCode\":130}}}]"),
         0, OUTCOME_DEAD, "pod p was stopped (EvictionByEvictionAPI): by an admin"},
        {JOB(FAILED),
         "[{\"metadata\":{\"name\":\"p\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"},"
         "\"status\":{\"phase\":\"Failed\",\"containerStatuses\":[{\"name\":\"c\",\"state\":"
         "{\"terminated\":{\"exitCode\":130}}}]}}]",
         0, OUTCOME_DEAD, "pod p was deleted"},
        {JOB(""), POD("Failed", "\"reason\":\"Evicted\""), 0, OUTCOME_DEAD, "(Evicted)"},
        {JOB("{\"type\":\"FailureTarget\",\"status\":\"True\",\"reason\":\"DeadlineExceeded\"}"),
         POD("Failed", "\"reason\":\"x\""), 0, OUTCOME_DEAD, "at its deadline"},
        {JOB(FAILED), "[]", 0, OUTCOME_DEAD, "its pod is gone"},
        {JOB(""),
         POD("Pending", "\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\","
                        "\"reason\":\"Unschedulable\",\"message\":\"0/1 nodes\"}]"),
         10, OUTCOME_WAITING, "(Unschedulable): 0/1 nodes"},
        {JOB(""),
         POD("Pending", "\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\","
                        "\"reason\":\"Unschedulable\",\"message\":\"0/1 nodes\"}]"),
         301, OUTCOME_DEAD, "(Unschedulable)"},
        {JOB(""),
         POD("Pending", "\"initContainerStatuses\":[{\"name\":\"c\",\"state\":{\"waiting\":"
                        "{\"reason\":\"InvalidImageName\",\"message\":\"bad\"}}}]"),
         0, OUTCOME_DEAD, "container c cannot start (InvalidImageName): bad"},
        {JOB(""),
         POD("Pending", "\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"waiting\":"
                        "{\"reason\":\"ImagePullBackOff\"}}}]"),
         5, OUTCOME_WAITING, "ImagePullBackOff"},
        {JOB(""),
         POD("Running", "\"containerStatuses\":[{\"name\":\"proxy\",\"state\":{\"terminated\":"
                        "{\"exitCode\":3}}}]"),
         5, OUTCOME_GOING, ""},
        {"{\"spec\":{\"template\":{\"spec\":{\"containers\":[{},{}]}}}}",
         POD("Running", "\"containerStatuses\":[{\"name\":\"server\",\"state\":{\"terminated\":"
                        "{\"exitCode\":3}}}]"),
         5, OUTCOME_DEAD, "container server failed with exit code 3"},
        {"{\"spec\":{\"template\":{\"spec\":{\"containers\":[{},{}]}}}}",
         POD("Running", "\"containerStatuses\":[{\"name\":\"server\",\"state\":{\"terminated\":"
                        "{\"exitCode\":0}}}]"),
         5, OUTCOME_GOING, ""},
        {JOB(""),
         POD("Pending", "\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"waiting\":"
                        "{\"reason\":\"ContainerCreating\"}}}]"),
         5, OUTCOME_GOING, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *job = cases[i].job == NULL ? NULL : t_json(cases[i].job),
                    *pods = t_json(cases[i].pods);
        char why[WHY_TEXT];

        assert_int_equal(job_outcome_of(job, pods, BORN_MS + cases[i].age_s * 1000, why),
                         cases[i].want);
        if (strstr(why, cases[i].why) == NULL)
            fail_msg("case %zu: \"%s\" lacks \"%s\"", i, why, cases[i].why);
        json_free(job);
        json_free(pods);
    }
}

/* ---- history ---- */

static void
test_history_keeps_what_it_must(void **state)
{
    static const struct {
        const char *phases; /* oldest first: S F s(kipped) R P */
        int64_t limit;
        const char *gone; /* their indexes */
    } cases[] = {
        {"SSSR", 1, "01"}, {"SSSSR", 3, "01"}, {"SR", 1, ""},    {"SssR", 1, "12"},
        {"SSS", 0, "012"}, {"FR", 1, ""},      {"SPsR", 1, "2"}, {"SFsss", 2, "02"},
        {"RRRR", 1, ""},   {"", 1, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *list = json_new_array(), *gone;
        char got[32] = "";

        for (size_t k = 0; cases[i].phases[k] != '\0'; k++) {
            char c = cases[i].phases[k],
                 *text = mem_printf("{\"metadata\":{\"name\":\"%zu\",\"creationTimestamp\":"
                                    "\"2026-01-01T00:00:%02zuZ\"},\"status\":{\"phase\":\"%s\"}}",
                                    k, k,
                                    c == 'S'   ? "Succeeded"
                                    : c == 'F' ? "Failed"
                                    : c == 's' ? "Skipped"
                                    : c == 'R' ? "Running"
                                               : "Pending");

            json_push(list, t_json(text));
            mem_free(text);
        }
        gone = history_victims(list, cases[i].limit, "none");
        for (int d = '0'; d <= '9'; d++)
            for (size_t k = 0; k < json_size(gone); k++)
                if (json_text(json_elem(gone, k))[0] == d)
                    got[strlen(got)] = (char)d;
        assert_string_equal(got, cases[i].gone);
        json_free(list);
        json_free(gone);
    }
}

static void
test_covers_ignores_what_the_server_adds(void **state)
{
    struct json *live = t_json("{\"a\":{\"b\":1,\"c\":2},\"l\":[{\"x\":1,\"y\":2}]}"),
                *same = t_json("{\"a\":{\"b\":1},\"l\":[{\"x\":1}]}"),
                *other = t_json("{\"a\":{\"b\":2}}"), *longer = t_json("{\"l\":[{\"x\":1},{}]}"),
                *empty = t_json("{\"n\":{}}");

    (void)state;
    assert_true(json_covers(live, same));
    assert_false(json_covers(live, other));
    assert_false(json_covers(live, longer));
    assert_true(json_covers(live, empty));
    json_free(live);
    json_free(same);
    json_free(other);
    json_free(longer);
    json_free(empty);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phase_session_follows_from_the_status),
        cmocka_unit_test(test_phase_restore_follows_from_the_status),
        cmocka_unit_test(test_phase_configuration_follows_from_the_status),
        cmocka_unit_test(test_outcome_says_why),
        cmocka_unit_test(test_history_keeps_what_it_must),
        cmocka_unit_test(test_covers_ignores_what_the_server_adds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
