/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RAND_H
#define BASE_RAND_H

/*
 * base/rand -- random bytes of the kernel, fit for keys and IVs. Ends the process if there are
 * none.
 */
#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *p, size_t n);
/* Uniform in [0, below); `below` > 0. */
uint64_t rand_below(uint64_t below);

#endif
