/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_SLOTS_H
#define OPERATOR_SLOTS_H

/*
 * operator/slots -- since when a schedule stands, and which of its slots passed without a run.
 *
 * Why      "it did not run" must be told also when nothing ran that could say so: a CronJob that is gone, a controller that
 *          sleeps, a configuration that is not ready. So it is computed from two times in the status and the schedule.
 * Shape    pure: from the objects and the time. In a status: activeSchedule, activeSince, intervalSeconds (FIELDS_SLOTS of
 *          api/shared_internal.h). They are not there while the object is paused.
 */
#include "json/node.h"

/* No more slots than these are counted. */
enum { SLOTS_MISSED_MAX = 100 };

/*
 * Note in `status`, of `obj`, the schedule of its spec; one that was changed, or was paused, stands since `now_ms`, and one that was
 * never looked at (no observedGeneration) since `obj` was created. A schedule that cannot be read leaves the last one that could.
 */
void slots_note(const struct json *obj, struct json *status, int64_t now_ms);

/* When the schedule is due next (unix ms); 0: never, or it is paused. */
int64_t slots_next(const struct json *obj, int64_t now_ms);
/* Since when it stands (unix ms); 0: it is paused. */
int64_t slots_since(const struct json *obj);
/* The longest time between two of its next slots, in seconds; 0: it is paused. */
int64_t slots_interval(const struct json *obj);
/*
 * Slots since it stands, and since `last_run_ms` (0: none), at which nothing ran, up to SLOTS_MISSED_MAX. One that is due is given a minute,
 * or half of the interval where that is shorter.
 */
int64_t slots_missed(const struct json *obj, int64_t last_run_ms, int64_t now_ms);

#endif
