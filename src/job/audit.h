/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_AUDIT_H
#define JOB_AUDIT_H

/*
 * job/audit -- is a backup what its maker said that it is?
 *
 * Why      Stash's tool saves what it has when its connection is lost or a key is of a type that it does not
 *          know, and its session succeeds. Only the number at the end of its dumps tells.
 * Ours     the trailer, and counts and digest of the manifest.
 * Stash's  the marker at the end: so many keys its source had. None: it was cut. The dumps of filtered backups
 *          (-filter, -db) have the same number, and keys may have expired meanwhile: that cannot be told apart.
 * Others   an RDB by its own end and checksum. Commands without an end of either kind are taken for a dump of Stash that was
 *          cut, since nobody can say that they are whole.
 * Counting names are counted once, though Stash's commands of several keys may interleave: by hashes (dump/name_set); of
 *          dumps with more names in several passes.
 * Errors   what is wrong with the snapshot stands in the row; errors of the store and RC_CANCELLED are returned.
 */
#include "dump/dataset_digest.h"
#include "repo/repo.h"
#include "repo/snapshots.h"

enum audit_maker { AUDIT_OURS, AUDIT_STASH, AUDIT_RDB, AUDIT_NOBODY };
enum audit_state { AUDIT_COMPLETE, AUDIT_INCOMPLETE, AUDIT_NO_DUMP };

enum { AUDIT_WORDS = 480 };

struct audit_row {
    enum audit_maker maker;
    enum audit_state state;
    bool told;                  /* `said` is known */
    uint64_t said, found;       /* keys */
    uint64_t types[KV_N_TYPES]; /* of those found */
    char why[AUDIT_WORDS];      /* of AUDIT_INCOMPLETE and AUDIT_NO_DUMP */
};

/* Reads all of its dump. The index is loaded. */
NODISCARD enum rc audit_snapshot(struct ctx *cx, struct repo *r, const struct snapshot *snap,
                                 struct audit_row *out, struct err *e);

#endif
