/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "base/b64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "http/client.h"
#include "kube/config_internal.h"
#include "kube/exec.h"

enum { CALL_MS = 30000, TOKEN_MS = 60000, EARLY_MS = 10000, ERROR_BODY_MAX = 1024 * 1024 };

/* An identity that requests are made with; a new one replaces it when credentials change. */
struct session {
    int refs;          /* under kube_http.lock */
    struct http *http; /* ours, unless it is kube_http.plain */
    char *token;
};

struct kube_http {
    struct kube_transport t;
    struct kube_config *c;
    pthread_mutex_t lock;
    struct http *plain;  /* the client without plug-in certificates, made once */
    struct session *now; /* under lock; NULL: make one */
    int64_t until_ms;    /* under lock: clock_mono_ms from which `now` is old; 0: never */
};

struct kube_http_stream {
    struct kube_stream s;
    struct kube_http *of;
    struct session *session;
    struct http_stream *http;
};

static void
session_drop_locked(struct kube_http *t, struct session *s)
{
    if (s == NULL || --s->refs > 0)
        return;
    if (s->http != t->plain)
        http_free(s->http);
    secret_free_text(s->token);
    mem_free(s);
}

static void
session_put(struct kube_http *t, struct session *s)
{
    (void)pthread_mutex_lock(&t->lock);
    session_drop_locked(t, s);
    (void)pthread_mutex_unlock(&t->lock);
}

static struct str
http_text(const char *s)
{
    return s == NULL ? str_of(NULL, 0) : str_c(s);
}

static enum rc
new_client(const struct kube_config *c, const char *cert, const char *key, struct http **out,
           struct err *e)
{
    struct http_opts o = {.ca = http_text(c->ca),
                          .cert = http_text(cert),
                          .key = http_text(key),
                          .server_name = c->server_name,
                          .proxy = c->proxy,
                          .insecure = c->insecure};

    return http_new(&o, out, e);
}

/* Run the plug-in. */
static enum rc
fill_from_exec(struct ctx *cx, struct kube_http *t, struct session *s, struct err *e)
{
    struct kube_credential got = {.token = NULL};

    if (kube_exec(cx, t->c->exec, t->c->exec_dir, t->c->cluster, &got, e))
        return err_code(e);
    s->token = TAKE(got.token);
    if (got.cert != NULL && new_client(t->c, got.cert, got.key, &s->http, e)) {
        kube_credential_release(&got);
        return err_code(e);
    }
    if (got.expires_ms > 0)
        t->until_ms = clock_mono_ms() + MAX(got.expires_ms - clock_real_ms() - EARLY_MS, 1000);
    kube_credential_release(&got);
    return RC_OK;
}

static enum rc
session_new_locked(struct ctx *cx, struct kube_http *t, struct session **out, struct err *e)
{
    struct session *s = MEM_NEW(struct session);
    enum rc rc = RC_OK;

    s->refs = 1;
    s->http = t->plain;
    t->until_ms = 0;
    if (t->c->exec != NULL) {
        rc = fill_from_exec(cx, t, s, e);
    } else if (t->c->token_file != NULL) {
        rc = kube_read_token(t->c->token_file, &s->token, e);
        t->until_ms = clock_mono_ms() + TOKEN_MS;
    } else if (t->c->token != NULL) {
        s->token = mem_strdup(t->c->token);
    }
    if (rc != RC_OK)
        session_drop_locked(t, s);
    else
        *out = s;
    return rc;
}

/* The identity of now, to be given back by session_put. `not` is one that was refused. */
static enum rc
session_get(struct ctx *cx, struct kube_http *t, const struct session * not, struct session **out,
            struct err *e)
{
    enum rc rc = RC_OK;

    (void)pthread_mutex_lock(&t->lock);
    if (t->now != NULL && (t->now == not || (t->until_ms > 0 && clock_mono_ms() >= t->until_ms))) {
        session_drop_locked(t, t->now);
        t->now = NULL;
    }
    if (t->now == NULL)
        rc = session_new_locked(cx, t, &t->now, e);
    if (rc == RC_OK) {
        t->now->refs++;
        *out = t->now;
    }
    (void)pthread_mutex_unlock(&t->lock);
    return rc;
}

/* A request as the HTTP client wants it. The fields borrow from each other: do not copy. */
struct outgoing {
    struct http_request rq;
    const char **headers; /* ours; what they say is not */
    char accept[128], type[128];
    char *url;
};

static void
outgoing_init(struct outgoing *out, const struct kube_http *t, const struct kube_request *rq)
{
    const char *type = rq->content_type != NULL ? rq->content_type : "application/json";
    size_t n = 0;

    while (t->c->as != NULL && t->c->as[n] != NULL)
        n++;
    out->headers = (const char **)mem_zero(n + 3, sizeof(*out->headers));
    out->url = mem_printf("%s%s", t->c->server, rq->path);
    (void)snprintf(out->accept, sizeof(out->accept), "Accept: %s",
                   rq->accept != NULL ? rq->accept : "application/json");
    (void)snprintf(out->type, sizeof(out->type), "Content-Type: %s", type);
    if (n > 0)
        memcpy(out->headers, t->c->as, n * sizeof(*out->headers));
    out->headers[n] = out->accept;
    out->headers[n + 1] = rq->body.n > 0 ? out->type : NULL;
    out->rq = (struct http_request){.method = rq->method,
                                    .url = out->url,
                                    .headers = out->headers,
                                    .user = t->c->user,
                                    .password = t->c->password,
                                    .body = rq->body,
                                    .timeout_ms = t->c->timeout_ms > 0 ? t->c->timeout_ms
                                                  : rq->timeout_ms > 0 ? rq->timeout_ms
                                                                       : CALL_MS,
                                    .body_max = KUBE_BODY_MAX};
}

/* What came back. Whoever has read it gives the session back. */
struct incoming {
    struct http_response r;     /* with the body, unless that is streamed */
    struct http_stream *stream; /* the body as it comes; NULL if it was asked for as a whole */
    struct session *session;    /* that it came in */
};

/* Send as whoever we are now, but not as `not`. */
static enum rc
send_as(struct kube_http *t, struct ctx *cx, const struct session * not, struct outgoing *o,
        bool streamed, struct incoming *in, struct err *e)
{
    struct session *s = NULL;
    enum rc rc;

    if (session_get(cx, t, not, &s, e))
        return err_code(e);
    o->rq.bearer = s->token;
    rc = streamed ? http_open(cx, s->http, &o->rq, &in->r, &in->stream, e)
                  : http_call(cx, s->http, &o->rq, &in->r, e);
    if (rc != RC_OK)
        session_put(t, s);
    else
        in->session = s;
    return rc;
}

/* The same, once more when the credentials were refused and there may be newer ones. */
static enum rc
http_exchange(struct kube_http *t, struct ctx *cx, const struct kube_request *rq, bool streamed,
              struct incoming *in, struct err *e)
{
    struct session *refused;
    struct outgoing o;
    enum rc rc;

    outgoing_init(&o, t, rq);
    rc = send_as(t, cx, NULL, &o, streamed, in, e);
    if (rc == RC_OK && in->r.status == 401 && (t->c->exec != NULL || t->c->token_file != NULL)) {
        refused = TAKE(in->session);
        http_response_release(&in->r);
        if (streamed)
            http_close(TAKE(in->stream));
        rc = send_as(t, cx, refused, &o, streamed, in, e);
        session_put(t, refused);
    }
    mem_free(o.url);
    mem_free(o.headers);
    if (rc == RC_OK)
        return RC_OK;
    e->sys = 0; /* there is no HTTP status */
    if (t->c->timeout_ms > 0 && e->code == RC_TIMEOUT)
        e->retry = false; /* whoever says how long to wait waits no longer */
    return err_wrap(e, "could not ask the API server %s", t->c->server);
}

static enum rc
kube_http_call(struct kube_transport *base, struct ctx *cx, const struct kube_request *rq,
               struct kube_response *out, struct err *e)
{
    struct kube_http *t = CONTAINER_OF(base, struct kube_http, t);
    struct incoming in = {.session = NULL};

    if (http_exchange(t, cx, rq, false, &in, e))
        return err_code(e);
    session_put(t, in.session);
    *out = (struct kube_response){in.r.status, in.r.after_ms, in.r.body};
    return RC_OK;
}

static enum rc
stream_read(struct rd *r, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct kube_http_stream *s =
        CONTAINER_OF(CONTAINER_OF(r, struct kube_stream, rd), struct kube_http_stream, s);

    return rd_read(http_stream_rd(s->http), p, n, got, e);
}

static void
close_stream(struct kube_stream *base)
{
    struct kube_http_stream *s = CONTAINER_OF(base, struct kube_http_stream, s);

    http_close(s->http);
    session_put(s->of, s->session);
    mem_free(s);
}

/* The body of an answer that is an error. */
static enum rc
read_rest(struct http_stream *from, struct buf *out, struct err *e)
{
    struct wr_buf to;

    buf_init(out, ERROR_BODY_MAX);
    wr_buf_init(&to, out);
    return stream_copy(http_stream_rd(from), &to.wr, NULL, e);
}

static enum rc
open_stream(struct kube_transport *base, struct ctx *cx, const struct kube_request *rq,
            struct kube_response *out, struct kube_stream **stream, struct err *e)
{
    struct kube_http *t = CONTAINER_OF(base, struct kube_http, t);
    struct incoming in = {.session = NULL};
    struct kube_http_stream *s;

    if (http_exchange(t, cx, rq, true, &in, e))
        return err_code(e);
    *out = (struct kube_response){.status = in.r.status, .after_ms = in.r.after_ms};
    if (in.r.status != 200) {
        enum rc rc = read_rest(in.stream, &out->body, e);
        http_close(in.stream);
        session_put(t, in.session);
        if (rc != RC_OK)
            buf_release(&out->body);
        return rc;
    }
    s = MEM_NEW(struct kube_http_stream);
    s->s.rd.read = stream_read;
    s->of = t;
    s->session = in.session;
    s->http = in.stream;
    *stream = &s->s;
    return RC_OK;
}

struct kube_http_duplex {
    struct kube_duplex d;
    struct kube_http *of;
    struct session *session;
    struct http_link *link;
    char *host, *authorization;
};

static enum rc
duplex_read(struct rd *r, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct kube_http_duplex *d =
        CONTAINER_OF(CONTAINER_OF(r, struct kube_duplex, rd), struct kube_http_duplex, d);

    return rd_read(&d->link->rd, p, n, got, e);
}

static enum rc
duplex_write(struct wr *w, const uint8_t *p, size_t n, struct err *e)
{
    struct kube_http_duplex *d =
        CONTAINER_OF(CONTAINER_OF(w, struct kube_duplex, wr), struct kube_http_duplex, d);

    return wr_write(&d->link->wr, p, n, e);
}

static void
close_duplex(struct kube_duplex *base)
{
    struct kube_http_duplex *d = CONTAINER_OF(base, struct kube_http_duplex, d);

    http_hang_up(d->link);
    session_put(d->of, d->session);
    mem_free(d->host);
    secret_free_text(d->authorization);
    mem_free(d);
}

/* The value of the header that says who we are; NULL: none. */
static char *
authorization_of(const struct kube_http *t, const struct session *s)
{
    CLEANUP(buf_release) struct buf pair = BUF_INIT(1024 * 1024), text = BUF_INIT(2 * 1024 * 1024);
    struct err ignored = ERR_INIT;
    char *value;

    if (s->token != NULL)
        return mem_printf("Bearer %s", s->token);
    if (t->c->user == NULL)
        return NULL;
    buf_must_printf(&pair, "%s:%s", t->c->user, t->c->password != NULL ? t->c->password : "");
    if (b64_encode(buf_str(&pair), &text, &ignored))
        BUG("a password does not fit");
    value = mem_printf("Basic %s", buf_c(&text));
    mem_wipe(pair.p, pair.n);
    mem_wipe(text.p, text.n);
    return value;
}

static enum rc
http_upgrade(struct kube_transport *base, struct ctx *cx, struct kube_duplex **out, struct err *e)
{
    struct kube_http *t = CONTAINER_OF(base, struct kube_http, t);
    const char *host = strstr(t->c->server, "://");
    struct http_link *link = NULL;
    struct session *s = NULL;
    struct kube_http_duplex *d;

    if (session_get(cx, t, NULL, &s, e))
        return err_code(e);
    if (http_dial(cx, s->http, t->c->server, &link, e)) {
        session_put(t, s);
        e->sys = 0; /* there is no HTTP status */
        return err_wrap(e, "could not ask the API server %s", t->c->server);
    }
    host = host != NULL ? host + 3 : t->c->server;
    d = MEM_NEW(struct kube_http_duplex);
    d->of = t;
    d->session = s;
    d->link = link;
    d->host = mem_strndup(host, strcspn(host, "/"));
    d->authorization = authorization_of(t, s);
    d->d = (struct kube_duplex){
        {duplex_read},    {duplex_write},
        d->host,          host + strcspn(host, "/"), /* without a slash at its end */
        d->authorization, (const char *const *)t->c->as};
    *out = &d->d;
    return RC_OK;
}

static void
free_transport(struct kube_transport *base)
{
    struct kube_http *t = CONTAINER_OF(base, struct kube_http, t);

    session_drop_locked(t, t->now);
    http_free(t->plain);
    (void)pthread_mutex_destroy(&t->lock);
    kube_config_free(t->c);
    mem_free(t);
}

enum rc
kube_http_new(struct kube_config *take, struct kube_transport **out, struct err *e)
{
    struct kube_http *t;
    struct http *plain = NULL;

    if (new_client(take, take->cert, take->key, &plain, e)) {
        kube_config_free(take);
        return err_code(e);
    }
    t = MEM_NEW(struct kube_http);
    (void)pthread_mutex_init(&t->lock, NULL);
    t->t = (struct kube_transport){kube_http_call, open_stream,  close_stream,
                                   free_transport, http_upgrade, close_duplex};
    t->c = take;
    t->plain = plain;
    *out = &t->t;
    return RC_OK;
}
