/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_RESOURCES_H
#define API_RESOURCES_H

/*
 * api/resources -- our kinds as the client of the API asks for them.
 */
#include "api/kinds.h"
#include "kube/kube.h"

extern const struct kube_kind RES_REPOSITORY, RES_BACKUP_CONFIGURATION, RES_BACKUP_SESSION,
    RES_RESTORE_SESSION, RES_TASK, RES_FUNCTION, RES_APP_BINDING, RES_BACKUP_BLUEPRINT,
    RES_BACKUP_BATCH, RES_RESTORE_BATCH;

#endif
