/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_RECORD_H
#define OPERATOR_RECORD_H

/*
 * operator/record -- what the sessions of a BackupConfiguration or BackupBatch were, kept in its status.
 *
 * Why      sessions go, with the history or by hand, and operators restart; whoever is on call asks for the last success
 *          all the same. Series of state (state_series.c) and objectives (objective.h) read this alone.
 * Shape    pure: `status` is that of the invoker. lastRunTime, lastSuccessTime, lastFailureTime are when a session began; lastBackup
 *          has figures of the last session that succeeded (api/shared_internal.h: FIELDS_RECORD).
 */
#include "json/node.h"

#define RECORD_RUN "lastRunTime"
#define RECORD_SUCCESS "lastSuccessTime"
#define RECORD_FAILURE "lastFailureTime"
#define RECORD_BACKUP "lastBackup"
#define RECORD_VERIFIED "lastVerifiedTime"
#define RECORD_RESTORE "restoreSeconds"

/* A session's turn has come: its slot is not missed, whatever becomes of it. */
void record_begin(struct json *status, const struct json *session);
/* It ended in this phase. One that is older than what is noted changes nothing. */
void record_end(struct json *status, const struct json *session, const char *phase, int64_t now_ms);
/* A verification of its backups, with this status, has a result. Several may: the newest good one counts. */
void record_verified(struct json *status, const struct json *verification);

#endif
