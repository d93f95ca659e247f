/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_FORMAT_CHUNKER_H
#define REPO_FORMAT_CHUNKER_H

/*
 * repo/format/chunker -- cut a byte stream where its content says so.
 *
 * Why      a small change in a dump moves few cuts, so most chunks are already stored.
 * Shape    a chunk ends at the first position, at least CHUNKER_MIN into it, where the Rabin
 *          fingerprint of the 64 bytes before is 0 in its low 20 bits; at CHUNKER_MAX at the
 *          latest.
 * Speed    a fingerprint depends on 64 bytes only, so four stretches of the chunk are scanned side
 *          by side: one rolling fingerprint alone waits for its own table look-ups.
 * Threads  the tables are constant after chunker_init; one struct chunk_scan per stream.
 * Source   restic doc/design.rst "Backups and Deduplication"; the vectors in chunker_test.c.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    CHUNKER_MIN = 512 * 1024,
    CHUNKER_MAX = 8 * 1024 * 1024,
    CHUNKER_WINDOW = 64,
    CHUNKER_SPLIT_BITS = 20
};

struct chunker {
    uint64_t mod[256]; /* what the 8 bits above the degree become; clears them too */
    uint64_t out[256]; /* what a byte is worth when it leaves the window with the next append */
};

/* `poly` is a good one (poly_is_good). */
void chunker_init(struct chunker *c, uint64_t poly);

/* How far the current chunk was looked at. */
struct chunk_scan {
    size_t done;
};

static inline void
chunk_scan_start(struct chunk_scan *s)
{
    s->done = 0;
}

/*
 * `chunk` are the first n bytes of the current chunk, the same ones as in the last call and more
 * behind. Returns the length of the chunk if it ends within them, else 0. Start afresh after a cut.
 * The cuts do not depend on how the stream is split into calls.
 */
size_t chunker_scan(const struct chunker *c, struct chunk_scan *s, const uint8_t *chunk, size_t n);

/* The fingerprint of up to 64 bytes, for tests. */
uint64_t chunker_fingerprint(const struct chunker *c, const uint8_t *p, size_t n);

#endif
