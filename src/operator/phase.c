/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/phase.h"

#include "api/conditions.h"

static bool
present_not_true(const struct json *status, enum condition_id id)
{
    return condition_is_there(status, id) && !condition_is_true(status, id);
}

/* What stands for each target: in the status itself, or of a batch in a list of it. */
static bool
is_any_missing(const struct json *holder)
{
    return present_not_true(holder, COND_TASK_FOUND) ||
           present_not_true(holder, COND_BACKUP_TARGET_FOUND) ||
           present_not_true(holder, COND_RESTORE_TARGET_FOUND);
}

static bool
is_missing(const struct json *status, const char *list)
{
    const struct json *members = json_field(status, list);
    bool missing = is_any_missing(status);

    for (size_t i = 0; i < json_size(members); i++)
        missing = missing || is_any_missing(json_elem(members, i));
    return missing;
}

/* The hook of a whole batch has begun: nothing is asked about the turn any more. */
bool
phase_has_begun(const struct json *status)
{
    return condition_is_there(status, COND_GLOBAL_PRE_BACKUP_HOOK) ||
           condition_is_there(status, COND_GLOBAL_PRE_RESTORE_HOOK);
}

const char *
phase_configuration(const struct json *status, const char *driver)
{
    bool restic = strcmp(driver, "Restic") == 0;

    if (present_not_true(status, COND_REPOSITORY_FOUND) ||
        present_not_true(status, COND_BACKEND_SECRET_FOUND))
        return "NotReady";
    if (condition_is_false(status, COND_VALIDATION_PASSED))
        return "Invalid";
    if (is_missing(status, "memberConditions"))
        return "NotReady";
    if (condition_is_true(status, COND_VALIDATION_PASSED) &&
        condition_is_true(status, COND_CRONJOB_CREATED) &&
        (!restic || (condition_is_true(status, COND_REPOSITORY_FOUND) &&
                     condition_is_true(status, COND_BACKEND_SECRET_FOUND))))
        return "Ready";
    return "NotReady";
}

struct hosts {
    int64_t total, succeeded, failed, unknown, planned;
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
        h.planned += strcmp(p, PLAN_PHASE) == 0;
    }
    return h;
}

const char *
phase_target(const struct json *t)
{
    struct hosts h = count_hosts(t);

    if (condition_is_false(t, COND_BACKUP_EXECUTOR) ||
        condition_is_false(t, COND_PRE_BACKUP_HOOK) ||
        condition_is_true(t, COND_BACKUP_DISRUPTED) || condition_is_false(t, COND_POST_BACKUP_HOOK))
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
           strcmp(p, "Unknown") == 0 || strcmp(p, DRY_RUN_PHASE) == 0 || strcmp(p, PLAN_PHASE) == 0;
}

/* Held back is not failed: the backup is good, and everything older too. */
static bool
retention_failed(const struct json *status)
{
    return condition_is_false(status, COND_RETENTION_APPLIED) &&
           !condition_is_because(status, COND_RETENTION_HELD_BACK, COND_FALSE);
}

const char *
phase_session(const struct json *status)
{
    const struct json *targets = json_field(status, "targets");
    bool reported = condition_is_there(status, COND_METRICS_PUSHED), all_pending = true,
         all_ended = true, failed = false;

    if (condition_is_true(status, COND_BACKUP_SKIPPED))
        return "Skipped";
    if (reported && (condition_is_true(status, COND_DEADLINE_EXCEEDED) ||
                     condition_is_false(status, COND_HISTORY_CLEANED) ||
                     condition_is_false(status, COND_GLOBAL_PRE_BACKUP_HOOK) ||
                     condition_is_false(status, COND_GLOBAL_POST_BACKUP_HOOK)))
        return "Failed";
    for (size_t i = 0; i < json_size(targets); i++) {
        const char *p = phase_target(json_elem(targets, i));

        all_pending = all_pending && strcmp(p, "Pending") == 0;
        all_ended = all_ended && phase_is_final(p);
        failed = failed || strcmp(p, "Failed") == 0;
    }
    if (json_size(targets) == 0 || all_pending)
        return reported ? "Failed" : phase_has_begun(status) ? "Running" : "Pending";
    if (!all_ended || !reported)
        return "Running";
    if (failed || retention_failed(status) || condition_is_false(status, COND_INTEGRITY_VERIFIED))
        return "Failed";
    return "Succeeded";
}

const char *
phase_restore_target(const struct json *status)
{
    struct hosts h = count_hosts(status);

    if (condition_is_false(status, COND_RESTORE_EXECUTOR) ||
        condition_is_false(status, COND_PRE_RESTORE_HOOK) ||
        condition_is_false(status, COND_POST_RESTORE_HOOK))
        return "Failed";
    if (h.total < 0 || h.succeeded + h.failed + h.unknown + h.planned < h.total)
        return NULL;
    if (h.unknown > 0 || h.failed > 0)
        return h.unknown > 0 ? "Unknown" : "Failed";
    if (h.planned > 0)
        return PLAN_PHASE;
    return condition_is_true(status, COND_DRY_RUN) ? DRY_RUN_PHASE : "Succeeded";
}

const char *
phase_restore_member(const struct json *member)
{
    const char *end = phase_restore_target(member);

    if (end != NULL)
        return end;
    return json_field(member, "totalHosts") == NULL ? "Pending" : "Running";
}

/* The worst of its members' ends; NULL: not all of them have ended. */
static const char *
restore_end(const struct json *status)
{
    static const char *const worst_first[] = {"Unknown", "Failed", PLAN_PHASE, DRY_RUN_PHASE,
                                              "Succeeded"};
    const struct json *members = json_field(status, "members");
    size_t worst = ARRAY_LEN(worst_first) - 1;

    if (json_size(members) == 0)
        return phase_restore_target(status);
    for (size_t i = 0; i < json_size(members); i++) {
        const char *end = phase_restore_target(json_elem(members, i));

        if (end == NULL)
            return NULL;
        for (size_t w = 0; w < worst; w++)
            if (strcmp(end, worst_first[w]) == 0)
                worst = w;
    }
    return worst_first[worst];
}

static bool
is_restore_begun(const struct json *status)
{
    const struct json *members = json_field(status, "members");
    bool begun = phase_has_begun(status) || json_field(status, "totalHosts") != NULL;

    for (size_t i = 0; i < json_size(members); i++)
        begun = begun || json_field(json_elem(members, i), "totalHosts") != NULL;
    return begun;
}

const char *
phase_restore(const struct json *status)
{
    const char *end = restore_end(status);
    bool reported = condition_is_there(status, COND_METRICS_PUSHED);

    if (reported && (condition_is_true(status, COND_DEADLINE_EXCEEDED) ||
                     condition_is_false(status, COND_GLOBAL_PRE_RESTORE_HOOK) ||
                     condition_is_false(status, COND_GLOBAL_POST_RESTORE_HOOK)))
        return "Failed";
    if (end != NULL)
        return reported ? end : "Running";
    if (condition_is_false(status, COND_VALIDATION_PASSED))
        return "Invalid";
    if (json_size(json_field(status, "conditions")) == 0 ||
        present_not_true(status, COND_REPOSITORY_FOUND) ||
        present_not_true(status, COND_BACKEND_SECRET_FOUND) || is_missing(status, "members") ||
        !is_restore_begun(status))
        return "Pending";
    return "Running";
}
