/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_PACK_READER_H
#define REPO_PACK_READER_H

/*
 * repo/pack_reader -- a pack by itself, whatever the index says of it: its header, its blobs.
 *
 * Threads  one pack_reader per thread.
 * Limits   PACK_HEADER_MAX, PACK_BLOB_MAX.
 * Errors   RC_CORRUPT and RC_LIMIT are of the pack; the name of the pack is not in them.
 */
#include "repo/repo_internal.h"

enum { PACK_BLOB_MAX = 256 * 1024 * 1024 };

struct pack_reader {
    struct ctx *cx;
    struct repo *repo; /* borrowed */
    struct sealer *sealer;
    struct zstd_dec *zstd;
    uint8_t *sealed, *plain; /* plain: with room for a seal around it */
    size_t sealed_room, plain_room;
};

NODISCARD enum rc pack_reader_init(struct pack_reader *p, struct ctx *cx, struct repo *r,
                                   struct err *e);
void pack_reader_release(struct pack_reader *p);

/*
 * Decode the header of a pack of `bytes`; `tail` gets the bytes behind the blobs. The caller frees
 * `*blobs` (mem_free).
 */
NODISCARD enum rc pack_read_header(struct pack_reader *p, const struct id *pack, uint64_t bytes,
                                   struct buf *tail, struct pack_entry **blobs, size_t *n,
                                   struct err *e);

/* The stored bytes of a blob, b->sealed of them, into p->sealed. */
NODISCARD enum rc pack_read_blob(struct pack_reader *p, const struct id *pack,
                                 const struct pack_entry *b, struct err *e);
/*
 * Open the stored bytes of a blob, decompress it and compare its hash. `sealed` stays as it is, or
 * is p->sealed, where pack_read_blob put them. `*out` are the pack_entry_plain(b) bytes, borrowed
 * until the next call, with room for a seal around them.
 */
NODISCARD enum rc pack_open_blob(struct pack_reader *p, const struct pack_entry *b,
                                 const uint8_t *sealed, uint8_t **out, struct err *e);

#endif
