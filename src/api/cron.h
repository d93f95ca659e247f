/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CRON_H
#define API_CRON_H

/*
 * api/cron -- when a schedule is due.
 *
 * Syntax   "minute hour day-of-month month day-of-week": *, lists, ranges, steps, names of months
 *          and days, ? for *, 7 for Sunday (not in robfig's); "a/step" goes on to the end of the
 *          field (Saturday), "a-a/step" is a alone; empty elements of a list are none; @yearly @annually @monthly @weekly @daily @midnight
 *          @hourly, "@every 1h30m"; "CRON_TZ=Europe/Berlin" or "TZ=..." in front. When both days
 *          are restricted either one is enough, as in every cron.
 * Zones    from the system's zone files; NULL: UTC. A time that a change to summer time leaves out
 *          does not happen; one that comes twice happens once.
 * Errors   RC_INVALID: names the field that is wrong, or the zone that is unknown.
 * Source   robfig/cron v3 as Kubernetes uses it; IEEE Std 1003.1 crontab; RFC 8536 for zone files.
 * Ownership  cron_release.
 */
#include <stdint.h>

#include "base/err.h"

struct zone;

struct cron {
    uint64_t minutes, hours, days, months, weekdays; /* bit n: n is due */
    bool any_day, any_weekday;                       /* "*" or "?" */
    int64_t every_ms;                                /* @every; else 0 */
    struct zone *zone;                               /* NULL: UTC */
};

/* `time_zone` NULL: UTC, unless the schedule names one. */
NODISCARD enum rc cron_parse(const char *schedule, const char *time_zone, struct cron *out,
                             struct err *e);
void cron_release(struct cron *c);

/* The first time after `after_ms` (unix ms); 0: none within five years. */
int64_t cron_next(const struct cron *c, int64_t after_ms);

#endif
