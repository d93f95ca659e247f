/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_RETENTION_GUARD_H
#define MAINTAIN_RETENTION_GUARD_H

/*
 * maintain/retention_guard -- would a policy remove more than anybody can have meant?
 *
 * Why      retention runs unwatched, after each backup. A slip in a policy or a clock that is wrong
 *          must not cost the history; somebody who means it can say so (docs/adr/0013).
 * Shape    pure: the marks of policy_apply in, a verdict out. It holds - when nothing of the group
 *          would stay; - when the newest snapshot that is not in the future would go: clocks that
 *          ran ahead made others look newer; - when more than RETENTION_GUARD_FEW snapshots, and more than
 *          `share` of the group, would go at once.
 */
#include "maintain/policy.h"

enum {
    RETENTION_GUARD_SHARE = 50 /* percent */,
    RETENTION_GUARD_FEW = 10,
    RETENTION_GUARD_TEXT = 240
};

struct retention_guard {
    unsigned share;   /* percent of the group */
    uint64_t allowed; /* so many may go whatever the share; 0: none but RETENTION_GUARD_FEW */
};

/* `list` is one group, marks[i] about list[i]. When it holds, `why` says so in words. */
bool retention_guard_holds(const struct retention_guard *b, const struct snapshot *list,
                           const struct policy_mark *marks, size_t n, struct instant now,
                           char why[static RETENTION_GUARD_TEXT]);

#endif
