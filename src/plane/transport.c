/* SPDX-License-Identifier: Apache-2.0 */
/* The client's transport as a call. */
#include "base/mem.h"
#include "plane/core.h"

struct direct {
    struct kube_transport pub;
    struct plane *plane;
};

static enum rc
transport_run(struct kube_transport *t, struct ctx *cx, const struct kube_request *rq,
              struct reply *rp, struct err *e)
{
    struct direct *d = CONTAINER_OF(t, struct direct, pub);

    if (ctx_check(cx, e))
        return err_code(e);
    reply_init(rp);
    plane_answer(d->plane, cx, rq, -1, rp);
    return RC_OK;
}

static void
hand_over(struct reply *rp, struct kube_response *out)
{
    out->status = rp->status;
    out->after_ms = rp->after_ms;
    out->body = rp->body;
    buf_init(&rp->body, KUBE_BODY_MAX);
    reply_release(rp);
}

static enum rc
direct_call(struct kube_transport *t, struct ctx *cx, const struct kube_request *rq,
            struct kube_response *out, struct err *e)
{
    struct reply rp;

    if (transport_run(t, cx, rq, &rp, e))
        return err_code(e);
    if (rp.stream != NULL) {
        enum rc rc = RC_OK;
        size_t got = 1;
        while (rc == RC_OK && got > 0) {
            uint8_t some[16 * 1024];
            rc = rd_read(&rp.stream->pub.rd, some, sizeof(some), &got, e);
            if (rc == RC_OK)
                rc = buf_add(&rp.body, some, got, e);
        }
        rp.stream->close(rp.stream);
        if (rc != RC_OK) {
            reply_release(&rp);
            return rc;
        }
    }
    hand_over(&rp, out);
    return RC_OK;
}

static enum rc
direct_open(struct kube_transport *t, struct ctx *cx, const struct kube_request *rq,
            struct kube_response *out, struct kube_stream **stream, struct err *e)
{
    struct reply rp;

    if (transport_run(t, cx, rq, &rp, e))
        return err_code(e);
    if (rp.stream == NULL && rp.status == 200) {
        rp.status = 406; /* a watch or a log was asked for */
    }
    *stream = rp.stream != NULL ? &rp.stream->pub : NULL;
    hand_over(&rp, out);
    return RC_OK;
}

static void
direct_close(struct kube_stream *s)
{
    struct plane_stream *stream = CONTAINER_OF(s, struct plane_stream, pub);

    stream->close(stream);
}

static void
direct_free(struct kube_transport *t)
{
    mem_free(CONTAINER_OF(t, struct direct, pub));
}

struct kube_transport *
plane_transport(struct plane *p)
{
    struct direct *d = MEM_NEW(struct direct);

    d->plane = p;
    d->pub =
        (struct kube_transport){direct_call, direct_open, direct_close, direct_free, NULL, NULL};
    return &d->pub;
}
