/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_BLOB_H
#define REPO_BLOB_H

/*
 * repo/blob -- fetch one blob: find it, read it, open it, decompress it, check its hash.
 *
 * Threads  one blob_reader per thread; the repository's index is only read.
 * Errors   RC_CORRUPT names the blob and the pack. A blob that fails in one pack is tried in the
 *          others that hold it.
 */
#include "repo/repo_internal.h"

struct blob_reader {
    struct repo *repo; /* borrowed */
    struct sealer *sealer;
    struct zstd_dec *zstd;
    uint8_t *sealed;
    size_t room;
};

NODISCARD enum rc blob_reader_init(struct blob_reader *b, struct repo *r, struct err *e);
void blob_reader_release(struct blob_reader *b);

/* The plaintext length; RC_CORRUPT when no index file knows the blob. */
NODISCARD enum rc blob_length(struct repo *r, enum blob_type type, const struct id *id, size_t *n,
                              struct err *e);
/* Fill out[0 .. n), n as blob_length says. */
NODISCARD enum rc blob_load(struct ctx *cx, struct blob_reader *b, enum blob_type type,
                            const struct id *id, uint8_t *out, size_t n, struct err *e);
/* Where the first copy of it is. RC_CORRUPT: no index file knows the blob; RC_LIMIT: too large. */
NODISCARD enum rc blob_find(struct repo *r, enum blob_type type, const struct id *id,
                            struct blob_place *out, struct err *e);
/*
 * Open the stored bytes of a blob at `sealed`, which are written over, and decompress them into
 * out[0 .. blob_place_plain(place)): sealed + SEAL_IV where they are not compressed, elsewhere
 * where they are. The hash is not compared: the caller hashes several at once, and calls blob_load
 * for one that fails or differs.
 */
NODISCARD enum rc blob_unseal(struct blob_reader *b, const struct blob_place *place,
                              uint8_t *sealed, uint8_t *out, struct err *e);

#endif
