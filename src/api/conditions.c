/* SPDX-License-Identifier: Apache-2.0 */
#include "api/conditions.h"

#include "base/clock.h"

#define TRUE_ONLY(reason_, text_)                                                                  \
    {                                                                                              \
        [COND_TRUE] = {(reason_), (text_) }                                                        \
    }
#define FALSE_ONLY(reason_, text_)                                                                 \
    {                                                                                              \
        [COND_FALSE] = {(reason_), (text_) }                                                       \
    }
#define EITHER(yes_, text_, no_)                                                                   \
    {                                                                                              \
        [COND_TRUE] = {(yes_), (text_)}, [COND_FALSE] = {(no_), NULL }                             \
    }
#define ANY(yes_, no_, unknown_)                                                                   \
    {                                                                                              \
        [COND_TRUE] = {(yes_), NULL}, [COND_FALSE] = {(no_), NULL}, [COND_UNKNOWN] = {             \
            (unknown_),                                                                            \
            NULL                                                                                   \
        }                                                                                          \
    }

#define NO_PUSHGATEWAY "PushgatewayNotConfigured"
#define NO_PUSHGATEWAY_TEXT "No Pushgateway is configured: the metrics were pushed nowhere."

#define HOOK_RUNS "HookIsRunning"

/* One topic of a plan. */
#define PLANNED ANY("NothingInTheWay", "InTheWay", "NotKnown")

static const struct condition conditions[COND_N] = {
    [COND_VALIDATION_PASSED] = {"ValidationPassed",
                                EITHER("ResourceValidationPassed", "Successfully validated.",
                                       "ResourceValidationFailed"),
                                "the object makes sense, and the Repository may be used from here",
                                false},
    [COND_REPOSITORY_FOUND] = {"RepositoryFound",
                               EITHER("RepositoryAvailable", NULL, "RepositoryNotAvailable"),
                               "the Repository is there", false},
    [COND_BACKEND_SECRET_FOUND] = {"BackendSecretFound",
                                   ANY("BackendSecretAvailable", "BackendSecretNotAvailable",
                                       "UnableToCheckBackendSecretAvailability"),
                                   "the Repository's Secret is there and has a password", false},
    [COND_BACKUP_TARGET_FOUND] = {"BackupTargetFound",
                                  ANY("TargetAvailable", "TargetNotAvailable",
                                      "UnableToCheckTargetAvailability"),
                                  "the target is there", false},
    [COND_BACKUP_TARGET_DENIED] = {"BackupTargetFound", FALSE_ONLY("TargetNotAllowed", NULL),
                                   "the target may not be used from here", true},
    [COND_RESTORE_TARGET_FOUND] = {"RestoreTargetFound",
                                   ANY("TargetAvailable", "TargetNotAvailable",
                                       "UnableToCheckTargetAvailability"),
                                   "the target is there", false},
    [COND_RESTORE_TARGET_DENIED] = {"RestoreTargetFound", FALSE_ONLY("TargetNotAllowed", NULL),
                                    "the target may not be used from here", true},
    [COND_TASK_FOUND] = {"TaskFound",
                         EITHER("TaskAvailable", "The Task and its Functions are there.",
                                "TaskNotAvailable"),
                         "Task, Functions and their variables can be resolved", true},
    [COND_CRONJOB_CREATED] = {"CronJobCreated",
                              EITHER("CronJobCreationSucceeded",
                                     "Successfully created backup triggering CronJob.",
                                     "CronJobCreationFailed"),
                              "the CronJob is as the schedule says", false},
    [COND_FIELDS_IGNORED] = {"FieldsIgnored", TRUE_ONLY("NothingActsOnThem", NULL),
                             "fields that a backup of a Redis does not use are set", true},
    [COND_HOST_SHARED] = {"HostShared", TRUE_ONLY("SameHostInRepository", NULL),
                          "another configuration, or another member of the batch, writes under the "
                          "same host into the Repository",
                          true},
    [COND_BLUEPRINT_FOLLOWED] = {"BlueprintFollowed",
                                 EITHER("BlueprintFollowed", "As the BackupBlueprint says.",
                                        "BlueprintNotFollowed"),
                                 "a BackupBlueprint made it and keeps it in step", true},
    [COND_BACKEND_WIPED] = {"BackendWiped", FALSE_ONLY("WipeOutFailed", NULL),
                            "wipeOut could not delete the data", true},
    [COND_BACKEND_WIPING] = {"BackendWiped",
                             FALSE_ONLY("WipeOutRunning", "A Job deletes the data in the backend."),
                             "wipeOut is at work", true},
    [COND_SNAPSHOT_FORGOTTEN] = {"Forgotten",
                                 EITHER("RemovedFromRepository",
                                        "The snapshot is not in the repository any more.",
                                        "ForgetFailed"),
                                 "a deleted Snapshot, and what became of the snapshot", true},
    [COND_SNAPSHOT_FORGETTING] = {"Forgotten",
                                  FALSE_ONLY("ForgetRunning",
                                             "A Job removes the snapshot from the repository."),
                                  "the removal is at work", true},
    [COND_SNAPSHOT_REFUSED] =
        {"Forgotten", FALSE_ONLY("RemovalRefused", NULL),
         "the snapshot should stay: nothing is removed without the annotation", true},
    [COND_WAITING_FOR_TURN] = {"Waiting", EITHER("AnotherSessionRuns", NULL, "WaitIsOver"),
                               "another session on the same target goes first", true},
    [COND_WAITING_FOR_TARGET] = {"Waiting", EITHER("TargetNotReady", NULL, "WaitIsOver"),
                                 "the target does not answer yet", true},
    [COND_USER_UNKNOWN] = {"UserUnknown", TRUE_ONLY("LoggedInByPasswordAlone", NULL),
                           "the server does not know the user of the AppBinding's Secret, and took "
                           "the password alone, as with Stash",
                           true},
    [COND_BACKUP_SKIPPED] = {"BackupSkipped", TRUE_ONLY("SkippedTakingNewBackup", NULL),
                             "no backup was taken, and why", false},
    [COND_BACKUP_EXECUTOR] = {"BackupExecutorEnsured",
                              EITHER("SuccessfullyEnsuredBackupExecutor", NULL,
                                     "FailedToEnsureBackupExecutor"),
                              "the Job was made", false},
    [COND_RESTORE_EXECUTOR] = {"RestoreExecutorEnsured",
                               EITHER("SuccessfullyEnsuredRestoreExecutor", NULL,
                                      "FailedToEnsureRestoreExecutor"),
                               "the Job was made", false},
    [COND_BACKUP_DISRUPTED] = {"BackupDisrupted",
                               TRUE_ONLY("FailedToCompleteDueToDisruption", NULL),
                               "the Job or its Pod went away", false},
    [COND_RESTORE_DISRUPTED] = {"RestoreDisrupted",
                                TRUE_ONLY("FailedToCompleteDueToDisruption", NULL),
                                "the Job or its Pod went away", true},
    [COND_DEADLINE_EXCEEDED] = {"DeadlineExceeded",
                                TRUE_ONLY("FailedToCompleteWithinDeadline", NULL),
                                "timeOut was over before the session was", false},
    [COND_GLOBAL_PRE_BACKUP_HOOK] = {"GlobalPreBackupHookSucceeded",
                                     ANY("GlobalPreBackupHookExecutedSuccessfully",
                                         "GlobalPreBackupHookExecutionFailed", HOOK_RUNS),
                                     "the batch's hook before its members ran", false},
    [COND_GLOBAL_POST_BACKUP_HOOK] = {"GlobalPostBackupHookSucceeded",
                                      ANY("GlobalPostBackupHookExecutedSuccessfully",
                                          "GlobalPostBackupHookExecutionFailed", HOOK_RUNS),
                                      "the batch's hook after its members ran", false},
    [COND_GLOBAL_PRE_RESTORE_HOOK] = {"GlobalPreRestoreHookSucceeded",
                                      ANY("GlobalPreRestoreHookExecutedSuccessfully",
                                          "GlobalPreRestoreHookExecutionFailed", HOOK_RUNS),
                                      "the batch's hook before its members ran", false},
    [COND_GLOBAL_POST_RESTORE_HOOK] = {"GlobalPostRestoreHookSucceeded",
                                       ANY("GlobalPostRestoreHookExecutedSuccessfully",
                                           "GlobalPostRestoreHookExecutionFailed", HOOK_RUNS),
                                       "the batch's hook after its members ran", false},
    [COND_PRE_BACKUP_HOOK] = {"PreBackupHookExecutionSucceeded",
                              EITHER("SuccessfullyExecutedPreBackupHook", NULL,
                                     "FailedToExecutePreBackupHook"),
                              "the hook before the backup ran", false},
    [COND_POST_BACKUP_HOOK] = {"PostBackupHookExecutionSucceeded",
                               EITHER("SuccessfullyExecutedPostBackupHook", NULL,
                                      "FailedToExecutePostBackupHook"),
                               "the hook after the backup ran", false},
    [COND_PRE_RESTORE_HOOK] = {"PreRestoreHookExecutionSucceeded",
                               EITHER("SuccessfullyExecutedPreRestoreHook", NULL,
                                      "FailedToExecutePreRestoreHook"),
                               "the hook before the restore ran", false},
    [COND_POST_RESTORE_HOOK] = {"PostRestoreHookExecutionSucceeded",
                                EITHER("SuccessfullyExecutedPostRestoreHook", NULL,
                                       "FailedToExecutePostRestoreHook"),
                                "the hook after the restore ran", false},
    [COND_REPOSITORY_INITIALIZED] = {"BackendRepositoryInitialized",
                                     EITHER("BackendRepositoryFound",
                                            "Repository exist in the backend.",
                                            "FailedToInitializeBackendRepository"),
                                     "the repository was opened or made", false},
    [COND_NOTHING_MATCHED] = {"NothingMatched", TRUE_ONLY("FilterMatchedNothing", NULL),
                              "the target holds keys, and the filter in args wants none of them",
                              true},
    [COND_SNAPSHOT_PINNED] = {"SnapshotPinned", TRUE_ONLY("DatasetShrank", NULL),
                              "the dataset shrank, and the snapshot before is kept", true},
    [COND_INTEGRITY_VERIFIED] = {"RepositoryIntegrityVerified",
                                 EITHER("SuccessfullyVerifiedRepositoryIntegrity",
                                        "Repository integrity verification succeeded.",
                                        "FailedToVerifyRepositoryIntegrity"),
                                 "the repository's structure is whole", false},
    [COND_RETENTION_APPLIED] = {"RetentionPolicyApplied",
                                EITHER("SuccessfullyAppliedRetentionPolicy", NULL,
                                       "FailedToApplyRetentionPolicy"),
                                "old snapshots were removed by the policy", false},
    [COND_RETENTION_HELD_BACK] =
        {"RetentionPolicyApplied", FALSE_ONLY("RetentionHeldBack", NULL),
         "the policy would have removed too much: nothing was removed, nothing fails", true},
    [COND_SNAPSHOTS_SHOWN] =
        {"SnapshotsShown", FALSE_ONLY("SnapshotsNotShown", NULL),
         "`kubectl get snapshots` could not be brought up to date; nothing fails", true},
    [COND_REPOSITORY_METRICS_PUSHED] = {"RepositoryMetricsPushed",
                                        EITHER("SuccessfullyPushedRepositoryMetrics",
                                               "Successfully pushed repository metrics.",
                                               "FailedToPushRepositoryMetrics"),
                                        "the Pushgateway has the repository's metrics", false},
    [COND_REPOSITORY_METRICS_NOWHERE] = {"RepositoryMetricsPushed",
                                         FALSE_ONLY(NO_PUSHGATEWAY, NO_PUSHGATEWAY_TEXT),
                                         "there is no Pushgateway; nothing fails", true},
    [COND_METRICS_PUSHED] = {"MetricsPushed",
                             EITHER("SuccessfullyPushedMetrics", "Successfully pushed metrics.",
                                    "FailedToPushMetrics"),
                             "the Pushgateway has the session's metrics", false},
    [COND_METRICS_NOWHERE] = {"MetricsPushed", FALSE_ONLY(NO_PUSHGATEWAY, NO_PUSHGATEWAY_TEXT),
                              "there is no Pushgateway; nothing fails", true},
    [COND_METRICS_OF_DRY_RUN] = {"MetricsPushed",
                                 FALSE_ONLY("NothingWritten",
                                            "A dry run or a plan has no metrics."),
                                 "a dry run, or a plan; nothing fails", true},
    [COND_HISTORY_CLEANED] =
        {"BackupHistoryCleaned",
         EITHER("SuccessfullyCleanedBackupHistory",
                "Successfully cleaned up backup history according to backupHistoryLimit.",
                "FailedToCleanBackupHistory"),
         "older BackupSessions were removed", false},
    [COND_DRY_RUN] =
        {"DryRun",
         TRUE_ONLY("NothingWritten",
                   "This was a dry run (--dry-run in args): nothing was written to the target."),
         "the restore only looked", true},
    [COND_VERIFIED] = {"Verified", EITHER("BackupVerified", NULL, "VerificationFailed"),
                       "the last verification found the backup to be what it should be", true},
    [COND_NOT_VERIFIABLE] = {"Verified", FALSE_ONLY("NotVerifiable", NULL),
                             "whether the backup is what it should be could not be found out",
                             true},
    [COND_SERVER_NAMED] = {"ServerNamed", EITHER("ImageKnown", NULL, "NoImage"),
                           "the throw-away server of a verification has an image to run", true},
    [COND_VIEW_READY] = {"Ready",
                         EITHER("ResultReady", "The result can be fetched, once.", "ViewFailed"),
                         "a SnapshotView: its result waits in a Pod", true},
    [COND_VIEW_GOING] = {"Ready", FALSE_ONLY("ViewGoing", NULL),
                         "a SnapshotView whose result is not there yet, and what it waits for",
                         true},
    [COND_VIEW_EXPIRED] = {"Ready",
                           FALSE_ONLY("ResultGone", "The result was fetched, or nobody came."),
                           "a SnapshotView whose result is gone", true},
    [COND_RESTORE_POSSIBLE] =
        {"RestorePossible", ANY("NothingInTheWay", "WouldFail", "NotKnown"),
         "a plan (annotation `cstash.io/plan`): would the restore work? Nothing was written", true},
    [COND_PLAN_SNAPSHOT] = {"PlanSnapshot", PLANNED,
                            "of a plan: the snapshot is whole, and has what is wanted", true},
    [COND_PLAN_TARGET] =
        {"PlanTarget", PLANNED,
         "of a plan: role, slots and databases of the target, and that it takes writes", true},
    [COND_PLAN_VERSION] = {"PlanVersion", PLANNED,
                           "of a plan: the target can hold what is in the snapshot", true},
    [COND_PLAN_RIGHTS] = {"PlanRights", PLANNED, "of a plan: the user may do it", true},
    [COND_PLAN_MEMORY] = {"PlanMemory", PLANNED, "of a plan: there is room", true},
    [COND_PLAN_CONFLICTS] = {"PlanConflicts", PLANNED,
                             "of a plan: what becomes of keys that are there", true},
    [COND_PLAN_COPY] = {"PlanSafetyCopy", PLANNED, "of a plan: the copy that is taken first", true},
    [COND_PARTIAL_RESTORE] = {"PartialRestore", TRUE_ONLY("PartRestored", NULL),
                              "not all was restored: the backup is of a part, or `args` chose one",
                              true},
    [COND_OBJECTIVES_MET] = {"ObjectivesMet",
                             ANY("WithinObjectives", "ObjectiveBreached", "NotMeasured"),
                             "annotations `cstash.io/rpo` and `cstash.io/rto`, measured: the time "
                             "since the last backup, and what the last restore of a "
                             "BackupVerification took",
                             true},
    [COND_OBJECTIVE_INVALID] = {"ObjectivesMet", FALSE_ONLY("ObjectiveInvalid", NULL),
                                "one of these annotations is not a duration; backups go on", true},
};

static const char *const states[COND_STATES] = {
    [COND_FALSE] = "False", [COND_TRUE] = "True", [COND_UNKNOWN] = "Unknown"};

const struct condition *
condition_row(enum condition_id id)
{
    BUG_ON((unsigned)id >= COND_N);
    return &conditions[id];
}

const char *
api_time(int64_t ms, char to[static API_TIME_TEXT])
{
    time_t t = (time_t)(ms / 1000);
    struct tm tm;

    (void)gmtime_r(&t, &tm);
    (void)strftime(to, API_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return to;
}

static bool
condition_says(const struct json *c, const char *field, const char *text)
{
    return strcmp(json_text_or(json_field(c, field), ""), text) == 0;
}

const struct json *
condition_find(const struct json *holder, const char *type)
{
    const struct json *list = json_field(holder, "conditions");

    for (size_t i = 0; i < json_size(list); i++)
        if (condition_says(json_elem(list, i), "type", type))
            return json_elem(list, i);
    return NULL;
}

bool
condition_holds(const struct json *holder, const char *type)
{
    return condition_says(condition_find(holder, type), "status", "True");
}

bool
condition_is_there(const struct json *holder, enum condition_id id)
{
    return condition_find(holder, condition_row(id)->type) != NULL;
}

bool
condition_is(const struct json *holder, enum condition_id id, enum condition_state state)
{
    return condition_says(condition_find(holder, condition_row(id)->type), "status", states[state]);
}

bool
condition_is_true(const struct json *holder, enum condition_id id)
{
    return condition_is(holder, id, COND_TRUE);
}

bool
condition_is_false(const struct json *holder, enum condition_id id)
{
    return condition_is(holder, id, COND_FALSE);
}

bool
condition_is_because(const struct json *holder, enum condition_id id, enum condition_state state)
{
    const struct condition *row = condition_row(id);

    return condition_is(holder, id, state) &&
           condition_says(condition_find(holder, row->type), "reason", row->in[state].reason);
}

bool
condition_set(struct json *holder, enum condition_id id, enum condition_state state,
              const char *text)
{
    const struct condition *row = condition_row(id);
    struct json *c = (struct json *)(uintptr_t)condition_find(holder, row->type);
    char now[API_TIME_TEXT];

    BUG_ON(row->in[state].reason == NULL);
    if (text == NULL)
        text = row->in[state].text != NULL ? row->in[state].text : "";
    if (c != NULL && condition_says(c, "status", states[state]) &&
        condition_says(c, "reason", row->in[state].reason) && condition_says(c, "message", text))
        return false;
    if (c == NULL) {
        c = json_new_object();
        json_push(json_need_array(holder, "conditions"), c);
    }
    json_set_cstr(c, "type", row->type);
    json_set_cstr(c, "status", states[state]);
    json_set_cstr(c, "reason", row->in[state].reason);
    json_set_cstr(c, "message", text);
    json_set_cstr(c, "lastTransitionTime", api_time(clock_real_ms(), now));
    return true;
}

bool
condition_setf(struct json *holder, enum condition_id id, enum condition_state state,
               const char *fmt, ...)
{
    char text[480];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return condition_set(holder, id, state, text);
}

bool
condition_report(struct json *holder, enum condition_id id, enum rc rc, const struct err *why)
{
    return condition_set(holder, id, rc == RC_OK ? COND_TRUE : COND_FALSE,
                         rc == RC_OK ? NULL : why->msg);
}

void
condition_remove(struct json *holder, enum condition_id id)
{
    const struct json *list = json_field(holder, "conditions");
    struct json *left;

    if (!condition_is_there(holder, id))
        return;
    left = json_new_array();
    for (size_t i = 0; i < json_size(list); i++)
        if (!condition_says(json_elem(list, i), "type", condition_row(id)->type))
            json_push(left, json_ref(json_elem(list, i)));
    json_set(holder, "conditions", left);
}
