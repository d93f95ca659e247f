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
 *          Another kind of file under the name of a dump is a hint.
 * Errors   problems go to `problem`, one text for each snapshot; RC_CANCELLED, RC_TIMEOUT.
 */
#include "repo/repo.h"
#include "repo/snapshots.h"

struct checked_dumps {
    uint64_t read, refused;
};

struct check_dumps_on {
    void (*problem)(void *arg, const char *text);
    void (*hint)(void *arg, const char *text); /* odd, and no error */
    void *arg;
};

/* The index is loaded. */
NODISCARD enum rc check_dumps(struct ctx *cx, struct repo *r, const struct check_dumps_on *on,
                              struct checked_dumps *out, struct err *e);

/*
 * Read all of one snapshot: a dump as a restore would, files of others byte by byte. The index is
 * loaded. RC_CORRUPT and others: names the snapshot and what a restore would say.
 */
NODISCARD enum rc snapshot_read(struct ctx *cx, struct repo *r, const struct snapshot *snap,
                                struct err *e);

#endif
