/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/kube_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/retry.h"

enum { TRIES = 5, PAUSE_MS = 200, PAUSE_MAX_MS = 30000 };

struct kube *
kube_new(struct kube_transport *take, const struct kube_opts *o)
{
    static const struct kube_opts none;
    struct kube *k = MEM_NEW(struct kube);

    if (o == NULL)
        o = &none;
    k->t = take;
    k->manager = mem_strdup(o->manager != NULL ? o->manager : "cstash");
    k->tries = o->tries > 0 ? o->tries : TRIES;
    limit_init(&k->limit, o->qps, o->burst > 0 ? o->burst : 2 * o->qps, clock_mono_ms());
    return k;
}

void
kube_free(struct kube *k)
{
    if (k == NULL)
        return;
    k->t->free(k->t);
    limit_release(&k->limit);
    mem_free(k->manager);
    mem_free(k);
}

struct kube_stats
kube_stats(struct kube *k)
{
    return (struct kube_stats){.requests = atomic_load(&k->requests),
                               .delayed = atomic_load(&k->delayed)};
}

void
kube_name_kind(struct json *obj, const struct kube_gvr *kind)
{
    char version[KUBE_API_VERSION];

    if (json_field(obj, "apiVersion") == NULL)
        json_set_cstr(obj, "apiVersion", kube_gvr_api_version(kind, version));
    if (json_field(obj, "kind") == NULL)
        json_set_cstr(obj, "kind", kind->kind);
}

enum rc
kube_answer_error(struct kube_response *r, struct err *e)
{
    struct json *status = NULL;
    struct err ignored = ERR_INIT;

    if (json_parse(buf_str(&r->body), &status, &ignored))
        status = NULL;
    (void)kube_status_error(e, r->status, r->after_ms, status);
    json_free(status);
    buf_release(&r->body);
    return err_code(e);
}

/* GET; and PUT: of a change that was made and whose answer was lost, the second is a conflict. */
static bool
may_be_repeated(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "PUT") == 0;
}

/* A server in trouble is another reason to come again where that does no harm. */
static bool
says_later(const struct kube_request *rq, struct kube_response *r)
{
    return r->status == 429 || (r->status == 503 && r->after_ms > 0) ||
           (r->status >= 500 && r->status <= 504 && may_be_repeated(rq->method)) ||
           kube_knows_no_roles(r->status, buf_c(&r->body));
}

/* One attempt. RC_OK with e->retry: it is answered, with "later". */
static enum rc
kube_call_once(struct ctx *cx, struct kube *k, const struct kube_request *rq,
               struct kube_response *out, struct err *e)
{
    enum rc rc;

    memset(out, 0, sizeof(*out));
    (void)atomic_fetch_add(&k->requests, 1);
    rc = k->t->call(k->t, cx, rq, out, e);
    if (rc != RC_OK) {
        e->retry = e->retry && may_be_repeated(rq->method);
    } else if (says_later(rq, out)) {
        (void)atomic_fetch_add(&k->delayed, 1);
        (void)err_set(e, RC_UNAVAILABLE, "the API server answered %d", out->status);
        e->retry = true;
        e->after_ms = out->after_ms;
    }
    return rc;
}

/* One request until it is answered with something else than "later". */
static enum rc
kube_call(struct ctx *cx, struct kube *k, const struct kube_request *rq, struct kube_response *out,
          struct err *e)
{
    struct retry again = retry_begin((struct retry_policy){.attempts = (unsigned)k->tries,
                                                           .pause_ms = PAUSE_MS,
                                                           .pause_max_ms = PAUSE_MAX_MS,
                                                           .after_max_ms = PAUSE_MAX_MS});

    for (;;) {
        int wait = limit_take(&k->limit, clock_mono_ms());
        struct err why = ERR_INIT;
        enum rc rc;
        if (wait > 0 && ctx_sleep(cx, wait, e))
            return err_code(e);
        rc = kube_call_once(cx, k, rq, out, &why);
        if (rc == RC_OK && !why.retry)
            return RC_OK;
        wait = retry_pause(&again, &why);
        if (rc != RC_OK && (wait < 0 || !why.retry)) {
            *e = why;
            return retry_tell(&again, e);
        }
        if (wait < 0)
            return RC_OK;
        log_debug("%s %s: %s, again in %d ms", rq->method, rq->path, why.msg, wait);
        buf_release(&out->body);
        if (ctx_sleep(cx, wait, e))
            return err_code(e);
    }
}

enum rc
kube_bytes(struct ctx *cx, struct kube *k, const struct kube_request *rq, struct buf *out,
           struct err *e)
{
    struct kube_response r;

    if (kube_call(cx, k, rq, &r, e))
        return err_code(e);
    if (r.status < 200 || r.status > 299)
        return kube_answer_error(&r, e);
    *out = r.body;
    return RC_OK;
}

enum rc
kube_send(struct ctx *cx, struct kube *k, const struct kube_request *rq, struct json **out,
          struct err *e)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(KUBE_BODY_MAX);
    struct json *answer = NULL;

    if (kube_bytes(cx, k, rq, &body, e))
        return err_code(e);
    if (out != NULL && body.n > 0 && json_parse(buf_str(&body), &answer, e))
        return err_wrap(e, "could not read the answer of the API server");
    if (out != NULL)
        *out = answer;
    return RC_OK;
}

enum rc
kube_raw(struct ctx *cx, struct kube *k, const struct kube_raw *rq, struct buf *out, struct err *e)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(KUBE_BODY_MAX);
    struct kube_request req = {.method = rq->method != NULL ? rq->method : "GET",
                               .path = rq->path,
                               .content_type = rq->content_type,
                               .accept = rq->accept,
                               .body = rq->body};
    struct kube_response r;
    struct err why = ERR_INIT;

    if (!rq->once) {
        if (kube_bytes(cx, k, &req, &body, e))
            return err_code(e);
    } else if (kube_call_once(cx, k, &req, &r, &why)) {
        *e = why;
        return err_code(e);
    } else if (r.status < 200 || r.status > 299) {
        return kube_answer_error(&r, e);
    } else {
        body = r.body;
    }
    return out == NULL ? RC_OK : buf_add(out, body.p, body.n, e);
}

enum rc
kube_open(struct ctx *cx, struct kube *k, const char *path, struct kube_stream **out, struct err *e)
{
    return kube_open_as(cx, k, path, "*/*", out, e);
}

enum rc
kube_open_as(struct ctx *cx, struct kube *k, const char *path, const char *accept,
             struct kube_stream **out, struct err *e)
{
    struct kube_request rq = {.method = "GET", .path = path, .accept = accept};
    struct kube_response r = {.status = 0};
    struct kube_stream *s = NULL;

    (void)atomic_fetch_add(&k->requests, 1);
    if (k->t->open(k->t, cx, &rq, &r, &s, e))
        return err_code(e);
    if (s == NULL)
        return kube_answer_error(&r, e);
    buf_release(&r.body);
    *out = s;
    return RC_OK;
}

void
kube_close(struct kube *k, struct kube_stream *s)
{
    if (s != NULL)
        k->t->close_stream(s);
}
