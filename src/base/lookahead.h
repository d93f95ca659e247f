/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOOKAHEAD_H
#define BASE_LOOKAHEAD_H

/*
 * base/lookahead -- a window over a struct rd for parsers: look at the next n bytes as one run.
 *
 * Why      decoders want whole small items in one piece and must not read past what they need,
 *          since a live peer may have nothing more to say.
 * Shape    pos is the next byte to take. `keep` pins bytes: everything from keep on stays in the
 *          window, so a parser can go back to it. Memory grows with the pinned run only, up to
 *          `max`; what a longer run took is given back, but for LOOKAHEAD_KEPT bytes, when more is read.
 * Units    lookahead_at counts bytes from the start of the stream: the place to name in errors.
 * Errors   RC_CORRUPT "ends at byte N" when the stream ends too early; RC_LIMIT past max; else the
 *          rd's.
 * Threads  one at a time.
 */
#include "base/stream.h"

#define WIN_NO_KEEP SIZE_MAX
enum { LOOKAHEAD_KEPT = 4 * 1024 * 1024 };

struct lookahead {
    struct rd *in;
    uint8_t *p;
    size_t pos, end, cap; /* the bytes p[pos..end) wait to be taken */
    size_t keep;          /* pinned start, or WIN_NO_KEEP; keep <= pos */
    size_t max;
    uint64_t base; /* stream offset of p[0] */
    bool ended;
    /* Called for bytes that leave the window for good, in order, each exactly once. May be NULL. */
    void (*on_gone)(void *arg, const uint8_t *p, size_t n);
    void *on_gone_arg;
};

/* `max` bounds the longest run that lookahead_need or a pin may ask for. */
void lookahead_init(struct lookahead *w, struct rd *in, size_t max);
void lookahead_release(struct lookahead *w);

/* Start over with a copy of `bytes` as the whole stream; for a window born with `in` NULL. */
void lookahead_load(struct lookahead *w, struct str bytes);

static inline uint64_t
lookahead_at(const struct lookahead *w)
{
    return w->base + w->pos;
}

static inline size_t
lookahead_left(const struct lookahead *w)
{
    return w->end - w->pos;
}

/* Slow path of lookahead_need: read until n bytes wait. Moves the window: older pointers are void. */
NODISCARD enum rc lookahead_fill(struct lookahead *w, size_t n, struct err *e);

/* Make n bytes wait at p + pos. Pointers into the window from before are void. */
NODISCARD static inline enum rc
lookahead_need(struct lookahead *w, size_t n, struct err *e)
{
    if (LIKELY(w->end - w->pos >= n))
        return RC_OK;
    return lookahead_fill(w, n, e);
}

/* Make at least one byte wait unless the stream is over; says which. */
NODISCARD enum rc lookahead_more(struct lookahead *w, bool *over, struct err *e);

/* Take n bytes that wait. */
static inline const uint8_t *
lookahead_take(struct lookahead *w, size_t n)
{
    const uint8_t *p = w->p + w->pos;
    w->pos += n;
    return p;
}

/* Pin from here; go back to the pin; let go. One pin at a time. */
static inline void
lookahead_pin(struct lookahead *w)
{
    w->keep = w->pos;
}
static inline void
lookahead_rewind(struct lookahead *w)
{
    w->pos = w->keep;
}
static inline void
lookahead_unpin(struct lookahead *w)
{
    w->keep = WIN_NO_KEEP;
}
/* The bytes from the pin up to pos. Valid until the next fill. */
static inline struct str
lookahead_pinned(const struct lookahead *w)
{
    return str_of(w->p + w->keep, w->pos - w->keep);
}

/*
 * Hand everything before pos to on_gone now (at the end of a checksum's range, say). Not with a
 * pin.
 */
void lookahead_settle(struct lookahead *w);

#endif
