/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_REPLY_H
#define REDIS_REPLY_H

/*
 * redis/reply -- what a server answers (RESP2), one reply at a time.
 *
 * Shape    bytes go into `in` (reply_room, reply_fed), whole replies come out of reply_next as a
 *          tree.
 * Limits   `max` bytes per reply, REPLY_BYTES_MAX at first (a value of 512 MiB, the server's own
 *          default limit, fits); REPLY_NODES_MAX elements, REPLY_DEPTH_MAX nested arrays,
 *          REPLY_LINE_MAX for a line. Memory grows with bytes that came, never with a length that
 *          was only announced.
 * Ownership  a reply points into the reader and is valid until the next call of reply_next or
 *          reply_room.
 * Errors   RC_CORRUPT: not RESP2; RC_LIMIT. Both leave the connection useless.
 * Tests    reply_test.c, fuzz/reply.c
 */
#include "base/buf.h"

enum {
    REPLY_DEPTH_MAX = 16,
    REPLY_LINE_MAX = 64 * 1024,
    REPLY_BYTES_MAX = 640 * 1024 * 1024,
    REPLY_NODES_MAX = 2 * 1024 * 1024
};

enum reply_type { REPLY_STATUS, REPLY_ERROR, REPLY_INT, REPLY_BULK, REPLY_NIL, REPLY_ARRAY };

struct reply {
    enum reply_type type;
    int64_t integer;           /* REPLY_INT */
    struct str s;              /* REPLY_STATUS, REPLY_ERROR, REPLY_BULK */
    const struct reply *items; /* REPLY_ARRAY */
    size_t n;                  /* how many */
};

struct reply_reader {
    struct buf in;  /* in.max: the longest reply, and some */
    size_t pos;     /* the reply at work starts here */
    size_t seen;    /* up to here it was found to be well formed */
    uint64_t todo;  /* elements that are still to come */
    size_t nodes_n; /* elements of it so far */
    struct reply *nodes;
    size_t nodes_cap;
};

void reply_reader_init(struct reply_reader *r);
void reply_reader_release(struct reply_reader *r);
/* Take replies of up to `max` bytes from now on. */
void reply_allow(struct reply_reader *r, uint64_t max);

/* Room for at least `n` more bytes; say with reply_fed how many came. Older replies are void. */
NODISCARD enum rc reply_room(struct reply_reader *r, size_t n, uint8_t **p, size_t *cap,
                             struct err *e);
void reply_fed(struct reply_reader *r, size_t n);

/* *whole = false: more bytes are needed. */
NODISCARD enum rc reply_next(struct reply_reader *r, struct reply *out, bool *whole, struct err *e);

/* Bytes that came and belong to no reply yet. Valid until the next call. */
struct str reply_rest(const struct reply_reader *r);
/* Take n of them away. */
void reply_skip(struct reply_reader *r, size_t n);

/* The text of a field in a flat list of names and values; empty: it has none, or is no list. */
struct str reply_field(const struct reply *r, const char *name);

/* Is it an error with this code ("OOM")? With "ERR", any text after it. */
bool reply_is_error(const struct reply *r, const char *code);
bool reply_is_status(const struct reply *r, const char *text);

/*
 * An error's text for people: control characters escaped, cut, and without the arguments that
 * servers quote in "unknown command" (they may be values). Returns `to`.
 */
const char *reply_error_text(const struct reply *r, char *to, size_t n);

#endif
