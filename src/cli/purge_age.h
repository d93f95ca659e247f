/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PURGE_AGE_H
#define CLI_PURGE_AGE_H

/*
 * cli/purge_age -- how old a repository must be to be purged: "1y6mo", as in Stash's plug-in.
 *
 * Units    y, mo, d, h, m, s: years and months of the calendar, minutes. In any order; what is said twice adds up.
 */
#include "maintain/policy.h"

struct purge_age {
    struct policy_span calendar; /* years, months, days */
    int64_t seconds;
};

/* RC_INVALID: it is not such a time, or none at all ("0d"). */
NODISCARD enum rc purge_age_parse(const char *text, struct purge_age *out, struct err *e);
/* That long before `now_ms`, in unix ms, on the calendar of UTC. */
int64_t purge_age_before(const struct purge_age *a, int64_t now_ms);

#endif
