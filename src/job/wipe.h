/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_WIPE_H
#define JOB_WIPE_H

/*
 * job/wipe -- delete the data of a Repository that goes with spec.wipeOut.
 *
 * Shape    reads the storage Secret of the Repository's namespace, and deletes what store_wipe
 *          deletes. What the Secret does not hold is not taken from this process: it is the
 *          operator's, and its rights are no user's.
 * Errors   RC_UNSUPPORTED: local, whose files are in a volume of the Jobs. What store_wipe gives,
 *          and what an API server does. It may be called again.
 * Source   Stash's Repository controller; docs/adr/0008.
 */
#include "kube/kube.h"

NODISCARD enum rc job_wipe(struct ctx *cx, struct kube *k, const struct json *repository,
                           struct err *e);

#endif
