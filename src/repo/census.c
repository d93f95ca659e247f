/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/census.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/thread.h"
#include "repo/repo_internal.h"

struct census {
    struct ctx *cx; /* of the work; the list looks at `stop` too */
    struct repo *repo;
    size_t n; /* packs of the index */
    atomic_bool *used;
    uint64_t *bytes; /* in the store; the thread's until it is joined */
    pthread_t thread;
    bool listing; /* the thread runs */
    atomic_bool stop;
    struct err failed;
};

static enum rc
census_count(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct census *c = (struct census *)arg;
    size_t at = index_pack_find(c->repo->index, id);

    if (at != INDEX_NONE)
        c->bytes[at] = bytes;
    return atomic_load(&c->stop) ? err_set(e, RC_CANCELLED, "the list is not needed") : RC_OK;
}

static void *
census_list(void *arg)
{
    struct census *c = (struct census *)arg;
    struct store *s = c->repo->store;
    struct err e = ERR_INIT;

    if (s->ops->list(c->cx, s, STORE_PACK, census_count, c, &e))
        c->failed = e;
    return NULL;
}

static void
census_free(struct census *c)
{
    mem_free(c->used);
    mem_free(c->bytes);
    mem_free(c);
}

enum rc
census_open(struct ctx *cx, struct repo *r, struct census **out, struct err *e)
{
    struct census *c = MEM_NEW(struct census);

    *c = (struct census){.cx = cx, .repo = r, .n = index_packs(r->index), .failed = ERR_INIT};
    c->used = (atomic_bool *)mem_zero(c->n + 1, sizeof(*c->used));
    c->bytes = (uint64_t *)mem_zero(c->n + 1, sizeof(*c->bytes));
    if (c->n > 0) {
        if (thread_start(&c->thread, "list packs", census_list, c, e)) {
            census_free(c);
            return err_code(e);
        }
        c->listing = true;
    }
    *out = c;
    return RC_OK;
}

void
census_use(struct census *c, uint32_t pack)
{
    atomic_store_explicit(&c->used[pack], true, memory_order_relaxed);
}

static void
census_join(struct census *c)
{
    if (c->listing)
        (void)pthread_join(c->thread, NULL);
    c->listing = false;
}

static enum rc
census_compare(const struct census *c, struct err *e)
{
    const struct index *ix = c->repo->index;
    struct index_order order;
    enum rc rc = RC_OK;

    index_order_make(ix, &order);
    for (uint32_t p = 0; p < c->n && rc == RC_OK; p++) {
        struct store_name name = {.type = STORE_PACK, .id = *index_pack(ix, p)};
        uint64_t want = atomic_load(&c->used[p]) ? index_pack_bytes(ix, &order, p) : c->bytes[p];
        char text[STORE_NAME_TEXT];

        if (c->bytes[p] == want)
            continue;
        if (c->bytes[p] == 0)
            rc = err_set(e, RC_CORRUPT, "%s is missing at %s, and its blobs are needed",
                         store_name_text(&name, text), c->repo->store->place);
        else
            rc = err_set(e, RC_CORRUPT,
                         "%s has %" PRIu64 " bytes at %s, but the index says %" PRIu64,
                         store_name_text(&name, text), c->bytes[p], c->repo->store->place, want);
        (void)err_hint(e, "run `cstash check`, then `cstash repair index`, and back up again: what "
                          "is missing is stored anew");
    }
    index_order_release(&order);
    return rc;
}

static bool
census_is_used(const struct census *c)
{
    for (size_t p = 0; p < c->n; p++)
        if (atomic_load(&c->used[p]))
            return true;
    return false;
}

enum rc
census_end(struct census *c, struct err *e)
{
    enum rc rc = RC_OK;

    if (!census_is_used(c)) {
        census_abort(c);
        return RC_OK;
    }
    census_join(c);
    if (c->failed.code != RC_OK) {
        *e = c->failed;
        rc = err_wrap(e, "could not see whether the packs of earlier backups are there");
    } else {
        rc = census_compare(c, e);
    }
    census_free(c);
    return rc;
}

void
census_abort(struct census *c)
{
    if (c == NULL)
        return;
    atomic_store(&c->stop, true);
    census_join(c);
    census_free(c);
}
