/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"
#include "api/shared_internal.h"

static const struct rule rules_spec[] = {
    {"self == oldSelf", "RestoreSession spec is immutable"},
    {.cel = NULL},
};
static const char *const phases[] = {"Pending",         "Running", "Succeeded",
                                     "DryRunSucceeded", "Planned", "Failed",
                                     "Unknown",         "Invalid", NULL};
static const char *const host_phases[] = {"Succeeded", "Planned", "Failed",
                                          "Running",   "Unknown", NULL};

static const struct field fields_spec[] = {
    FIELD_TASK,
    {.name = "target", .type = F_OBJECT, .of = fields_restore_target, .doc = "Where to restore to"},
    FIELD_RESTORE_CHOICE,
    FIELD_RUNTIME,
    FIELD_TEMP_DIR,
    FIELD_INTERIM,
    {.name = "hooks", .type = F_OBJECT, .of = fields_restore_hooks, .doc = "What to run around it"},
    FIELD_DRIVER,
    FIELD_REPOSITORY,
    {.name = "rules",
     .type = F_LIST,
     .of = fields_rule,
     .max_items = RESTORE_RULES_MAX,
     .rules = rules_restore_rules,
     .doc = "Deprecated: use target.rules, which these replace"},
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
static const struct field fields_status[] = {
    {.name = "phase", .type = F_STR, .words = phases, .doc = "How it goes"},
    {.name = "totalHosts", .type = F_INT32, .doc = "Hosts to restore"},
    {.name = "sessionDuration", .type = F_STR, .doc = "Time it took"},
    {.name = "stats", .type = F_LIST, .of = fields_host, .doc = "Results per host"},
    FIELD_CONDITIONS,
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
static const char *const short_names[] = {"restore", NULL};

const struct kube_gvr GVR_RESTORE_SESSION = {STASH_GROUP, STASH_VERSION, "restoresessions",
                                             "RestoreSession", true};

const struct crd_def kind_restoresession = {.gvr = &GVR_RESTORE_SESSION,
                                            .singular = "restoresession",
                                            .short_names = short_names,
                                            .categories = categories_all,
                                            .status = true,
                                            .fields = fields,
                                            .columns = columns,
                                            .doc = "One run of a restore"};
