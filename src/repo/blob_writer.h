/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_BLOB_WRITER_H
#define REPO_BLOB_WRITER_H

/*
 * repo/blob_writer -- blobs that come one by one into new packs: for copy and repair.
 *
 * Shape    blob_writer_open, add as often as wanted, blob_writer_finish or blob_writer_abort. What
 *          the repository has, or this writer has taken already, is not written again.
 * Order    packs are durable before the index files that list them; all is durable and indexed when
 *          finish returns RC_OK.
 * Threads  one.
 * Locks    the caller holds the repository's lock. The index is loaded by open if need be.
 */
#include "repo/blob_maker.h"
#include "crypto/idset.h"

struct blob_writer;

struct blob_writer_opts {
    enum save_compression compression;
    const struct idset *lost; /* packs whose copies do not count as had; borrowed; may be NULL */
};

/* `opts` may be NULL. */
NODISCARD enum rc blob_writer_open(struct ctx *cx, struct repo *r,
                                   const struct blob_writer_opts *opts, struct blob_writer **out,
                                   struct err *e);

bool blob_writer_has(const struct blob_writer *w, enum blob_type type, const struct id *id);

/*
 * The n bytes at p, whose hash is `id`. p[-SEAL_IV .. n + SEAL_MAC) may be written over.
 */
NODISCARD enum rc blob_writer_add(struct blob_writer *w, enum blob_type type, const struct id *id,
                                  uint8_t *p, size_t n, struct err *e);
/* Bytes and blobs that were new so far. */
struct blob_writer_stats {
    uint64_t blobs, bytes, stored_bytes;
};
struct blob_writer_stats blob_writer_stats(const struct blob_writer *w);

/* Frees the writer, whatever it returns. The index has to be loaded again. */
NODISCARD enum rc blob_writer_finish(struct blob_writer *w, struct err *e);
/* NULL is a no-op. */
void blob_writer_abort(struct blob_writer *w);

#endif
