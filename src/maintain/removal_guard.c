/* SPDX-License-Identifier: Apache-2.0 */
#include "maintain/removal_guard.h"

#include "maintain/shrink.h"
#include "repo/verdict.h"

static bool
is_of_same(const struct snapshot *a, const struct snapshot *b)
{
    return a->owner == b->owner &&
           (a->owner != 0 || strcmp(a->hostname != NULL ? a->hostname : "",
                                    b->hostname != NULL ? b->hostname : "") == 0);
}

/* A copy that a restore took is not of its target's history. */
static bool
is_verified(const struct snapshot *s)
{
    return !s->safety && verdict_good(s) != NULL;
}

void
removal_pins(struct snapshot *list, size_t n)
{
    targets_number(list, n);
    shrink_pins(list, n);
    for (size_t i = 0; i < n; i++)
        list[i].last_verified = is_verified(&list[i]);
    for (size_t i = n; i-- > 0;)
        for (size_t k = 0; k < i && list[i].last_verified; k++)
            list[k].last_verified = list[k].last_verified && !is_of_same(&list[k], &list[i]);
}

static bool
is_only_verified(const struct snapshot *list, size_t n, size_t at)
{
    for (size_t i = 0; i < n; i++)
        if (i != at && is_verified(&list[i]) && is_of_same(&list[i], &list[at]))
            return false;
    return is_verified(&list[at]);
}

const char *
removal_guard(const struct snapshot *list, size_t n, size_t at)
{
    const struct snapshot *s = &list[at];

    if (s->pinned)
        return "it is pinned: its target has lost most of its keys since";
    if (is_only_verified(list, n, at))
        return "it is the only one of its target that was verified";
    if (!snapshot_is_backup(s))
        return NULL;
    for (size_t i = at + 1; i < n; i++)
        if (snapshot_is_backup(&list[i]) && is_of_same(&list[i], s))
            return NULL;
    return "it is the newest whole snapshot of its target";
}
