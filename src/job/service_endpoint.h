/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_SERVICE_ENDPOINT_H
#define JOB_SERVICE_ENDPOINT_H

/*
 * job/service_endpoint -- who stands behind a Service.
 *
 * Shape    its EndpointSlices are asked, and where there are none its Endpoints, which newer clusters only keep for older
 *          clients. The first ready address counts, without one the first that is not.
 * Errors   RC_NOT_FOUND: nobody stands behind it; else what kube gives.
 */
#include "kube/kube.h"

enum { ENDPOINT_PORTS = 16 };

struct service_endpoint {
    char *ip;
    char *pod; /* NULL: it is not a pod's */
    bool ready;
    uint16_t ports[ENDPOINT_PORTS];
    size_t n_ports;
};

/* service_endpoint_release, also after an error. */
NODISCARD enum rc service_endpoint_find(struct ctx *cx, struct kube *k, const char *ns,
                                        const char *service, struct service_endpoint *out,
                                        struct err *e);
void service_endpoint_release(struct service_endpoint *s);

#endif
