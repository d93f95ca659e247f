/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

enum { BUF_SMALLEST = 64 };

void
buf_init(struct buf *b, size_t max)
{
    *b = (struct buf)BUF_INIT(max);
}

void
buf_release(struct buf *b)
{
    mem_free(b->p);
    b->p = NULL;
    b->n = b->cap = 0;
}

enum rc
buf_reserve(struct buf *b, size_t more, struct err *e)
{
    size_t cap;

    if (more <= b->cap - b->n)
        return RC_OK;
    if (b->n > b->max || more > b->max - b->n)
        return err_set(e, RC_LIMIT, "%zu bytes are more than the %zu allowed here", b->n + more,
                       b->max);
    cap = MAX(b->cap + b->cap / 2, (size_t)BUF_SMALLEST);
    cap = MAX(cap, b->n + more);
    cap = MIN(cap, b->max);
    b->p = mem_grow(b->p, cap, 1);
    b->cap = cap;
    return RC_OK;
}

enum rc
buf_add(struct buf *b, const void *p, size_t n, struct err *e)
{
    if (buf_reserve(b, n, e))
        return err_code(e);
    if (n != 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    return RC_OK;
}

enum rc
buf_add_str(struct buf *b, struct str s, struct err *e)
{
    return buf_add(b, s.p, s.n, e);
}

PRINTF_LIKE(3, 0)
static enum rc
buf_vprintf(struct buf *b, struct err *e, const char *fmt, va_list ap)
{
    va_list again;
    char *text;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return err_set(e, RC_INTERNAL, "could not format text");
    if (buf_reserve(b, (size_t)n, e))
        return err_code(e);
    text = mem_alloc((size_t)n + 1);
    (void)vsnprintf(text, (size_t)n + 1, fmt, ap);
    if (n > 0)
        memcpy(b->p + b->n, text, (size_t)n);
    mem_free(text);
    b->n += (size_t)n;
    return RC_OK;
}

enum rc
buf_printf(struct buf *b, struct err *e, const char *fmt, ...)
{
    enum rc rc;
    va_list ap;

    va_start(ap, fmt);
    rc = buf_vprintf(b, e, fmt, ap);
    va_end(ap);
    return rc;
}

void
buf_put(struct buf *b, const void *p, size_t n)
{
    struct err e = ERR_INIT;

    b->over = b->over || buf_add(b, p, n, &e) != RC_OK;
}

void
buf_putf(struct buf *b, const char *fmt, ...)
{
    struct err e = ERR_INIT;
    va_list ap;

    va_start(ap, fmt);
    b->over = b->over || buf_vprintf(b, &e, fmt, ap) != RC_OK;
    va_end(ap);
}

enum rc
buf_whole(const struct buf *b, const char *what, struct err *e)
{
    return b->over
               ? err_set(e, RC_LIMIT, "%s would be longer than the %zu bytes allowed", what, b->max)
               : RC_OK;
}

void
buf_must_add(struct buf *b, const void *p, size_t n)
{
    struct err e;

    if (LIKELY(n <= b->cap - b->n && n != 0)) {
        memcpy(b->p + b->n, p, n);
        b->n += n;
        return;
    }
    e = (struct err)ERR_INIT;
    if (buf_add(b, p, n, &e))
        BUG("%s", e.msg);
}

void
buf_must_printf(struct buf *b, const char *fmt, ...)
{
    struct err e = ERR_INIT;
    enum rc rc;
    va_list ap;

    va_start(ap, fmt);
    rc = buf_vprintf(b, &e, fmt, ap);
    va_end(ap);
    if (rc)
        BUG("%s", e.msg);
}

const char *
buf_c(struct buf *b)
{
    if (b->n == b->cap) {
        b->cap = b->n + 1;
        b->p = mem_grow(b->p, b->cap, 1);
    }
    b->p[b->n] = '\0';
    return (const char *)b->p;
}
