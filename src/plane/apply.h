/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_APPLY_H
#define PLANE_APPLY_H

/*
 * plane/apply -- who owns which field (metadata.managedFields), and server-side apply.
 *
 * Shape    sets of fields are kept in the form of the API (fieldsV1): {"f:spec": {"f:a": {}}},
 *          "k:{...}" for elements of lists that are maps, "v:..." for those of sets. How lists
 *          merge is told by the schema of custom resources, by validation/listtype for the others.
 * Source   Kubernetes "Server-Side Apply"; structured-merge-diff.
 * Tests    apply_test.c
 */
#include "plane/resource_info.h"

enum { APPLY_MANAGERS_MAX = 64 };

struct apply_manager {
    const char *manager;
    bool status; /* through the status subresource */
    bool force;  /* applies what others own */
};

/*
 * What `applied` makes of `live` (NULL: nothing is there), with managedFields. RC_CONFLICT without
 * `who.force`: others own fields that it would change; `*causes` gets an array of {reason, message,
 * field}, which the caller frees. RC_INVALID: `applied` is malformed.
 */
NODISCARD enum rc apply_patch(const struct resource_info *k, const struct json *live,
                              const struct json *applied, struct apply_manager who,
                              struct json **out, struct json **causes, struct err *e);

/*
 * Before the write of `obj` by other means: what differs from `old` (NULL: nothing was there) is
 * now `who`'s. Replaces metadata.managedFields.
 */
void apply_update(const struct resource_info *k, const struct json *old, struct json *obj,
                  struct apply_manager who);

#endif
