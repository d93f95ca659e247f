/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_OPERATOR_H
#define OPERATOR_OPERATOR_H

/*
 * operator/operator -- the controllers of Stash's kinds, against any API server.
 *
 * Shape    one call runs them all until the ctx is over. Everything it knows it reads from the
 *          server: killed at any instant, the next start goes on where the world is.
 * Source   Stash's controllers, with their known weaknesses mended (docs/adr/0008).
 */
#include <stdint.h>

#include "kube/kube.h"

enum { OPERATOR_DELETION_LIMIT_MS = 10 * 60 * 1000 };

struct operator_opts {
    const char *image;            /* of our containers */
    bool processes;               /* Pods are processes of this machine: no other images run */
    const char *pushgateway_url;  /* for Jobs and for us */
    const char *watch_namespace;  /* NULL: all */
    const char *leader_namespace; /* of the Lease; NULL: no election */
    const char *listen;           /* health and metrics, "127.0.0.1:8080"; NULL: none */
    bool metrics_auth;            /* /metrics by the rights that the API server knows */
    const char *pull_secrets;     /* names by comma, to put into our pods; NULL: none */
    int64_t deletion_limit_ms;    /* how long our finalizers hold at most */
    int workers;                  /* per kind; 0: 2 */
    /* Called once it listens (or has nothing to), before it does anything else. May be NULL. */
    void (*listening)(void *arg);
    void *arg;
};

/* Borrows `k`. RC_OK once `cx` is over; anything else kept it from running. */
NODISCARD enum rc operator_run(struct ctx *cx, struct kube *k, const struct operator_opts *o,
                               struct err *e);

#endif
