/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_CENSUS_H
#define REPO_CENSUS_H

/*
 * repo/census -- are the packs really in the store that a backup counts on?
 *
 * Why      a backup stores no blob that the index knows. If the index is wrong (somebody lost a
 *          pack, or published an index after his lock was taken away), the snapshot would name
 *          blobs that are gone, and "succeed".
 * Shape    census_open lists the packs once, on a thread of its own, while the dump runs;
 *          census_use notes a pack whose blob is counted on; census_end compares those with the
 *          list, by name and size.
 * Cost     one list of the packs (on S3 a request for each thousand), 9 bytes for each pack of the
 *          index. Without an index nothing is listed.
 * Threads  census_use from any; the others from the one that opened.
 */
#include "repo/repo.h"

struct census;

/* The index is loaded, and stays. `cx` is kept until census_end. NULL is never the result. */
NODISCARD enum rc census_open(struct ctx *cx, struct repo *r, struct census **out, struct err *e);
/* `pack`: its number in the index. */
void census_use(struct census *c, uint32_t pack);
/*
 * Wait for the list and compare; frees. RC_CORRUPT names the first pack that is missing or has
 * another size than the index says. Also what the list gives.
 */
NODISCARD enum rc census_end(struct census *c, struct err *e);
/* Stop the list and free. NULL is a no-op. */
void census_abort(struct census *c);

#endif
