/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"
#include "api/shared_internal.h"

static const char *const phases[] = {"Invalid", "Ready", "NotReady", NULL};
static const struct field fields_member[] = {
    FIELD_TASK,
    {.name = "target", .type = F_OBJECT, .of = fields_backup_target, .doc = "What to back up"},
    FIELD_RUNTIME,
    FIELD_TEMP_DIR,
    FIELD_INTERIM,
    {.name = "hooks", .type = F_OBJECT, .of = fields_backup_hooks, .doc = "What to run around it"},
    {.name = NULL},
};
static const struct field fields_spec[] = {
    {.name = "members", .type = F_LIST, .of = fields_member, .doc = "What to back up together"},
    {.name = "schedule", .type = F_STR, .doc = "When, as a cron expression"},
    FIELD_RUNTIME,
    FIELD_DRIVER,
    FIELD_REPOSITORY,
    {.name = "retentionPolicy",
     .type = F_OBJECT,
     .of = fields_retention,
     .required = true,
     .doc = "How long to keep"},
    {.name = "paused", .type = F_BOOL, .doc = "Do not start sessions"},
    {.name = "backupHistoryLimit", .type = F_INT32, .doc = "Sessions to keep; 1 when missing"},
    {.name = "hooks", .type = F_OBJECT, .of = fields_backup_hooks, .doc = "What to run around all"},
    {.name = "executionOrder",
     .type = F_STR,
     .words = words_order,
     .otherwise = "\"Parallel\"",
     .doc = "All at once, or one after the other"},
    FIELD_TIMEOUT,
    {.name = "retryConfig", .type = F_OBJECT, .of = fields_retry, .doc = "When a session fails"},
    {.name = NULL},
};
static const struct field fields_member_status[] = {
    {.name = "target", .type = F_OBJECT, .of = fields_ref, .required = true, .doc = "Which member"},
    FIELD_CONDITIONS,
    {.name = NULL},
};
static const struct field fields_status[] = {
    FIELD_OBSERVED,
    FIELD_CONDITIONS,
    {.name = "memberConditions", .type = F_LIST, .of = fields_member_status, .doc = "Per member"},
    {.name = "phase", .type = F_STR, .words = phases, .doc = "Can backups be made"},
    FIELDS_SLOTS,
    FIELDS_RECORD,
    {.name = NULL},
};
static const struct field fields[] = {
    {.name = "spec", .type = F_OBJECT, .of = fields_spec, .doc = "What is wanted"},
    {.name = "status", .type = F_OBJECT, .of = fields_status, .doc = "What is known"},
    {.name = NULL},
};
static const struct column columns[] = {
    {"Schedule", "string", ".spec.schedule"},
    {"Paused", "boolean", ".spec.paused"},
    {"Phase", "string", ".status.phase"},
    {"Age", "date", ".metadata.creationTimestamp"},
    {.name = NULL},
};

const struct kube_gvr GVR_BACKUP_BATCH = {STASH_GROUP, STASH_VERSION, "backupbatches",
                                          "BackupBatch", true};

const struct crd_def kind_backupbatch = {.gvr = &GVR_BACKUP_BATCH,
                                         .singular = "backupbatch",
                                         .categories = categories_all,
                                         .status = true,
                                         .fields = fields,
                                         .columns = columns,
                                         .doc = "Several targets backed up together"};
