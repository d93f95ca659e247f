/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_CHECK_INTERNAL_H
#define MAINTAIN_CHECK_INTERNAL_H

/* maintain/check_internal -- what check.c (structure) and check_data.c (every byte) share. */
#include <pthread.h>

#include "crypto/idset.h"
#include "maintain/check.h"
#include "repo/engine.h"

/* A pack of the index, by its number there. */
struct check_pack {
    uint64_t bytes;       /* of the file: as the index has it, then as the store lists it */
    bool present, chosen; /* chosen: to be read */
};

struct checker {
    struct ctx *cx;
    struct repo *repo;
    const struct index *index; /* of repo, once it is loaded */
    const struct check_opts *opts;
    struct check_result result;
    pthread_mutex_t mutex; /* guards result and the callbacks while check_data runs */
    bool index_is_whole;
    struct index_order order;
    struct check_pack *packs;
    size_t n_packs;
    struct idset trees, blobs; /* seen */
};

void check_problem(struct checker *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void check_hint(struct checker *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Is this error the end of the check, rather than a problem found? */
bool check_is_fatal(enum rc rc);

/* Mark the packs that are to be read. */
void check_subset_choose(struct checker *c, const struct check_subset *s);

/* Read every pack that was chosen. Fails only with what check_is_fatal says. */
NODISCARD enum rc check_data(struct checker *c, struct err *e);

#endif
