/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_CHECK_DUMPS_H
#define JOB_CHECK_DUMPS_H

/*
 * job/check_dumps -- would a restore take the dumps of a repository?
 *
 * Why      whole packs may hold a dump that no restore takes: cut before it was stored, with
 *          commands that write no data, not what its manifest says.
 * Shape    each is read as a restore reads it, into nowhere (job/restore, dry run).
 * Which    the newest snapshot of each target, and all whose dump nothing vouches for: those without
 *          a manifest, or with one of an older program. Files that are not dumps are passed over.
 * Errors   problems go to `problem`, one text for each snapshot; RC_CANCELLED, RC_TIMEOUT.
 */
#include "repo/repo.h"

struct checked_dumps {
    uint64_t read, refused;
};

/* The index is loaded. */
NODISCARD enum rc check_dumps(struct ctx *cx, struct repo *r,
                              void (*problem)(void *arg, const char *text), void *arg,
                              struct checked_dumps *out, struct err *e);

#endif
