/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_TRANSPORT_H
#define KUBE_TRANSPORT_H

/*
 * kube/transport -- how a request reaches an API server: over HTTPS, or by a call when the server
 * is in this process.
 *
 * Why      the same client and the same controllers run against a cluster and against the plane.
 * Shape    one request, one response; a watch or a log is a stream of bytes read as they come.
 * Threads  any number of calls at once; a stream belongs to one thread, but for cancelling its ctx.
 * Errors   only what kept the request from being answered (RC_UNAVAILABLE, RC_TIMEOUT,
 *          RC_CANCELLED, RC_DENIED for TLS; e->retry says whether to try again). An answer with an
 *          error status is a response.
 */
#include "base/ctx.h"
#include "base/stream.h"

enum { KUBE_BODY_MAX = 256 * 1024 * 1024 };

struct kube_request {
    const char *method;       /* "GET", "POST", "PUT", "PATCH", "DELETE" */
    const char *path;         /* "/api/v1/pods?limit=5": escaped, from the first slash */
    const char *content_type; /* of the body; NULL: application/json */
    const char *accept;       /* NULL: application/json */
    struct str body;          /* borrowed for the call */
    const char
        *upgrade_key; /* Sec-WebSocket-Key of whoever wants to go on so; read by the plane alone */
    int timeout_ms;   /* for the whole answer; 0: 30 s. A stream has none but its ctx. */
};

struct kube_response {
    int status;        /* HTTP */
    unsigned after_ms; /* Retry-After, 0: none */
    struct buf body;   /* the caller releases it; max KUBE_BODY_MAX */
};

struct kube_stream {
    struct rd rd; /* the body as it comes; the end of the answer is the end of the stream */
};

/* A connection of one's own on which nothing was said yet: for what begins as HTTP and goes on. */
struct kube_duplex {
    struct rd rd;
    struct wr wr;
    const char *host;           /* for the request: "10.0.0.1:6443" */
    const char *prefix;         /* before paths: "" or "/k8s/clusters/x" */
    const char *authorization;  /* "Bearer ..."; NULL: the connection says who we are */
    const char *const *headers; /* more lines, "Name: value"; NULL ends. NULL: none */
};

struct kube_transport {
    enum rc (*call)(struct kube_transport *t, struct ctx *cx, const struct kube_request *rq,
                    struct kube_response *out, struct err *e);
    /*
     * Begin an answer that is read piece by piece. Status 200: `*stream` is it. Any other: NULL,
     * and `out` is the whole answer. The caller ends it with close_stream.
     */
    enum rc (*open)(struct kube_transport *t, struct ctx *cx, const struct kube_request *rq,
                    struct kube_response *out, struct kube_stream **stream, struct err *e);
    void (*close_stream)(struct kube_stream *s);
    void (*free)(struct kube_transport *t);
    /*
     * Connect; `cx` must stay until close_duplex. Optional: both NULL where there are no such
     * connections.
     */
    enum rc (*upgrade)(struct kube_transport *t, struct ctx *cx, struct kube_duplex **out,
                       struct err *e);
    void (*close_duplex)(struct kube_duplex *d);
};

#endif
