/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_BLOB_MAKER_H
#define REPO_BLOB_MAKER_H

/*
 * repo/blob_maker -- plaintext in, the bytes that a pack holds out: compress, then seal.
 *
 * Rules    repositories of version 1 never compress. Trees are compressed whatever the mode, since
 *          prune would rewrite them otherwise; data only where that saves something.
 * Threads  one blob_maker per thread.
 */
#include "repo/repo_internal.h"
#include "repo/save.h"

struct blob_maker {
    struct sealer *sealer;
    struct zstd_enc *zstd; /* NULL: never compress */
    bool only_trees;       /* compress no data */
    bool always;           /* all, even where it saves nothing, so that nobody tries again */
    uint8_t *out;          /* grows to the largest compressed blob */
    size_t out_room;
};

NODISCARD enum rc blob_maker_init(struct blob_maker *m, struct repo *r,
                                  enum save_compression compression, struct err *e);
void blob_maker_release(struct blob_maker *m);

/*
 * The stored bytes of the n bytes at p, of type b->type; fills in b->sealed and b->plain.
 * p[-SEAL_IV .. n + SEAL_MAC) may be written over. The result is borrowed: from m until its next
 * call, or from p.
 */
struct str blob_make(struct blob_maker *m, uint8_t *p, size_t n, struct pack_entry *b);

#endif
