/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFORMANCE_STORE_SUITE_H
#define CONFORMANCE_STORE_SUITE_H

/*
 * conformance/store_suite -- what every store promises (store/store.h), tried on one.
 *
 * Shape    call it with an empty store; fails through cmocka. The store is not released.
 */
#include "store/store.h"

void store_suite(struct store *s);

#endif
