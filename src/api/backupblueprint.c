/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"
#include "api/shared_internal.h"

static const struct field fields_spec[] = {
    {.name = "backend", .type = F_OBJECT, .of = fields_backend, .doc = "Where the data go"},
    {.name = "wipeOut", .type = F_BOOL, .doc = "Delete the data with the Repository"},
    {.name = "usagePolicy", .type = F_OBJECT, .of = fields_usage_policy, .doc = "Who may use it"},
    {.name = "backupNamespace", .type = F_STR, .doc = "Namespace of what is made"},
    {.name = "repoNamespace", .type = F_STR, .doc = "Namespace of the Repository"},
    {.name = "schedule", .type = F_STR, .doc = "When, as a cron expression"},
    FIELD_TASK,
    {.name = "retentionPolicy",
     .type = F_OBJECT,
     .of = fields_retention,
     .required = true,
     .doc = "How long to keep"},
    FIELD_RUNTIME,
    FIELD_TEMP_DIR,
    FIELD_INTERIM,
    {.name = "hooks", .type = F_OBJECT, .of = fields_backup_hooks, .doc = "What to run around it"},
    {.name = "backupHistoryLimit", .type = F_INT32, .doc = "Sessions to keep; 1 when missing"},
    FIELD_TIMEOUT,
    {.name = "retryConfig", .type = F_OBJECT, .of = fields_retry, .doc = "When a session fails"},
    {.name = NULL},
};
static const struct field fields[] = {
    {.name = "spec", .type = F_OBJECT, .of = fields_spec, .doc = "What is wanted"},
    {.name = NULL},
};
static const struct column columns[] = {
    {"Task", "string", ".spec.task.name"},
    {"Schedule", "string", ".spec.schedule"},
    {"Age", "date", ".metadata.creationTimestamp"},
    {.name = NULL},
};
static const char *const short_names[] = {"bb", NULL};

const struct kube_gvr GVR_BACKUP_BLUEPRINT = {STASH_GROUP, STASH_VERSION, "backupblueprints",
                                              "BackupBlueprint", false};

const struct crd_def kind_backupblueprint = {
    .gvr = &GVR_BACKUP_BLUEPRINT,
    .singular = "backupblueprint",
    .short_names = short_names,
    .categories = categories_stash,
    .fields = fields,
    .columns = columns,
    .doc = "A Repository and a BackupConfiguration for whatever asks by annotation"};
