/* SPDX-License-Identifier: Apache-2.0 */
#include "base/endian.h"
#include "repo/format/chunker.h"
#include "repo/format/poly.h"

enum {
    SHIFT = POLY_DEGREE - 8,
    LANES = 4,
    LANE = 4096, /* bytes that each lane looks at before the lanes compare notes */
};

#define SPLIT_MASK ((1ULL << CHUNKER_SPLIT_BITS) - 1)

static inline uint64_t
chunker_append(const struct chunker *c, uint64_t f, uint8_t in)
{
    return (f << 8 | in) ^ c->mod[f >> SHIFT];
}

/* One step of the window: `in` comes, `out`, 64 bytes older, goes. */
static inline uint64_t
chunker_roll(const struct chunker *c, uint64_t f, uint64_t in, uint64_t out)
{
    return (f << 8) ^ c->mod[f >> SHIFT] ^ (c->out[out] ^ in);
}

void
chunker_init(struct chunker *c, uint64_t poly)
{
    for (uint64_t t = 0; t < 256; t++)
        c->mod[t] = poly_mod(t << POLY_DEGREE, poly) ^ t << POLY_DEGREE;
    for (unsigned b = 0; b < 256; b++) {
        uint64_t f = chunker_append(c, 0, (uint8_t)b);
        for (int i = 0; i < CHUNKER_WINDOW; i++)
            f = chunker_append(c, f, 0);
        c->out[b] = f;
    }
}

uint64_t
chunker_fingerprint(const struct chunker *c, const uint8_t *p, size_t n)
{
    uint64_t f = 0;

    for (size_t i = 0; i < n; i++)
        f = chunker_append(c, f, p[i]);
    return f;
}

/*
 * The first end position in (from, to] whose fingerprint is a candidate, or 0; from >= the window.
 */
static size_t
scan_one(const struct chunker *c, const uint8_t *p, size_t from, size_t to)
{
    uint64_t f = chunker_fingerprint(c, p + from - CHUNKER_WINDOW, CHUNKER_WINDOW);

    for (size_t i = from; i < to; i++) {
        f = chunker_roll(c, f, p[i], p[i - CHUNKER_WINDOW]);
        if ((f & SPLIT_MASK) == 0)
            return i + 1;
    }
    return 0;
}

/* Does any of the four lanes, starting at p, p + LANE, ..., hold a candidate? Which one is asked
 * later. */
static bool
scan_lanes(const struct chunker *c, const uint8_t *p)
{
    uint64_t f0 = chunker_fingerprint(c, p - CHUNKER_WINDOW, CHUNKER_WINDOW);
    uint64_t f1 = chunker_fingerprint(c, p + LANE - CHUNKER_WINDOW, CHUNKER_WINDOW);
    uint64_t f2 = chunker_fingerprint(c, p + LANE * 2 - CHUNKER_WINDOW, CHUNKER_WINDOW);
    uint64_t f3 = chunker_fingerprint(c, p + LANE * 3 - CHUNKER_WINDOW, CHUNKER_WINDOW);

    for (size_t i = 0; i < LANE; i++) {
        const uint8_t *in = p + i, *out = in - CHUNKER_WINDOW;
        f0 = chunker_roll(c, f0, in[0], out[0]);
        f1 = chunker_roll(c, f1, in[LANE], out[LANE]);
        f2 = chunker_roll(c, f2, in[LANE * 2], out[LANE * 2]);
        f3 = chunker_roll(c, f3, in[LANE * 3], out[LANE * 3]);
        if (UNLIKELY((f0 & SPLIT_MASK) == 0 || (f1 & SPLIT_MASK) == 0 || (f2 & SPLIT_MASK) == 0 ||
                     (f3 & SPLIT_MASK) == 0))
            return true;
    }
    return false;
}

size_t
chunker_scan(const struct chunker *c, struct chunk_scan *s, const uint8_t *chunk, size_t n)
{
    size_t end = n < CHUNKER_MAX ? n : CHUNKER_MAX, at = s->done, cut;

    if (n < CHUNKER_MIN)
        return 0;
    if (at < CHUNKER_MIN - 1)
        at = CHUNKER_MIN - 1; /* the first position asked is CHUNKER_MIN */
    while (at < end) {
        size_t to = end - at >= LANES * LANE ? at + LANES * LANE : end;
        if (to - at < LANES * LANE || scan_lanes(c, chunk + at)) {
            cut = scan_one(c, chunk, at, to);
            if (cut != 0)
                return cut;
        }
        at = to;
    }
    s->done = at;
    return end == CHUNKER_MAX ? CHUNKER_MAX : 0;
}
