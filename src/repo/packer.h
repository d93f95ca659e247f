/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_PACKER_H
#define REPO_PACKER_H

/*
 * repo/packer -- sealed blobs in, durable packs and index files out.
 *
 * Why      a blob goes straight to the store as it comes, hashed on the way; no pack is ever held
 *          in memory. Making a finished pack durable (fsync, or the peer's reply) happens in
 *          threads of its own, so that nobody who compresses waits for a disk.
 * Order    a pack is listed in an index file only after it is durable, and the store was asked
 *          whether it is there with all its bytes (docs/adr/0028).
 * Threads  packer_add from any thread; open, finish and abort from one. One mutex per kind of pack
 *          guards the open pack; it is held while a full pack waits for a free committer, which is
 *          what slows the producers down.
 * Errors   the first one sticks: every later call gives it too. RC_FULL: the packs that no index
 *          file lists are removed again, so that they do not fill the store until the next prune.
 */
#include "repo/repo_internal.h"

struct packer;

struct packer_opts {
    uint64_t target_bytes; /* the pack is closed by the blob that reaches it. 0: 16 MiB; 4 MiB for a
                              store that holds what it sends in memory */
    unsigned uploads;      /* committers; 0: 2; of such a store as many as it has connections, but
                              no more than 4 */
};

NODISCARD enum rc packer_open(struct ctx *cx, struct repo *r, const struct packer_opts *opts,
                              struct packer **out, struct err *e);

/* Append a sealed blob of b->type; b->offset is filled in. */
NODISCARD enum rc packer_add(struct packer *p, struct str sealed, const struct pack_entry *b,
                             struct err *e);

/* Everything added becomes durable and indexed. Ends the packer, whatever it returns. */
NODISCARD enum rc packer_finish(struct packer *p, struct err *e);
/* Drop what is not durable yet. NULL is a no-op. */
void packer_abort(struct packer *p);

#endif
