/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_LZF_H
#define CODEC_LZF_H

/*
 * codec/lzf -- undo the LZF compression of strings in RDB files.
 *
 * Why      our own, because strings of hundreds of MiB must pass through with bounded memory, and
 *          the library wants input and output whole (docs/adr/0003).
 * Shape    tokens: 000LLLLL = L+1 literal bytes follow; LLLddddd dddddddd = copy L+2 bytes (L = 7:
 *          one more length byte before the last distance byte) from distance d+1, at most 8 KiB
 *          back.
 * Errors   RC_CORRUPT. Never reads or writes outside of what it was given.
 * Tests    codec_test.c, fuzz/lzf.c
 */
#include "base/err.h"
#include "base/str.h"

enum {
    LZF_REACH = 8192,   /* the longest distance */
    LZF_TOKEN_MAX = 33, /* bytes of the longest token with its literals */
    LZF_RUN_MAX = 264,  /* bytes that one token can produce */
    LZF_RATIO_MAX = 88  /* output per input byte at the very best */
};

/* Decode all of `in` into exactly out_n bytes. */
NODISCARD enum rc lzf_decode(struct str in, uint8_t *out, size_t out_n, struct err *e);

/*
 * Decode whole tokens from `in` to `out + *have` until the next one does not fit below out_n or
 * `in` ends inside it. out[0..*have) is what came before (at least the last LZF_REACH
 * bytes of it). Advances *have; returns in *used how much of `in` was taken.
 */
NODISCARD enum rc lzf_step(struct str in, size_t *used, uint8_t *out, size_t *have, size_t out_n,
                           struct err *e);

#endif
