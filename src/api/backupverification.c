/* SPDX-License-Identifier: Apache-2.0 */
/* BackupVerification: of ours alone, so its group is too. */
#include "api/kinds.h"
#include "api/shared_internal.h"

static const struct rule rules_spec[] = {
    {"has(self.repository) != has(self.configuration)",
     "name either a repository or a configuration"},
    {.cel = NULL},
};
static const char *const levels[] = {"data", "restore", NULL};
static const char *const outcomes[] = {"Verified", "Failed", "NotVerifiable", "Error", NULL};
static const struct field fields_name[] = {
    {.name = "name", .type = F_NAME, .required = true, .doc = "Name, in the same namespace"},
    {.name = NULL},
};
static const struct field fields_server[] = {
    {.name = "image",
     .type = F_STR,
     .doc = "Image of a Redis or Valkey, started with --port and other options of its server as "
            "arguments; when missing, that of a Pod behind the Service of the configuration's "
            "target. On one machine the server in the PATH is used"},
    {.name = "command", .type = F_STRS, .doc = "Command in place of the image's"},
    {.name = "securityContext",
     .type = F_FREE,
     .doc = "Security context of its container; as user 65532 when missing"},
    {.name = "resources",
     .type = F_FREE,
     .doc = "Resources of its container. Without a request for memory it asks for what the data "
            "took where they were backed up"},
    {.name = NULL},
};
static const struct field fields_spec[] = {
    {.name = "repository",
     .type = F_OBJECT,
     .of = fields_name,
     .doc = "Repository whose latest backup is verified; of several targets it must have one"},
    {.name = "configuration",
     .type = F_OBJECT,
     .of = fields_name,
     .refused = "one whose Repository is in another namespace",
     .doc = "BackupConfiguration whose latest backup is verified"},
    {.name = "target",
     .type = F_STR,
     .doc = "Whose latest backup, as snapshots list it, where the Repository has those of several"},
    {.name = "schedule",
     .type = F_STR,
     .required = true,
     .refused = "one that cannot be read, or never comes",
     .doc = "When, as a cron expression"},
    {.name = "level",
     .type = F_STR,
     .words = levels,
     .otherwise = "\"restore\"",
     .doc = "data: read it all and compare; restore: load it into a throw-away server as well"},
    {.name = "server",
     .type = F_OBJECT,
     .of = fields_server,
     .doc = "The throw-away server of level restore"},
    {.name = "questions",
     .type = F_STRS,
     .refused = "those that do not only read",
     .doc = "What it is asked and has to answer, such as \"GET greeting => hello\""},
    {.name = "historyLimit",
     .type = F_INT32,
     .refused = "less than 0",
     .doc = "Jobs to keep of those that ended well, and of the others; 1 when missing"},
    {.name = "timeOut",
     .type = F_DURATION,
     .refused = "0 and less",
     .doc = "Longest time that one may take; 1h when missing"},
    {.name = "paused", .type = F_BOOL, .doc = "Do not start any"},
    {.name = NULL},
};
static const struct field fields_result[] = {
    {.name = "time", .type = F_TIME, .doc = "When it ended"},
    {.name = "outcome", .type = F_STR, .words = outcomes, .doc = "What was found"},
    {.name = "reason", .type = F_STR, .doc = "Why it is not Verified"},
    {.name = "snapshot", .type = F_STR, .doc = "ID of the snapshot"},
    {.name = "level", .type = F_STR, .doc = "Level"},
    {.name = "keys", .type = F_INT64, .doc = "Keys"},
    {.name = "digest", .type = F_STR, .doc = "Digest of the data"},
    {.name = "restoreDuration", .type = F_STR, .doc = "How long the load took"},
    {.name = "server", .type = F_STR, .doc = "What it was loaded into"},
    {.name = "questions", .type = F_INT64, .doc = "Questions that were answered as expected"},
    {.name = "pod", .type = F_STR, .doc = "Pod that says so"},
    {.name = "job", .type = F_STR, .doc = "Job of which no Pod said anything before it ended"},
    {.name = NULL},
};
static const struct field fields_status[] = {
    FIELD_OBSERVED,
    FIELD_CONDITIONS,
    FIELDS_SLOTS,
    {.name = "lastResult", .type = F_OBJECT, .of = fields_result, .doc = "Of the last one"},
    {.name = "lastVerifiedTime", .type = F_TIME, .doc = "When a backup was last found good"},
    {.name = "restoreSeconds",
     .type = F_INT64,
     .doc = "Seconds that the last load took: how long the way back takes at least"},
    {.name = NULL},
};
static const struct field fields[] = {
    {.name = "spec",
     .type = F_OBJECT,
     .of = fields_spec,
     .rules = rules_spec,
     .doc = "What is wanted"},
    {.name = "status", .type = F_OBJECT, .of = fields_status, .doc = "What is known"},
    {.name = NULL},
};
static const struct column columns[] = {
    {"Schedule", "string", ".spec.schedule"},
    {"Level", "string", ".spec.level"},
    {"Outcome", "string", ".status.lastResult.outcome"},
    {"Restore-Took", "string", ".status.lastResult.restoreDuration"},
    {"Last-Verified", "date", ".status.lastVerifiedTime"},
    {"Age", "date", ".metadata.creationTimestamp"},
    {.name = NULL},
};
static const char *const short_names[] = {"bv", NULL};

const struct kube_gvr GVR_BACKUP_VERIFICATION = {"cstash.io", "v1alpha1", "backupverifications",
                                                 "BackupVerification", true};

const struct crd_def kind_backupverification = {
    .gvr = &GVR_BACKUP_VERIFICATION,
    .singular = "backupverification",
    .short_names = short_names,
    .categories = categories_all,
    .status = true,
    .fields = fields,
    .columns = columns,
    .doc = "Proves the latest backup at each slot: reads it back, restores it, compares"};
