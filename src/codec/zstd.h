/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_ZSTD_H
#define CODEC_ZSTD_H

/*
 * codec/zstd -- Zstandard frames: whole blobs into given memory, and a reader for streams.
 *
 * Why      a context kept per thread costs megabytes of set-up once, not per blob.
 * Threads  one compressor or decompressor per thread.
 * Limits   a decompressor takes windows up to 2^27 bytes in streams; blobs need no window.
 *          Dictionaries are not used.
 * Source   RFC 8878.
 */
#include "base/err.h"
#include "base/str.h"
#include "base/stream.h"

struct zstd_enc;

/* How hard to try. Both stay far below the windows that restic's decoder takes. */
enum zstd_effort {
    ZSTD_FAST, /* least time per byte saved; about as dense as restic's "auto" */
    ZSTD_DENSE /* "max" */
};

struct zstd_enc *zstd_enc_new(enum zstd_effort effort);
void zstd_enc_free(struct zstd_enc *c);
/* Room that always suffices for n bytes. */
size_t zstd_bound(size_t n);
/*
 * Compress `in` into one frame at `out` of `room` bytes. The length of the frame, or 0 when it does
 * not fit: what to do with bytes that do not shrink is the caller's choice.
 */
size_t zstd_compress(struct zstd_enc *c, struct str in, uint8_t *out, size_t room);

struct zstd_dec;

struct zstd_dec *zstd_dec_new(void);
void zstd_dec_free(struct zstd_dec *d);
/*
 * Decompress `in` into exactly n bytes at `out`. RC_CORRUPT when it holds anything else. They may
 * share memory, so that `in` is written over, if it ends at least zstd_margin(n) bytes behind what
 * comes out; a frame of far smaller blocks than any compressor makes is RC_CORRUPT then.
 */
NODISCARD enum rc zstd_decompress(struct zstd_dec *d, struct str in, uint8_t *out, size_t n,
                                  struct err *e);
size_t zstd_margin(size_t n);

/*
 * The plaintext of frames as a stream: any number of frames, with or without content size,
 * skippable ones passed over. `in` is borrowed until zstd_rd_release. RC_CORRUPT: not frames, or
 * cut short; RC_LIMIT: more than `max` bytes come out.
 */
struct zstd_rd {
    struct rd rd;
    void *stream; /* belongs to zstd.c */
    struct str left;
    size_t room; /* bytes that may still come out */
    bool inside; /* in the middle of a frame */
};
void zstd_rd_init(struct zstd_rd *r, struct str in, size_t max);
void zstd_rd_release(struct zstd_rd *r);

#endif
