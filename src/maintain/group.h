/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_GROUP_H
#define MAINTAIN_GROUP_H

/*
 * maintain/group -- snapshots of the same origin, each lot of which a policy judges for itself.
 *
 * Source   restic doc/060_forget.rst, --group-by; paths and tags count as sets.
 */
#include "repo/snapshots.h"

/* GROUP_OWNER: by target and part, for lists that targets_number has seen. */
enum { GROUP_HOST = 1, GROUP_PATHS = 2, GROUP_TAGS = 4, GROUP_OWNER = 8 };

/* "host,paths,tags", any of them, or nothing: one group. RC_INVALID names the word. */
NODISCARD enum rc group_parse(const char *text, unsigned *by, struct err *e);

/*
 * Bring each group together, newest first, and sort the paths and tags within the snapshots.
 * Groups are in the order of their keys.
 */
void group_sort(struct snapshot *list, size_t n, unsigned by);
/* How many of the front of a list so sorted are one group; 0 when it is empty. */
size_t group_length(const struct snapshot *list, size_t n, unsigned by);

#endif
