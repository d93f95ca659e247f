/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_INDEX_H
#define REPO_INDEX_H

/*
 * repo/index -- where every blob is: all index files together, in memory.
 *
 * Shape    filled pack by pack, then index_sort, then only read. 48 bytes per blob, sorted by ID: a
 *          repository of 1 TiB has some 700,000 blobs.
 * Blobs    and packs have numbers from 0 on, in the order of their IDs; they hold from index_sort
 *          on.
 * Copies   the same blob in several packs stays as alternatives, side by side.
 * Threads  any number of readers after index_sort.
 */
#include "repo/format/index_json.h"

#define INDEX_NONE SIZE_MAX

struct index;

struct index *index_new(void);
void index_free(struct index *ix);

/* The number of an index file whose packs come next. */
uint32_t index_file_add(struct index *ix, const struct id *file);
/* RC_LIMIT at 2^31 packs. A pack may come several times, whole or in parts. */
NODISCARD enum rc index_add(struct index *ix, const struct index_pack *pack, uint32_t file,
                            struct err *e);
/* Sort; identical entries become one. */
void index_sort(struct index *ix);

struct blob_place {
    struct id pack;
    uint32_t offset, sealed, plain; /* plain: 0 when not compressed */
};

/* The number of the first copy of the blob, or INDEX_NONE. */
size_t index_first(const struct index *ix, enum blob_type type, const struct id *id);
/* The n-th copy of the blob (from 0); false when there are no more. */
bool index_find(const struct index *ix, enum blob_type type, const struct id *id, size_t nth,
                struct blob_place *out);

size_t index_blobs(const struct index *ix);
/* A blob by its number; returns the number of its pack. */
uint32_t index_at(const struct index *ix, size_t at, struct pack_entry *blob);

size_t index_packs(const struct index *ix);
const struct id *index_pack(const struct index *ix, uint32_t pack);
/* The number of a pack, or INDEX_NONE. */
size_t index_pack_find(const struct index *ix, const struct id *pack);

/*
 * The blobs by pack, and there by offset: blobs[first[p] .. first[p + 1]) are the numbers of those
 * of pack p. The caller frees both with index_order_release.
 */
struct index_order {
    uint32_t *blobs, *first;
};
void index_order_make(const struct index *ix, struct index_order *out);
void index_order_release(struct index_order *o);
/* The size of the pack's file, if these are all its blobs. */
uint64_t index_pack_bytes(const struct index *ix, const struct index_order *o, uint32_t pack);

/* Which index file lists which pack; sorted by file. */
struct index_listing {
    uint32_t file, pack;
};
size_t index_files(const struct index *ix);
const struct id *index_file(const struct index *ix, uint32_t file);
const struct index_listing *index_listings(const struct index *ix, size_t *n);

/* The plaintext length of a place. */
static inline size_t
blob_place_plain(const struct blob_place *p)
{
    return p->plain != 0 ? p->plain : p->sealed - SEAL_OVERHEAD;
}

#endif
