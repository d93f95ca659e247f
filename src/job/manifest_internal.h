/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_MANIFEST_INTERNAL_H
#define JOB_MANIFEST_INTERNAL_H

/* What writing and reading of a manifest share. */
#include "job/manifest.h"

/* The second says that the dump has parts: a program that knows only the first cannot load it either. */
enum { MANIFEST_VERSION = 1, MANIFEST_OF_PARTS = 2 };

/*
 * used_memory_dataset is all that is not overhead of the server, so also its clients' subscriptions
 * and the texts of its ACL. What a dump of this size and so many keys can take is a bound: a key
 * costs about 100 bytes beside its value, and the dearest element (a short member of a sorted set, or
 * a number in a hash table, which have 7 to 16 bytes in a dump) 60 to 110. Payloads of RESTORE may
 * be compressed more than that: then the bound is too low, and only foresees less.
 */
uint64_t manifest_memory(uint64_t told, uint64_t bytes, uint64_t keys);

#endif
