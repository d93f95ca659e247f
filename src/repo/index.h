/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_INDEX_H
#define REPO_INDEX_H

/*
 * repo/index -- where every blob is: all index files together, in memory.
 *
 * Shape    filled pack by pack, then index_sort, then only read. 48 bytes per blob, sorted by ID: a
 *          repository of 1 TiB has some 700,000 blobs.
 * Copies   the same blob in several packs stays as alternatives.
 * Threads  any number of readers after index_sort.
 */
#include "repo/format/index_json.h"

struct index;

struct index *index_new(void);
void index_free(struct index *ix);

/* RC_LIMIT at 2^31 packs. */
NODISCARD enum rc index_add(struct index *ix, const struct index_pack *pack, struct err *e);
/* Sort; identical entries become one. */
void index_sort(struct index *ix);

struct blob_place {
    struct id pack;
    uint32_t offset, sealed, plain; /* plain: 0 when not compressed */
};

/* The n-th copy of the blob (from 0); false when there are no more. */
bool index_find(const struct index *ix, enum blob_type type, const struct id *id, size_t nth,
                struct blob_place *out);

size_t index_blobs(const struct index *ix);

/* Every entry, in order of ID; copies follow each other. `at` from 0 to index_blobs. */
void index_at(const struct index *ix, size_t at, struct pack_entry *blob, struct id *pack);

/* The plaintext length of a place. */
static inline size_t
blob_place_plain(const struct blob_place *p)
{
    return p->plain != 0 ? p->plain : p->sealed - SEAL_OVERHEAD;
}

#endif
