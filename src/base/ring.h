/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RING_H
#define BASE_RING_H

/*
 * base/ring -- bytes from one thread to another, through a ring of fixed size.
 *
 * Why      a socket must be drained while the next stage is busy, without a copy per hop and with a
 *          ceiling.
 * Shape    the producer asks for free room, fills it, commits; the consumer reads through a struct
 *          rd.
 * Ending   ring_end with RC_OK ends the stream, with an error makes the reader fail with that error
 *          after the bytes before it. ring_abandon (reader's side) makes the producer fail
 *          RC_CANCELLED.
 * Threads  one producer, one consumer. The mutex guards all fields; bytes are copied outside of it.
 */
#include <pthread.h>

#include "base/stream.h"

struct ring {
    struct rd rd; /* the consumer's end */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint8_t *p;
    size_t cap, first, n;
    bool ended, abandoned;
    struct err why; /* how it ended */
};

void ring_init(struct ring *r, size_t cap);
void ring_release(struct ring *r);

/*
 * Producer: wait until some room is free, at most `timeout_ms` (-1: no limit); `*n` = 0 after a
 * timeout. The room stays valid until ring_commit. RC_CANCELLED when the reader gave up.
 */
NODISCARD enum rc ring_room(struct ring *r, int timeout_ms, uint8_t **p, size_t *n, struct err *e);
void ring_commit(struct ring *r, size_t n);
/*
 * No more bytes. `why` is NULL or an error that the reader shall see. Only the first call counts.
 */
void ring_end(struct ring *r, const struct err *why);

/* Consumer: will not read on. */
void ring_abandon(struct ring *r);

#endif
