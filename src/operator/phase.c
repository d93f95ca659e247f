/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/phase.h"

#include "api/condition.h"

static bool
present_not_true(const struct json *status, const char *type)
{
    return condition_find(status, type) != NULL && !condition_is_true(status, type);
}

const char *
phase_configuration(const struct json *status, const char *driver)
{
    bool restic = strcmp(driver, "Restic") == 0;

    if (present_not_true(status, "RepositoryFound") ||
        present_not_true(status, "BackendSecretFound"))
        return "NotReady";
    if (condition_is_false(status, "ValidationPassed"))
        return "Invalid";
    if (present_not_true(status, "TaskFound") || present_not_true(status, "BackupTargetFound"))
        return "NotReady";
    if (condition_is_true(status, "ValidationPassed") &&
        condition_is_true(status, "CronJobCreated") &&
        (!restic || (condition_is_true(status, "RepositoryFound") &&
                     condition_is_true(status, "BackendSecretFound"))))
        return "Ready";
    return "NotReady";
}

struct hosts {
    int64_t total, succeeded, failed, unknown;
};

static struct hosts
count_hosts(const struct json *of)
{
    struct hosts h = {.total = json_int_or(json_field(of, "totalHosts"), -1)};
    const struct json *stats = json_field(of, "stats");

    for (size_t i = 0; i < json_size(stats); i++) {
        const char *p = json_text_or(json_field(json_elem(stats, i), "phase"), "");

        h.succeeded += strcmp(p, "Succeeded") == 0;
        h.failed += strcmp(p, "Failed") == 0;
        h.unknown += strcmp(p, "Unknown") == 0;
    }
    return h;
}

const char *
phase_target(const struct json *t)
{
    struct hosts h = count_hosts(t);

    if (condition_is_false(t, "BackupExecutorEnsured") ||
        condition_is_false(t, "PreBackupHookExecutionSucceeded") ||
        condition_is_true(t, "BackupDisrupted") ||
        condition_is_false(t, "PostBackupHookExecutionSucceeded"))
        return "Failed";
    if (h.total < 0)
        return "Pending";
    if (h.succeeded + h.failed >= h.total)
        return h.failed > 0 ? "Failed" : "Succeeded";
    return "Running";
}

bool
phase_is_final(const char *p)
{
    return strcmp(p, "Succeeded") == 0 || strcmp(p, "Failed") == 0 || strcmp(p, "Skipped") == 0 ||
           strcmp(p, "Unknown") == 0 || strcmp(p, DRY_RUN_PHASE) == 0;
}

/* Held back is not failed: the backup is good, and everything older too. */
static bool
retention_failed(const struct json *status)
{
    const struct json *c = condition_find(status, "RetentionPolicyApplied");

    return condition_is_false(status, "RetentionPolicyApplied") &&
           strcmp(json_text_or(json_field(c, "reason"), ""), RETENTION_HELD_BACK) != 0;
}

const char *
phase_session(const struct json *status)
{
    const struct json *targets = json_field(status, "targets");
    bool reported = condition_find(status, "MetricsPushed") != NULL, all_pending = true,
         all_ended = true, failed = false;

    if (condition_is_true(status, "BackupSkipped"))
        return "Skipped";
    if (reported && (condition_is_true(status, "DeadlineExceeded") ||
                     condition_is_false(status, "BackupHistoryCleaned") ||
                     condition_is_false(status, "GlobalPreBackupHookSucceeded") ||
                     condition_is_false(status, "GlobalPostBackupHookSucceeded")))
        return "Failed";
    for (size_t i = 0; i < json_size(targets); i++) {
        const char *p = phase_target(json_elem(targets, i));

        all_pending = all_pending && strcmp(p, "Pending") == 0;
        all_ended = all_ended && phase_is_final(p);
        failed = failed || strcmp(p, "Failed") == 0;
    }
    if (json_size(targets) == 0 || all_pending)
        return reported ? "Failed" : "Pending";
    if (!all_ended || !reported)
        return "Running";
    if (failed || retention_failed(status) ||
        condition_is_false(status, "RepositoryIntegrityVerified"))
        return "Failed";
    return "Succeeded";
}

const char *
phase_restore_target(const struct json *status)
{
    struct hosts h = count_hosts(status);

    if (condition_is_false(status, "RestoreExecutorEnsured") ||
        condition_is_false(status, "PreRestoreHookExecutionSucceeded") ||
        condition_is_false(status, "PostRestoreHookExecutionSucceeded"))
        return "Failed";
    if (h.total < 0 || h.succeeded + h.failed + h.unknown < h.total)
        return NULL;
    if (h.unknown > 0 || h.failed > 0)
        return h.unknown > 0 ? "Unknown" : "Failed";
    return condition_is_true(status, DRY_RUN) ? DRY_RUN_PHASE : "Succeeded";
}

const char *
phase_restore(const struct json *status)
{
    const char *target = phase_restore_target(status);
    bool reported = condition_find(status, "MetricsPushed") != NULL;

    if (reported && condition_is_true(status, "DeadlineExceeded"))
        return "Failed";
    if (target != NULL)
        return reported ? target : "Running";
    if (condition_is_false(status, "ValidationPassed"))
        return "Invalid";
    if (json_size(json_field(status, "conditions")) == 0 ||
        present_not_true(status, "RepositoryFound") ||
        present_not_true(status, "BackendSecretFound") ||
        present_not_true(status, "RestoreTargetFound") || json_field(status, "totalHosts") == NULL)
        return "Pending";
    return "Running";
}
