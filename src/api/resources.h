/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_RESOURCES_H
#define API_RESOURCES_H

/*
 * api/resources -- our kinds as the client of the API asks for them.
 */
#include "api/kinds.h"
#include "kube/kube.h"

extern const struct kube_gvr GVR_REPOSITORY, GVR_BACKUP_CONFIGURATION, GVR_BACKUP_SESSION,
    GVR_RESTORE_SESSION, GVR_TASK, GVR_FUNCTION, GVR_APP_BINDING, GVR_BACKUP_BLUEPRINT,
    GVR_BACKUP_BATCH, GVR_RESTORE_BATCH;

#endif
