/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/lookahead.h"

enum { WIN_FIRST = 256 * 1024 };

void
lookahead_init(struct lookahead *w, struct rd *in, size_t max)
{
    *w = (struct lookahead){.in = in,
                            .p = mem_alloc(WIN_FIRST),
                            .cap = WIN_FIRST,
                            .keep = WIN_NO_KEEP,
                            .max = MAX(max, (size_t)WIN_FIRST)};
}

void
lookahead_release(struct lookahead *w)
{
    mem_free(w->p);
    w->p = NULL;
}

void
lookahead_load(struct lookahead *w, struct str bytes)
{
    if (w->cap < bytes.n) {
        w->p = mem_grow(w->p, bytes.n, 1);
        w->cap = bytes.n;
    }
    if (bytes.n != 0)
        memcpy(w->p, bytes.p, bytes.n);
    w->pos = 0;
    w->end = bytes.n;
    w->keep = WIN_NO_KEEP;
    w->base = 0;
    w->ended = true;
}

/* Drop p[0..n), which nobody needs any more. */
static void
lookahead_drop(struct lookahead *w, size_t n)
{
    if (n == 0)
        return;
    if (w->on_gone != NULL)
        w->on_gone(w->on_gone_arg, w->p, n);
    memmove(w->p, w->p + n, w->end - n);
    w->pos -= n;
    w->end -= n;
    w->base += n;
    if (w->keep != WIN_NO_KEEP)
        w->keep -= n;
}

void
lookahead_settle(struct lookahead *w)
{
    BUG_ON(w->keep != WIN_NO_KEEP);
    lookahead_drop(w, w->pos);
}

/* Read for `n` bytes more: not far past them, or a long item would cost its room twice. */
static enum rc
read_once(struct lookahead *w, size_t n, struct err *e)
{
    size_t got;

    if (rd_read(w->in, w->p + w->end, MIN(w->cap - w->end, MAX(n, (size_t)WIN_FIRST)), &got, e))
        return err_code(e);
    if (got == 0)
        w->ended = true;
    w->end += got;
    return RC_OK;
}

enum rc
lookahead_fill(struct lookahead *w, size_t n, struct err *e)
{
    size_t start = w->keep == WIN_NO_KEEP ? w->pos : w->keep;
    size_t run = w->pos - start;

    if (n > w->max || run > w->max - n)
        return err_set(e, RC_LIMIT, "an item at byte %llu is longer than the %zu bytes allowed",
                       (unsigned long long)(w->base + start), w->max);
    lookahead_drop(w, start);
    if (w->cap > LOOKAHEAD_KEPT && MAX(w->end, w->pos + n) <= LOOKAHEAD_KEPT / 2) {
        w->cap = LOOKAHEAD_KEPT;
        w->p = mem_grow(w->p, w->cap, 1);
    }
    while (lookahead_left(w) < n) {
        if (w->end == w->cap) { /* grow with what really came, not with what a length claims */
            w->cap = MIN(w->cap * 2, w->max + WIN_FIRST);
            w->p = mem_grow(w->p, w->cap, 1);
        }
        if (w->ended)
            return err_set(e, RC_CORRUPT, "the data ends at byte %llu, in the middle of an item",
                           (unsigned long long)(w->base + w->end));
        if (read_once(w, n - lookahead_left(w), e))
            return err_code(e);
    }
    return RC_OK;
}

enum rc
lookahead_more(struct lookahead *w, bool *over, struct err *e)
{
    if (lookahead_left(w) == 0 && !w->ended) {
        if (w->keep == WIN_NO_KEEP)
            lookahead_drop(w, w->pos);
        BUG_ON(w->end == w->cap);
        if (read_once(w, 1, e))
            return err_code(e);
    }
    *over = lookahead_left(w) == 0;
    return RC_OK;
}
