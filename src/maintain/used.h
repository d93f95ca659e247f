/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_USED_H
#define MAINTAIN_USED_H

/*
 * maintain/used -- which blobs the snapshots need.
 *
 * Shape    one byte for each blob of the index, by its number. Of several copies of a blob the
 *          first is marked.
 * Memory   one byte per blob, and for each thread the tree that it reads.
 * Errors   RC_CORRUPT when a tree cannot be read or a blob is in no index file: names it.
 */
#include "repo/snapshots.h"

/* The index is loaded. `*out` is 0 or 1 for each blob; the caller frees it (mem_free). */
NODISCARD enum rc used_find(struct ctx *cx, struct repo *r, const struct snapshot *list, size_t n,
                            uint8_t **out, struct err *e);

#endif
