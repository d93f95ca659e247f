/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SWIFT_H
#define STORE_SWIFT_H

/*
 * store/swift -- a store in a container of OpenStack Swift, or of a server that speaks its API.
 *
 * Address  what follows "swift:": CONTAINER:/PREFIX. The first slash is none; a second one is part
 *          of the names, as for restic: swift:c://p and swift:c:/p are two places.
 * Options  swift.connections. SWIFT_DEFAULT_CONTAINER_POLICY: how a container that is made here
 *          keeps its objects. Credentials: swift_internal.h, swift_credentials.
 * Uploads  carry their MD5, which the server compares.
 * Source   OpenStack's Object Storage API reference, "Container quotas", "Rate limiting"; restic's
 *          swift backend as seen from outside.
 */
#include "store/store.h"

NODISCARD enum rc store_swift_open(const char *address, const struct store_opts *o,
                                   struct store **out, struct err *e);

#endif
