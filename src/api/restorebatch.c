/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"
#include "api/shared_internal.h"

static const struct rule rules_spec[] = {
    {"self == oldSelf", "RestoreBatch spec is immutable"},
    {.cel = NULL},
};
static const char *const phases[] = {"Pending",         "Running", "Succeeded",
                                     "DryRunSucceeded", "Planned", "Failed",
                                     "Unknown",         "Invalid", NULL};
static const char *const host_phases[] = {"Succeeded", "Planned", "Failed",
                                          "Running",   "Unknown", NULL};
static const char *const member_phases[] = {"Pending", "Succeeded", "DryRunSucceeded", "Planned",
                                            "Running", "Failed",    "Unknown",         NULL};
static const struct field fields_member[] = {
    FIELD_TASK,
    {.name = "target", .type = F_OBJECT, .of = fields_member_target, .doc = "Where to restore to"},
    FIELD_RESTORE_CHOICE,
    FIELD_RUNTIME,
    FIELD_TEMP_DIR,
    FIELD_INTERIM,
    {.name = "hooks", .type = F_OBJECT, .of = fields_restore_hooks, .doc = "What to run around it"},
    {.name = NULL},
};
static const struct field fields_spec[] = {
    FIELD_DRIVER,
    FIELD_REPOSITORY,
    {.name = "members", .type = F_LIST, .of = fields_member, .doc = "What to restore together"},
    {.name = "executionOrder",
     .type = F_STR,
     .words = words_order,
     .otherwise = "\"Parallel\"",
     .doc = "All at once, or one after the other"},
    {.name = "hooks",
     .type = F_OBJECT,
     .of = fields_restore_hooks,
     .doc = "What to run around all"},
    FIELD_TIMEOUT,
    {.name = NULL},
};
static const struct field fields_host[] = {
    {.name = "hostname", .type = F_STR, .doc = "Host"},
    {.name = "phase", .type = F_STR, .words = host_phases, .doc = "How it went"},
    {.name = "duration", .type = F_STR, .doc = "Time it took"},
    {.name = "error", .type = F_STR, .doc = "Why it failed"},
    {.name = "partial", .type = F_STR, .doc = "Of a part of the data: which"},
    {.name = "safetyCopy", .type = F_STR, .doc = "Snapshot with what the target held before"},
    {.name = "safetyCopyRepository",
     .type = F_STR,
     .doc = "Repository that has it, if another one"},
    {.name = NULL},
};
static const struct field fields_member_status[] = {
    {.name = "ref", .type = F_OBJECT, .of = fields_ref, .required = true, .doc = "Which member"},
    FIELD_CONDITIONS,
    {.name = "totalHosts", .type = F_INT32, .doc = "Hosts to restore"},
    {.name = "phase", .type = F_STR, .words = member_phases, .doc = "How it goes"},
    {.name = "stats", .type = F_LIST, .of = fields_host, .doc = "Results per host"},
    {.name = NULL},
};
static const struct field fields_status[] = {
    {.name = "phase", .type = F_STR, .words = phases, .doc = "How it goes"},
    {.name = "sessionDuration", .type = F_STR, .doc = "Time it took"},
    FIELD_CONDITIONS,
    {.name = "members", .type = F_LIST, .of = fields_member_status, .doc = "Results per member"},
    {.name = "sessionDeadline", .type = F_TIME, .doc = "When it must be done"},
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
    {"Repository", "string", ".spec.repository.name"},
    {"Phase", "string", ".status.phase"},
    {"Duration", "string", ".status.sessionDuration"},
    {"Age", "date", ".metadata.creationTimestamp"},
    {.name = NULL},
};

const struct kube_gvr GVR_RESTORE_BATCH = {STASH_GROUP, STASH_VERSION, "restorebatches",
                                           "RestoreBatch", true};

const struct crd_def kind_restorebatch = {.gvr = &GVR_RESTORE_BATCH,
                                          .singular = "restorebatch",
                                          .categories = categories_all,
                                          .status = true,
                                          .fields = fields,
                                          .columns = columns,
                                          .doc = "Several targets restored together"};
