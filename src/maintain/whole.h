/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_WHOLE_H
#define MAINTAIN_WHOLE_H

/*
 * maintain/whole -- is everything there that these snapshots need, as far as names and sizes tell?
 *
 * Why      a policy counts snapshots. If those that would stay cannot be restored, those that would
 *          go may be the last good ones (docs/adr/0028).
 * Cost     the index, the trees, and one list of the packs; no data is read: that is check's.
 */
#include "repo/snapshots.h"

/* Loads the index if need be. RC_CORRUPT names what is missing. */
NODISCARD enum rc snapshots_prove(struct ctx *cx, struct repo *r, const struct snapshot *list,
                                  size_t n, struct err *e);

#endif
