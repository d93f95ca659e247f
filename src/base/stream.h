/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H

/*
 * base/stream -- where bytes come from and where they go: the seam between Redis and repository.
 *
 * Why      `redis` and `repo` never meet: a backup is a loop from a struct rd to a struct wr.
 * Shape    blocking calls. An implementation embeds the struct as its first member (or finds itself
 *          with CONTAINER_OF) and states who closes it. The ctx was given when it was opened.
 * Threads  one reader per rd, one writer per wr.
 * Errors   whatever the implementation meets. After an error a stream must only be closed or
 *          released. A read that fails is never reported as the end of the stream.
 */
#include "base/buf.h"

struct rd {
    /* Read 1..n bytes into p; `*got` = 0 only at the end of the stream (n > 0). */
    enum rc (*read)(struct rd *r, uint8_t *p, size_t n, size_t *got, struct err *e);
};

struct wr {
    /* Take all n bytes, or fail. The bytes are the caller's again on return. */
    enum rc (*write)(struct wr *w, const uint8_t *p, size_t n, struct err *e);
};

NODISCARD static inline enum rc
rd_read(struct rd *r, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    return r->read(r, p, n, got, e);
}

NODISCARD static inline enum rc
wr_write(struct wr *w, const void *p, size_t n, struct err *e)
{
    return w->write(w, (const uint8_t *)p, n, e);
}

/* Read until n bytes or the end. */
NODISCARD enum rc rd_full(struct rd *r, uint8_t *p, size_t n, size_t *got, struct err *e);

/* Copy everything; `*total` (may be NULL) counts the bytes. */
NODISCARD enum rc stream_copy(struct rd *from, struct wr *to, uint64_t *total, struct err *e);

/* Bytes in memory, borrowed. `step` (0: none) caps each read, to try every split in tests. */
struct rd_mem {
    struct rd rd;
    struct str left;
    size_t step;
};
void rd_mem_init(struct rd_mem *r, struct str bytes, size_t step);

/* Append to a buffer, borrowed; RC_LIMIT at its ceiling. */
struct wr_buf {
    struct wr wr;
    struct buf *to;
};
void wr_buf_init(struct wr_buf *w, struct buf *to);

/* A blocking descriptor, borrowed (the caller closes it); `name` is borrowed too, for messages. */
struct rd_fd {
    struct rd rd;
    struct ctx *cx;
    int fd;
    const char *name;
};
void rd_fd_init(struct rd_fd *r, struct ctx *cx, int fd, const char *name);

struct wr_fd {
    struct wr wr;
    struct ctx *cx;
    int fd;
    const char *name;
};
void wr_fd_init(struct wr_fd *w, struct ctx *cx, int fd, const char *name);

/* What is read of `from` is written to `to`, both borrowed. `why` keeps an error of either, to be told from one of whoever reads. */
struct rd_tee {
    struct rd rd;
    struct rd *from;
    struct wr *to;
    uint64_t bytes; /* that passed */
    struct err why;
};
void rd_tee_init(struct rd_tee *t, struct rd *from, struct wr *to);

/* Throw everything away and count it. */
struct wr_null {
    struct wr wr;
    uint64_t bytes;
};
void wr_null_init(struct wr_null *w);

#endif
