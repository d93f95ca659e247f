/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_IDSET_H
#define CRYPTO_IDSET_H

/*
 * crypto/idset -- a set of IDs.
 *
 * Shape    open addressing, 32 bytes a slot, at most three quarters full. IDs are hashes, so their
 *          first bytes serve as the hash. The ID of all zeros is nobody's.
 * Threads  one at a time.
 */
#include <stddef.h>

#include "crypto/id.h"

struct idset {
    struct id *slots;
    size_t n, cap; /* cap is a power of two, or 0 */
};

/* Zeroed is empty. */
void idset_release(struct idset *s);
/* True when it was not there before. */
bool idset_add(struct idset *s, const struct id *id);
bool idset_has(const struct idset *s, const struct id *id);

#endif
