/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_DUE_H
#define NODE_DUE_H

/*
 * node/due -- which slots of a schedule have passed unseen.
 *
 * Threads  pure functions.
 * Source   Kubernetes pkg/controller/cronjob/utils.go, mostRecentScheduleTime.
 * Tests    due_test.c
 */
#include "api/cron.h"

enum { DUE_SLOTS_MANY = 100 }; /* more missed slots than this are worth a warning */

struct due_slots {
    int64_t last_ms; /* the latest slot in (since, now]; 0: none */
    int missed;      /* how many there were; DUE_SLOTS_MANY + 1: more than that */
};

struct due_slots due_slots(const struct cron *c, int64_t since_ms, int64_t now_ms);

#endif
