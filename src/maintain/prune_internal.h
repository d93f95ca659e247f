/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_PRUNE_INTERNAL_H
#define MAINTAIN_PRUNE_INTERNAL_H

/* maintain/prune_internal -- what prune.c (in which order), prune_plan.c (what), prune_repack.c (the
 * blobs that move) and prune_index.c (index files anew, and packs removed) share. */
#include "crypto/idset.h"
#include "maintain/prune.h"
#include "repo/engine.h"

enum prune_action {
    PRUNE_KEEP,
    PRUNE_REPACK,
    PRUNE_REMOVE,
    PRUNE_FORGET /* the file is gone, and nothing in it was needed: only the index knows it */
};

/* A pack of the index, by its number there. */
struct prune_pack {
    uint64_t used_bytes, unused_bytes; /* of its blobs, sealed; the header counts as used */
    uint32_t used, unused;             /* blobs */
    bool data, trees;                  /* what is in it */
    bool present, whole;               /* the file is there; with the size that the index says */
    bool must_compress;
    uint8_t action; /* enum prune_action */
};

struct prune {
    struct ctx *cx;
    struct repo *repo;
    const struct prune_opts *opts;
    struct prune_stats stats;
    uint8_t *used; /* of each blob: is this the copy that stays? */
    struct index_order order;
    struct prune_pack *packs;
    uint64_t room;               /* so many bytes may be written into new packs */
    uint64_t small;              /* a pack below this is better joined with others */
    bool no_snapshots;           /* not even one that is ignored */
    struct id_list unreferenced; /* packs of the store that no index file lists */
};

/* Fill in all that is above. The index is loaded. */
NODISCARD enum rc prune_plan(struct prune *p, struct err *e);
void prune_release(struct prune *p);

/* Is this blob to be compressed when it moves? */
bool prune_should_compress(const struct prune *p, const struct pack_entry *b);

/* repo_remove, after the lock was proven. */
NODISCARD enum rc prune_remove(struct prune *p, enum store_type type, const struct id_list *list,
                               struct err *e);

/* Write the used blobs of all packs to be repacked into new ones, durable and indexed. The index in
 * memory stays that of before. */
NODISCARD enum rc prune_repack(struct prune *p, struct err *e);

/* Write index files anew without the packs that go, and remove the old files and those packs. */
NODISCARD enum rc prune_renew_index(struct prune *p, struct err *e);

#endif
