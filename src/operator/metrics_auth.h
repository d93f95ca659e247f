/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_METRICS_AUTH_H
#define OPERATOR_METRICS_AUTH_H

/*
 * operator/metrics_auth -- who may read /metrics, as Kubernetes' own components ask it: a bearer
 * token that a TokenReview knows, of somebody whom a SubjectAccessReview lets get the path.
 *
 * Shape    answers are kept for a while by the token's hash; one review is made at a time, so that
 *          a flood of wrong tokens is not passed on to the API server.
 * Threads  any.
 */
#include "base/ctx.h"
#include "kube/kube.h"

struct metrics_auth;

struct metrics_auth *metrics_auth_new(struct kube *k);
void metrics_auth_free(struct metrics_auth *a);
/* 200, 401 (no token, or a wrong one), 403, 503 (nobody could be asked). */
int metrics_auth_check(struct metrics_auth *a, struct ctx *cx, const char *authorization);

#endif
