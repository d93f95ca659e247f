/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_CHECK_H
#define MAINTAIN_CHECK_H

/*
 * maintain/check -- is everything there that the snapshots need, and is it whole?
 *
 * Shape    keys, index files, packs (present, right size; none without a snapshot), snapshots, trees, blobs; with read_data
 *          every byte of every pack too. It goes on after a problem, so that one run tells all.
 * Locks    exclusive, by the caller. It loads the index itself.
 * Errors   RC_CORRUPT when there were errors; each was given to `problem` and names its file.
 *          RC_CANCELLED and RC_TIMEOUT end it at once.
 */
#include "repo/repo.h"

/* Which packs are read: those whose ID belongs to a part, or some at random. Zeroed: all. */
struct check_subset {
    unsigned part, parts; /* the part-th of so many: first byte of the ID % parts == part - 1 */
    double percent;       /* of all packs, at least one */
    uint64_t bytes;       /* about so many, at least one pack */
};

/* restic's words: "1/10" (of at most 256), "2.5%", "500M" (k, m, g, t). RC_USAGE. */
NODISCARD enum rc check_subset_parse(const char *text, struct check_subset *out, struct err *e);

struct check_opts {
    bool read_data;
    struct check_subset subset;                   /* of read_data */
    unsigned workers;                             /* for read_data; 0: processors, at most 4 */
    void (*problem)(void *arg, const char *text); /* may be NULL; one at a time */
    void (*hint)(void *arg, const char *text);    /* odd but harmless; may be NULL */
    void (*progress)(void *arg, uint64_t done, uint64_t all); /* packs read; may be NULL */
    void *arg;
};

struct check_result {
    size_t errors, hints;
    uint64_t packs, snapshots, blobs; /* blobs: that the snapshots need */
    uint64_t bytes_read;
};

/* `out` is filled in whenever the check came to its end (RC_OK, RC_CORRUPT). */
NODISCARD enum rc check_run(struct ctx *cx, struct repo *r, const struct check_opts *opts,
                            struct check_result *out, struct err *e);

#endif
