/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_OBJECTIVE_H
#define OPERATOR_OBJECTIVE_H

/*
 * operator/objective -- what may be lost (RPO) and how long the way back may take (RTO), as a person says by annotation, measured against
 * the status of a BackupConfiguration or BackupBatch.
 *
 * Measured RPO: the time since the last session that succeeded began, or since the object was created. RTO: the last load of a
 *          BackupVerification of level restore; before there is one it is not known.
 * Bad      a value that cannot be read stops no backup: it is told, and counts as breached.
 */
#include "json/node.h"

enum objective { OBJECTIVE_RPO, OBJECTIVE_RTO, OBJECTIVES };
enum objective_state {
    OBJECTIVE_NONE, /* nobody asks for it */
    OBJECTIVE_MET,
    OBJECTIVE_UNKNOWN,
    OBJECTIVE_BREACHED,
    OBJECTIVE_INVALID
};

const char *objective_name(enum objective which); /* "rpo", "rto" */

/* `*limit_ms`: what is asked for; 0 for OBJECTIVE_NONE and OBJECTIVE_INVALID. */
enum objective_state objective_judge(const struct json *obj, enum objective which, int64_t now_ms,
                                     int64_t *limit_ms);

/* In how many ms one that is met now will be breached by time alone; 0: none will. */
int64_t objective_next_ms(const struct json *obj, int64_t now_ms);

/* The condition ObjectivesMet for `obj`, whose status is `status`; an event where it is bad news. */
struct teller;
void objectives_tell(const struct teller *to, const struct json *obj, struct json *status,
                     int64_t now_ms);

#endif
