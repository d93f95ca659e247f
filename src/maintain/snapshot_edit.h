/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_SNAPSHOT_EDIT_H
#define MAINTAIN_SNAPSHOT_EDIT_H

/*
 * maintain/snapshot_edit -- a snapshot changes: another file takes the place of its file.
 *
 * Order    the new file is durable before the old one is removed: after a stop in between both are
 *          there, never none.
 * Locks    exclusive, by the caller.
 */
#include "repo/snapshots.h"
#include "repo/repo.h"

/* Each says whether anything changed. A tag is there once; "" is none. */
bool snapshot_set_tags(struct snapshot *s, const char *const *tags, size_t n);
bool snapshot_add_tag(struct snapshot *s, const char *tag);
bool snapshot_remove_tag(struct snapshot *s, const char *tag);

/*
 * Write what was changed in `s`, with `original` naming the first of its line; s->id becomes the
 * new name. The old file is removed unless `keep`.
 */
NODISCARD enum rc snapshot_replace(struct ctx *cx, struct repo *r, struct snapshot *s, bool keep,
                                   struct err *e);

/*
 * Name the target in the brief, in place of the one that stands there; false: it is that already,
 * or the snapshot has no brief.
 */
bool snapshot_set_target(struct snapshot *s, const struct target *t);
/* Tag it, and say in its brief that it is what a repair left, without the counts of what it was. */
void snapshot_set_repaired(struct snapshot *s);
/*
 * All snapshots of the target `from` ("name" or "name@scope") become those of `to`. `*n` counts
 * them, also when it fails; who calls again goes on.
 */
NODISCARD enum rc snapshots_adopt(struct ctx *cx, struct repo *r, const char *from,
                                  const struct target *to, size_t *n, struct err *e);

#endif
