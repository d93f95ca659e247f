/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_SHARED_INTERNAL_H
#define API_SHARED_INTERNAL_H

/* Field tables that several kinds have in common. Source: Stash's API. */
#include "api/schema.h"

extern const char *const categories_stash[]; /* stash, appscode */
extern const char *const categories_all[];   /* the same and "all" */
extern const char *const words_driver[], *const words_order[];

extern const struct field fields_backend[], fields_usage_policy[];
extern const struct field fields_retention[], fields_task[], fields_ref[], fields_object_ref[];
/*
 * Rules in a list, hosts in a rule. An API server refuses a rule in CEL whose worst case costs too
 * much; that of rules_restore_rules grows with the cube of this.
 */
enum { RESTORE_RULES_MAX = 32 };

extern const struct field fields_backup_target[], fields_restore_target[], fields_member_target[],
    fields_rule[];
extern const struct field fields_temp_dir[], fields_runtime[], fields_container_runtime[];
extern const struct field fields_retry[], fields_condition[], fields_last_backup[];
extern const struct field fields_backup_hooks[], fields_restore_hooks[];
extern const struct rule rules_restore_rules[];
extern const struct field fields_restore_choice[]; /* restore_choice.c */

/* Entries that appear in many tables. */
#define FIELD_TASK                                                                                 \
    {                                                                                              \
        .name = "task", .type = F_OBJECT, .of = fields_task,                                       \
        .doc = "Task that does the work, and its parameters"                                       \
    }
#define FIELD_RUNTIME                                                                              \
    {                                                                                              \
        .name = "runtimeSettings", .type = F_OBJECT, .of = fields_runtime,                         \
        .doc = "Settings for the pods and containers that do the work"                             \
    }
#define FIELD_TEMP_DIR                                                                             \
    {                                                                                              \
        .name = "tempDir", .type = F_OBJECT, .of = fields_temp_dir, .doc = "Scratch directory"     \
    }
#define FIELD_INTERIM                                                                              \
    {                                                                                              \
        .name = "interimVolumeTemplate", .type = F_FREE,                                           \
        .doc = "PersistentVolumeClaim for tools that need to keep data for a while"                \
    }
#define FIELD_RESTORE_CHOICE                                                                       \
    {                                                                                              \
        .name = "cstash", .type = F_OBJECT, .of = fields_restore_choice,                           \
        .doc = "Which keys are restored, and what becomes of them"                                 \
    }
#define FIELD_DRIVER                                                                               \
    {                                                                                              \
        .name = "driver", .type = F_STR, .words = words_driver, .otherwise = "\"Restic\"",         \
        .refused = "VolumeSnapshotter", .doc = "What keeps the backup"                             \
    }
#define FIELD_REPOSITORY                                                                           \
    {                                                                                              \
        .name = "repository", .type = F_OBJECT, .of = fields_object_ref,                           \
        .doc = "Repository that holds the backups"                                                 \
    }
#define FIELD_TIMEOUT                                                                              \
    {                                                                                              \
        .name = "timeOut", .type = F_DURATION, .refused = "0 and less",                            \
        .doc = "Longest time a session may take, counted from its creation"                        \
    }
#define FIELD_CONDITIONS                                                                           \
    {                                                                                              \
        .name = "conditions", .type = F_LIST, .of = fields_condition, .keys = {"type"},            \
        .doc = "What is known of the state"                                                        \
    }
/* Since when its schedule stands: operator/slots.h. */
#define FIELDS_SLOTS                                                                               \
    {.name = "activeSchedule",                                                                     \
     .type = F_STR,                                                                                \
     .doc = "The schedule in force; missing while it is paused"},                                  \
        {.name = "activeSince", .type = F_TIME, .doc = "Since when"},                              \
    {                                                                                              \
        .name = "intervalSeconds", .type = F_INT64,                                                \
        .doc = "Longest time between two of its next slots"                                        \
    }
/* What its sessions were: operator/record.h. */
#define FIELDS_RECORD                                                                              \
    {.name = "lastRunTime",                                                                        \
     .type = F_TIME,                                                                               \
     .doc = "When the last session began that was not skipped"},                                   \
        {.name = "lastSuccessTime",                                                                \
         .type = F_TIME,                                                                           \
         .doc = "When the last session that succeeded began"},                                     \
        {.name = "lastFailureTime",                                                                \
         .type = F_TIME,                                                                           \
         .doc = "When the last session that failed began"},                                        \
        {.name = "lastBackup",                                                                     \
         .type = F_OBJECT,                                                                         \
         .of = fields_last_backup,                                                                 \
         .doc = "Of the last session that succeeded"},                                             \
        {.name = "datasetShrank",                                                                  \
         .type = F_BOOL,                                                                           \
         .doc = "It had lost most of its keys, and a snapshot from before is kept"},               \
        {.name = "retentionHeldBack",                                                              \
         .type = F_BOOL,                                                                           \
         .doc = "The policy would have removed too much: nothing was removed"},                    \
    {                                                                                              \
        .name = "metricsPushFailed", .type = F_BOOL,                                               \
        .doc = "The Pushgateway did not take the metrics of the last session"                      \
    }
#define FIELD_OBSERVED                                                                             \
    {                                                                                              \
        .name = "observedGeneration", .type = F_INT64, .doc = "Generation last acted upon"         \
    }

/* The text of a field; `otherwise` where there is none or an empty one. */
static inline const char *
text_or(const struct json *obj, const char *field, const char *otherwise)
{
    const char *s = json_text_or(json_field(obj, field), "");

    return *s == '\0' ? otherwise : s;
}

#endif
