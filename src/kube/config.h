/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

/*
 * kube/config -- where the API server is and who we are, as kubectl finds it.
 *
 * Shape    --kubeconfig, else the files of $KUBECONFIG (merged: the first that names a thing wins),
 *          else inside of a Pod its service account, else ~/.kube/config. From the chosen context:
 *          server, CA, client certificate, token, token file, basic authentication or an exec
 *          plug-in, who to act as, proxy, TLS name, namespace. Options go before what a file says.
 * Freshness  a token file is read again every minute and after 401; an exec plug-in runs again
 *          when its credential has expired and after 401.
 * Errors   RC_NOT_FOUND: no configuration, context, cluster or user of that name; RC_INVALID: a
 *          file is malformed (file and line are named). Tokens and keys are never in a message.
 * Threads  read-only once loaded.
 * Source   client-go tools/clientcmd, client.authentication.k8s.io/v1 and v1beta1.
 * Tests    config_test.c, fuzz/kubeconfig.c
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "kube/transport.h"

struct kube_config;

struct kube_config_opts {
    const char *kubeconfig;     /* --kubeconfig; NULL: look for it */
    const char *context;        /* --context; NULL: current-context */
    const char *server;         /* --server: in place of the cluster's; NULL: the cluster's */
    const char *cluster, *user; /* others of the kubeconfig; NULL: those of the context */
    const char
        *server_name; /* that the certificate must have; NULL: the cluster's, or that of `server` */
    const char *ca_file;          /* NULL: the cluster's */
    bool insecure;                /* the server's certificate is not verified */
    const char *as, *as_uid;      /* act as that user; NULL: as the kubeconfig says */
    const char *const *as_groups; /* n_as_groups, of `as` */
    size_t n_as_groups;
    /* Of each request that is not a stream; what was too late is not tried again. 0 or less: some seconds, and again. */
    int timeout_ms;
};

/* `o` may be NULL. */
NODISCARD enum rc kube_config_load(const struct kube_config_opts *o, struct kube_config **out,
                                   struct err *e);
/* The same from text; `dir` is what relative paths in it start from. */
NODISCARD enum rc kube_config_parse(struct str yaml, const char *dir,
                                    const struct kube_config_opts *o, struct kube_config **out,
                                    struct err *e);
void kube_config_free(struct kube_config *c);

/* Borrowed from `c`. */
const char *kube_config_server(const struct kube_config *c);
const char *kube_config_namespace(const struct kube_config *c); /* "default" if none is named */
const char *kube_config_context(const struct kube_config *c);   /* "" inside of a Pod */
bool kube_config_is_in_cluster(const struct kube_config *c);

/*
 * A transport over HTTPS (or HTTP) to that server; takes `c`, also on failure. Connects with the
 * first request.
 */
NODISCARD enum rc kube_http_new(struct kube_config *take, struct kube_transport **out,
                                struct err *e);

/* The above in one: from options to a client. `namespace_out` (may be NULL) is the caller's. */
struct kube_opts;
struct kube;
NODISCARD enum rc kube_connect(const struct kube_config_opts *where, const struct kube_opts *how,
                               struct kube **out, char **namespace_out, struct err *e);

#endif
