/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_REPAIR_INTERNAL_H
#define MAINTAIN_REPAIR_INTERNAL_H

/* maintain/repair_internal -- what the three repairs share. */
#include "crypto/idset.h"
#include "maintain/repair.h"
#include "repo/engine.h"

void repair_note(const struct repair_opts *opts, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Is this error about the bytes that are stored, and not the end of the work? */
bool repair_is_damage(enum rc rc);

/* repair_index, as if the packs of `drop` (may be NULL) were not there. */
NODISCARD enum rc repair_index_without(struct ctx *cx, struct repo *r, const struct idset *drop,
                                       const struct repair_opts *opts,
                                       struct repair_index_result *out, struct err *e);

#endif
