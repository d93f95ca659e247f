/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"
#include "api/shared_internal.h"

/* The session of a schedule that works must not suddenly be about something else. */
static const struct rule rules[] = {
    {"!has(oldSelf.status) || !has(oldSelf.status.phase) || oldSelf.status.phase != 'Ready' || "
     "(has(self.spec.target) == has(oldSelf.spec.target) && "
     "(!has(self.spec.target) || self.spec.target == oldSelf.spec.target))",
     "spec.target cannot be changed once the BackupConfiguration is Ready"},
    {.cel = NULL},
};
static const char *const phases[] = {"Invalid", "Ready", "NotReady", NULL};
static const struct field fields_spec[] = {
    FIELD_TASK,
    {.name = "target", .type = F_OBJECT, .of = fields_backup_target, .doc = "What to back up"},
    FIELD_RUNTIME,
    FIELD_TEMP_DIR,
    FIELD_INTERIM,
    {.name = "hooks", .type = F_OBJECT, .of = fields_backup_hooks, .doc = "What to run around it"},
    {.name = "schedule",
     .type = F_STR,
     .refused = "one that cannot be read, or never comes",
     .doc = "When, as a cron expression"},
    FIELD_DRIVER,
    FIELD_REPOSITORY,
    {.name = "retentionPolicy",
     .type = F_OBJECT,
     .of = fields_retention,
     .required = true,
     .doc = "How long to keep"},
    {.name = "paused", .type = F_BOOL, .doc = "Do not start sessions"},
    {.name = "backupHistoryLimit",
     .type = F_INT32,
     .refused = "less than 0",
     .doc = "Sessions to keep; 1 when missing"},
    FIELD_TIMEOUT,
    {.name = "retryConfig", .type = F_OBJECT, .of = fields_retry, .doc = "When a session fails"},
    {.name = NULL},
};
static const struct field fields_status[] = {
    FIELD_OBSERVED,
    FIELD_CONDITIONS,
    {.name = "phase", .type = F_STR, .words = phases, .doc = "Can backups be made"},
    FIELDS_SLOTS,
    FIELDS_RECORD,
    {.name = "lastVerifiedTime",
     .type = F_TIME,
     .doc = "When a BackupVerification of it last found a backup good"},
    {.name = "restoreSeconds",
     .type = F_INT64,
     .doc = "Seconds that its last load took: how long the way back takes at least"},
    {.name = NULL},
};
static const struct field fields[] = {
    {.name = "spec", .type = F_OBJECT, .of = fields_spec, .doc = "What is wanted"},
    {.name = "status", .type = F_OBJECT, .of = fields_status, .doc = "What is known"},
    {.name = NULL},
};
static const struct column columns[] = {
    {"Task", "string", ".spec.task.name"},          {"Schedule", "string", ".spec.schedule"},
    {"Paused", "boolean", ".spec.paused"},          {"Phase", "string", ".status.phase"},
    {"Age", "date", ".metadata.creationTimestamp"}, {.name = NULL},
};
static const char *const short_names[] = {"bc", NULL};

const struct kube_gvr GVR_BACKUP_CONFIGURATION = {
    STASH_GROUP, STASH_VERSION, "backupconfigurations", "BackupConfiguration", true};

const struct crd_def kind_backupconfiguration = {
    .gvr = &GVR_BACKUP_CONFIGURATION,
    .singular = "backupconfiguration",
    .short_names = short_names,
    .categories = categories_all,
    .status = true,
    .fields = fields,
    .rules = rules,
    .columns = columns,
    .doc = "What to back up, when, where to, and how long to keep it"};
