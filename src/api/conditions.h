/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CONDITIONS_H
#define API_CONDITIONS_H

/*
 * api/conditions -- what is known of an object's state: one entry per type in its status, and every
 * type, reason and fixed text of ours in one table.
 *
 * Shape    `holder` is the object with the field "conditions": a status, or one target of it. A row
 *          of the table is a type with a reason for each state it can have; where one state has
 *          several causes, each further cause is a row of the same type.
 * Time     lastTransitionTime moves when status, reason or message does, as Stash has it.
 * Threads  as json/node.h.
 * Source   Stash's types, reasons and texts, which must not change; ours are in docs/conditions.md.
 */
#include "base/err.h"
#include "json/node.h"

enum condition_id {
    /* of an invoker and the objects they need */
    COND_VALIDATION_PASSED,
    COND_REPOSITORY_FOUND,
    COND_BACKEND_SECRET_FOUND,
    COND_BACKUP_TARGET_FOUND,
    COND_BACKUP_TARGET_DENIED,
    COND_RESTORE_TARGET_FOUND,
    COND_RESTORE_TARGET_DENIED,
    COND_TASK_FOUND,
    COND_CRONJOB_CREATED,
    COND_FIELDS_IGNORED,
    COND_HOST_SHARED,
    COND_BLUEPRINT_FOLLOWED,
    COND_BACKEND_WIPED,
    COND_BACKEND_WIPING,
    /* of a Snapshot that is deleted */
    COND_SNAPSHOT_FORGOTTEN,
    COND_SNAPSHOT_FORGETTING,
    COND_SNAPSHOT_REFUSED,
    /* of a session */
    COND_WAITING_FOR_TURN,
    COND_WAITING_FOR_TARGET,
    COND_USER_UNKNOWN,
    COND_BACKUP_SKIPPED,
    COND_BACKUP_EXECUTOR,
    COND_RESTORE_EXECUTOR,
    COND_BACKUP_DISRUPTED,
    COND_RESTORE_DISRUPTED,
    COND_DEADLINE_EXCEEDED,
    COND_GLOBAL_PRE_BACKUP_HOOK,
    COND_GLOBAL_POST_BACKUP_HOOK,
    COND_GLOBAL_PRE_RESTORE_HOOK,
    COND_GLOBAL_POST_RESTORE_HOOK,
    COND_PRE_BACKUP_HOOK,
    COND_POST_BACKUP_HOOK,
    COND_PRE_RESTORE_HOOK,
    COND_POST_RESTORE_HOOK,
    COND_REPOSITORY_INITIALIZED,
    COND_NOTHING_MATCHED,
    COND_SNAPSHOT_PINNED,
    COND_INTEGRITY_VERIFIED,
    COND_RETENTION_APPLIED,
    COND_RETENTION_HELD_BACK,
    COND_SNAPSHOTS_SHOWN,
    COND_REPOSITORY_METRICS_PUSHED,
    COND_REPOSITORY_METRICS_NOWHERE,
    COND_METRICS_PUSHED,
    COND_METRICS_NOWHERE,
    COND_METRICS_OF_DRY_RUN,
    COND_HISTORY_CLEANED,
    COND_DRY_RUN,
    COND_VERIFIED,
    COND_NOT_VERIFIABLE,
    COND_SERVER_NAMED,
    COND_VIEW_READY,
    COND_VIEW_GOING,
    COND_VIEW_EXPIRED,
    COND_RESTORE_POSSIBLE,
    COND_PLAN_SNAPSHOT, /* those of a plan, in the order of enum plan_topic (job/plan.h) */
    COND_PLAN_TARGET,
    COND_PLAN_VERSION,
    COND_PLAN_RIGHTS,
    COND_PLAN_MEMORY,
    COND_PLAN_CONFLICTS,
    COND_PLAN_COPY,
    COND_PARTIAL_RESTORE,
    /* of what a person asks for of a configuration */
    COND_OBJECTIVES_MET,
    COND_OBJECTIVE_INVALID,
    COND_N
};

enum condition_state { COND_FALSE, COND_TRUE, COND_UNKNOWN, COND_STATES };

struct condition_words {
    const char *reason; /* NULL: it is never in this state */
    const char *text;   /* NULL: each has its own */
};

struct condition {
    const char *type;
    struct condition_words in[COND_STATES];
    const char *doc; /* what it means, for people */
    bool ours;       /* not one of Stash's */
};

/* Borrowed, for ever. */
const struct condition *condition_row(enum condition_id id);

/* True if that changed something. `text` NULL: that of the table. A BUG where the table has no such state. */
bool condition_set(struct json *holder, enum condition_id id, enum condition_state state,
                   const char *text);
bool condition_setf(struct json *holder, enum condition_id id, enum condition_state state,
                    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* True for RC_OK, with the table's text; else False, with the message of `why`. */
bool condition_report(struct json *holder, enum condition_id id, enum rc rc, const struct err *why);
/* Take it away; nothing to do when there is none. */
void condition_remove(struct json *holder, enum condition_id id);

/* By type and state. */
bool condition_is(const struct json *holder, enum condition_id id, enum condition_state state);
bool condition_is_true(const struct json *holder, enum condition_id id);
bool condition_is_false(const struct json *holder, enum condition_id id);
bool condition_is_there(const struct json *holder, enum condition_id id);
/* By type, state and reason. */
bool condition_is_because(const struct json *holder, enum condition_id id,
                          enum condition_state state);

/* Of objects that are not ours, such as a Job's "Complete": the entry, or NULL; borrowed. */
const struct json *condition_find(const struct json *holder, const char *type);
bool condition_holds(const struct json *holder, const char *type);

/* The phase of a RestoreSession that only looked. */
#define DRY_RUN_PHASE "DryRunSucceeded"
/* And of one that only said whether it would work, whatever the answer; of its hosts too. */
#define PLAN_PHASE "Planned"

/* `ms` since 1970 as Kubernetes writes times: whole seconds, UTC. Returns `to`. */
enum { API_TIME_TEXT = 32 };
const char *api_time(int64_t ms, char to[static API_TIME_TEXT]);

#endif
