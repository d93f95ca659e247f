/* SPDX-License-Identifier: Apache-2.0 */
#include "http/client.h"

#include <ctype.h>

#include "base/mem.h"
#include "http/client_internal.h"

enum { BODY_MAX = 64 * 1024 * 1024, STREAM_BYTES = 256 * 1024, STREAM_MAX = 4 * 1024 * 1024 };

enum rc
http_call(struct ctx *cx, struct http *h, const struct http_request *rq, struct http_response *out,
          struct err *e)
{
    struct transfer t = {.in = BUF_INIT(rq->body_max > 0 ? rq->body_max : BODY_MAX)};
    enum rc rc = transfer_begin(&t, cx, h, rq, false, e);

    while (rc == RC_OK && !t.done)
        rc = transfer_step(&t, e);
    if (rc == RC_OK)
        rc = transfer_result(&t, e);
    if (rc == RC_OK) {
        transfer_head(&t, out);
        out->body = t.in;
        buf_init(&t.in, 0);
    }
    transfer_end(&t);
    return rc;
}

void
http_response_release(struct http_response *r)
{
    buf_release(&r->body);
}

struct http_stream {
    struct rd rd;
    struct transfer t;
    size_t at; /* of t.in: taken already */
};

static enum rc
stream_read(struct rd *r, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct http_stream *s = CONTAINER_OF(r, struct http_stream, rd);
    struct transfer *t = &s->t;

    while (s->at == t->in.n) {
        buf_reset(&t->in);
        s->at = 0;
        if (t->done) {
            *got = 0;
            return transfer_result(t, e);
        }
        if (transfer_step(t, e))
            return e->code;
    }
    *got = MIN(n, t->in.n - s->at);
    memcpy(p, t->in.p + s->at, *got);
    s->at += *got;
    return RC_OK;
}

enum rc
http_open(struct ctx *cx, struct http *h, const struct http_request *rq, struct http_response *out,
          struct http_stream **stream, struct err *e)
{
    struct http_stream *s = MEM_NEW(struct http_stream);
    enum rc rc;

    s->rd.read = stream_read;
    s->t.pause_bytes = STREAM_BYTES;
    buf_init(&s->t.in, STREAM_MAX);
    rc = transfer_begin(&s->t, cx, h, rq, true, e);
    while (rc == RC_OK && !s->t.head && !s->t.done)
        rc = transfer_step(&s->t, e);
    if (rc == RC_OK && s->t.done && !s->t.head)
        rc = transfer_result(&s->t, e);
    if (rc != RC_OK) {
        http_close(s);
        return rc;
    }
    transfer_head(&s->t, out);
    buf_init(&out->body, 0);
    *stream = s;
    return RC_OK;
}

struct rd *
http_stream_rd(struct http_stream *s)
{
    return &s->rd;
}

void
http_close(struct http_stream *s)
{
    if (s == NULL)
        return;
    transfer_end(&s->t);
    mem_free(s);
}

void
http_escape(struct buf *to, const char *s)
{
    for (; *s != '\0'; s++) {
        if (isalnum((unsigned char)*s) || strchr("-._~", *s) != NULL)
            buf_must_add(to, s, 1);
        else
            buf_must_printf(to, "%%%02X", (unsigned char)*s);
    }
}
