/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFORMANCE_LOSSY_H
#define CONFORMANCE_LOSSY_H

/*
 * conformance/lossy -- a transport over another one that fails on demand, as networks and old
 * versions do.
 *
 * Why      what a client does after a lost event or an expired version depends on the server's
 *          answer, so the server must be a real one and the trouble must come when the test wants
 *          it.
 * Threads  the switches may be turned while others use the transport.
 */
#include <stdatomic.h>

#include "kube/transport.h"

struct lossy {
    struct kube_transport t;
    struct kube_transport *inner;
    atomic_bool cut;    /* the next bytes of a stream are lost, and the stream ends */
    atomic_bool forget; /* the next watch asks for version 1, which is long gone */
    atomic_uint lists;  /* requests of whole lists so far */
};

/* Takes `inner`; freed as any transport. */
struct lossy *lossy_new(struct kube_transport *take);

#endif
