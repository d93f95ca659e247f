/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_LEASE_H
#define CTL_LEASE_H

/*
 * ctl/lease -- one of several processes is the leader.
 *
 * Shape    lease_acquire waits until we are; lease_keep renews in a thread of its own and tells
 *          when it is lost (then stop at once: another one begins); lease_free gives it back.
 *          The order at the end: stop the work, then lease_free, so that two never work at once.
 * Time     another's lease counts as expired when we have seen it unchanged for its duration, by
 *          our own clock: clocks of different machines are never compared.
 * Threads  acquire and keep from one thread; lease_is_held from any.
 * Source   client-go tools/leaderelection, coordination.k8s.io/v1 Lease.
 * Tests    lease_test.c
 */
#include <stdbool.h>
#include <stdint.h>

#include "kube/kube.h"

struct lease;

struct lease_opts {
    const char *ns, *name;
    const char *identity;             /* NULL: host name and a random part */
    int lease_ms, renew_ms, retry_ms; /* 0: 15 s, 10 s (give up renewing then), 2 s */
    int64_t (*now_ms)(void);          /* NULL: clock_mono_ms */
};

/* `k` is borrowed; strings are copied. */
struct lease *lease_new(struct kube *k, const struct lease_opts *o);
/* Stops renewing and, if held, gives it back. */
void lease_free(struct lease *l);

/* One attempt to take or renew it. `*held` tells. Errors are those of the server. */
NODISCARD enum rc lease_try(struct ctx *cx, struct lease *l, bool *held, struct err *e);
/* Wait until it is ours. Errors of the server are logged and tried again; only the ctx ends it. */
NODISCARD enum rc lease_acquire(struct ctx *cx, struct lease *l, struct err *e);
/* Renew from now on. `lost` is called once, from another thread. */
NODISCARD enum rc lease_keep(struct lease *l, void (*lost)(void *arg), void *arg, struct err *e);

bool lease_is_held(struct lease *l);
const char *lease_identity(const struct lease *l);

#endif
