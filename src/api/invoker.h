/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_INVOKER_H
#define API_INVOKER_H

/*
 * api/invoker -- what a BackupConfiguration and a RestoreSession have in common: a target, a task,
 * a repository, settings.
 *
 * Shape    a view: everything is borrowed from the object, with names and namespaces filled in.
 * Source   Stash's API: an empty namespace is the invoker's own, the old
 *          top-level rules of a RestoreSession go before those of its target.
 */
#include "json/node.h"

struct invoker {
    const struct json *obj, *spec;
    const char *kind, *ns, *name;
    bool restore;
    const struct json *target, *task, *runtime, *temp_dir, *hooks, *retention, *rules;
    const char *alias; /* "" when there is none */
    const char *target_api, *target_kind, *target_name, *target_ns;
    const char *target_ns_given; /* as it stands there, "" when it does not */
    const char *repo_name, *repo_ns;
    const char *driver;
    int64_t timeout_ms; /* 0: none */
};

/* Of a BackupConfiguration or a RestoreSession; by its kind. */
void invoker_view(const struct json *obj, struct invoker *out);

/*
 * Could anything come of it, now or later? kind_validate has found the types right. RC_INVALID names
 * the field; RC_UNSUPPORTED: the driver.
 */
NODISCARD enum rc invoker_check(const struct invoker *inv, int64_t now_ms, struct err *e);
/* The part of it without which there can be no CronJob. */
NODISCARD enum rc invoker_check_schedule(const struct invoker *inv, int64_t now_ms, struct err *e);

/* {apiVersion, kind, name, namespace} of the target, as statuses name it; the caller frees. */
struct json *invoker_target_ref(const struct invoker *inv);

/* Does a target entry of a status mean this invoker's target? */
bool invoker_is_target(const struct invoker *inv, const struct json *ref);

/*
 * The labels of whatever belongs to the invoker: its own, component and managed-by; the caller
 * frees.
 */
struct json *invoker_labels(const struct invoker *inv);
/* Of a BackupSession: those, and the labels that tell invoker and target; the caller frees. */
struct json *invoker_session_labels(const struct invoker *inv);

/*
 * A new BackupSession of a BackupConfiguration, owned by it, named after it and the second
 * `unix_s`. The caller frees.
 */
struct json *invoker_new_session(const struct invoker *inv, int64_t unix_s, int64_t retry_left);

/* The rule for host `inv->alias`, or the one for everybody, or NULL. Borrowed. */
const struct json *invoker_rule(const struct invoker *inv);

/*
 * May an object in `ns` use a Repository? `ns_labels` is metadata.labels of that namespace,
 * NULL when it is not known (a selector matches nothing then). `matches` evaluates a LabelSelector.
 */
bool repository_allows(const struct json *repo, const char *ns, const struct json *ns_labels,
                       bool (*matches)(const struct json *selector, const struct json *labels));
/* Does that question need the labels? */
bool repository_asks_labels(const struct json *repo);

#endif
