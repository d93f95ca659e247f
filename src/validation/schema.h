/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_SCHEMA_H
#define VALIDATION_SCHEMA_H

/*
 * validation/schema -- structural schemas of custom resources: drop what they do not know, fill in
 * defaults, check the rest.
 *
 * Shape    the schema is the tree of the definition itself. apiVersion, kind and metadata of the
 *          object are the server's and passed over.
 * Source   apiextensions.k8s.io/v1 JSONSchemaProps; "nullable", "x-kubernetes-*".
 * Tests    schema_test.c
 */
#include "validation/field_errors.h"

enum { SCHEMA_DEPTH_MAX = 64 };

/* Drop unknown fields; their paths are added to `unknown` (may be NULL). */
void schema_prune(const struct json *schema, struct json *obj, struct json *unknown);
void schema_default(const struct json *schema, struct json *obj);
void schema_check(const struct json *schema, const struct json *obj, struct field_errors *to);

/* Is the schema itself one that we understand? `field`: where it is. */
void schema_check_structural(const struct json *schema, const char *field, struct field_errors *to);

/* The schema of a field or of elements, NULL when it says nothing. */
const struct json *schema_of_field(const struct json *schema, const char *key);

#endif
