/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshot: what Jobs show of a repository (job/snapshot_objects.h). */
#include "operator/operator_internal.h"

/* Where Stash's own API server still answers for this group, or the definition is not there yet, the rest works. */
const struct watched_ops watched_snapshot = {.optional = true};
