/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_B2_H
#define STORE_B2_H

/*
 * store/b2 -- a store in a bucket of Backblaze B2, by its native API, version 2.
 *
 * Address  what follows "b2:": BUCKET[:PREFIX]. The prefix is cleaned; one slash before it is none.
 * Options  b2.connections. Credentials: B2_ACCOUNT_ID and B2_ACCOUNT_KEY, also of a key that is
 *          restricted to a bucket or a prefix. B2_ENVIRONMENT, as Backblaze's tools know it, names
 *          another server by its URL.
 * Uploads  carry their SHA-1, which the server compares.
 * Deletion removes all versions of an object; a bucket keeps them otherwise.
 * Source   Backblaze's reference of the native API, "Uploading", "Integration checklist"; restic's
 *          b2 backend as seen from outside.
 */
#include "store/store.h"

NODISCARD enum rc store_b2_open(const char *address, const struct store_opts *o, struct store **out,
                                struct err *e);

#endif
