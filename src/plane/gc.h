/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_GC_H
#define PLANE_GC_H

/*
 * plane/gc -- the garbage collector: what has lost all its owners goes, and a namespace that is
 * deleted empties itself.
 *
 * Shape    one thread follows the log of the store, of all kinds there are, and keeps who owns whom
 *          (owner_graph.h). What an object says itself is read again before anything is done to it.
 * Source   Kubernetes pkg/controller/garbagecollector, pkg/controller/namespace.
 */
#include "base/ctx.h"
#include "kube/kube.h"
#include "plane/plane.h"

/* Until `cx` is over: RC_CANCELLED then. All is borrowed for the call. */
NODISCARD enum rc gc_run(struct ctx *cx, struct plane *p, struct kube *k, struct err *e);

/*
 * namespace.c: delete what is in the namespace `obj`, which is being deleted; with nothing left it
 * goes. `*empty` false: come again.
 */
NODISCARD enum rc namespace_empty(struct ctx *cx, struct plane *p, struct kube *k,
                                  const struct json *obj, bool *empty, struct err *e);

#endif
