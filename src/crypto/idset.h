/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_IDSET_H
#define CRYPTO_IDSET_H

/*
 * crypto/idset -- a set of IDs.
 *
 * Shape    open addressing, 32 bytes a slot, at most three quarters full. IDs are hashes, so their
 *          first bytes serve as the hash. An empty slot is all zeros; the ID of all zeros, which a
 *          hostile file may name, is a flag beside them.
 * Threads  one at a time.
 */
#include <stdbool.h>
#include <stddef.h>

#include "crypto/id.h"

struct idset {
    struct id *slots;
    size_t n, cap; /* cap is a power of two, or 0 */
    bool has_zero;
};

/* Zeroed is empty. */
void idset_release(struct idset *s);
/* True when it was not there before. */
bool idset_add(struct idset *s, const struct id *id);
bool idset_has(const struct idset *s, const struct id *id);
/* One after the other, in no order: *at begins as 0 and is the set's; NULL after the last. */
const struct id *idset_next(const struct idset *s, size_t *at);

#endif
