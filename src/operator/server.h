/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_SERVER_H
#define OPERATOR_SERVER_H

/*
 * operator/server -- /healthz, /readyz and /metrics of the operator, over plain HTTP.
 *
 * Shape    healthz: the process answers; readyz: caches are complete and controllers work, or
 *          another operator leads; metrics: which of the two, queues and reconciles in the words of
 *          controller-runtime, and of the leader sessions by phase, and per configuration when it
 *          succeeded last and when it is due next.
 */
#include "base/err.h"

struct operator;
struct operator_server;

/* RC_UNAVAILABLE: the address is taken. `op` is borrowed until close. */
NODISCARD enum rc operator_server_open(struct operator* op, struct operator_server **out,
                                       struct err *e);
/* NULL is a no-op. */
void operator_server_close(struct operator_server *s);

#endif
