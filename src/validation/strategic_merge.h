/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_STRATEGIC_MERGE_H
#define VALIDATION_STRATEGIC_MERGE_H

/*
 * validation/strategic_merge -- strategic merge patches, for what is built in.
 *
 * Why      kubectl sends them for label, annotate, edit and apply.
 * Shape    a merge patch whose lists are merged by one key, the API's patchMergeKey (ports of
 *          containers by containerPort alone), and that knows "$patch",
 *          "$deleteFromPrimitiveList/x", "$setElementOrder/x" and "$retainKeys".
 * Source   the patch marks of k8s.io/api; "Strategic Merge Patch" of Kubernetes' API conventions.
 * Tests    strategic_merge_test.c
 */
#include "json/node.h"

/* What `patch` makes of `target`; the arguments stay. RC_INVALID. The caller frees. */
NODISCARD enum rc strategic_merge_apply(const struct json *target, const struct json *patch,
                                        struct json **out, struct err *e);

#endif
