/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parallel.h"
#include "repo/repo_internal.h"

struct removal {
    struct ctx *cx;
    struct repo *repo;
    enum store_type type;
    const struct id *ids;
    atomic_size_t done;
};

static enum rc
removal_one(void *arg, unsigned worker, size_t at, struct err *e)
{
    struct removal *d = (struct removal *)arg;
    struct store *s = d->repo->store;
    struct store_name name = {.type = d->type, .id = d->ids[at]};

    (void)worker;
    if (ctx_check(d->cx, e) || (d->type != STORE_LOCK && repo_lock_ok(d->repo, e)))
        return err_code(e); /* locks of others may be removed by whoever has none */
    if (s->ops->del(d->cx, s, &name, e))
        return err_code(e); /* in whose words is which, and where */
    (void)atomic_fetch_add(&d->done, 1);
    return RC_OK;
}

enum rc
repo_remove(struct ctx *cx, struct repo *r, enum store_type type, const struct id *ids, size_t n,
            size_t *gone, struct err *e)
{
    struct removal d = {.cx = cx, .repo = r, .type = type, .ids = ids};
    size_t stayed = 0;
    enum rc rc;

    atomic_init(&d.done, 0);
    rc = parallel_for(n, repo_workers(r), removal_one, &d, e);
    if (rc == RC_OK)
        rc = store_prove_gone(cx, r->store, type, ids, n, &stayed, e);
    if (gone != NULL)
        *gone = atomic_load(&d.done) - stayed;
    return rc;
}
