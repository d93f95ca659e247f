/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_GCS_H
#define STORE_GCS_H

/*
 * store/gcs -- a store in a bucket of Google Cloud Storage.
 *
 * Address  what follows "gs:": BUCKET:/PREFIX. The prefix is cleaned; one slash before it is none.
 * Options  gs.region (where the bucket is made; "us"), gcs.connections. STORAGE_EMULATOR_HOST, as
 *          Google's libraries know it, names another server, which may be without credentials.
 *          Credentials: gcs_internal.h, gcs_credentials.
 * Uploads  carry their MD5, which the server compares; what it then says it stored is compared
 *          here.
 * Source   Google's reference of the JSON API (objects: insert, get, list, delete; buckets:
 *          insert), "Data validation", "HTTP status and error codes"; restic's gs backend as seen
 *          from outside.
 */
#include "store/store.h"

NODISCARD enum rc store_gcs_open(const char *address, const struct store_opts *o,
                                 struct store **out, struct err *e);

#endif
