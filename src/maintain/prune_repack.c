/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/parallel.h"
#include "repo/blob.h"
#include "repo/blob_maker.h"
#include "repo/pack_reader.h"
#include "repo/packer.h"
#include "maintain/prune_internal.h"

enum {
    RUN_BYTES = 4 * 1024 * 1024, /* blobs side by side are read together up to this */
    GAP_BYTES = 64 * 1024        /* unused bytes between them that are read too */
};

/* What one thread works with. */
struct mover {
    struct blob_reader reader;
    struct pack_reader pack;
    struct blob_maker maker;
    uint8_t *run;
    size_t room;
};

struct repack {
    struct prune *p;
    struct packer *packer;
    uint32_t *packs; /* to be rewritten */
    size_t n_packs;
    struct mover movers[PARALLEL_MAX];
};

/* Make it anew from its plaintext: to compress it, or from another copy when this one is damaged.
 */
static enum rc
move_plain(struct repack *w, struct mover *m, const struct pack_entry *b, struct err *e)
{
    struct ctx *cx = w->p->cx;
    struct pack_entry made = {.id = b->id, .type = b->type};
    uint8_t *p;
    size_t n = 0;
    enum rc rc;

    if (blob_length(w->p->repo, b->type, &b->id, &n, e))
        return err_code(e);
    p = (uint8_t *)mem_alloc(SEAL_OVERHEAD + n);
    rc = blob_load(cx, &m->reader, b->type, &b->id, p + SEAL_IV, n, e);
    if (rc == RC_OK) {
        struct str sealed = blob_make(&m->maker, p + SEAL_IV, n, &made);

        rc = packer_add(w->packer, sealed, &made, e);
    }
    mem_free(p);
    return rc;
}

static enum rc
move_blob(struct repack *w, struct mover *m, const struct pack_entry *b, const uint8_t *sealed,
          struct err *e)
{
    struct err ignored = ERR_INIT;
    uint8_t *plain;

    if (prune_should_compress(w->p, b) || pack_open_blob(&m->pack, b, sealed, &plain, &ignored))
        return move_plain(w, m, b, e);
    return packer_add(w->packer, str_of(sealed, b->sealed), b, e);
}

/* Used blobs of a pack that one read brings. */
struct run {
    uint32_t pack;
    size_t at, end;    /* by order.blobs; some between them may be unused */
    uint64_t from, to; /* bytes of the pack */
};

/* From the used one at `at` on, as many before `end` as are worth one read. */
static struct run
find_run(const struct prune *p, uint32_t pack, size_t at, size_t end)
{
    struct run r = {.pack = pack, .at = at, .end = at + 1};
    struct pack_entry b;

    (void)index_at(repo_index(p->repo), p->order.blobs[at], &b);
    r.from = b.offset;
    r.to = (uint64_t)b.offset + b.sealed;
    for (size_t i = at + 1; i < end; i++) {
        if (p->used[p->order.blobs[i]] == 0)
            continue;
        (void)index_at(repo_index(p->repo), p->order.blobs[i], &b);
        if (b.offset > r.to + GAP_BYTES || (uint64_t)b.offset + b.sealed > r.from + RUN_BYTES)
            break;
        r.to = MAX(r.to, (uint64_t)b.offset + b.sealed);
        r.end = i + 1;
    }
    return r;
}

static enum rc
move_run(struct repack *w, struct mover *m, const struct run *r, struct err *e)
{
    const struct prune *p = w->p;
    struct store *s = repo_store(p->repo);
    struct store_name name = {.type = STORE_PACK, .id = *index_pack(repo_index(p->repo), r->pack)};
    size_t bytes = (size_t)(r->to - r->from);
    char text[STORE_NAME_TEXT];

    if (m->room < bytes) {
        mem_free(m->run);
        m->room = bytes;
        m->run = (uint8_t *)mem_alloc(m->room);
    }
    if (s->ops->get(p->cx, s, &name, r->from, m->run, bytes, e))
        return err_wrap(e, "could not read %s", store_name_text(&name, text));
    for (size_t i = r->at; i < r->end; i++) {
        struct pack_entry b;

        (void)index_at(repo_index(p->repo), p->order.blobs[i], &b);
        if (p->used[p->order.blobs[i]] != 0 &&
            move_blob(w, m, &b, m->run + (b.offset - r->from), e))
            return err_wrap(e, "could not move a blob of %s", store_name_text(&name, text));
    }
    return RC_OK;
}

static enum rc
prune_repack_prepare(struct repack *w, struct mover *m, struct err *e)
{
    if (m->reader.repo != NULL)
        return RC_OK;
    if (blob_maker_init(&m->maker, w->p->repo, SAVE_AUTO, e) ||
        pack_reader_init(&m->pack, w->p->cx, w->p->repo, e))
        return err_code(e);
    m->maker.always = w->p->opts->repack_uncompressed;
    return blob_reader_init(&m->reader, w->p->repo, e);
}

static enum rc
move_pack(void *arg, unsigned worker, size_t item, struct err *e)
{
    struct repack *w = (struct repack *)arg;
    struct mover *m = &w->movers[worker];
    const struct prune *p = w->p;
    uint32_t pack = w->packs[item];
    size_t end = p->order.first[pack + 1];

    if (ctx_check(p->cx, e) || prune_repack_prepare(w, m, e))
        return err_code(e);
    for (size_t at = p->order.first[pack]; at < end;) {
        struct run r;

        if (p->used[p->order.blobs[at]] == 0) {
            at++;
            continue;
        }
        r = find_run(p, pack, at, end);
        if (move_run(w, m, &r, e))
            return err_code(e);
        at = r.end;
    }
    return RC_OK;
}

static void
repack_release(struct repack *w)
{
    for (size_t i = 0; i < PARALLEL_MAX; i++) {
        if (w->movers[i].reader.repo != NULL)
            blob_reader_release(&w->movers[i].reader);
        pack_reader_release(&w->movers[i].pack);
        blob_maker_release(&w->movers[i].maker);
        mem_free(w->movers[i].run);
    }
    mem_free(w->packs);
}

enum rc
prune_repack(struct prune *p, struct err *e)
{
    const struct packer_opts opts = {.uploads = 0};
    struct repack w = {.p = p};
    enum rc rc;

    w.packs = (uint32_t *)mem_zero(index_packs(repo_index(p->repo)), sizeof(*w.packs));
    for (uint32_t i = 0; i < index_packs(repo_index(p->repo)); i++)
        if (p->packs[i].action == PRUNE_REPACK)
            w.packs[w.n_packs++] = i;
    if (w.n_packs == 0) {
        mem_free(w.packs);
        return RC_OK;
    }
    rc = packer_open(p->cx, p->repo, &opts, &w.packer, e);
    if (rc == RC_OK)
        rc = parallel_for(w.n_packs, parallel_workers(0), move_pack, &w, e);
    if (rc == RC_OK)
        rc = packer_finish(TAKE(w.packer), e);
    packer_abort(w.packer);
    repack_release(&w);
    return rc;
}
