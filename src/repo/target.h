/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_TARGET_H
#define REPO_TARGET_H

/*
 * repo/target -- whose data a snapshot holds, and which snapshots belong together.
 *
 * Why      the host of a snapshot is "host-0" for all that Stash backs up, so two servers in one
 *          repository look like one: retention of the one removes the other's only copy, "latest"
 *          restores the other's data.
 * Shape    a target is a name and the scope in which the name is unique (the uid of a cluster, the
 *          ID of a machine), or no scope when the name is enough. Equal name and scope: one target.
 *          Same name and another scope: a namesake.
 * Rules    a snapshot that names no target (Stash's, restic's, older ones of ours) counts for the
 *          only target of its host; where several targets share the host, or none has it, it
 *          stands for itself, as in restic. A partial snapshot belongs to those of the same part; the
 *          copies that restores took of a target (snapshot.safety) belong to each other, and are never `latest`.
 * Threads  pure.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct snapshot;
struct snapshot_filter;

/* Borrowed texts. */
struct target {
    const char *name;  /* NULL: none */
    const char *scope; /* NULL or "": the name is enough */
};

bool target_is(const struct target *t, const struct snapshot *s);
/* Does `want`, "name" or "name@scope", mean its target? */
bool target_named(const char *want, const struct snapshot *s);

/* Parts, such as "--db 3 --match 'user:*'": both NULL, or the same text. */
bool target_same_part(const char *a, const char *b);

/*
 * Give every snapshot its `owner`: equal numbers for what is of one target, part and kind; 0 for what
 * names none and counts for none.
 */
void targets_number(struct snapshot *list, size_t n);

/*
 * The snapshots that "latest" may mean, of those of the list that match `f`: chosen[i] says of
 * list[i]. They are of one target: that of f->target; else f->own if it has any; else the only one
 * that has any. Where f->own has parts alone, these count (f->only_part) or nothing does. RC_NOT_FOUND;
 * RC_INVALID: several targets have some, and are named.
 */
NODISCARD enum rc targets_choose(struct snapshot *list, size_t n, const struct snapshot_filter *f,
                                 bool *chosen, struct err *e);

#endif
