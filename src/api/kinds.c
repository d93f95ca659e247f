/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"

static const struct crd_def *const all[] = {
    &kind_appbinding,     &kind_backupbatch, &kind_backupblueprint, &kind_backupconfiguration,
    &kind_backupsession,  &kind_function,    &kind_repository,      &kind_restorebatch,
    &kind_restoresession, &kind_task,
};

const struct crd_def *const *
kinds_all(size_t *n)
{
    *n = ARRAY_LEN(all);
    return all;
}
