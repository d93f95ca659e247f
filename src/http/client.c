/* SPDX-License-Identifier: Apache-2.0 */
#include "http/client.h"

#include <ctype.h>
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/roots.h"
#include "base/secret.h"
#include "http/client_internal.h"

enum { BODY_MAX = 64 * 1024 * 1024, STREAM_BYTES = 256 * 1024, STREAM_MAX = 4 * 1024 * 1024 };

static void
start_library(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        BUG("the HTTP library does not start");
}

static char *
client_copy(const char *s)
{
    return s == NULL ? NULL : mem_strdup(s);
}

static struct str
copy_str(struct str s)
{
    return s.n == 0 ? s : str_of(mem_strndup((const char *)s.p, s.n), s.n);
}

static void
free_str(struct str s, bool wipe)
{
    void *p = (void *)(uintptr_t)s.p;

    if (wipe && s.n > 0)
        mem_wipe(p, s.n);
    if (s.n > 0)
        mem_free(p);
}

enum rc
http_new(const struct http_opts *o, struct http **out, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const struct http_opts none;
    pthread_condattr_t clock;
    struct http *h;

    (void)pthread_once(&once, start_library);
    if (o == NULL)
        o = &none;
    if (o->proxy != NULL && strstr(o->proxy, "://") == NULL)
        return err_set(e, RC_INVALID, "the proxy is not a URL");
    if (o->ca_file != NULL && access(o->ca_file, R_OK) != 0) /* no attempt would mend it */
        return err_sys(e, errno, "could not read the CA certificates in %s", o->ca_file);
    h = MEM_NEW(struct http);
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&h->freed, &clock);
    (void)pthread_condattr_destroy(&clock);
    h->o = *o;
    h->o.ca = copy_str(o->ca);
    h->o.cert = copy_str(o->cert);
    h->o.key = copy_str(o->key);
    h->o.ca_file = client_copy(o->ca_file == NULL && o->ca.n == 0 ? roots_file() : o->ca_file);
    h->o.server_name = client_copy(o->server_name);
    h->o.proxy = client_copy(o->proxy);
    h->o.user_agent = mem_strdup(o->user_agent != NULL ? o->user_agent : "cstash/" CSTASH_VERSION);
    *out = h;
    return RC_OK;
}

static void
free_text(const char *s)
{
    mem_free((void *)(uintptr_t)s);
}

void
http_free(struct http *h)
{
    if (h == NULL)
        return;
    while (h->idle != NULL) {
        struct slot *s = h->idle;
        h->idle = s->next;
        slot_free(s);
    }
    free_str(h->o.ca, false);
    free_str(h->o.cert, false);
    free_str(h->o.key, true);
    free_text(h->o.ca_file);
    free_text(h->o.server_name);
    free_text(h->o.proxy);
    free_text(h->o.user_agent);
    (void)pthread_cond_destroy(&h->freed);
    (void)pthread_mutex_destroy(&h->lock);
    mem_free(h);
}

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
        transfer_head(&t, rq, out);
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
    secret_free_text(TAKE(r->secret));
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
            return err_code(e);
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
    transfer_head(&s->t, rq, out);
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
            buf_put(to, s, 1);
        else
            buf_putf(to, "%%%02X", (unsigned char)*s);
    }
}
