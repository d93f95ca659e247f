/* SPDX-License-Identifier: Apache-2.0 */
#include "maintain/removal_guard.h"

static bool
is_of_same(const struct snapshot *a, const struct snapshot *b)
{
    return a->owner == b->owner &&
           (a->owner != 0 || strcmp(a->hostname != NULL ? a->hostname : "",
                                    b->hostname != NULL ? b->hostname : "") == 0);
}

const char *
removal_guard(const struct snapshot *list, size_t n, size_t at)
{
    const struct snapshot *s = &list[at];

    if (s->pinned)
        return "it is pinned: its target has lost most of its keys since";
    if (!snapshot_is_backup(s))
        return NULL;
    for (size_t i = at + 1; i < n; i++)
        if (snapshot_is_backup(&list[i]) && is_of_same(&list[i], s))
            return NULL;
    return "it is the newest whole snapshot of its target";
}
