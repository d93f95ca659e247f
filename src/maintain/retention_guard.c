/* SPDX-License-Identifier: Apache-2.0 */
#include "maintain/retention_guard.h"

#include <inttypes.h>
#include <stdio.h>

enum { CLOCKS_DIFFER_S = 10 * 60, PERCENT = 100 };

/* The newest one that was not made in the future, or n. */
static size_t
retention_guard_newest(const struct snapshot *list, size_t n, struct instant now)
{
    size_t best = n;

    now.sec += CLOCKS_DIFFER_S;
    for (size_t i = 0; i < n; i++)
        if (instant_cmp(list[i].time, now) <= 0 &&
            (best == n || instant_cmp(list[i].time, list[best].time) > 0))
            best = i;
    return best;
}

bool
retention_guard_holds(const struct retention_guard *b, const struct snapshot *list,
                      const struct policy_mark *marks, size_t n, struct instant now,
                      char why[static RETENTION_GUARD_TEXT])
{
    size_t last = retention_guard_newest(list, n, now);
    uint64_t gone = 0;

    for (size_t i = 0; i < n; i++)
        gone += !marks[i].keep;
    if (gone == 0)
        return false;
    if (gone == n) {
        (void)snprintf(why, RETENTION_GUARD_TEXT, "none of the %zu %s would stay", n,
                       str_plural(n, "snapshot", "snapshots"));
        return true;
    }
    if (last < n && !marks[last].keep) {
        char text[INSTANT_TEXT];

        (void)snprintf(
            why, RETENTION_GUARD_TEXT,
            "the last snapshot, of %s, would go, and only such would stay as are older or "
            "made in the future; look at the clocks",
            instant_format(list[last].time, text));
        return true;
    }
    if (gone <= MAX((uint64_t)RETENTION_GUARD_FEW, b->allowed) ||
        gone * PERCENT <= n * (uint64_t)b->share)
        return false;
    (void)snprintf(why, RETENTION_GUARD_TEXT,
                   "%" PRIu64 " of %zu snapshots would go at once, more than %u%% of them", gone, n,
                   b->share);
    return true;
}
