/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/compiler.h"
#include "base/endian.h"
#include "rdb/packed.h"

enum {
    LISTPACK_HEAD = 6,
    ZIPLIST_HEAD = 10,
    INTSET_HEAD = 8,
    BLOB_END = 0xff,
    COUNT_UNKNOWN = 65535
};

static enum rc
packed_broken(struct err *e, const char *what)
{
    return err_set(e, RC_CORRUPT, "broken packed value: %s", what);
}

/* Header with total bytes and count, entries, terminator: listpack and ziplist. */
static enum rc
open_counted(struct packed *b, struct str s, size_t head, struct err *e)
{
    uint16_t count;

    if (s.n < head + 1 || le32_load(s.p) != s.n || s.p[s.n - 1] != BLOB_END)
        return packed_broken(e, "its length or its end is wrong");
    count = le16_load(s.p + head - 2);
    b->count = count == COUNT_UNKNOWN ? UINT32_MAX : count;
    b->p = s.p + head;
    b->end = s.p + s.n - 1;
    return RC_OK;
}

static enum rc
open_intset(struct packed *b, struct str s, struct err *e)
{
    if (s.n < INTSET_HEAD)
        return packed_broken(e, "an integer set without a header");
    b->width = le32_load(s.p);
    b->count = le32_load(s.p + 4);
    if ((b->width != 2 && b->width != 4 && b->width != 8) ||
        (s.n - INTSET_HEAD) / b->width != b->count || (s.n - INTSET_HEAD) % b->width != 0)
        return packed_broken(e, "an integer set of the wrong size");
    b->p = s.p + INTSET_HEAD;
    b->end = s.p + s.n;
    return RC_OK;
}

enum rc
packed_open(struct packed *b, enum packed_kind kind, struct str s, struct err *e)
{
    *b = (struct packed){.kind = kind};
    switch (kind) {
    case BLOB_LISTPACK:
        return open_counted(b, s, LISTPACK_HEAD, e);
    case BLOB_ZIPLIST:
        return open_counted(b, s, ZIPLIST_HEAD, e);
    case BLOB_INTSET:
        return open_intset(b, s, e);
    default:
        if (s.n < 2 || s.p[s.n - 1] != BLOB_END)
            return packed_broken(e, "a zipmap without its end");
        b->count = UINT32_MAX;
        b->p = s.p + 1;
        b->end = s.p + s.n - 1;
        return RC_OK;
    }
}

static void
set_int(struct packed_entry *out, int64_t v)
{
    out->is_int = true;
    out->v = v;
    out->s = str_of(out->text, str_put_i64(v, out->text));
}

static inline int64_t
sign_extend(uint64_t v, unsigned bits)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.*): bits is never 0, packed_open sees to it */
    uint64_t top = UINT64_C(1) << (bits - 1);
    return (int64_t)((v ^ top) - top);
}

/* An integer of `width` bytes, little endian and signed, at p. */
static int64_t
load_int(const uint8_t *p, size_t width)
{
    uint64_t v = 0;

    for (size_t i = 0; i < width; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return width == 8 ? (int64_t)v : sign_extend(v, (unsigned)(8 * width));
}

/* A string of n bytes behind `head` bytes at b->p; advances past it. */
static enum rc
take_string(struct packed *b, size_t head, uint64_t n, struct packed_entry *out, struct err *e)
{
    if (head > (size_t)(b->end - b->p) || n > (size_t)(b->end - b->p) - head)
        return packed_broken(e, "an entry runs over its end");
    out->is_int = false;
    out->s = str_of(b->p + head, (size_t)n);
    b->p += head + n;
    return RC_OK;
}

static enum rc
take_int(struct packed *b, size_t head, size_t width, struct packed_entry *out, struct err *e)
{
    if (head + width > (size_t)(b->end - b->p))
        return packed_broken(e, "an entry runs over its end");
    set_int(out, load_int(b->p + head, width));
    b->p += head + width;
    return RC_OK;
}

/*
 * Bytes of the back-length that stands behind `size` bytes of encoding and data (8.1: strict "<").
 */
static size_t
backlen_bytes(size_t size)
{
    return size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : size < 268435455 ? 4 : 5;
}

static enum rc
listpack_data(struct packed *b, struct packed_entry *out, struct err *e)
{
    static const uint8_t widths[] = {2, 3, 4, 8}; /* F1 .. F4 */
    size_t left = (size_t)(b->end - b->p);
    uint8_t c = b->p[0];

    if (c < 0x80) {
        set_int(out, c);
        b->p++;
        return RC_OK;
    }
    if (c < 0xc0)
        return take_string(b, 1, c & 0x3f, out, e);
    if (left < 2)
        return packed_broken(e, "an entry runs over its end");
    if (c < 0xe0) {
        set_int(out, sign_extend((uint64_t)(c & 0x1f) << 8 | b->p[1], 13));
        b->p += 2;
        return RC_OK;
    }
    if (c < 0xf0)
        return take_string(b, 2, (uint64_t)(c & 0x0f) << 8 | b->p[1], out, e);
    if (c == 0xf0)
        return left < 5 ? packed_broken(e, "an entry runs over its end")
                        : take_string(b, 5, le32_load(b->p + 1), out, e);
    if (c <= 0xf4)
        return take_int(b, 1, widths[c - 0xf1], out, e);
    return packed_broken(e, "an unknown entry");
}

static enum rc
listpack_next(struct packed *b, struct packed_entry *out, struct err *e)
{
    const uint8_t *start = b->p;
    size_t back;

    if (listpack_data(b, out, e))
        return err_code(e);
    back = backlen_bytes((size_t)(b->p - start));
    if (back > (size_t)(b->end - b->p))
        return packed_broken(e, "an entry runs over its end");
    b->p += back;
    return RC_OK;
}

static enum rc
ziplist_next(struct packed *b, struct packed_entry *out, struct err *e)
{
    size_t prev = b->p[0] == 0xfe ? 5 : 1, left = (size_t)(b->end - b->p);
    uint8_t c;

    if (left < prev + 1)
        return packed_broken(e, "an entry runs over its end");
    b->p += prev;
    left -= prev;
    c = b->p[0];
    switch (c >> 6) {
    case 0:
        return take_string(b, 1, c & 0x3f, out, e);
    case 1:
        return left < 2 ? packed_broken(e, "an entry runs over its end")
                        : take_string(b, 2, (uint64_t)(c & 0x3f) << 8 | b->p[1], out, e);
    case 2:
        return left < 5 ? packed_broken(e, "an entry runs over its end")
                        : take_string(b, 5, be32_load(b->p + 1), out, e);
    default:
        break;
    }
    switch (c) {
    case 0xc0:
        return take_int(b, 1, 2, out, e);
    case 0xd0:
        return take_int(b, 1, 4, out, e);
    case 0xe0:
        return take_int(b, 1, 8, out, e);
    case 0xf0:
        return take_int(b, 1, 3, out, e);
    case 0xfe:
        return take_int(b, 1, 1, out, e);
    default:
        if (c < 0xf1 || c > 0xfd)
            return packed_broken(e, "an unknown entry");
        set_int(out, (c & 0x0f) - 1);
        b->p++;
        return RC_OK;
    }
}

static enum rc
zipmap_next(struct packed *b, struct packed_entry *out, struct err *e)
{
    size_t left = (size_t)(b->end - b->p), head = b->p[0] == 254 ? 5 : 1;
    uint64_t n;
    uint8_t unused = 0;

    if (b->p[0] == 255 || left < head + b->value_next)
        return packed_broken(e, "a zipmap entry runs over its end");
    n = head == 5 ? le32_load(b->p + 1) : b->p[0];
    if (b->value_next)
        unused = b->p[head++];
    if (take_string(b, head, n, out, e))
        return err_code(e);
    if (unused > (size_t)(b->end - b->p))
        return packed_broken(e, "a zipmap entry runs over its end");
    b->p += unused;
    b->value_next = !b->value_next;
    return RC_OK;
}

enum rc
packed_next(struct packed *b, struct packed_entry *out, bool *over, struct err *e)
{
    enum rc rc;

    *over = b->p == b->end;
    if (*over) {
        if (b->value_next || (b->count != UINT32_MAX && b->seen != b->count))
            return packed_broken(e, "it holds fewer entries than it says");
        return RC_OK;
    }
    switch (b->kind) {
    case BLOB_LISTPACK:
        rc = listpack_next(b, out, e);
        break;
    case BLOB_ZIPLIST:
        rc = ziplist_next(b, out, e);
        break;
    case BLOB_INTSET:
        rc = take_int(b, 0, b->width, out, e);
        break;
    default:
        rc = zipmap_next(b, out, e);
        break;
    }
    if (rc == RC_OK && b->seen++ == b->count)
        return packed_broken(e, "it holds more entries than it says");
    return rc;
}

enum rc
packed_must(struct packed *b, struct packed_entry *out, struct err *e)
{
    bool over;

    if (packed_next(b, out, &over, e))
        return err_code(e);
    return over ? packed_broken(e, "it ends in the middle of an item") : RC_OK;
}

enum rc
packed_int(struct packed *b, int64_t *out, struct err *e)
{
    struct packed_entry x;

    if (packed_must(b, &x, e))
        return err_code(e);
    if (!x.is_int && !str_to_i64(x.s, &x.v))
        return packed_broken(e, "text where a number must be");
    *out = x.v;
    return RC_OK;
}

enum rc
packed_entry_score(const struct packed_entry *x, double *out, struct err *e)
{
    char text[64], *end;

    if (x->is_int) {
        *out = (double)x->v;
        return RC_OK;
    }
    if (x->s.n == 0 || x->s.n >= sizeof(text))
        return packed_broken(e, "a score that is not a number");
    memcpy(text, x->s.p, x->s.n);
    text[x->s.n] = '\0';
    *out = strtod(text, &end);
    if (end != text + x->s.n || isnan(*out))
        return packed_broken(e, "a score that is not a number");
    return RC_OK;
}
