/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_REMOVAL_GUARD_H
#define MAINTAIN_REMOVAL_GUARD_H

/*
 * maintain/removal_guard -- may this one snapshot be removed without a second thought?
 *
 * Why      who removes one by its name may not know what it is: the last good one before a target lost its keys, or all that
 *          `latest` can find.
 * Threads  pure.
 */
#include "repo/snapshots.h"

/*
 * Why list[at] should stay, for people: it is pinned, or the newest whole one of its target (of its host, where it names no
 * target); NULL: it may go. `list`: the whole repository, oldest first, after targets_number and shrink_pins.
 */
const char *removal_guard(const struct snapshot *list, size_t n, size_t at);

#endif
