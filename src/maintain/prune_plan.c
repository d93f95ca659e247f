/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/mem.h"
#include "maintain/prune_internal.h"
#include "repo/snapshots.h"
#include "repo/verdict.h"
#include "maintain/used.h"

enum {
    PACK_BYTES = 16 * 1024 * 1024, /* what backups aim at */
    FEW_SMALL = 10,                /* so many small packs do no harm */
    PERCENT = 100
};

enum rc
prune_limit_parse(struct str s, struct prune_limit *out, struct err *e)
{
    CLEANUP(mem_free_ptr) char *text = mem_strndup((const char *)s.p, s.n);
    char *end = text;
    double percent;

    if (str_eq(s, STR_LIT("unlimited"))) {
        *out = (struct prune_limit){.kind = PRUNE_UNLIMITED};
        return RC_OK;
    }
    if (s.n == 0 || s.p[s.n - 1] != '%') {
        uint64_t bytes = 0;

        if (!str_to_size(s, &bytes))
            return err_set(e, RC_INVALID, "\"%.*s\" is not a size such as 500K, 200M or 1G",
                           (int)s.n, (const char *)s.p);
        *out = (struct prune_limit){.kind = PRUNE_BYTES, .bytes = bytes};
        return RC_OK;
    }
    percent = strtod(text, &end);
    if (text[0] < '0' || text[0] > '9' || end[0] != '%' || end[1] != '\0' || !(percent >= 0) ||
        percent > PERCENT)
        return err_set(e, RC_INVALID, "\"%s\" is not a share such as 5%%", text);
    *out = percent < PERCENT ? (struct prune_limit){.kind = PRUNE_PERCENT, .percent = percent}
                             : (struct prune_limit){.kind = PRUNE_UNLIMITED};
    return RC_OK;
}

static void
prune_plan_count(struct prune_amount *a, uint64_t blobs, uint64_t bytes)
{
    a->blobs += blobs;
    a->bytes += bytes;
}

struct prune_amount
prune_total(const struct prune_stats *s)
{
    return (struct prune_amount){s->removed.blobs + s->repack_removed.blobs,
                                 s->removed.bytes + s->repack_removed.bytes +
                                     s->unreferenced_bytes};
}

struct prune_amount
prune_unused_after(const struct prune_stats *s)
{
    return (struct prune_amount){
        s->unused.blobs + s->duplicate.blobs - s->removed.blobs - s->repack_removed.blobs,
        s->unused.bytes + s->duplicate.bytes - s->removed.bytes - s->repack_removed.bytes};
}

bool
prune_should_compress(const struct prune *p, const struct pack_entry *b)
{
    return repo_config(p->repo)->version >= 2 && b->plain == 0 &&
           (b->type == BLOB_TREE || p->opts->repack_uncompressed);
}

/* ---- which blobs ---- */

/* Records of verifications of which no snapshot is left that counts: they are ignored, and go. */
static enum rc
prune_records(struct prune *p, const struct snapshot *list, size_t n, struct idset *ignored,
              struct err *e)
{
    CLEANUP(mem_free_ptr) struct id *gone = (struct id *)mem_zero(n + 1, sizeof(*gone));
    struct idset trees = {.n = 0};
    size_t n_gone = 0;

    p->no_snapshots = true;
    for (size_t i = 0; i < n; i++) {
        p->no_snapshots = p->no_snapshots && list[i].record;
        if (!list[i].record && !idset_has(ignored, &list[i].id))
            (void)idset_add(&trees, &list[i].tree);
    }
    for (size_t i = 0; i < n; i++)
        if (list[i].record && !idset_has(&trees, &list[i].verdict->tree)) {
            gone[n_gone++] = list[i].id;
            (void)idset_add(ignored, &list[i].id);
        }
    idset_release(&trees);
    return n_gone == 0 || p->opts->dry_run
               ? RC_OK
               : snapshots_forget(p->cx, p->repo, gone, n_gone, NULL, e);
}

/* All snapshots that count. */
static enum rc
find_used(struct prune *p, struct err *e)
{
    struct idset ignored = {.n = 0};
    struct snapshot *list = NULL;
    size_t n = 0, counted = 0;
    enum rc rc = snapshots_and_records(p->cx, p->repo, &list, &n, NULL, e);

    if (rc)
        return rc;
    for (size_t i = 0; i < p->opts->n_ignore; i++)
        (void)idset_add(&ignored, &p->opts->ignore[i]);
    rc = prune_records(p, list, n, &ignored, e);
    for (size_t i = 0; i < n; i++)
        if (!idset_has(&ignored, &list[i].id)) {
            struct snapshot swap = list[counted];

            list[counted++] = list[i];
            list[i] = swap;
        }
    if (rc == RC_OK)
        rc = used_find(p->cx, p->repo, list, counted, &p->used, e);
    idset_release(&ignored);
    snapshots_free(list, n);
    return rc;
}

/* How many copies of the same blob stand from `at` on. */
static size_t
copies_at(const struct index *ix, size_t at)
{
    struct pack_entry a, b;
    size_t n = 1;

    (void)index_at(ix, at, &a);
    for (; at + n < index_blobs(ix); n++) {
        (void)index_at(ix, at + n, &b);
        if (!id_eq(&a.id, &b.id) || a.type != b.type)
            break;
    }
    return n;
}

/* Of several copies the one stays whose pack stays anyway: used marks the first until now. */
static void
choose_copies(struct prune *p)
{
    const struct index *ix = repo_index(p->repo);

    for (size_t at = 0, n; at < index_blobs(ix); at += n) {
        struct pack_entry b;

        n = copies_at(ix, at);
        if (n == 1)
            p->packs[index_at(ix, at, &b)].used += p->used[at];
    }
    for (size_t at = 0, n; at < index_blobs(ix); at += n) {
        struct pack_entry b;
        size_t best = at;

        n = copies_at(ix, at);
        if (n == 1 || p->used[at] == 0)
            continue;
        p->used[at] = 0;
        for (size_t i = at; i < at + n; i++) {
            const struct prune_pack *k = &p->packs[index_at(ix, i, &b)];
            const struct prune_pack *than = &p->packs[index_at(ix, best, &b)];

            if (k->whole && (!than->whole || k->used > than->used))
                best = i;
        }
        p->used[best] = 1;
        p->packs[index_at(ix, best, &b)].used++;
        for (size_t i = at; i < at + n; i++)
            if (i != best) {
                (void)index_at(ix, i, &b);
                prune_plan_count(&p->stats.duplicate, 1, b.sealed);
            }
    }
}

static void
count_blobs(struct prune *p)
{
    const struct index *ix = repo_index(p->repo);

    for (uint32_t k = 0; k < index_packs(ix); k++) {
        struct prune_pack *pack = &p->packs[k];

        pack->used_bytes = index_pack_bytes(ix, &p->order, k);
        for (size_t i = p->order.first[k]; i < p->order.first[k + 1]; i++) {
            uint32_t at = p->order.blobs[i];
            struct pack_entry b;

            (void)index_at(ix, at, &b);
            pack->data = pack->data || b.type == BLOB_DATA;
            pack->trees = pack->trees || b.type == BLOB_TREE;
            if (p->used[at] == 0) {
                pack->unused++;
                pack->used_bytes -= b.sealed;
                pack->unused_bytes += b.sealed;
                prune_plan_count(&p->stats.unused, 1, b.sealed);
            } else {
                pack->must_compress = pack->must_compress || prune_should_compress(p, &b);
                prune_plan_count(&p->stats.used, 1, b.sealed);
            }
        }
    }
    p->stats.unused.blobs -= p->stats.duplicate.blobs;
    p->stats.unused.bytes -= p->stats.duplicate.bytes;
}

/* ---- which packs ---- */

static enum rc
see_pack(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct prune *p = (struct prune *)arg;
    size_t at = index_pack_find(repo_index(p->repo), id);

    (void)e;
    if (at == INDEX_NONE) {
        id_list_add(&p->unreferenced, id, bytes);
        p->stats.unreferenced_bytes += bytes;
        p->stats.packs_unreferenced++;
        return RC_OK;
    }
    p->packs[at].present = true;
    p->packs[at].whole = bytes == index_pack_bytes(repo_index(p->repo), &p->order, (uint32_t)at);
    return RC_OK;
}

/* Packs that are needed and not there as the index says. */
static enum rc
find_missing(const struct prune *p, struct err *e)
{
    for (uint32_t k = 0; k < index_packs(repo_index(p->repo)); k++) {
        struct store_name name = {.type = STORE_PACK, .id = *index_pack(repo_index(p->repo), k)};
        char text[STORE_NAME_TEXT];

        if (!p->packs[k].whole && p->packs[k].used > 0)
            return err_set(
                e, RC_CORRUPT, "%s, which snapshots need, %s", store_name_text(&name, text),
                p->packs[k].present ? "has not the size that the index says" : "is missing");
    }
    return RC_OK;
}

static uint64_t
pack_bytes(const struct prune_pack *k)
{
    return k->used_bytes + k->unused_bytes;
}

/* Trees first, then small ones, then those with the largest unused share. */
static int
by_urgency(const void *a, const void *b, void *arg)
{
    const struct prune *p = (const struct prune *)arg;
    const struct prune_pack *x = &p->packs[*(const uint32_t *)a];
    const struct prune_pack *y = &p->packs[*(const uint32_t *)b];
    bool small_x = pack_bytes(x) < p->small, small_y = pack_bytes(y) < p->small;
    double share_x = (double)x->unused_bytes / (double)pack_bytes(x);
    double share_y = (double)y->unused_bytes / (double)pack_bytes(y);

    if (x->trees != y->trees)
        return x->trees ? -1 : 1;
    if (small_x != small_y)
        return small_x ? -1 : 1;
    return (share_x < share_y) - (share_x > share_y);
}

static uint64_t
unused_allowed(const struct prune *p)
{
    const struct prune_limit *max = &p->opts->max_unused;

    switch (max->kind) {
    case PRUNE_PERCENT:
        return (uint64_t)(max->percent / (PERCENT - max->percent) * (double)p->stats.used.bytes);
    case PRUNE_BYTES:
        return max->bytes;
    default:
        return UINT64_MAX;
    }
}

static void
set_action(struct prune *p, struct prune_pack *k, enum prune_action action)
{
    struct prune_stats *s = &p->stats;

    k->action = (uint8_t)action;
    if (action == PRUNE_KEEP) {
        s->packs_kept++;
    } else if (action == PRUNE_REPACK) {
        s->packs_repacked++;
        prune_plan_count(&s->repack, (uint64_t)k->used + k->unused, pack_bytes(k));
        prune_plan_count(&s->repack_removed, k->unused, k->unused_bytes);
    } else {
        s->packs_removed += action == PRUNE_REMOVE;
        prune_plan_count(&s->removed, k->unused, k->unused_bytes);
    }
}

static bool
is_too_much(const struct prune *p, const struct prune_pack *k)
{
    const struct prune_opts *o = p->opts;
    uint64_t so_far = p->stats.repack.bytes, written = so_far - p->stats.repack_removed.bytes;

    return o->no_repack || written + k->used_bytes > p->room ||
           (o->max_repack_bytes != 0 && so_far + pack_bytes(k) >= o->max_repack_bytes);
}

/* The candidates in their order, as long as the limits allow or demand it. */
static void
choose_repacks(struct prune *p, uint32_t *candidates, size_t n)
{
    uint64_t allowed = unused_allowed(p);

    qsort_r(candidates, n, sizeof(*candidates), by_urgency, p);
    for (size_t i = 0; i < n; i++) {
        struct prune_pack *k = &p->packs[candidates[i]];
        bool few_unused = prune_unused_after(&p->stats).bytes < allowed;
        bool large = pack_bytes(k) >= p->small;
        bool too_much = is_too_much(p, k);
        bool wanted = k->trees || k->must_compress || !few_unused || !large;

        p->stats.packs_postponed += wanted && too_much;
        set_action(p, k, wanted && !too_much ? PRUNE_REPACK : PRUNE_KEEP);
    }
}

static void
choose_packs(struct prune *p)
{
    size_t n_packs = index_packs(repo_index(p->repo)), n = 0, n_small = 0;
    uint32_t *candidates = (uint32_t *)mem_zero(n_packs, sizeof(*candidates));
    uint32_t *smalls = (uint32_t *)mem_zero(n_packs, sizeof(*smalls));

    p->small = p->opts->repack_small ? PACK_BYTES / 5 * 4 : PACK_BYTES / 25;
    for (uint32_t i = 0; i < n_packs; i++) {
        struct prune_pack *k = &p->packs[i];
        bool may = !p->opts->cacheable_only || k->trees, mixed = k->data && k->trees;

        if (k->used == 0)
            set_action(p, k, k->present ? PRUNE_REMOVE : PRUNE_FORGET);
        else if (may && (k->unused > 0 || mixed || k->must_compress))
            candidates[n++] = i;
        else if (may && pack_bytes(k) < p->small)
            smalls[n_small++] = i;
        else
            set_action(p, k, PRUNE_KEEP);
    }
    for (size_t i = 0; i < n_small; i++) {
        if (n_small >= FEW_SMALL)
            candidates[n++] = smalls[i];
        else
            set_action(p, &p->packs[smalls[i]], PRUNE_KEEP);
    }
    choose_repacks(p, candidates, n);
    mem_free(candidates);
    mem_free(smalls);
}

/* Data of which nobody says whose they are: removed on purpose, or a folder or disk that is lost? */
static enum rc
refuse_orphaned(const struct prune *p, struct err *e)
{
    size_t packs = index_packs(repo_index(p->repo)) + p->unreferenced.n;

    if (!p->no_snapshots || packs == 0 || p->opts->allow_remove_all)
        return RC_OK;
    (void)err_set(e, RC_INVALID, "there are %zu %s and no snapshot at all", packs,
                  str_plural(packs, "pack", "packs"));
    return err_hint(e,
                    "if all snapshots were removed on purpose, use --unsafe-allow-remove-all; "
                    "if not, the folder snapshots/ is lost, and `cstash prune` would remove what "
                    "is left");
}

enum rc
prune_plan(struct prune *p, struct err *e)
{
    const struct index *ix = repo_index(p->repo);
    struct store *s = repo_store(p->repo);
    enum rc rc = find_used(p, e);

    if (rc == RC_OK) {
        index_order_make(ix, &p->order);
        p->packs = (struct prune_pack *)mem_zero(index_packs(ix), sizeof(*p->packs));
        rc = s->ops->list(p->cx, s, STORE_PACK, see_pack, p, e);
    }
    if (rc || refuse_orphaned(p, e))
        return err_code(e);
    choose_copies(p);
    if (find_missing(p, e))
        return err_code(e);
    count_blobs(p);
    choose_packs(p);
    return RC_OK;
}

void
prune_release(struct prune *p)
{
    mem_free(p->used);
    mem_free(p->packs);
    index_order_release(&p->order);
    id_list_release(&p->unreferenced);
}
