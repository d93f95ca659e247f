/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_CHECK_INTERNAL_H
#define REPO_CHECK_INTERNAL_H

/* repo/check_internal -- what check.c (structure) and check_data.c (every byte) share. */
#include "repo/check.h"
#include "repo/idset.h"
#include "repo/repo_internal.h"

/* A pack of the index: its entries are order[first .. first + n), sorted by offset. */
struct check_pack {
    struct id id;
    uint32_t first, n;
    uint64_t bytes; /* of the file, as the index has it */
    bool present;
};

struct checker {
    struct ctx *cx;
    struct repo *repo;
    const struct check_opts *opts;
    struct check_result result;
    pthread_mutex_t mutex; /* guards result and the callbacks while check_data runs */
    uint32_t *order;       /* numbers of index entries, by pack and offset */
    struct check_pack *packs;
    size_t n_packs;
    struct idset trees, blobs; /* seen */
};

void check_problem(struct checker *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void check_hint(struct checker *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Is this error the end of the check, rather than a problem found? */
bool check_is_fatal(enum rc rc);

/* Read every pack. Fails only with what check_is_fatal says. */
NODISCARD enum rc check_data(struct checker *c, struct err *e);

#endif
