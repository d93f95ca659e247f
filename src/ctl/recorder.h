/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_RECORDER_H
#define CTL_RECORDER_H

/*
 * ctl/recorder -- v1 Events: what a person sees under "kubectl describe".
 *
 * Shape    the same event again within ten minutes raises count and lastTimestamp of the first one.
 *          An object that talks too much is cut short: 25 at once, then one in five minutes.
 * Errors   none for the caller: events are best effort; what fails is logged for debugging.
 * Blocks   for one request. Threads: any.
 * Source   client-go tools/record (events_cache.go).
 * Tests    lease_test.c
 */
#include "kube/kube.h"

struct recorder;

struct recorder_opts {
    const char *component;   /* source.component and reportingComponent */
    const char *host;        /* source.host; NULL: none */
    int64_t (*now_ms)(void); /* unix ms; NULL: clock_real_ms */
};

/* `k` is borrowed; strings are copied. */
struct recorder *recorder_new(struct kube *k, const struct recorder_opts *o);
void recorder_free(struct recorder *r);

/* `type` is "Normal" or "Warning". `obj` needs apiVersion, kind and metadata. */
void recorder_event(struct ctx *cx, struct recorder *r, const struct json *obj, const char *type,
                    const char *reason, const char *fmt, ...) PRINTF_LIKE(6, 7);

#endif
