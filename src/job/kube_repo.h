/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_KUBE_REPO_H
#define JOB_KUBE_REPO_H

/*
 * job/kube_repo -- a Repository of Kubernetes as a store: its backend, reached with the credentials of its Secret.
 *
 * Shape    Jobs get the backend as flags (kube_repo_store); by hand "kube:NAMESPACE/NAME" is enough (kube_repo_open).
 * Errors   what kube, api/backend and the store give; RC_UNSUPPORTED: a volume that is not mounted here.
 */
#include "api/backend.h"
#include "base/secret.h"
#include "kube/kube.h"
#include "store/store.h"

/*
 * What a spec.backend says, a volume as the folder of this machine that it is: its hostPath where `k` (NULL: no cluster) is a
 * control plane of this machine, else its mountPath. backend_release after RC_OK. RC_UNSUPPORTED: it is not mounted here, but a
 * Pod could mount it; RC_NOT_FOUND: it is not here, where all is.
 */
NODISCARD enum rc kube_repo_backend(struct ctx *cx, struct kube *k, const struct json *spec_backend,
                                    struct backend *out, struct err *e);
/*
 * The store of a backend, not touched yet. `secret` NULL: there is none. `with_environment`: what the Secret does not say may come from the environment and
 * the machine's identity. `more` (may be NULL): what else is wanted; its credentials play no part.
 */
NODISCARD enum rc kube_repo_store(const struct backend *b, const struct json *secret,
                                  bool with_environment, const struct store_opts *more,
                                  struct store **out, struct err *e);
/*
 * The Repository's store, and its password, unless there is one already. From a workstation with nothing but the Secret's
 * credentials: whoever wrote the object says where they are sent.
 */
typedef enum rc kube_repo_volume_fn(struct ctx *cx, struct kube *k, const struct json *repo,
                                    const struct backend *b, struct store **out, struct err *e);
struct kube_repo_how {
    const struct store_opts *more; /* may be NULL */
    bool with_environment;         /* as above */
    kube_repo_volume_fn
        *volume; /* opens what lies in a volume that is not mounted here; NULL: RC_UNSUPPORTED */
};
NODISCARD enum rc kube_repo_open(struct ctx *cx, struct kube *k, const char *ns, const char *name,
                                 const struct kube_repo_how *how, struct store **out,
                                 struct secret *password, struct err *e);

#endif
