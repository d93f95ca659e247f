/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_NODE_INTERNAL_H
#define NODE_NODE_INTERNAL_H

/* node/node_internal -- what the files of this folder share. Read node.h first. */
#include <pthread.h>

#include "api/conditions.h"
#include "ctl/manager.h"
#include "ctl/recorder.h"
#include "ctl/strmap.h"
#include "kube/object.h"
#include "node/node.h"
#include "node/process.h"
#include "node/text.h"

#define BY_OWNER "owner"

struct watched;

struct node {
    struct ctx *cx;
    struct plane *plane;
    struct kube *k;
    const struct node_opts *opts;
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

/* The path of this very program; mem_free. */
char *node_program(void);

/* --- api_calls.c --- */

/*
 * Write `take` as the status of `obj` if it is another; the cache is told. RC_CONFLICT: `obj` was
 * not the newest, so come again.
 */
NODISCARD enum rc node_put_status(struct ctx *cx, struct node *r, const struct kube_gvr *kind,
                                  struct cache *cache, const struct json *obj, struct json *take,
                                  struct err *e);
/* Now, as Kubernetes writes it. */
const char *node_now(char to[static API_TIME_TEXT]);
/* Delete it if it is still this one; gone already is fine. `grace` -1: its own. */
NODISCARD enum rc node_delete(struct ctx *cx, struct node *r, const struct kube_gvr *kind,
                              const struct json *obj, const char *propagation, int64_t grace,
                              struct err *e);
/* Sooner or later: the earlier of what was wished. */
void requeue_by(struct ctl_result *out, int64_t ms);
/* Does this Job have a true condition Complete ("Complete") or Failed ("Failed")? NULL: neither. */
const char *job_end(const struct json *job);

/* --- the reconcilers --- */

reconcile_fn cron_job_reconcile, job_reconcile, pod_reconcile, claim_reconcile;

/* Folders of Pods from before: those whose Pod is gone are cleaned away. */
NODISCARD enum rc pod_dirs_begin(struct ctx *cx, struct node *r, struct err *e);
void pod_dirs_end(struct node *r);
/* Claims whose folder is there: looked at once, for those deleted while we were away. */
void claims_begin(struct node *r);
/* The folder of a claim; the caller frees. */
char *claim_dir(struct node *r, const char *ns, const char *name);

/* --- process_watch.c --- */

NODISCARD enum rc process_watch_begin(struct node *r, struct err *e);
void process_watch_end(struct node *r);
/* When process `pid` ends, look at the Pod `key`; soon, if that cannot be watched. */
void process_watch_add(struct node *r, pid_t pid, const char *key);

/* --- pod_source.c --- */

#define POD_CONFIG_ERROR "CreateContainerConfigError"

struct pod_trouble {
    const char *reason; /* POD_CONFIG_ERROR, ...; static */
    char message[600];
};
/* Fill it, and return RC_INVALID with the same words. */
NODISCARD enum rc pod_trouble(struct pod_trouble *why, struct err *e, const char *reason,
                              const char *fmt, ...) PRINTF_LIKE(4, 5);

/* The value of a downward API field, mem_free; NULL: unknown. */
char *pod_field(struct node *r, const struct json *pod, const char *path);
/* A Secret or ConfigMap that a Pod names. The texts are borrowed. */
struct pod_source {
    const struct kube_gvr *kind; /* KUBE_SECRET or KUBE_CONFIG_MAP */
    const char *ns, *name;
    bool optional; /* where it is not, it counts as empty */
};
/* The one that `ref`, a part of the Pod's spec, means; its field `name_key` has the name. */
struct pod_source pod_source(const struct json *pod, const struct kube_gvr *kind,
                             const struct json *ref, const char *name_key);
/* Its data: a map of plain texts, which the caller frees. RC_INVALID: `why` says what it waits for;
 * other errors are those of the API. */
NODISCARD enum rc pod_source_data(struct ctx *cx, struct node *r, struct pod_source from,
                                  struct json **out, struct pod_trouble *why, struct err *e);

/* --- container_spec.c --- */

/* How to run a container: the shim's spec. Errors as of pod_source_data. */
NODISCARD enum rc container_spec(struct ctx *cx, struct node *r, const struct json *pod,
                                 const struct json *container, struct json **out,
                                 struct pod_trouble *why, struct err *e);

/* --- volume.c --- */

/* Make the volumes of a Pod: folders and files. As container_spec. */
NODISCARD enum rc pod_volumes(struct ctx *cx, struct node *r, const struct json *pod,
                              struct pod_trouble *why, struct err *e);
/* Where a container's mounts are; the caller releases. */
struct container_mounts {
    struct mount_point *all;
    size_t n;
};
NODISCARD enum rc container_mounts(struct node *r, const struct json *pod,
                                   const struct json *container, struct container_mounts *out,
                                   struct pod_trouble *why, struct err *e);
void container_mounts_release(struct container_mounts *m);
/* STATE/pods/UID; the caller frees. */
char *pod_dir(struct node *r, const char *uid);

/* --- user.c --- */

/*
 * securityContext.runAsUser and runAsGroup, if we are root: into `spec`; what the container mounts
 * becomes its user's. `*config`: its own copy of the kubeconfig, mem_free; NULL: it needs none.
 */
NODISCARD enum rc container_user(struct node *r, const struct json *pod,
                                 const struct json *container, const struct container_mounts *m,
                                 struct json *spec, char **config, struct err *e);

#endif
