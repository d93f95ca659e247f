/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_LOOKUP_H
#define REPO_LOOKUP_H

/*
 * repo/lookup -- what a person means by the beginning of an ID.
 *
 * Errors   RC_NOT_FOUND; RC_INVALID: no hex digits, or the beginning of several.
 */
#include "repo/repo_internal.h"

/* Does the ID begin with the hex digits of `spec`, of either case? */
bool id_begins_with(const struct id *id, const char *spec);
/* RC_INVALID unless `spec` is 1 to 64 hex digits. */
NODISCARD enum rc id_check_prefix(const char *spec, struct err *e);

/* Of the files of a type. */
NODISCARD enum rc lookup_file(struct ctx *cx, struct repo *r, enum store_type type,
                              const char *spec, struct id *out, struct err *e);
/* Of the blobs of both types; the index is loaded. */
NODISCARD enum rc lookup_blob(struct repo *r, const char *spec, enum blob_type *type,
                              struct id *out, struct err *e);

#endif
