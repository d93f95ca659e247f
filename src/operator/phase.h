/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_PHASE_H
#define OPERATOR_PHASE_H

/*
 * operator/phase -- what a status amounts to, in one word.
 *
 * Why      dashboards and scripts wait for these words; they follow from conditions and host
 *          results alone, so they are computed here and written by one controller each.
 * Source   Stash. Differences: a Pushgateway that is away fails no
 *          session; a RestoreSession that is not allowed is Invalid and does not run.
 * Ownership  what is returned is static.
 */
#include "json/node.h"

/* Of a BackupConfiguration or a BackupBatch. */
const char *phase_configuration(const struct json *status, const char *driver);

/* Of one entry of status.targets. */
const char *phase_target(const struct json *target);
const char *phase_session(const struct json *status);
/* Of a RestoreSession or a RestoreBatch. */
const char *phase_restore(const struct json *status);

/* Has a target come to an end: its phase, or NULL. Of a RestoreSession all stands in the status itself. */
const char *phase_restore_target(const struct json *holder);
/* Of one entry of status.members of a RestoreBatch. */
const char *phase_restore_member(const struct json *member);

/* Was the hook before all members of a batch started? */
bool phase_has_begun(const struct json *status);

bool phase_is_final(const char *phase);

#endif
