/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_BACKEND_H
#define API_BACKEND_H

/*
 * api/backend -- where a Repository lies: its backend block, Stash's flags, restic's address.
 *
 * Shape    backend_decode reads spec.backend; the operator hands the parts to the Job as flags; the
 *          Job makes restic's address of them with backend_address.
 * Source   Stash's tables, slashes included: a repository of Stash must be
 *          found at the same place.
 * Ownership  backend_release; strings are copies and may be NULL for "not there".
 */
#include "base/err.h"
#include "json/node.h"

enum { BACKEND_PART_MAX = 4096 }; /* bytes of bucket, prefix, end point, region each */

struct backend {
    char *provider; /* one of backend_provider */
    char *bucket, *prefix, *endpoint, *region;
    char *secret; /* storageSecretName */
    int64_t max_connections;
    bool insecure_tls;
};

/* "local", "s3", ...: the names of all blocks that spec.backend may have; NULL past the last one. */
const char *backend_provider(size_t i);

/* RC_INVALID: no provider, or a part that it needs is missing. The first of several counts. */
NODISCARD enum rc backend_decode(const struct json *spec_backend, struct backend *out,
                                 struct err *e);
void backend_release(struct backend *b);

/*
 * "s3:host/bucket/prefix", "gs:bucket:/prefix", a path for local; mem_free. Credentials of a REST
 * server are not part of it. RC_INVALID: unknown provider.
 */
NODISCARD enum rc backend_address(const struct backend *b, char **out, struct err *e);

/* The same with `folder` behind its prefix, or its path; not of a REST server. backend_release. */
void backend_below(const struct backend *b, const char *folder, struct backend *out);

/*
 * The key of the storage Secret that may give the variable `name` (restic's names); NULL: none may.
 * These are Stash's and a few more that hold credentials. Whoever writes the Secret is not whoever
 * runs what reads it: names of files, proxies, end points and metadata services are never taken.
 * Not among them are RESTIC_PASSWORD and CA_CERT_DATA, which are not variables of a store.
 */
const char *backend_secret_key(const char *name);

#endif
