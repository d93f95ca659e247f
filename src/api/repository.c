/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"
#include "api/shared_internal.h"

static const struct rule rules_spec[] = {
    {"!(has(self.wipeOut) && self.wipeOut && has(self.backend) && (has(self.backend.local) || "
     "has(self.backend.b2)))",
     "wipeOut does not work with local and b2 backends"},
    {.cel = NULL},
};
static const struct field fields_spec[] = {
    {.name = "backend", .type = F_OBJECT, .of = fields_backend, .doc = "Where the data go"},
    {.name = "wipeOut",
     .type = F_BOOL,
     .refused = "with local and b2, and while another Repository has its backups at the same "
                "place, above it or in it",
     .doc = "Delete the data in the backend when the Repository is deleted"},
    {.name = "usagePolicy",
     .type = F_OBJECT,
     .of = fields_usage_policy,
     .doc = "Who may use this Repository from other namespaces; nobody when it is missing"},
    {.name = NULL},
};
static const struct field fields_reference[] = {
    {.name = "apiGroup", .type = F_STR, .doc = "Group"},
    {.name = "kind", .type = F_STR, .doc = "Kind"},
    {.name = "namespace", .type = F_STR, .doc = "Namespace"},
    {.name = "name", .type = F_STR, .required = true, .doc = "Name"},
    {.name = NULL},
};
static const struct field fields_status[] = {
    FIELD_OBSERVED,
    {.name = "firstBackupTime", .type = F_TIME, .doc = "When the first backup began"},
    {.name = "lastBackupTime", .type = F_TIME, .doc = "When the last backup that succeeded began"},
    {.name = "integrity", .type = F_BOOL, .doc = "Did the last check find the repository whole"},
    {.name = "totalSize", .type = F_STR, .doc = "Bytes stored"},
    {.name = "snapshotCount", .type = F_INT64, .doc = "Snapshots kept"},
    {.name = "snapshotsRemovedOnLastCleanup",
     .type = F_INT64,
     .doc = "Snapshots that retention removed the last time"},
    {.name = "snapshotsShown",
     .type = F_STR,
     .doc = "With which backup, or request, the Snapshots are in step"},
    {.name = "references",
     .type = F_LIST,
     .of = fields_reference,
     .doc = "Who uses this Repository"},
    FIELD_CONDITIONS,
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
    {"Integrity", "boolean", ".status.integrity"},
    {"Size", "string", ".status.totalSize"},
    {"Snapshot-Count", "integer", ".status.snapshotCount"},
    {"Last-Successful-Backup", "date", ".status.lastBackupTime"},
    {"Age", "date", ".metadata.creationTimestamp"},
    {.name = NULL},
};
static const char *const short_names[] = {"repo", NULL};

const struct kube_gvr GVR_REPOSITORY = {STASH_GROUP, "v1alpha1", "repositories", "Repository",
                                        true};

const struct crd_def kind_repository = {
    .gvr = &GVR_REPOSITORY,
    .singular = "repository",
    .short_names = short_names,
    .categories = categories_stash,
    .status = true,
    .fields = fields,
    .columns = columns,
    .doc = "A place for backups: a bucket or volume, and the Secret that opens it"};
