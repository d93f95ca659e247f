/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_FIELDS_H
#define VALIDATION_FIELDS_H

/*
 * validation/fields -- sets of the fields of an object, in the form of the API (fieldsV1).
 *
 * Shape    {"f:a": {}} is the field a; {"f:a": {"f:b": {}}} only what is in it; "." among others
 *          is the node itself. Nodes without members are not kept.
 */
#include "validation/listtype.h"

struct json *fields_of(const struct json *value, struct field_type t);
/* Leaves that differ: added, changed or removed. */
struct json *fields_changed(const struct json *a, const struct json *b, struct field_type t);

void fields_add(struct json *to, const struct json *set);
void fields_take(struct json *from, const struct json *set); /* remove those of `set` */
/* Those in both. */
struct json *fields_common(const struct json *a, const struct json *b);

/* `b` merged into a copy of `a`: maps by field, lists by type; scalars and the rest are b's. */
struct json *fields_merge(const struct json *a, const struct json *b, struct field_type t);
/* Remove the fields of `set` from the object, but no node that `keep` has something of. */
void fields_remove(struct json *value, const struct json *set, const struct json *keep,
                   struct field_type t);

/* Each leaf as ".spec.containers[name=\"x\"].image". */
typedef void fields_each(void *arg, const char *path);
void fields_walk(const struct json *set, fields_each *each, void *arg);

#endif
