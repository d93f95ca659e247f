/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_KUBE_INTERNAL_H
#define KUBE_KUBE_INTERNAL_H

/*
 * kube/kube_internal -- the client behind kube.h and watch.h.
 */
#include <stdatomic.h>

#include "kube/kube.h"
#include "kube/limit.h"

enum { KUBE_PATH_MAX = 64 * 1024, KUBE_NAME_MAX = 1024 };

struct kube {
    struct kube_transport *t;
    struct limit limit;
    char *manager;
    int tries;
    atomic_ullong requests, delayed;
};

/* Send, with limit and retries: the body of an answer of status 2xx, which the caller releases. */
NODISCARD enum rc kube_bytes(struct ctx *cx, struct kube *k, const struct kube_request *rq,
                             struct buf *out, struct err *e);
/* The same, parsed; `out` may be NULL, `*out` is NULL when there was no body. */
NODISCARD enum rc kube_send(struct ctx *cx, struct kube *k, const struct kube_request *rq,
                            struct json **out, struct err *e);

/* The error that an answer is; releases it. */
enum rc kube_answer_error(struct kube_response *r, struct err *e);

/* apiVersion and kind where an answer left them out. */
void kube_name_kind(struct json *obj, const struct kube_gvr *kind);

/*
 * Read a list, or an event of a watch, of which `e` says that it does not parse: what can be read of
 * it (KUBE_UNREADABLE). Another error, or the same: nothing can.
 */
enum rc salvage_list(struct str text, const struct kube_gvr *kind, struct json **out,
                     struct err *e);
enum rc salvage_event(struct str text, const struct kube_gvr *kind, struct json **out,
                      struct err *e);

#endif
