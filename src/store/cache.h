/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CACHE_H
#define STORE_CACHE_H

/*
 * store/cache -- copies of metadata on this machine, in front of a store that is far away.
 *
 * What     index files, snapshots, and packs from which trees were read; as they are stored,
 *          sealed. Never keys, locks, config or packs of data.
 * Where    a folder of its own for each repository, in the layout of a local store. It may be
 *          deleted at any time, and several processes may use it at once.
 * Trust    a copy is used only after its bytes had the hash that is its name, once in each process;
 *          one that has not is fetched again. What is in the folder cannot name a path.
 * Bound    CACHE_BYTES_MAX a repository: more is not kept, and what is above half of it goes,
 *          whatever it is, when the bound was met. What a list of the far store lacks goes too.
 * Errors   those of the far store. A cache that fails is not used any more, and a warning says so.
 */
#include "store/store.h"

#define CACHE_BYTES_MAX (1024ULL * 1024 * 1024)

/*
 * `far` is borrowed until store_release. `folder` is made, readable by its owner only, when the
 * first object comes. max_bytes 0: CACHE_BYTES_MAX.
 */
struct store *store_cache_new(struct store *far, const char *folder, uint64_t max_bytes);

#endif
