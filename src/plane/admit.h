/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_ADMIT_H
#define PLANE_ADMIT_H

/*
 * plane/admit -- what the server adds to an object that is written, and what it refuses.
 *
 * Shape    defaults first, then checks, for what is built in; custom resources by their schema.
 */
#include "plane/kind.h"
#include "plane/plane.h"

/* Fill in what kubectl shows; `old` is NULL on create. */
void admit_defaults(const struct kind *k, const struct json *old, struct json *obj);
void admit_check(const struct kind *k, const struct json *old, const struct json *obj,
                 struct field_errors *to);
/* The status a fresh object of a built-in kind begins with. */
void admit_fresh_status(const struct kind *k, struct json *obj);

/* RC_INVALID: a value is not of its type, so that a server with typed objects could not read it. */
NODISCARD enum rc admit_types(const struct kind *k, const struct json *obj, struct err *e);

/* metadata: name, labels and such. */
void admit_check_meta(const struct kind *k, const struct json *obj, struct field_errors *to);

/* A CustomResourceDefinition: its defaults, conditions and what is wrong in it (admit_crd.c). */
void crd_defaults(struct json *crd);
void crd_check(const struct json *old, const struct json *crd, struct field_errors *to);

#endif
