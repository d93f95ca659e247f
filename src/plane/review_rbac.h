/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_REVIEW_RBAC_H
#define PLANE_REVIEW_RBAC_H

/*
 * plane/review_rbac -- the spec of a SubjectAccessReview, answered by the Roles, ClusterRoles and
 * bindings that are stored. Rights on URLs that are not resources are nobody's.
 */
#include "plane/plane.h"

struct json;

NODISCARD enum rc review_rbac(struct plane *p, const struct json *spec, bool *yes, struct err *e);

#endif
