/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_RESP_READER_H
#define DUMP_RESP_READER_H

/*
 * dump/resp_reader -- the commands of a RESP stream, one at a time, with bounded memory.
 *
 * Shape    resp_reader_next gives a command. A command of at most CMD_WHOLE_MAX bytes is `whole`: all
 *          arguments and its raw bytes are there. Of a longer one only what stands before its first
 *          long argument is there, and resp_reader_more must be called until `last` to get the rest in
 *          pieces. But the name of its key is there in any case, up to EV_HELD_MAX.
 * Memory   256 KiB to 1 MiB, or the longest key name.
 * Ownership  everything points into the reader and is valid until the next call.
 * Errors   RC_CORRUPT names the byte offset: not RESP, or the stream ends inside a command.
 *          RC_LIMIT: more than CMD_ARGS_MAX arguments, or an argument above CMD_ARG_BYTES_MAX,
 *          a key name above EV_HELD_MAX.
 * Source   RESP: arrays of bulk strings only. Bare CR LF between commands is skipped, as servers
 *          do.
 * Tests    dump_test.c, fuzz/resp.c
 */
#include "base/lookahead.h"

enum { CMD_WHOLE_MAX = 1024 * 1024, CMD_ARGS_MAX = INT32_MAX };
#define CMD_ARG_BYTES_MAX (UINT64_C(1) << 40)

struct cmd {
    uint64_t at; /* offset of the command in the stream */
    uint32_t argc;
    uint32_t n;             /* arguments given in argv; n == argc when whole */
    const struct str *argv; /* n of them */
    struct str raw;         /* the bytes of the command so far: all of it when whole */
    bool whole;
};

struct resp_reader_piece {
    struct str raw; /* what to pass on verbatim, framing included */
    int64_t arg;    /* the argument that `bytes` belong to, or -1: framing only */
    struct str bytes;
    uint64_t off, total; /* of that argument */
    bool last;           /* the command ends with this piece */
};

struct resp_reader {
    struct lookahead w;
    struct str *argv;
    size_t *offs; /* where each argument stands, from the pin */
    uint32_t argv_cap;
    uint32_t argc, next; /* of the long command in progress */
    uint64_t arg_off, arg_total;
    bool in_arg;
};

void resp_reader_init(struct resp_reader *r, struct rd *in);
void resp_reader_release(struct resp_reader *r);

/* Has it no more memory than commands of up to CMD_WHOLE_MAX bytes need? After a longer name it has so again a little later. */
static inline bool
resp_reader_is_small(const struct resp_reader *r)
{
    return r->w.cap <= LOOKAHEAD_KEPT;
}

/* `*over` = true at the end of the stream, between commands. */
NODISCARD enum rc resp_reader_next(struct resp_reader *r, struct cmd *out, bool *over,
                                   struct err *e);
NODISCARD enum rc resp_reader_more(struct resp_reader *r, struct resp_reader_piece *out,
                                   struct err *e);

#endif
