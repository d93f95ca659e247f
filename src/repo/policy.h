/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_POLICY_H
#define REPO_POLICY_H

/*
 * repo/policy -- which snapshots of a group stay.
 *
 * Shape    pure: snapshots in, a mark per snapshot out. The caller groups and removes.
 * Rules    newest first; each of the periods (last, hour, day, ISO week, month, year, by the
 *          snapshot's own clock) keeps the newest of as many different values as it is told; a
 *          period that is not used up keeps the oldest snapshot too; a tag keeps all that have it.
 * Source   restic doc/060_forget.rst "Removing snapshots according to a policy", as of 0.16 and
 *          later (earlier ones do not keep the oldest).
 */
#include "repo/snapshots.h"

struct policy {
    int64_t last, hourly, daily, weekly, monthly, yearly; /* 0: not wanted, -1: all */
    const char *const *tags;
    size_t n_tags;
};

/* Does it keep nothing at all? Then it must not be applied. */
bool policy_is_empty(const struct policy *p);

/* `list` is one group, in any order; keep[i] gets whether list[i] stays. */
void policy_apply(const struct policy *p, const struct snapshot *list, size_t n, bool *keep);

#endif
