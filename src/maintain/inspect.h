/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_INSPECT_H
#define MAINTAIN_INSPECT_H

/*
 * maintain/inspect -- what stands in a repository, opened, for people who look into it.
 *
 * Shape    inspect_cat writes one thing: JSON of a file with an indent and a line end (an index
 *          file as it is), a pack or a blob byte for byte. `spec` is an ID or the beginning of one.
 * Errors   RC_NOT_FOUND; RC_INVALID: not an ID, or the beginning of several; RC_CORRUPT.
 */
#include "base/stream.h"
#include "repo/repo.h"

enum inspect_kind {
    INSPECT_CONFIG,
    INSPECT_INDEX,
    INSPECT_SNAPSHOT, /* `spec` as for snapshot_find */
    INSPECT_KEY,
    INSPECT_MASTERKEY, /* the secret that opens everything */
    INSPECT_LOCK,
    INSPECT_PACK, /* RC_CORRUPT after the last byte if its hash is not its name */
    INSPECT_BLOB, /* of either type */
    INSPECT_TREE  /* `spec` is that of a snapshot, which may have ":FOLDER" behind it */
};

/* `spec` is not looked at for INSPECT_CONFIG and INSPECT_MASTERKEY. */
NODISCARD enum rc inspect_cat(struct ctx *cx, struct repo *r, enum inspect_kind kind,
                              const char *spec, struct wr *to, struct err *e);

/* The pack that `spec` means. */
NODISCARD enum rc inspect_find_pack(struct ctx *cx, struct repo *r, const char *spec,
                                    struct id *out, struct err *e);

/* A blob of the index, as often as there are copies of it. */
typedef enum rc inspect_blob_fn(void *arg, bool is_tree, const struct id *id, struct err *e);
NODISCARD enum rc inspect_blobs(struct ctx *cx, struct repo *r, inspect_blob_fn *fn, void *arg,
                                struct err *e);

#endif
