/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_SNAPSHOT_OBJECTS_H
#define JOB_SNAPSHOT_OBJECTS_H

/*
 * job/snapshot_objects -- the snapshots of a repository as objects of Kubernetes, for `kubectl get snapshots`.
 *
 * Shape    a view: the repository says what there is, an object says so in the Repository's namespace. They are made and
 *          removed here alone, by whoever holds the repository's lock; the operator acts on those that people delete.
 * Bound    of the newest SNAPSHOT_OBJECTS_MAX snapshots of a repository.
 * Rules    what is removed here is removed without its finalizer, so that nothing is forgotten (docs/adr/0033). An object that
 *          is being deleted is the operator's. What one object cannot hold or say hides no other.
 */
#include "kube/kube.h"
#include "repo/snapshots.h"

enum { SNAPSHOT_OBJECTS_MAX = 200 };

/*
 * Make the objects of Repository `repository` what `list` (all of its snapshots, oldest first) says. RC as the API server's;
 * RC_UNSUPPORTED, RC_NOT_FOUND: it does not keep objects of this kind (kube_serves).
 */
NODISCARD enum rc snapshot_objects_sync(struct ctx *cx, struct kube *k,
                                        const struct json *repository, const struct snapshot *list,
                                        size_t n, struct err *e);
/*
 * Only what verifications found of them, in those that are there: of a Repository of this name, by somebody who may make none.
 */
NODISCARD enum rc snapshot_objects_verdicts(struct ctx *cx, struct kube *k, const char *ns,
                                            const char *repository, const struct snapshot *list,
                                            size_t n, struct err *e);

#endif
