/* SPDX-License-Identifier: Apache-2.0 */
/* Index files without the packs that go. Each old one is removed as soon as what it keeps is listed
 * anew, and a pack with the last file that lists it: on a full disk the first of them make the room
 * for the others. */
#include "base/mem.h"
#include "maintain/prune_internal.h"

enum {
    FILE_BLOBS = 20000, /* an index file of some 3 MB of text: small enough for our memory */
    SMALL_BLOBS = FILE_BLOBS / 4,
    FEW_SMALL = 10
};

enum rc
prune_remove(struct prune *p, enum store_type type, const struct id_list *list, struct err *e)
{
    if (list->n > 0 && repo_lock_prove(p->cx, p->repo, e))
        return err_code(e);
    return repo_remove(p->cx, p->repo, type, list->ids, list->n, NULL, e);
}

/* An index file being put together. */
struct next_file {
    struct prune *p;
    struct index_pack packs[FILE_BLOBS];
    struct pack_entry *blobs; /* of all packs, one behind the other */
    size_t n_packs, n_blobs, cap;
};

static bool
next_file_is_full(const struct next_file *f, size_t n)
{
    return f->n_packs == ARRAY_LEN(f->packs) || (f->n_blobs > 0 && f->n_blobs + n > FILE_BLOBS);
}

static enum rc
next_file_flush(struct next_file *f, struct err *e)
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
        return err_code(e);
    f->n_packs = f->n_blobs = 0;
    return RC_OK;
}

static void
next_file_add(struct next_file *f, uint32_t pack)
{
    const struct prune *p = f->p;
    size_t first = p->order.first[pack], n = p->order.first[pack + 1] - first;

    if (f->n_blobs + n > f->cap) {
        f->cap = MAX((size_t)FILE_BLOBS, n);
        f->blobs = (struct pack_entry *)mem_grow(f->blobs, f->cap, sizeof(*f->blobs));
    }
    for (size_t i = 0; i < n; i++)
        (void)index_at(repo_index(p->repo), p->order.blobs[first + i], &f->blobs[f->n_blobs++]);
    f->packs[f->n_packs++] =
        (struct index_pack){.id = *index_pack(repo_index(p->repo), pack), .n = n};
}

/* What becomes of an index file. */
enum file_fate {
    FILE_STAYS,
    FILE_OLD,   /* to be written anew */
    FILE_SPENT, /* all that it keeps is listed elsewhere: it can go */
    FILE_GONE
};

struct renewal {
    struct prune *p;
    struct next_file *next;
    const struct index_listing *list; /* sorted by file */
    size_t n;
    uint8_t *files;      /* enum file_fate */
    uint32_t *listed_by; /* of each pack that goes: the files that still list it */
    bool *listed;        /* of each pack: it was put into a new file */
};

static bool
renewal_pack_goes(const struct renewal *w, uint32_t pack)
{
    return w->p->packs[pack].action == PRUNE_REMOVE || w->p->packs[pack].action == PRUNE_REPACK;
}

/* Which index files are to be written anew: those that list a pack that goes, and small ones when
 * there are many. */
static void
renewal_choose(struct renewal *w)
{
    const struct prune *p = w->p;
    size_t n_files = index_files(repo_index(p->repo)), n_small = 0;
    size_t *blobs = (size_t *)mem_zero(n_files + 1, sizeof(*blobs));

    for (size_t i = 0; i < w->n; i++) {
        uint32_t pack = w->list[i].pack;

        blobs[w->list[i].file] += p->order.first[pack + 1] - p->order.first[pack];
        w->listed_by[pack] += renewal_pack_goes(w, pack);
        if (p->packs[pack].action != PRUNE_KEEP)
            w->files[w->list[i].file] = FILE_OLD;
    }
    for (size_t i = 0; i < n_files; i++)
        n_small += blobs[i] < SMALL_BLOBS;
    for (size_t i = 0; i < n_files; i++) {
        if (blobs[i] < SMALL_BLOBS && n_small > FEW_SMALL)
            w->files[i] = FILE_OLD;
        w->p->stats.index_files_rewritten += w->files[i] == FILE_OLD;
    }
    mem_free(blobs);
}

/* Files that keep nothing need no new one. */
static void
renewal_find_spent(struct renewal *w)
{
    size_t n_files = index_files(repo_index(w->p->repo));
    bool *keeps = (bool *)mem_zero(n_files + 1, sizeof(*keeps));

    for (size_t i = 0; i < w->n; i++)
        if (w->p->packs[w->list[i].pack].action == PRUNE_KEEP)
            keeps[w->list[i].file] = true;
    for (size_t i = 0; i < n_files; i++)
        if (w->files[i] == FILE_OLD && !keeps[i])
            w->files[i] = FILE_SPENT;
    mem_free(keeps);
}

/* All old files before `end` are spent. */
static void
renewal_spend(struct renewal *w, size_t end)
{
    for (size_t i = 0; i < end; i++)
        if (w->files[i] == FILE_OLD)
            w->files[i] = FILE_SPENT;
}

/* Remove the files that are spent, then the packs that no file lists any more. */
static enum rc
renewal_settle(struct renewal *w, struct err *e)
{
    struct id_list files = {.n = 0}, packs = {.n = 0};
    const struct index *ix = repo_index(w->p->repo);
    enum rc rc;

    for (size_t i = 0; i < w->n; i++) {
        uint32_t pack = w->list[i].pack;

        if (w->files[w->list[i].file] == FILE_SPENT && renewal_pack_goes(w, pack) &&
            --w->listed_by[pack] == 0)
            id_list_add(&packs, index_pack(ix, pack), 0);
    }
    for (uint32_t i = 0; i < index_files(ix); i++)
        if (w->files[i] == FILE_SPENT) {
            id_list_add(&files, index_file(ix, i), 0);
            w->files[i] = FILE_GONE;
        }
    rc = prune_remove(w->p, STORE_INDEX, &files, e);
    if (rc == RC_OK)
        rc = prune_remove(w->p, STORE_PACK, &packs, e);
    id_list_release(&files);
    id_list_release(&packs);
    if (rc == RC_OK && repo_reserve_is_due(w->p->repo))
        (void)repo_keep_reserve(w->p->cx, w->p->repo);
    return rc;
}

static enum rc
renewal_run(struct renewal *w, struct err *e)
{
    const struct prune *p = w->p;

    renewal_choose(w);
    renewal_find_spent(w);
    if (renewal_settle(w, e))
        return err_code(e);
    for (size_t i = 0; i < w->n; i++) {
        uint32_t pack = w->list[i].pack, file = w->list[i].file;

        if (w->files[file] != FILE_OLD || w->listed[pack] || p->packs[pack].action != PRUNE_KEEP)
            continue;
        if (next_file_is_full(w->next, p->order.first[pack + 1] - p->order.first[pack])) {
            if (next_file_flush(w->next, e))
                return err_code(e);
            renewal_spend(w, file);
            if (renewal_settle(w, e))
                return err_code(e);
        }
        w->listed[pack] = true;
        next_file_add(w->next, pack);
    }
    if (next_file_flush(w->next, e))
        return err_code(e);
    renewal_spend(w, index_files(repo_index(p->repo)));
    return renewal_settle(w, e);
}

enum rc
prune_renew_index(struct prune *p, struct err *e)
{
    const struct index *ix = repo_index(p->repo);
    struct renewal w = {.p = p, .next = MEM_NEW(struct next_file)};
    enum rc rc;

    w.next->p = p;
    w.list = index_listings(ix, &w.n);
    w.files = (uint8_t *)mem_zero(index_files(ix) + 1, sizeof(*w.files));
    w.listed_by = (uint32_t *)mem_zero(index_packs(ix) + 1, sizeof(*w.listed_by));
    w.listed = (bool *)mem_zero(index_packs(ix) + 1, sizeof(*w.listed));
    rc = renewal_run(&w, e);
    mem_free(w.next->blobs);
    mem_free(w.next);
    mem_free(w.files);
    mem_free(w.listed_by);
    mem_free(w.listed);
    return rc;
}
