/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_NODE_INTERNAL_H
#define NODE_NODE_INTERNAL_H

/* node/node_internal -- what the files of this folder share. Read node.h first. */
#include <pthread.h>

#include "api/condition.h"
#include "ctl/manager.h"
#include "ctl/recorder.h"
#include "ctl/strmap.h"
#include "kube/object.h"
#include "node/node.h"
#include "node/process.h"
#include "node/text.h"

#define BY_OWNER "owner"

struct watched;

struct runner {
    struct ctx *cx;
    struct plane *plane;
    struct kube *k;
    const struct plane_run_opts *opts;
    const char *kubeconfig;
    char *program; /* our own */
    char node[256];
    struct manager *m;
    struct cache *cron_jobs, *jobs, *pods, *claims;
    struct controller *cron_ctl, *job_ctl, *pod_ctl, *claim_ctl;
    struct recorder *cron_events, *job_events, *pod_events;
    /* process_watch.c: who waits for the end of a process */
    int watch_fd;
    pthread_t watch_thread;
    bool watching;
    struct watched *watched; /* under lock */
    /* pod_dirs.c: "ns/name" -> uid of the Pods that have a folder */
    pthread_mutex_t lock; /* guards pods_seen and watched */
    struct strmap pods_seen;
};

/* --- api_calls.c --- */

/*
 * Write `take` as the status of `obj` if it is another; the cache is told. RC_CONFLICT: `obj` was
 * not the newest, so come again.
 */
NODISCARD enum rc run_put_status(struct ctx *cx, struct runner *r, const struct kube_kind *kind,
                                 struct cache *cache, const struct json *obj, struct json *take,
                                 struct err *e);
/* Now, as Kubernetes writes it. */
const char *run_now(char to[static API_TIME_TEXT]);
/* Delete it if it is still this one; gone already is fine. `grace` -1: its own. */
NODISCARD enum rc run_delete(struct ctx *cx, struct runner *r, const struct kube_kind *kind,
                             const struct json *obj, const char *propagation, int64_t grace,
                             struct err *e);
/* Sooner or later: the earlier of what was wished. */
void run_again(struct ctl_result *out, int64_t ms);
/* Does this Job have a true condition Complete ("Complete") or Failed ("Failed")? NULL: neither. */
const char *run_job_end(const struct json *job);

/* --- the reconcilers --- */

reconcile_fn run_cron_job, run_job, run_pod, run_claim;

/* Folders of Pods from before: those whose Pod is gone are cleaned away. */
NODISCARD enum rc run_pods_begin(struct ctx *cx, struct runner *r, struct err *e);
void run_pods_end(struct runner *r);
/* Claims whose folder is there: looked at once, for those deleted while we were away. */
void run_claims_begin(struct runner *r);
/* The folder of a claim; the caller frees. */
char *run_claim_dir(struct runner *r, const char *ns, const char *name);

/* --- process_watch.c --- */

NODISCARD enum rc run_watch_begin(struct runner *r, struct err *e);
void run_watch_end(struct runner *r);
/* When process `pid` ends, look at the Pod `key`; soon, if that cannot be watched. */
void run_watch_add(struct runner *r, pid_t pid, const char *key);

/* --- container_spec.c --- */

struct run_trouble {
    const char *reason; /* "CreateContainerConfigError", ...; static */
    char message[600];
};

/*
 * How to run a container: the shim's spec. RC_INVALID: `why` says what it waits for; other errors
 * are those of the API. `mounts` of run_volumes.
 */
NODISCARD enum rc run_container_spec(struct ctx *cx, struct runner *r, const struct json *pod,
                                     const struct json *container, struct json **out,
                                     struct run_trouble *why, struct err *e);
/* The value of a downward API field, mem_free; NULL: unknown. */
char *run_field(struct runner *r, const struct json *pod, const char *path);
/* A Secret or ConfigMap that a Pod names. The texts are borrowed. */
struct run_source {
    const struct kube_kind *kind; /* KUBE_SECRET or KUBE_CONFIG_MAP */
    const char *ns, *name;
    bool optional; /* where it is not, it counts as empty */
};
/* The one that `ref`, a part of the Pod's spec, means; its field `name_key` has the name. */
struct run_source run_source(const struct json *pod, const struct kube_kind *kind,
                             const struct json *ref, const char *name_key);
/* Its data: a map of plain texts, which the caller frees. Errors as of run_container_spec. */
NODISCARD enum rc run_data(struct ctx *cx, struct runner *r, struct run_source from,
                           struct json **out, struct run_trouble *why, struct err *e);
NODISCARD enum rc run_trouble(struct run_trouble *why, struct err *e, const char *reason,
                              const char *fmt, ...) PRINTF_LIKE(4, 5);

/* --- volume.c --- */

/* Make the volumes of a Pod: folders and files. As run_container_spec. */
NODISCARD enum rc run_volumes(struct ctx *cx, struct runner *r, const struct json *pod,
                              struct run_trouble *why, struct err *e);
/* Where a container's mounts are; the caller releases. */
struct run_mounts {
    struct run_mount *all;
    size_t n;
};
NODISCARD enum rc run_mounts(struct runner *r, const struct json *pod, const struct json *container,
                             struct run_mounts *out, struct run_trouble *why, struct err *e);
void run_mounts_release(struct run_mounts *m);
/* STATE/pods/UID; the caller frees. */
char *run_pod_dir(struct runner *r, const char *uid);

/* --- user.c --- */

/*
 * securityContext.runAsUser and runAsGroup, if we are root: into `spec`; what the container mounts
 * becomes its user's. `*config`: its own copy of the kubeconfig, mem_free; NULL: it needs none.
 */
NODISCARD enum rc run_as_user(struct runner *r, const struct json *pod,
                              const struct json *container, const struct run_mounts *m,
                              struct json *spec, char **config, struct err *e);

#endif
