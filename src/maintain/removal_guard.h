/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_REMOVAL_GUARD_H
#define MAINTAIN_REMOVAL_GUARD_H

/*
 * maintain/removal_guard -- may this one snapshot be removed without a second thought?
 *
 * Why      who removes one by its name may not know what it is: the last good one before a target lost its keys, the only one
 *          that was verified, or all that `latest` can find. Nor does a policy.
 * Threads  pure.
 */
#include "repo/snapshots.h"

/*
 * Number the targets of the list (the whole repository, oldest first), and set what no policy removes: `pinned` (shrink_pins), and
 * `last_verified`: of each target, or host where it names none, the newest that a verification found good.
 */
void removal_pins(struct snapshot *list, size_t n);

/*
 * Why list[at] should stay, for people: it is pinned, or the newest whole one of its target (of its host, where it names no
 * target), or the only one that was verified; NULL: it may go. `list`: the whole repository, oldest first, after removal_pins.
 */
const char *removal_guard(const struct snapshot *list, size_t n, size_t at);

#endif
