/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_POLICY_H
#define MAINTAIN_POLICY_H

/*
 * maintain/policy -- which snapshots of a group stay, and why.
 *
 * Shape    pure: snapshots in, a mark per snapshot out. The caller groups and removes.
 * Rules    newest first. For each period (every snapshot, hour, day, ISO week, month, year, by the
 *          snapshot's own clock) `count` keeps the newest of as many different values as it says,
 *          `within` those of all values since so long before the latest; one that is not used up
 *          keeps the oldest snapshot too. Tags keep all that have them.
 * Source   restic doc/060_forget.rst "Removing snapshots according to a policy", as of 0.16 and
 *          later (earlier ones do not keep the oldest); texts of the reasons as `restic forget`
 *          prints them.
 */
#include "repo/snapshots.h"

enum policy_period {
    POLICY_LAST,
    POLICY_HOURLY,
    POLICY_DAILY,
    POLICY_WEEKLY,
    POLICY_MONTHLY,
    POLICY_YEARLY,
    POLICY_PERIODS
};

/* A time of the calendar: a month is not a number of days. */
struct policy_span {
    int years, months, days, hours;
};

struct policy {
    int64_t count[POLICY_PERIODS];             /* 0: not wanted, -1: all */
    struct policy_span within[POLICY_PERIODS]; /* zero: not wanted */
    const char *const *tags;                   /* as for snapshot_has_tags */
    size_t n_tags;
};

/* "12", or "unlimited": -1. RC_INVALID. */
NODISCARD enum rc policy_count_parse(struct str text, int64_t *out, struct err *e);
/* "1y5m7d2h", any of them, in that order or another. RC_INVALID. */
NODISCARD enum rc policy_span_parse(struct str text, struct policy_span *out, struct err *e);

/*
 * On the calendar of the time's own zone; a day that the month lacks runs over into the next one,
 * as everywhere in Go.
 */
struct instant policy_before(struct instant t, const struct policy_span *s);

/* Does it keep nothing at all? Then it must not be applied. */
bool policy_is_empty(const struct policy *p);

/*
 * Of the copies that restores took (snapshot.safety), which no rule keeps or counts: is this one older than `keep` now?
 * POLICY_SAFETY_DAYS where nobody said how long.
 */
enum { POLICY_SAFETY_DAYS = 7 };
bool policy_is_old_copy(const struct policy_span *keep, const struct snapshot *s,
                        struct instant now);

/* Which rules keep a snapshot: a bit (1 << period) per rule. */
struct policy_mark {
    bool keep;
    uint8_t count, within;               /* by a value of its own */
    uint8_t oldest_count, oldest_within; /* as the oldest of all */
};

/*
 * `list` is one group, in any order; marks[i] is about list[i]. `now`: the latest snapshot that
 * `within` counts from is not in the future.
 */
void policy_apply(const struct policy *p, const struct snapshot *list, size_t n, struct instant now,
                  struct policy_mark *marks);

/* The reasons in restic's words, such as "daily snapshot" or "hourly within 2d". */
void policy_reasons(const struct policy *p, const struct snapshot *s, const struct policy_mark *m,
                    void (*fn)(void *arg, const char *text), void *arg);

#endif
