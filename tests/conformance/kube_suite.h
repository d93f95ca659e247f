/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFORMANCE_KUBE_SUITE_H
#define CONFORMANCE_KUBE_SUITE_H

/*
 * conformance/kube_suite -- what we rely on in an API server, asked through struct kube.
 *
 * Why      the embedded plane and a real kube-apiserver must answer alike.
 * Shape    each case is independent and works in a namespace of its own run, which is deleted at
 *          the end, and with one CustomResourceDefinition, conformance.cstash.dev.
 */
#include "kube/kube.h"

/*
 * Run the cases whose name contains `only` (NULL: all) and print TAP. `k` goes through `net`.
 * Returns how many failed; -1: none could run.
 */
struct lossy;
int kube_suite_run(struct ctx *cx, struct kube *k, struct lossy *net, const char *only);

#endif
