/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_INVOKER_H
#define API_INVOKER_H

/*
 * api/invoker -- what BackupConfiguration, BackupBatch, RestoreSession and RestoreBatch have in common: targets, tasks,
 * a repository, settings.
 *
 * Shape    a view: everything is borrowed from the object, with names and namespaces filled in. It is on one member of
 *          the invoker; a BackupConfiguration and a RestoreSession are their own and only one. What is of the whole
 *          (repository, schedule, retention, time limit) is the same in every view.
 * Source   Stash's API: an empty namespace is the invoker's own, the old
 *          top-level rules of a RestoreSession go before those of its target.
 */
#include "json/node.h"

#define INVOKER_WHOLE ((size_t)-1)
/* spec.executionOrder of a batch. */
#define ORDER_PARALLEL "Parallel"
#define ORDER_SEQUENTIAL "Sequential"

struct invoker {
    const struct json *obj, *spec;
    const char *kind, *ns, *name;
    bool restore, batch;
    bool planned;    /* a restore that only says whether it would work: its hooks are left out */
    bool sequential; /* a member begins when the one before has ended */
    size_t n, at;    /* members, and which this is; at INVOKER_WHOLE: see invoker_whole */
    const struct json *retention;
    /* of the member */
    const struct json *target, *task, *runtime, *temp_dir, *interim, *hooks, *rules;
    const struct json *choice; /* of a restore (api/restore_choice); NULL: there is none */
    const char *alias;         /* "" when there is none */
    const char *target_api, *target_kind, *target_name, *target_ns;
    const char *target_ns_given; /* as it stands there, "" when it does not */
    const char *repo_name, *repo_ns;
    const char *driver;
    int64_t timeout_ms; /* 0: none */
};

/* Of an invoker's first member, by its kind. A batch may have none (n is 0): then there is no target. */
void invoker_view(const struct json *obj, struct invoker *out);
/* Another member of the same, `at` < n, or INVOKER_WHOLE; `out` may be `inv`. */
void invoker_member(const struct invoker *inv, size_t at, struct invoker *out);
/*
 * What is of no member of a batch: the hooks and the runtimeSettings of the whole, and no target. Of any other invoker
 * the same as its member.
 */
void invoker_whole(const struct invoker *inv, struct invoker *out);
/* The member that has this target, in `out`; `ns` "" is the invoker's. False: none has. */
bool invoker_find(const struct invoker *inv, const char *kind, const char *ns, const char *name,
                  struct invoker *out);
/* Do two views mean the same target? */
bool invoker_same_target(const struct invoker *a, const struct invoker *b);
/* Where it stands in the object, for errors: "spec", "spec.members[1]". Returns `to`. */
enum { INVOKER_PATH = 40 };
const char *invoker_path(const struct invoker *inv, char to[static INVOKER_PATH]);
/* The host of its snapshots. */
const char *invoker_host(const struct invoker *inv);

/*
 * Could anything come of it and all its members, now or later? kind_validate has found the types right. RC_INVALID names
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
 * Where results and conditions of the target stand in the status of a session (the invoker's own, when it restores): an
 * entry of status.targets or status.members, or the status itself of a RestoreSession and of the whole. NULL: there is
 * no entry yet. `*at` (may be NULL): which one, 0 where there is no list.
 */
struct json *invoker_place(const struct invoker *inv, struct json *status, size_t *at);
/* The same, made if it is not there. */
struct json *invoker_need_place(const struct invoker *inv, struct json *status);

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
