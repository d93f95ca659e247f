/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_HOOK_H
#define JOB_HOOK_H

/*
 * job/hook -- one action of a user: exec, httpGet, httpPost or tcpSocket.
 *
 * Where    exec runs in the pod behind the AppBinding's Service; an HTTP or TCP action without a
 *          host goes to that pod's address.
 * Time     HOOK_MS for all of it.
 * Errors   RC_INVALID: not exactly one action, or the action said no (exit code, status); else what
 *          kept it from running.
 * Source   Stash's handlers.
 */
#include "api/invoker.h"
#include "base/ctx.h"
#include "kube/kube.h"

enum { HOOK_MS = 5 * 60 * 1000 };

/* `data` is what templates see. */
NODISCARD enum rc hook_run(struct ctx *cx, struct kube *k, const struct invoker *inv,
                           const struct json *handler, const struct json *data, struct err *e);

#endif
