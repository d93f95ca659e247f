/* SPDX-License-Identifier: Apache-2.0 */
#include "maintain/whole.h"

#include "base/mem.h"
#include "maintain/used.h"
#include "repo/census.h"
#include "repo/engine.h"

enum rc
snapshots_prove(struct ctx *cx, struct repo *r, const struct snapshot *list, size_t n,
                struct err *e)
{
    CLEANUP(mem_free_ptr) uint8_t *used = NULL;
    struct census *packs;

    if (repo_need_index(cx, r, e) || used_find(cx, r, list, n, &used, e) ||
        census_open(cx, r, &packs, e))
        return err_code(e);
    for (size_t at = 0; at < index_blobs(repo_index(r)); at++) {
        struct pack_entry blob;

        if (used[at] != 0)
            census_use(packs, index_at(repo_index(r), at, &blob));
    }
    return census_end(packs, e);
}
