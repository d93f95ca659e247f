/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_FORMAT_PACK_H
#define REPO_FORMAT_PACK_H

/*
 * repo/format/pack -- the header behind the blobs of a pack file.
 *
 * Shape    pack = sealed blobs || sealed header || u32 length of the sealed header. The header
 *          lists the blobs in the order they stand in; offsets are the running sum.
 * Units    bytes. `sealed` counts the 32 bytes of the seal; `plain` is 0 for a blob that is not
 *          compressed (its plaintext is sealed - 32 bytes long).
 * Errors   RC_CORRUPT.
 * Source   restic doc/design.rst "Pack Format".
 */
#include "base/buf.h"
#include "crypto/id.h"
#include "crypto/seal.h"

enum blob_type { BLOB_DATA, BLOB_TREE };

struct pack_entry {
    struct id id; /* SHA-256 of the plaintext */
    enum blob_type type;
    uint32_t offset, sealed, plain;
};

enum {
    PACK_ENTRY_PLAIN = 37,
    PACK_ENTRY_PACKED = 41,
    PACK_HEADER_MAX = 16 * 1024 * 1024, /* sealed */
    PACK_ENTRIES_MAX = 400000,          /* of a pack we write: the header stays below its limit */
    PACK_LENGTH_BYTES = 4
};

static inline size_t
pack_entry_bytes(const struct pack_entry *b)
{
    return b->plain != 0 ? PACK_ENTRY_PACKED : PACK_ENTRY_PLAIN;
}

/* The plaintext length. */
static inline size_t
pack_entry_plain(const struct pack_entry *b)
{
    return b->plain != 0 ? b->plain : b->sealed - SEAL_OVERHEAD;
}

/* The whole file's size, if these are its blobs. */
uint64_t pack_file_bytes(const struct pack_entry *blobs, size_t n);

/* Append the plaintext header to `out`. */
void pack_header_encode(const struct pack_entry *blobs, size_t n, struct buf *out);

/*
 * From the plaintext header; `blobs_bytes` is what stands before it in the file, `version` the
 * repository's. The caller frees `*out` (mem_free).
 */
NODISCARD enum rc pack_header_decode(struct str header, uint64_t blobs_bytes, unsigned version,
                                     struct pack_entry **out, size_t *n, struct err *e);

#endif
