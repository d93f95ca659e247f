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

#define FINALIZER_REPOSITORY "stash"
#define FINALIZER_INVOKER "stash.appscode.com"

#define DEFAULT_HOST "host-0"
#define SCRATCH_DIR "/stash-tmp"

extern const struct crd_def kind_repository, kind_backupconfiguration, kind_backupsession,
    kind_restoresession, kind_task, kind_function, kind_backupblueprint, kind_backupbatch,
    kind_restorebatch, kind_appbinding;

extern const struct kube_gvr GVR_REPOSITORY, GVR_BACKUP_CONFIGURATION, GVR_BACKUP_SESSION,
    GVR_RESTORE_SESSION, GVR_TASK, GVR_FUNCTION, GVR_APP_BINDING, GVR_BACKUP_BLUEPRINT,
    GVR_BACKUP_BATCH, GVR_RESTORE_BATCH;

/* All of them, `*n` in number. */
const struct crd_def *const *kinds_all(size_t *n);

#endif
