/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_TABLE_H
#define PLANE_TABLE_H

/*
 * plane/table -- objects as the rows that "kubectl get" prints.
 *
 * Shape    a meta.k8s.io/v1 Table; the columns are those of kubectl for what is built in, those of
 *          the definition (additionalPrinterColumns) for the rest.
 */
#include "plane/resource_info.h"

/* A Table with its columns and no rows. */
struct json *table_new(const struct resource_info *k);
/* One row; `include`: "None", "Metadata" or "Object" of `obj` goes with it. */
void table_add(struct json *table, const struct resource_info *k, struct json *obj,
               const char *include);
/* PartialObjectMetadata of an object. */
struct json *table_partial(const struct json *obj);

#endif
