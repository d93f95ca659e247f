/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

/*
 * base/buf -- growing bytes with a ceiling.
 *
 * Why      whatever is fed from outside is born with a maximum, so hostile input cannot take all
 *          memory.
 * Shape    p[0..n) are the bytes; cap >= n; n <= max always holds.
 * Errors   the functions that return enum rc give RC_LIMIT past `max` and leave the buffer as it
 *          was.
 * Threads  one at a time.
 */
#include <stdarg.h>

#include "base/err.h"
#include "base/str.h"

struct buf {
    uint8_t *p;
    size_t n, cap, max;
    bool over; /* of buf_put and buf_putf: something did not fit */
};

#define BUF_INIT(max_bytes)                                                                        \
    {                                                                                              \
        .p = NULL, .n = 0, .cap = 0, .max = (max_bytes)                                            \
    }

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
/* Forget the bytes, keep the memory. */
static inline void
buf_reset(struct buf *b)
{
    b->n = 0;
    b->over = false;
}

/* Make room for `more` bytes behind n; a pointer to that room is b->p + b->n. */
NODISCARD enum rc buf_reserve(struct buf *b, size_t more, struct err *e);
NODISCARD enum rc buf_add(struct buf *b, const void *p, size_t n, struct err *e);
NODISCARD enum rc buf_add_str(struct buf *b, struct str s, struct err *e);
NODISCARD enum rc buf_printf(struct buf *b, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * For text that is put together from many pieces of which some come from outside: what does not fit
 * is left out, and so is all that follows. Whoever uses the text asks buf_whole first. `b->over`
 * may be handed on to what the text becomes a part of.
 */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_putf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* RC_LIMIT: `what` would be longer than so many bytes. */
NODISCARD enum rc buf_whole(const struct buf *b, const char *what, struct err *e);

/*
 * For buffers whose size we decide ourselves: as above, but passing the ceiling is our own mistake
 * and ends the process.
 */
void buf_must_add(struct buf *b, const void *p, size_t n);
void buf_must_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

static inline struct str
buf_str(const struct buf *b)
{
    return str_of(b->p, b->n);
}

/* The bytes from `at` on; none where there are none. */
static inline struct str
buf_from(const struct buf *b, size_t at)
{
    return at < b->n ? str_of(b->p + at, b->n - at) : str_of(NULL, 0);
}

/* The bytes as a C string (a NUL is kept behind n, outside of it). Valid until the next change. */
const char *buf_c(struct buf *b);

#endif
