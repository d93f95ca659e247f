/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_PODEXEC_H
#define KUBE_PODEXEC_H

/*
 * kube/podexec -- run a command in a container of a pod, as `kubectl exec` does.
 *
 * Shape    kube_pod_exec is one call: stdout and stderr come back together, cut at the buffer's ceiling; no stdin.
 *          kube_pod_exec_open is a command to talk with: its stdin and stdout are streams, its stderr is logged.
 * Errors   as kube/kube.h; RC_UNSUPPORTED: the transport has no such streams. A command that ends
 *          with another code than 0 is not an error: `exit_code` tells.
 * Source   Kubernetes remotecommand over WebSocket, subprotocol v4.channel.k8s.io.
 */
#include "kube/kube.h"

struct kube_pod_exec_opts {
    const char *container;   /* NULL: the first */
    const char *const *argv; /* ended by NULL */
};

struct kube_pod_exec_result {
    struct buf output; /* the caller's: initialised with its ceiling, released by it */
    int exit_code;
};

NODISCARD enum rc kube_pod_exec(struct ctx *cx, struct kube *k, const char *ns, const char *pod,
                                const struct kube_pod_exec_opts *o,
                                struct kube_pod_exec_result *out, struct err *e);

/* A command that runs; see kube_pod_exec_open. */
struct kube_pod_talk {
    struct rd
        rd; /* its stdout. The end: it ended with 0. RC_UNAVAILABLE: with something else, or the connection broke */
    struct wr wr; /* its stdin */
};
/* `cx` stays until kube_pod_exec_close, which ends its stdin. */
NODISCARD enum rc kube_pod_exec_open(struct ctx *cx, struct kube *k, const char *ns,
                                     const char *pod, const struct kube_pod_exec_opts *o,
                                     struct kube_pod_talk **out, struct err *e);
void kube_pod_exec_close(struct kube_pod_talk *t);

#endif
