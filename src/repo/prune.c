/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/prune.h"

#include "base/mem.h"
#include "base/par.h"
#include "repo/prune_internal.h"

enum {
    FILE_BLOBS = 20000, /* an index file of some 3 MB of text: small enough for our memory */
    SMALL_BLOBS = FILE_BLOBS / 4,
    FEW_SMALL = 10
};

/* ---- files that go ---- */

struct removal {
    struct prune *p;
    enum store_type type;
    const struct id *ids;
};

static enum rc
remove_one(void *arg, unsigned worker, size_t at, struct err *e)
{
    const struct removal *d = (const struct removal *)arg;
    struct store *s = d->p->repo->store;
    struct store_name name = {.type = d->type, .id = d->ids[at]};
    char text[STORE_NAME_TEXT];

    (void)worker;
    if (ctx_check(d->p->cx, e) || repo_lock_ok(d->p->repo, e))
        return e->code;
    if (s->ops->del(d->p->cx, s, &name, e))
        return err_wrap(e, "could not remove %s", store_name_text(&name, text));
    return RC_OK;
}

static enum rc
remove_all(struct prune *p, enum store_type type, const struct id *ids, size_t n, struct err *e)
{
    struct removal d = {.p = p, .type = type, .ids = ids};

    if (n > 0 && repo_lock_prove(p->cx, p->repo, e))
        return e->code;
    return par_each(n, repo_lanes(p->repo), remove_one, &d, e);
}

static enum rc
remove_packs(struct prune *p, struct err *e)
{
    const struct index *ix = p->repo->index;
    struct id *ids = (struct id *)mem_zero(index_packs(ix), sizeof(*ids));
    size_t n = 0;
    enum rc rc;

    for (uint32_t i = 0; i < index_packs(ix); i++)
        if (p->packs[i].action == PRUNE_REMOVE || p->packs[i].action == PRUNE_REPACK)
            ids[n++] = *index_pack(ix, i);
    rc = remove_all(p, STORE_PACK, ids, n, e);
    mem_free(ids);
    return rc;
}

/* ---- index files ---- */

/* An index file being put together. */
struct next_file {
    struct prune *p;
    struct index_pack packs[FILE_BLOBS];
    struct pack_entry *blobs; /* of all packs, one behind the other */
    size_t n_packs, n_blobs, cap;
};

static enum rc
flush(struct next_file *f, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(INDEX_TEXT_MAX);
    const struct pack_entry *at = f->blobs;
    struct id id;

    if (f->n_packs == 0)
        return RC_OK;
    for (size_t i = 0; i < f->n_packs; i++) {
        f->packs[i].blobs = at;
        at += f->packs[i].n;
    }
    if (index_encode(f->packs, f->n_packs, &text, e) ||
        repo_publish(f->p->cx, f->p->repo, STORE_INDEX, buf_str(&text), &id, e))
        return e->code;
    f->n_packs = f->n_blobs = 0;
    return RC_OK;
}

static enum rc
list_pack(struct next_file *f, uint32_t pack, struct err *e)
{
    const struct prune *p = f->p;
    size_t first = p->order.first[pack], n = p->order.first[pack + 1] - first;

    if (f->n_packs == ARRAY_LEN(f->packs) || (f->n_blobs > 0 && f->n_blobs + n > FILE_BLOBS)) {
        if (flush(f, e))
            return e->code;
    }
    if (f->n_blobs + n > f->cap) {
        f->cap = MAX((size_t)FILE_BLOBS, n);
        f->blobs = (struct pack_entry *)mem_grow(f->blobs, f->cap, sizeof(*f->blobs));
    }
    for (size_t i = 0; i < n; i++)
        (void)index_at(p->repo->index, p->order.blobs[first + i], &f->blobs[f->n_blobs++]);
    f->packs[f->n_packs++] = (struct index_pack){.id = *index_pack(p->repo->index, pack), .n = n};
    return RC_OK;
}

/* Which index files are to be written anew: those that list a pack that goes, and small ones when
 * there are many. */
static bool *
choose_files(const struct prune *p, size_t *n_chosen)
{
    const struct index *ix = p->repo->index;
    size_t n, n_files = index_files(ix), n_small = 0;
    const struct index_listing *list = index_listings(ix, &n);
    bool *chosen = (bool *)mem_zero(n_files + 1, sizeof(*chosen));
    size_t *blobs = (size_t *)mem_zero(n_files + 1, sizeof(*blobs));

    for (size_t i = 0; i < n; i++) {
        uint32_t pack = list[i].pack;

        blobs[list[i].file] += p->order.first[pack + 1] - p->order.first[pack];
        if (p->packs[pack].action != PRUNE_KEEP)
            chosen[list[i].file] = true;
    }
    for (size_t i = 0; i < n_files; i++)
        n_small += blobs[i] < SMALL_BLOBS;
    *n_chosen = 0;
    for (size_t i = 0; i < n_files; i++) {
        chosen[i] = chosen[i] || (blobs[i] < SMALL_BLOBS && n_small > FEW_SMALL);
        *n_chosen += chosen[i];
    }
    mem_free(blobs);
    return chosen;
}

/* Write the packs that stay of the chosen files into new files. */
static enum rc
write_files(struct prune *p, const bool *chosen, struct err *e)
{
    struct next_file *f = MEM_NEW(struct next_file);
    bool *listed = (bool *)mem_zero(index_packs(p->repo->index) + 1, sizeof(*listed));
    size_t n;
    const struct index_listing *list = index_listings(p->repo->index, &n);
    enum rc rc = RC_OK;

    f->p = p;
    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        uint32_t pack = list[i].pack;

        if (!chosen[list[i].file] || listed[pack] || p->packs[pack].action != PRUNE_KEEP)
            continue;
        listed[pack] = true;
        rc = list_pack(f, pack, e);
    }
    if (rc == RC_OK)
        rc = flush(f, e);
    mem_free(listed);
    mem_free(f->blobs);
    mem_free(f);
    return rc;
}

static enum rc
renew_index(struct prune *p, struct err *e)
{
    size_t n, k = 0;
    bool *chosen = choose_files(p, &n);
    struct id *ids = (struct id *)mem_zero(n, sizeof(*ids));
    enum rc rc = write_files(p, chosen, e);

    for (uint32_t i = 0; i < index_files(p->repo->index); i++)
        if (chosen[i])
            ids[k++] = *index_file(p->repo->index, i);
    if (rc == RC_OK)
        rc = remove_all(p, STORE_INDEX, ids, n, e);
    p->stats.index_files_rewritten = n;
    mem_free(ids);
    mem_free(chosen);
    return rc;
}

/* ---- all of it ---- */

static enum rc
carry_out(struct prune *p, struct err *e)
{
    p->repo->index_is_fresh = false;
    if (remove_all(p, STORE_PACK, p->unreferenced.ids, p->unreferenced.n, e) ||
        prune_repack(p, e) || renew_index(p, e) || remove_packs(p, e))
        return err_wrap(e, "prune did not come to its end; nothing is lost, run it again");
    return RC_OK;
}

enum rc
prune_run(struct ctx *cx, struct repo *r, const struct prune_opts *opts, struct prune_stats *out,
          struct err *e)
{
    struct prune p = {.cx = cx, .repo = r, .opts = opts};
    enum rc rc = repo_load_index(cx, r, e);

    if (rc == RC_OK)
        rc = prune_plan(&p, e);
    if (rc) {
        (void)err_wrap(e, "could not plan what to prune; nothing was removed");
        if (rc == RC_CORRUPT)
            (void)err_hint(e, "see what `cstash check` says, and repair that first");
    } else if (!opts->dry_run) {
        rc = carry_out(&p, e);
    }
    if (rc == RC_OK)
        *out = p.stats;
    prune_release(&p);
    return rc;
}
