/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_POD_LOG_H
#define CLI_POD_LOG_H

/*
 * cli/pod_log -- what the containers of a pod wrote, to stdout as it comes.
 *
 * Errors   of the API server, as a container that has not started; RC_IO of stdout.
 */
#include "cli/cluster.h"

struct pod_log_opts {
    bool follow, previous, timestamps;
    bool prefix;                /* each line with pod and container */
    char since_s[24], tail[24]; /* seconds, lines; "": all */
};

NODISCARD enum rc pod_log(struct ctx *cx, struct kube *k, const struct json *pod,
                          const char *container, const struct pod_log_opts *o, struct err *e);
/* Of each container, those that initialise first; the first error ends it. */
NODISCARD enum rc pod_log_all(struct ctx *cx, struct kube *k, const struct json *pod,
                              const struct pod_log_opts *o, struct err *e);

#endif
