/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

#define RES(group_, version_, plural_, kind_, namespaced_)                                         \
    {                                                                                              \
        .group = (group_), .version = (version_), .plural = (plural_), .kind = (kind_),            \
        .namespaced = (namespaced_)                                                                \
    }

const struct kube_gvr GVR_REPOSITORY =
    RES(STASH_GROUP, "v1alpha1", "repositories", "Repository", true);
const struct kube_gvr GVR_BACKUP_CONFIGURATION =
    RES(STASH_GROUP, STASH_VERSION, "backupconfigurations", "BackupConfiguration", true);
const struct kube_gvr GVR_BACKUP_SESSION =
    RES(STASH_GROUP, STASH_VERSION, "backupsessions", "BackupSession", true);
const struct kube_gvr GVR_RESTORE_SESSION =
    RES(STASH_GROUP, STASH_VERSION, "restoresessions", "RestoreSession", true);
const struct kube_gvr GVR_TASK = RES(STASH_GROUP, STASH_VERSION, "tasks", "Task", false);
const struct kube_gvr GVR_FUNCTION =
    RES(STASH_GROUP, STASH_VERSION, "functions", "Function", false);
const struct kube_gvr GVR_APP_BINDING =
    RES(APPCATALOG_GROUP, "v1alpha1", "appbindings", "AppBinding", true);
const struct kube_gvr GVR_BACKUP_BLUEPRINT =
    RES(STASH_GROUP, STASH_VERSION, "backupblueprints", "BackupBlueprint", false);
const struct kube_gvr GVR_BACKUP_BATCH =
    RES(STASH_GROUP, STASH_VERSION, "backupbatches", "BackupBatch", true);
const struct kube_gvr GVR_RESTORE_BATCH =
    RES(STASH_GROUP, STASH_VERSION, "restorebatches", "RestoreBatch", true);
