/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_KINDS_H
#define API_KINDS_H

/*
 * api/kinds -- the kinds of Stash, and the words of its contract: groups, labels, finalizers.
 *
 * Source   Stash's API. Nothing here may be renamed: users' YAML, dashboards
 *          and scripts hold these words.
 */
#include "api/schema.h"

#define STASH_GROUP "stash.appscode.com"
#define STASH_VERSION "v1beta1"
#define APPCATALOG_GROUP "appcatalog.appscode.com"

#define LABEL_INVOKER_TYPE "stash.appscode.com/invoker-type"
#define LABEL_INVOKER_NAME "stash.appscode.com/invoker-name"
#define LABEL_TARGET_KIND "stash.appscode.com/target-kind"
#define LABEL_TARGET_NAME "stash.appscode.com/target-name"
#define LABEL_TARGET_NAMESPACE "stash.appscode.com/target-namespace"
#define LABEL_DELETE_JOB "stash.appscode.com/delete-job-on-completion"
#define LABEL_COMPONENT "app.kubernetes.io/component"
#define LABEL_MANAGED_BY "app.kubernetes.io/managed-by"
#define MANAGED_BY_STASH "stash.appscode.com"
#define COMPONENT_BACKUP "stash-backup"
#define COMPONENT_RESTORE "stash-restore"

/* Of a Snapshot. "repository" and "hostname" are Stash's; the third has as many digits of the ID as a label takes. */
#define LABEL_REPOSITORY "repository"
#define LABEL_HOSTNAME "hostname"
#define LABEL_SNAPSHOT_ID "cstash.io/snapshot-id"
#define LABEL_BEFORE_RESTORE "cstash.io/before-restore" /* "true": the copy that a restore took */

#define FINALIZER_REPOSITORY "stash"
#define FINALIZER_INVOKER "stash.appscode.com"
#define FINALIZER_SNAPSHOT "cstash.io/snapshot"

#define DEFAULT_HOST "host-0"
#define SCRATCH_DIR "/stash-tmp"

/* Every kind. The file of each, src/api/NAME.c, defines kind_NAME and GVR_WORD. */
#define KINDS(X)                                                                                   \
    X(appbinding, APP_BINDING)                                                                     \
    X(backupbatch, BACKUP_BATCH)                                                                   \
    X(backupblueprint, BACKUP_BLUEPRINT)                                                           \
    X(backupconfiguration, BACKUP_CONFIGURATION)                                                   \
    X(backupsession, BACKUP_SESSION)                                                               \
    X(backupverification, BACKUP_VERIFICATION)                                                     \
    X(function, FUNCTION)                                                                          \
    X(repository, REPOSITORY)                                                                      \
    X(restorebatch, RESTORE_BATCH)                                                                 \
    X(restoresession, RESTORE_SESSION)                                                             \
    X(snapshot, SNAPSHOT)                                                                          \
    X(snapshotview, SNAPSHOT_VIEW)                                                                 \
    X(task, TASK)

#define KIND_DECLARE(name, word)                                                                   \
    extern const struct crd_def kind_##name;                                                       \
    extern const struct kube_gvr GVR_##word;
KINDS(KIND_DECLARE)
#undef KIND_DECLARE

/*
 * What the Snapshots of a Repository are to be in step with: its last backup, and what a person asks for (NOTE_SHOW_SNAPSHOTS);
 * mem_free. It is kept in status.snapshotsShown once they are. NULL: with nothing yet.
 */
char *snapshots_due(const struct json *repo);

/* All of them, `*n` in number. */
const struct crd_def *const *kinds_all(size_t *n);

#endif
