/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

/*
 * node/node -- what makes the embedded plane do something: CronJobs become Jobs, Jobs
 * become Pods, Pods become processes of this machine.
 *
 * Why      a Kubernetes cluster has these; the operator cannot tell the difference.
 * Shape    ordinary clients of the API; all they know is there or in the folder of the plane
 *          (pods/UID, volumes/NS/CLAIM), so the process may die at any instant. Processes of Pods
 *          live on meanwhile and are found again.
 * Images   one whose last part is "cstash", or `image`, is this very program; an absolute path is
 *          the program there. All others wait with ErrImageNeverPull.
 * Tests    *_test.c, tests/integration/plane_jobs.bats
 */
#include "base/ctx.h"
#include "kube/kube.h"
#include "plane/plane.h"

struct node_opts {
    const char *image;      /* another name for this program; NULL: none */
    const char *kubeconfig; /* KUBECONFIG of the processes; NULL: plane_kubeconfig */
    int64_t log_max;        /* bytes of a log before it is rotated; 0: 10 MiB */
};

/* Until `cx` is over: RC_OK then. `k` and `opts` are borrowed for the call; opts may be NULL. */
NODISCARD enum rc node_run(struct ctx *cx, struct plane *p, struct kube *k,
                           const struct node_opts *opts, struct err *e);
/* How many processes of Pods run now: they go on without us. */
size_t node_processes(struct plane *p);

/* A check for plane_set_hooks: the schedules of CronJobs. `arg` is not used. */
void node_check_cron_job(void *arg, const char *kind, const struct json *old,
                         const struct json *obj, struct field_errors *to);

/* plane_hooks.exec: run a command as a container's own are run. `arg`: a struct node_opts, or NULL. */
NODISCARD enum rc node_exec(void *arg, struct plane *p, struct ctx *cx, const struct json *pod,
                            const char *container, const struct json *argv, struct plane_exec *out,
                            struct err *e);

/*
 * The hidden subcommand "pod-shim DIR CONTAINER", which node_run starts for each
 * container: to be called first of all by main, as long as there is one thread. Returns the exit
 * code.
 */
int node_shim_main(int argc, char **argv);

#endif
