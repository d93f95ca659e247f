/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_EXEC_H
#define KUBE_EXEC_H

/*
 * kube/exec -- credentials from a plug-in: a program that prints an ExecCredential.
 *
 * Source   client.authentication.k8s.io/v1 and v1beta1.
 * Errors   RC_UNAVAILABLE: it could not be run or failed; RC_INVALID: what it printed or its
 *          configuration is malformed. What it prints is never in a message.
 */
#include "base/ctx.h"
#include "json/node.h"

/* Zeroed at first. Texts may be NULL. */
struct kube_credential {
    char *token, *cert, *key;
    int64_t expires_ms; /* unix, 0: never */
};
void kube_credential_release(struct kube_credential *c);

/*
 * Run the plug-in of a kubeconfig's `exec`; a relative command with a slash starts from `dir`.
 * `cluster` is what it may know of the server (for provideClusterInfo).
 */
NODISCARD enum rc kube_exec(struct ctx *cx, const struct json *exec, const char *dir,
                            const struct json *cluster, struct kube_credential *out, struct err *e);

#endif
