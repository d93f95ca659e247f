/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance/lossy.h"

#include "base/mem.h"

struct stream {
    struct kube_stream s;
    struct kube_stream *inner;
    struct lossy *net;
};

static enum rc
call(struct kube_transport *t, struct ctx *cx, const struct kube_request *rq,
     struct kube_response *out, struct err *e)
{
    struct lossy *net = CONTAINER_OF(t, struct lossy, t);

    if (strcmp(rq->method, "GET") == 0 && strstr(rq->path, "limit=") != NULL)
        atomic_fetch_add(&net->lists, 1);
    return net->inner->call(net->inner, cx, rq, out, e);
}

static enum rc
read_stream(struct rd *rd, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct stream *s = (struct stream *)CONTAINER_OF(rd, struct kube_stream, rd);
    enum rc rc = s->inner->rd.read(&s->inner->rd, p, n, got, e);

    if (rc == RC_OK && atomic_exchange(&s->net->cut, false)) {
        rc = err_set(e, RC_UNAVAILABLE, "the connection broke");
        e->retry = true;
    }
    return rc;
}

/* "...resourceVersion=123&..." with 1 in place of the number. */
static char *
with_version_1(const char *path)
{
    static const char key[] = "resourceVersion=";
    const char *at = strstr(path, key);

    if (at == NULL)
        return mem_strdup(path);
    at += sizeof(key) - 1;
    return mem_printf("%.*s1%s", (int)(at - path), path, at + strspn(at, "0123456789"));
}

static enum rc
open_stream(struct kube_transport *t, struct ctx *cx, const struct kube_request *rq,
            struct kube_response *out, struct kube_stream **stream, struct err *e)
{
    struct lossy *net = CONTAINER_OF(t, struct lossy, t);
    struct kube_request old = *rq;
    char *path = atomic_exchange(&net->forget, false) ? with_version_1(rq->path) : NULL;
    struct kube_stream *inner = NULL;
    struct stream *s;
    enum rc rc;

    old.path = path != NULL ? path : rq->path;
    *stream = NULL;
    rc = net->inner->open(net->inner, cx, &old, out, &inner, e);
    mem_free(path);
    if (rc != RC_OK || inner == NULL)
        return rc;
    s = MEM_NEW(struct stream);
    s->s.rd.read = read_stream;
    s->inner = inner;
    s->net = net;
    *stream = &s->s;
    return RC_OK;
}

static void
close_stream(struct kube_stream *stream)
{
    struct stream *s = (struct stream *)stream;

    s->net->inner->close_stream(s->inner);
    mem_free(s);
}

static void
free_lossy(struct kube_transport *t)
{
    struct lossy *net = CONTAINER_OF(t, struct lossy, t);

    net->inner->free(net->inner);
    mem_free(net);
}

struct lossy *
lossy_new(struct kube_transport *take)
{
    struct lossy *net = MEM_NEW(struct lossy);

    net->t = (struct kube_transport){
        .call = call, .open = open_stream, .close_stream = close_stream, .free = free_lossy};
    net->inner = take;
    return net;
}
