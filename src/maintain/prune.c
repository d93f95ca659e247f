/* SPDX-License-Identifier: Apache-2.0 */
#include "maintain/prune.h"

#include "base/log.h"
#include "base/mem.h"
#include "maintain/prune_internal.h"

#define UNFINISHED "prune did not come to its end; nothing is lost, run it again"

enum { ROOM_MARGIN = 16 }; /* of what is free, one in so many is left to whatever else is written */

/* ---- files that go ---- */

/* What no index file names and nobody is writing: packs, and what the dead did not finish. */
static enum rc
orphans_remove(struct prune *p, struct err *e)
{
    struct store *s = repo_store(p->repo);
    uint64_t files = 0, bytes = 0;

    if (s->ops->sweep != NULL && s->ops->sweep(p->cx, s, &files, &bytes, e))
        return err_code(e);
    if (files > 0)
        log_info("%llu unfinished %s with %llu bytes removed", (unsigned long long)files,
                 str_plural(files, "file", "files"), (unsigned long long)bytes);
    return prune_remove(p, STORE_PACK, &p->unreferenced, e);
}

/* ---- one plan ---- */

/* So that nothing is begun that cannot be finished. */
static enum rc
repack_fits(const struct prune *p, struct err *e)
{
    uint64_t left = repo_keep_reserve(p->cx, p->repo);
    uint64_t need = p->stats.repack.bytes - p->stats.repack_removed.bytes;

    if (p->stats.packs_repacked == 0 || need <= left)
        return RC_OK;
    return err_set(e, RC_FULL, "%llu bytes are to be rewritten, and %s has room for %llu",
                   (unsigned long long)need, repo_store(p->repo)->place, (unsigned long long)left);
}

static enum rc
prune_carry_out(struct prune *p, struct err *e)
{
    struct repo *r = p->repo;
    enum rc rc;

    repo_index_is_old(r);
    repo_make_room(r, true);
    rc = orphans_remove(p, e);
    if (rc == RC_OK)
        rc = repack_fits(p, e);
    if (rc == RC_OK)
        rc = prune_repack(p, e);
    if (rc == RC_OK)
        rc = prune_renew_index(p, e);
    repo_make_room(r, false);
    return rc;
}

/* Plan, and do it, writing at most `room` bytes of packs; what was found and planned is in `out` also
 * when that fails. */
static enum rc
prune_pass(struct ctx *cx, struct repo *r, const struct prune_opts *opts, uint64_t room,
           struct prune_stats *out, struct err *e)
{
    struct prune p = {.cx = cx, .repo = r, .opts = opts, .room = room};
    enum rc rc = repo_load_index(cx, r, e);

    if (rc == RC_OK)
        rc = prune_plan(&p, e);
    if (rc) {
        (void)err_wrap(e, "could not plan what to prune; nothing was removed");
        if (rc == RC_CORRUPT)
            (void)err_hint(e, "see what `cstash check` says, and repair that first");
    } else if (!opts->dry_run) {
        rc = prune_carry_out(&p, e);
        if (rc != RC_OK && rc != RC_FULL)
            (void)err_wrap(e, UNFINISHED);
    }
    *out = p.stats;
    prune_release(&p);
    return rc;
}

/* ---- a store that is full ---- */

/* Of a pass that had no room: what it found stays true. */
static void
stats_drop_plan(struct prune_stats *s)
{
    *s = (struct prune_stats){.used = s->used,
                              .duplicate = s->duplicate,
                              .unused = s->unused,
                              .unreferenced_bytes = s->unreferenced_bytes,
                              .packs_unreferenced = s->packs_unreferenced};
}

static void
amount_add(struct prune_amount *to, struct prune_amount n)
{
    to->blobs += n.blobs;
    to->bytes += n.bytes;
}

static void
stats_add_pass(struct prune_stats *to, const struct prune_stats *s)
{
    amount_add(&to->repack, s->repack);
    amount_add(&to->repack_removed, s->repack_removed);
    amount_add(&to->removed, s->removed);
    to->packs_kept = s->packs_kept;
    to->packs_repacked += s->packs_repacked;
    to->packs_removed += s->packs_removed;
    to->packs_postponed = s->packs_postponed;
    to->index_files_rewritten += s->index_files_rewritten;
}

/*
 * Packs that nothing needs go first, since that takes next to no room; then as many packs are
 * rewritten at a time as there is room for, as long as that gains any.
 */
static enum rc
prune_in_steps(struct ctx *cx, struct repo *r, const struct prune_opts *opts,
               struct prune_stats *total, struct err *e)
{
    struct prune_opts now = *opts;
    struct prune_stats s;
    uint64_t room = 0;
    enum rc rc = prune_pass(cx, r, &now, 0, &s, e);

    stats_drop_plan(total);
    while (rc == RC_OK) {
        bool gains = room == 0 || s.repack_removed.bytes > 0;

        stats_add_pass(total, &s);
        if (opts->max_repack_bytes != 0)
            now.max_repack_bytes -= MIN(s.repack.bytes, now.max_repack_bytes - 1);
        room = repo_keep_reserve(cx, r);
        room -= room / ROOM_MARGIN;
        if (!gains || s.packs_postponed == 0 || room == 0)
            break;
        rc = prune_pass(cx, r, &now, room, &s, e);
        if (rc == RC_FULL) /* somebody else took the room, or it was less than the store said */
            rc = prune_pass(cx, r, &now, 0, &s, e);
    }
    return rc;
}

enum rc
prune_run(struct ctx *cx, struct repo *r, const struct prune_opts *opts, struct prune_stats *out,
          struct err *e)
{
    struct prune_stats total;
    struct err full = ERR_INIT;
    enum rc rc = prune_pass(cx, r, opts, UINT64_MAX, &total, &full);

    if (rc == RC_FULL) {
        log_info("%s; removing first what nothing needs", full.msg);
        full = (struct err)ERR_INIT;
        rc = prune_in_steps(cx, r, opts, &total, &full);
        if (rc == RC_OK && total.packs_postponed > 0 && opts->max_repack_bytes == 0 &&
            !opts->no_repack)
            log_warn("%llu %s with unused data left: there is no room for a rewrite now",
                     (unsigned long long)total.packs_postponed,
                     str_plural(total.packs_postponed, "pack", "packs"));
    }
    if (rc == RC_FULL) {
        (void)err_wrap(&full, UNFINISHED);
        (void)err_hint(&full, "free a few megabytes on its file system, then run `cstash prune`");
    }
    if (rc == RC_OK)
        *out = total;
    else
        *e = full;
    return rc;
}
