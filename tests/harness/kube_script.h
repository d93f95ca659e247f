/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HARNESS_KUBE_SCRIPT_H
#define HARNESS_KUBE_SCRIPT_H

/*
 * harness/kube_script -- a transport that answers from a script.
 *
 * Shape    script_add says what the next request that fits gets; each answer is given once.
 *          Requests that nothing fits get 404, watches a stream that is fed by script_feed until
 *          the ctx ends. script_log is what was asked, a line each: "GET /api/v1/pods body".
 * Threads  any.
 */
#include <pthread.h>

#include "base/mem.h"
#include "kube/kube.h"
#include "t.h"

struct script_step {
    const char *method, *path; /* `path`: part of it */
    int status;                /* 0: the connection fails */
    const char *body;
    unsigned after_ms;
    bool feeds; /* a stream goes on with what is fed, instead of ending */
};

struct script {
    struct kube_transport t;
    pthread_mutex_t lock;
    struct script_step steps[100];
    bool used[100];
    size_t n;
    struct buf log, feed;
    size_t fed, calls;
};

struct script_stream {
    struct kube_stream s;
    struct script *of;
    struct ctx *cx;
    const char *left;
    bool feeds;
};

static inline void
script_add(struct script *s, struct script_step step)
{
    pthread_mutex_lock(&s->lock);
    assert_true(s->n < ARRAY_LEN(s->steps));
    s->steps[s->n++] = step;
    pthread_mutex_unlock(&s->lock);
}

static inline void
script_feed(struct script *s, const char *line)
{
    pthread_mutex_lock(&s->lock);
    buf_must_printf(&s->feed, "%s\n", line);
    pthread_mutex_unlock(&s->lock);
}

/* A copy of the log, freed by the caller. */
static inline char *
script_log(struct script *s)
{
    char *text;

    pthread_mutex_lock(&s->lock);
    text = mem_strdup(buf_c(&s->log));
    pthread_mutex_unlock(&s->lock);
    return text;
}

/* Was anything asked that contains all of `part`? */
static inline bool
script_saw(struct script *s, const char *part)
{
    char *text = script_log(s);
    bool saw = strstr(text, part) != NULL;

    mem_free(text);
    return saw;
}

static inline struct script_step
script_next(struct script *s, const struct kube_request *rq)
{
    struct script_step step = {.status = 404,
                               .body = "{\"kind\":\"Status\",\"code\":404,\"reason\":\"NotFound\","
                                       "\"message\":\"not in the script\"}"};

    if (strstr(rq->path, "watch=true") != NULL)
        step = (struct script_step){.status = 200, .body = "", .feeds = true};
    pthread_mutex_lock(&s->lock);
    s->calls++;
    buf_must_printf(&s->log, "%s %s %.*s\n", rq->method, rq->path, (int)rq->body.n,
                    rq->body.n > 0 ? (const char *)rq->body.p : "");
    for (size_t i = 0; i < s->n; i++)
        if (!s->used[i] && strcmp(s->steps[i].method, rq->method) == 0 &&
            strstr(rq->path, s->steps[i].path) != NULL) {
            s->used[i] = true;
            step = s->steps[i];
            break;
        }
    pthread_mutex_unlock(&s->lock);
    return step;
}

static inline enum rc
script_call(struct kube_transport *t, struct ctx *cx, const struct kube_request *rq,
            struct kube_response *out, struct err *e)
{
    struct script_step step = script_next(CONTAINER_OF(t, struct script, t), rq);

    if (ctx_check(cx, e))
        return err_code(e);
    if (step.status == 0) {
        (void)err_set(e, RC_UNAVAILABLE, "the script breaks the connection");
        e->retry = true;
        return err_code(e);
    }
    out->status = step.status;
    out->after_ms = step.after_ms;
    buf_init(&out->body, KUBE_BODY_MAX);
    if (step.body != NULL)
        buf_must_add(&out->body, step.body, strlen(step.body));
    return RC_OK;
}

static inline enum rc
script_read(struct rd *r, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct script_stream *st =
        CONTAINER_OF(CONTAINER_OF(r, struct kube_stream, rd), struct script_stream, s);
    size_t left = strlen(st->left);

    if (left > 0) { /* in odd pieces */
        *got = MIN(MIN(n, left), 7);
        memcpy(p, st->left, *got);
        st->left += *got;
        return RC_OK;
    }
    *got = 0;
    while (st->feeds && *got == 0) {
        struct script *s = st->of;
        pthread_mutex_lock(&s->lock);
        *got = MIN(n, s->feed.n - s->fed);
        if (*got > 0)
            memcpy(p, s->feed.p + s->fed, *got);
        s->fed += *got;
        pthread_mutex_unlock(&s->lock);
        if (*got == 0 && ctx_sleep(st->cx, 1, e))
            return err_code(e);
    }
    return RC_OK;
}

static inline enum rc
script_open(struct kube_transport *t, struct ctx *cx, const struct kube_request *rq,
            struct kube_response *out, struct kube_stream **stream, struct err *e)
{
    struct script *s = CONTAINER_OF(t, struct script, t);
    struct script_step step = script_next(s, rq);
    struct script_stream *st;

    if (step.status == 0) {
        (void)err_set(e, RC_UNAVAILABLE, "the script breaks the connection");
        e->retry = true;
        return err_code(e);
    }
    out->status = step.status;
    buf_init(&out->body, KUBE_BODY_MAX);
    if (step.status != 200) {
        buf_must_add(&out->body, step.body, strlen(step.body));
        return RC_OK;
    }
    st = MEM_NEW(struct script_stream);
    st->s.rd.read = script_read;
    st->of = s;
    st->cx = cx;
    st->left = step.body;
    st->feeds = step.feeds;
    *stream = &st->s;
    return RC_OK;
}

static inline void
script_close(struct kube_stream *s)
{
    mem_free(CONTAINER_OF(s, struct script_stream, s));
}

static inline void
script_free(struct kube_transport *t)
{
    struct script *s = CONTAINER_OF(t, struct script, t);

    buf_release(&s->log);
    buf_release(&s->feed);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

/* kube_free frees it. */
static inline struct script *
script_new(void)
{
    struct script *s = MEM_NEW(struct script);

    s->t = (struct kube_transport){script_call, script_open, script_close, script_free, NULL, NULL};
    pthread_mutex_init(&s->lock, NULL);
    buf_init(&s->log, 16 * 1024 * 1024);
    buf_init(&s->feed, 16 * 1024 * 1024);
    return s;
}

#endif
