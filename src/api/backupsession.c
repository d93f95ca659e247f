/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"
#include "api/shared_internal.h"

static const char *const phases[] = {"Pending", "Skipped", "Running", "Succeeded",
                                     "Failed",  "Unknown", NULL};
static const char *const target_phases[] = {"Pending", "Succeeded", "Running", "Failed", NULL};
static const char *const host_phases[] = {"Succeeded", "Failed", NULL};

static const struct field fields_invoker[] = {
    {.name = "apiGroup", .type = F_STR, .doc = "Group"},
    {.name = "kind", .type = F_STR, .required = true, .doc = "BackupConfiguration or BackupBatch"},
    {.name = "name", .type = F_NAME, .required = true, .doc = "Name"},
    {.name = NULL},
};
static const struct field fields_spec[] = {
    {.name = "invoker", .type = F_OBJECT, .of = fields_invoker, .doc = "Whose session it is"},
    {.name = "retryLeft", .type = F_INT32, .doc = "How often it may be tried again"},
    {.name = NULL},
};
static const struct field fields_files[] = {
    {.name = "totalFiles", .type = F_INT64, .doc = "Files"},
    {.name = "newFiles", .type = F_INT64, .doc = "New ones"},
    {.name = "modifiedFiles", .type = F_INT64, .doc = "Changed ones"},
    {.name = "unmodifiedFiles", .type = F_INT64, .doc = "Unchanged ones"},
    {.name = NULL},
};
static const struct field fields_snapshot[] = {
    {.name = "name", .type = F_STR, .doc = "ID"},
    {.name = "path", .type = F_STR, .doc = "What it holds"},
    {.name = "totalSize", .type = F_STR, .doc = "Bytes read"},
    {.name = "uploaded", .type = F_STR, .doc = "Bytes added to the repository"},
    {.name = "processingTime", .type = F_STR, .doc = "Time it took"},
    {.name = "fileStats", .type = F_OBJECT, .of = fields_files, .doc = "Numbers of files"},
    {.name = "keys", .type = F_INT64, .doc = "Keys of the Redis"},
    {.name = "shards", .type = F_INT64, .doc = "Shards, of a cluster"},
    {.name = "skew", .type = F_STR, .doc = "Time between the points in time of the shards"},
    {.name = "partial", .type = F_STR, .doc = "Of a part of the data: what was chosen"},
    {.name = NULL},
};
static const struct field fields_host[] = {
    {.name = "hostname", .type = F_STR, .doc = "Host of the snapshots"},
    {.name = "phase", .type = F_STR, .words = host_phases, .doc = "How it went"},
    {.name = "snapshots", .type = F_LIST, .of = fields_snapshot, .doc = "What was stored"},
    {.name = "duration", .type = F_STR, .doc = "Time it took"},
    {.name = "error", .type = F_STR, .doc = "Why it failed"},
    {.name = NULL},
};
static const struct field fields_target[] = {
    {.name = "ref", .type = F_OBJECT, .of = fields_ref, .doc = "Which target"},
    {.name = "totalHosts", .type = F_INT32, .doc = "Hosts to back up"},
    {.name = "phase", .type = F_STR, .words = target_phases, .doc = "How it goes"},
    {.name = "stats", .type = F_LIST, .of = fields_host, .doc = "Results per host"},
    {.name = "preBackupActions", .type = F_STRS, .doc = "To do before"},
    {.name = "postBackupActions", .type = F_STRS, .doc = "To do after"},
    FIELD_CONDITIONS,
    {.name = NULL},
};
static const struct field fields_status[] = {
    {.name = "phase", .type = F_STR, .words = phases, .doc = "How it goes"},
    {.name = "sessionDuration", .type = F_STR, .doc = "Time it took"},
    {.name = "targets", .type = F_LIST, .of = fields_target, .doc = "Results per target"},
    FIELD_CONDITIONS,
    {.name = "sessionDeadline", .type = F_TIME, .doc = "When it must be done"},
    {.name = "executionOrder",
     .type = F_STR,
     .words = words_order,
     .doc = "Of a BackupBatch: the order in which it began"},
    {.name = "retried", .type = F_BOOL, .doc = "Another session tries again"},
    {.name = "nextRetry", .type = F_TIME, .doc = "When to try again"},
    {.name = NULL},
};
static const struct field fields[] = {
    {.name = "spec", .type = F_OBJECT, .of = fields_spec, .doc = "What is wanted"},
    {.name = "status", .type = F_OBJECT, .of = fields_status, .doc = "What is known"},
    {.name = NULL},
};
static const struct column columns[] = {
    {"Invoker-Type", "string", ".spec.invoker.kind"},
    {"Invoker-Name", "string", ".spec.invoker.name"},
    {"Phase", "string", ".status.phase"},
    {"Duration", "string", ".status.sessionDuration"},
    {"Age", "date", ".metadata.creationTimestamp"},
    {.name = NULL},
};

const struct kube_gvr GVR_BACKUP_SESSION = {STASH_GROUP, STASH_VERSION, "backupsessions",
                                            "BackupSession", true};

const struct crd_def kind_backupsession = {.gvr = &GVR_BACKUP_SESSION,
                                           .singular = "backupsession",
                                           .categories = categories_all,
                                           .status = true,
                                           .fields = fields,
                                           .columns = columns,
                                           .doc = "One run of a backup"};
