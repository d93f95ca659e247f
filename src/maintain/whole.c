/* SPDX-License-Identifier: Apache-2.0 */
#include "maintain/whole.h"

#include "base/mem.h"
#include "maintain/repair.h"
#include "maintain/used.h"
#include "repo/census.h"
#include "repo/engine.h"

/* What repair left of a damaged snapshot is whole by its structure, and still lacks what was lost. */
static enum rc
refuse_repaired(const struct snapshot *list, size_t n, struct err *e)
{
    char id[ID_TEXT];

    for (size_t i = 0; i < n; i++) {
        if (!snapshot_has_tags(&list[i], REPAIRED_TAG))
            continue;
        return err_set(
            e, RC_CORRUPT,
            "snapshot %.8s is what repair left of a damaged one (`cstash tag --remove " REPAIRED_TAG
            " %.8s` accepts it as it is)",
            id_hex(&list[i].id, id), id);
    }
    return RC_OK;
}

enum rc
snapshots_prove(struct ctx *cx, struct repo *r, const struct snapshot *list, size_t n,
                struct err *e)
{
    CLEANUP(mem_free_ptr) uint8_t *used = NULL;
    struct census *packs;

    if (refuse_repaired(list, n, e) || repo_need_index(cx, r, e) ||
        used_find(cx, r, list, n, &used, e) || census_open(cx, r, &packs, e))
        return err_code(e);
    for (size_t at = 0; at < index_blobs(repo_index(r)); at++) {
        struct pack_entry blob;

        if (used[at] != 0)
            census_use(packs, index_at(repo_index(r), at, &blob));
    }
    return census_end(packs, e);
}
