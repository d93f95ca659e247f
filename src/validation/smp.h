/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_SMP_H
#define VALIDATION_SMP_H

/*
 * validation/smp -- strategic merge patches, for what is built in.
 *
 * Why      kubectl sends them for label, annotate, edit and apply.
 * Shape    a merge patch whose lists are merged by one key, the API's patchMergeKey (ports of
 *          containers by containerPort alone), and that knows "$patch",
 *          "$deleteFromPrimitiveList/x", "$setElementOrder/x" and "$retainKeys".
 * Source   the patch marks of k8s.io/api; "Strategic Merge Patch" of Kubernetes' API conventions.
 * Tests    smp_test.c
 */
#include "json/node.h"

/* What `patch` makes of `target`; the arguments stay. RC_INVALID. The caller frees. */
NODISCARD enum rc smp_apply(const struct json *target, const struct json *patch, struct json **out,
                            struct err *e);

#endif
