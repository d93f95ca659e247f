/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_MEM_H
#define STORE_MEM_H

/*
 * store/mem -- a store in memory, for tests.
 */
#include "store/store.h"

struct store *store_mem_new(void);

/*
 * A copy of the stored bytes replaced by `bytes`, whatever its name says: to damage it in tests.
 * RC_NOT_FOUND.
 */
NODISCARD enum rc store_mem_set(struct store *s, const struct store_name *name, struct str bytes,
                                struct err *e);

#endif
