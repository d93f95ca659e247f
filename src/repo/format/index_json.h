/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_FORMAT_INDEX_JSON_H
#define REPO_FORMAT_INDEX_JSON_H

/*
 * repo/format/index_json -- index files: which blob is where.
 *
 * Shape    read pack by pack from a stream, since one file may list 150,000 blobs.
 * Errors   RC_CORRUPT; RC_LIMIT above INDEX_PACK_BLOBS blobs in a pack; what the callback or stream
 *          gives.
 * Source   restic doc/design.rst "Indexing".
 */
#include "base/stream.h"
#include "repo/format/pack.h"

enum { INDEX_PACK_BLOBS = 1 << 20 };

struct index_pack {
    struct id id;
    const struct pack_entry *blobs; /* any order */
    size_t n;
};

/* A pack of the file, borrowed for the call. */
typedef enum rc index_pack_fn(void *arg, const struct index_pack *pack, struct err *e);

NODISCARD enum rc index_encode(const struct index_pack *packs, size_t n, struct buf *out,
                               struct err *e);
NODISCARD enum rc index_decode(struct rd *json, unsigned version, index_pack_fn *fn, void *arg,
                               struct err *e);

#endif
