/* SPDX-License-Identifier: Apache-2.0 */
/* The small reads: lengths, integers, strings (raw, integer, LZF), doubles. Sections 6.3 and 7. */
#include <math.h>
#include <stdarg.h>

#include "base/endian.h"
#include "codec/lzf.h"
#include "rdb/rdb_internal.h"

#define COUNT_MAX (UINT64_C(1) << 40)

enum {
    LEN_INT8 = 0,
    LEN_INT16 = 1,
    LEN_INT32 = 2,
    LEN_LZF = 3,
    PIECE = 256 * 1024,
    LZF_ROOM = LZF_REACH + PIECE
};

/* What a string starts with. */
struct head {
    enum { RAW, INTEGER, LZF } form;
    uint64_t n;      /* bytes of the string */
    uint64_t stored; /* LZF: compressed bytes */
    int64_t value;   /* INTEGER */
};

enum rc
rdb_u8(struct rdb *r, uint8_t *out, struct err *e)
{
    if (lookahead_need(&r->w, 1, e))
        return err_code(e);
    *out = *lookahead_take(&r->w, 1);
    return RC_OK;
}

enum rc
rdb_take(struct rdb *r, size_t n, const uint8_t **out, struct err *e)
{
    if (lookahead_need(&r->w, n, e))
        return err_code(e);
    *out = lookahead_take(&r->w, n);
    return RC_OK;
}

/* A length, or (*special = true) the number of a special string form. */
static inline enum rc
read_len(struct rdb *r, uint64_t *out, bool *special, struct err *e)
{
    const uint8_t *p;
    uint8_t b;

    if (lookahead_need(&r->w, 1, e))
        return err_code(e);
    b = *lookahead_take(&r->w, 1);
    *special = false;
    switch (b >> 6) {
    case 0:
        *out = b & 0x3f;
        return RC_OK;
    case 1:
        if (rdb_take(r, 1, &p, e))
            return err_code(e);
        *out = (uint64_t)(b & 0x3f) << 8 | *p;
        return RC_OK;
    case 2:
        if (b == 0x80) {
            if (rdb_take(r, 4, &p, e))
                return err_code(e);
            *out = be32_load(p);
            return RC_OK;
        }
        if (b == 0x81) {
            if (rdb_take(r, 8, &p, e))
                return err_code(e);
            *out = be64_load(p);
            return RC_OK;
        }
        return rdb_corrupt(r, e, "unknown length byte %u", b);
    default:
        *special = true;
        *out = b & 0x3f;
        return RC_OK;
    }
}

enum rc
rdb_len(struct rdb *r, uint64_t *out, struct err *e)
{
    bool special;

    if (read_len(r, out, &special, e))
        return err_code(e);
    if (special)
        return rdb_corrupt(r, e, "a string where a length must be");
    return RC_OK;
}

enum rc
rdb_count(struct rdb *r, uint64_t *out, struct err *e)
{
    if (rdb_len(r, out, e))
        return err_code(e);
    if (*out > COUNT_MAX)
        return rdb_corrupt(r, e, "an impossible count of %llu", (unsigned long long)*out);
    return RC_OK;
}

enum rc
rdb_i64(struct rdb *r, int64_t *out, struct err *e)
{
    const uint8_t *p;

    if (rdb_take(r, 8, &p, e))
        return err_code(e);
    *out = (int64_t)le64_load(p);
    return RC_OK;
}

enum rc
rdb_id2(struct rdb *r, struct stream_id *out, struct err *e)
{
    if (rdb_len(r, &out->ms, e) || rdb_len(r, &out->seq, e))
        return err_code(e);
    return RC_OK;
}

enum rc
rdb_id16(struct rdb *r, struct stream_id *out, struct err *e)
{
    const uint8_t *p;

    if (rdb_take(r, 16, &p, e))
        return err_code(e);
    out->ms = be64_load(p);
    out->seq = be64_load(p + 8);
    return RC_OK;
}

static enum rc
read_integer_head(struct rdb *r, uint64_t form, struct head *h, struct err *e)
{
    size_t width = form == LEN_INT8 ? 1 : form == LEN_INT16 ? 2 : 4;
    const uint8_t *p;

    if (rdb_take(r, width, &p, e))
        return err_code(e);
    h->form = INTEGER;
    h->value = width == 1   ? (int8_t)p[0]
               : width == 2 ? (int16_t)le16_load(p)
                            : (int32_t)le32_load(p);
    return RC_OK;
}

/* More than any server has memory for. */
#define STRING_MAX (UINT64_C(1) << 40)

static enum rc
impossible_length(const struct rdb *r, uint64_t n, struct err *e)
{
    return rdb_corrupt(r, e, "an impossible length of %llu bytes", (unsigned long long)n);
}

static inline enum rc
read_head(struct rdb *r, struct head *h, struct err *e)
{
    bool special;
    uint64_t n;

    if (read_len(r, &n, &special, e))
        return err_code(e);
    if (LIKELY(!special)) {
        h->form = RAW;
        h->n = n;
        return n <= STRING_MAX ? RC_OK : impossible_length(r, n, e);
    }
    if (n < LEN_LZF)
        return read_integer_head(r, n, h, e);
    if (n > LEN_LZF)
        return rdb_corrupt(r, e, "unknown string form %llu", (unsigned long long)n);
    h->form = LZF;
    if (rdb_len(r, &h->stored, e) || rdb_len(r, &h->n, e))
        return err_code(e);
    /* A compressed string that claims more than LZF can give is a lie; believe nothing it says. */
    if (h->stored == 0 || h->n == 0 || h->n / LZF_RATIO_MAX > h->stored)
        return rdb_corrupt(r, e, "impossible compressed string (%llu bytes from %llu)",
                           (unsigned long long)h->n, (unsigned long long)h->stored);
    return h->n <= STRING_MAX ? RC_OK : impossible_length(r, h->n, e);
}

static struct str
integer_text(struct rdb *r, int64_t v)
{
    return str_of(r->num, str_put_i64(v, r->num));
}

static enum rc
too_long(const struct rdb *r, uint64_t n, struct err *e)
{
    return err_set(e, RC_LIMIT, "a string of %llu bytes at byte %llu: at most %zu are allowed here",
                   (unsigned long long)n, (unsigned long long)lookahead_at(&r->w), EV_HELD_MAX);
}

static enum rc
whole_lzf(struct rdb *r, const struct head *h, struct buf *hold, struct err *e)
{
    const uint8_t *p;

    if (h->stored > EV_HELD_MAX || h->n > EV_HELD_MAX)
        return too_long(r, MAX(h->stored, h->n), e);
    if (rdb_take(r, (size_t)h->stored, &p, e))
        return err_code(e);
    buf_reset(hold);
    if (buf_reserve(hold, (size_t)h->n, e))
        return err_code(e);
    if (lzf_decode(str_of(p, (size_t)h->stored), hold->p, (size_t)h->n, e))
        return rdb_corrupt(r, e, "%s", e->msg);
    hold->n = (size_t)h->n;
    return RC_OK;
}

static enum rc
whole_string(struct rdb *r, const struct head *h, struct buf *hold, struct str *out, struct err *e)
{
    const uint8_t *p;

    if (h->form == INTEGER) {
        *out = integer_text(r, h->value);
        return RC_OK;
    }
    if (h->form == LZF) {
        if (whole_lzf(r, h, hold, e))
            return err_code(e);
        *out = buf_str(hold);
        return RC_OK;
    }
    if (h->n > EV_HELD_MAX)
        return too_long(r, h->n, e);
    if (rdb_take(r, (size_t)h->n, &p, e))
        return err_code(e);
    *out = str_of(p, (size_t)h->n);
    return RC_OK;
}

enum rc
rdb_string(struct rdb *r, struct buf *hold, struct str *out, struct err *e)
{
    struct head h;

    if (read_head(r, &h, e))
        return err_code(e);
    return whole_string(r, &h, hold, out, e);
}

static enum rc
raw_pieces(struct rdb *r, const struct head *h, const struct rdb_out *o, struct ev *ev,
           struct ev_piece *slot, struct err *e)
{
    for (uint64_t off = 0; off < h->n;) {
        size_t n = (size_t)MIN(h->n - off, (uint64_t)PIECE);
        const uint8_t *p;

        if (rdb_take(r, n, &p, e))
            return err_code(e);
        *slot = (struct ev_piece){.p = str_of(p, n), .off = off, .total = h->n};
        if (rdb_emit(o, ev, e))
            return err_code(e);
        off += n;
    }
    return RC_OK;
}

/*
 * Decode through a buffer that always holds the last LZF_REACH bytes, since tokens point back at
 * them.
 */
static enum rc
lzf_pieces(struct rdb *r, const struct head *h, const struct rdb_out *o, struct ev *ev,
           struct ev_piece *slot, struct err *e)
{
    uint64_t in_left = h->stored, off = 0;
    size_t have = 0, sent = 0, used;

    buf_reset(&r->lzf);
    if (buf_reserve(&r->lzf, LZF_ROOM, e))
        return err_code(e);
    while (in_left > 0) {
        if (lookahead_need(&r->w, (size_t)MIN(in_left, (uint64_t)LZF_TOKEN_MAX), e))
            return err_code(e);
        if (lzf_step(
                str_of(r->w.p + r->w.pos, (size_t)MIN(in_left, (uint64_t)lookahead_left(&r->w))),
                &used, r->lzf.p, &have, LZF_ROOM, e))
            return rdb_corrupt(r, e, "%s", e->msg);
        (void)lookahead_take(&r->w, used);
        in_left -= used;
        if (have - sent > h->n - off || (used == 0 && LZF_ROOM - have >= LZF_RUN_MAX))
            return rdb_corrupt(r, e, "compressed string is cut or longer than it says");
        if (in_left > 0 && LZF_ROOM - have >= LZF_RUN_MAX)
            continue;
        *slot =
            (struct ev_piece){.p = str_of(r->lzf.p + sent, have - sent), .off = off, .total = h->n};
        if (rdb_emit(o, ev, e))
            return err_code(e);
        off += have - sent;
        if (have > LZF_REACH) {
            memmove(r->lzf.p, r->lzf.p + have - LZF_REACH, LZF_REACH);
            have = LZF_REACH;
        }
        sent = have;
    }
    if (off != h->n)
        return rdb_corrupt(r, e, "compressed string gives too few bytes");
    return RC_OK;
}

enum rc
rdb_string_pieces(struct rdb *r, const struct rdb_out *o, struct ev *ev, struct ev_piece *slot,
                  struct err *e)
{
    struct head h;
    struct str s;

    if (read_head(r, &h, e))
        return err_code(e);
    if (h.form != INTEGER && h.n > EV_WHOLE_MAX)
        return h.form == LZF ? lzf_pieces(r, &h, o, ev, slot, e)
                             : raw_pieces(r, &h, o, ev, slot, e);
    if (whole_string(r, &h, &r->lzf, &s, e))
        return err_code(e);
    *slot = ev_whole(s);
    return rdb_emit(o, ev, e);
}

/* An ev_fn: pieces behind one another. */
static enum rc
join_piece(void *arg, const struct ev *ev, struct err *e)
{
    return buf_add_str(arg, ev->u.piece.p, e);
}

/* A long one goes piece by piece, so that it is held once and not in the window besides. */
enum rc
rdb_string_held(struct rdb *r, struct buf *hold, struct str *out, struct err *e)
{
    struct rdb_out join = {.on = join_piece, .arg = hold};
    struct ev ev = {.kind = EV_ELEM};
    struct head h;
    struct str s;

    if (read_head(r, &h, e))
        return err_code(e);
    if (h.form != INTEGER && h.n > EV_WHOLE_MAX) {
        buf_reset(hold);
        if (h.n > EV_HELD_MAX)
            return too_long(r, h.n, e);
        if (h.form == LZF ? lzf_pieces(r, &h, &join, &ev, &ev.u.piece, e)
                          : raw_pieces(r, &h, &join, &ev, &ev.u.piece, e))
            return err_code(e);
    } else if (whole_string(r, &h, hold, &s, e)) {
        return err_code(e);
    } else if (s.p != hold->p) {
        buf_reset(hold);
        if (buf_add_str(hold, s, e))
            return err_code(e);
    }
    *out = buf_str(hold);
    return RC_OK;
}

enum rc
rdb_string_skip(struct rdb *r, struct err *e)
{
    const uint8_t *p;
    struct head h;
    uint64_t left;

    if (read_head(r, &h, e))
        return err_code(e);
    left = h.form == RAW ? h.n : h.form == LZF ? h.stored : 0;
    while (left > 0) {
        size_t n = (size_t)MIN(left, (uint64_t)PIECE);
        if (rdb_take(r, n, &p, e))
            return err_code(e);
        left -= n;
    }
    return RC_OK;
}

enum rc
rdb_double(struct rdb *r, double *out, struct err *e)
{
    const uint8_t *p;

    if (rdb_take(r, 8, &p, e))
        return err_code(e);
    *out = le_double_load(p);
    if (isnan(*out))
        return rdb_corrupt(r, e, "a score that is not a number");
    return RC_OK;
}

enum rc
rdb_old_double(struct rdb *r, double *out, struct err *e)
{
    enum { NOT_A_NUMBER = 253, PLUS_INF = 254, MINUS_INF = 255 };
    char text[256], *end;
    const uint8_t *p;
    uint8_t n;

    if (rdb_u8(r, &n, e))
        return err_code(e);
    if (n == PLUS_INF || n == MINUS_INF) {
        *out = n == PLUS_INF ? INFINITY : -INFINITY;
        return RC_OK;
    }
    if (n == NOT_A_NUMBER)
        return rdb_corrupt(r, e, "a score that is not a number");
    if (rdb_take(r, n, &p, e))
        return err_code(e);
    memcpy(text, p, n);
    text[n] = '\0';
    *out = strtod(text, &end);
    if (n == 0 || end != text + n || isnan(*out))
        return rdb_corrupt(r, e, "a score that is not a number");
    return RC_OK;
}

#undef rdb_corrupt
enum rc
rdb_corrupt(const struct rdb *r, struct err *e, const char *fmt, ...)
{
    char what[200];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return err_set(e, RC_CORRUPT, "%s at byte %llu", what, (unsigned long long)lookahead_at(&r->w));
}
