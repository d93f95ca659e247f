/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/fork_guard.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

enum { TENTH = 10, HALF = 2 };

/* ---- before ---- */

/* The value of a setting; empty: nobody tells. */
static enum rc
fork_guard_setting(struct ctx *cx, struct conn *c, const char *name, char to[static INFO_WORD],
                   struct err *e)
{
    struct reply r;

    to[0] = '\0';
    if (CONN_CALL(cx, c, &r, e, STR_LIT("CONFIG"), STR_LIT("GET"), str_c(name)))
        return err_wrap(e, "could not ask for the server's settings");
    if (r.type == REPLY_ARRAY && r.n == 2 && r.items[1].type == REPLY_BULK)
        (void)str_cut(r.items[1].s, to, INFO_WORD);
    return RC_OK;
}

static enum rc
check_disk(struct ctx *cx, struct conn *c, struct err *e)
{
    char diskless[INFO_WORD], stops[INFO_WORD], points[INFO_WORD];

    if (fork_guard_setting(cx, c, "repl-diskless-sync", diskless, e) ||
        fork_guard_setting(cx, c, "stop-writes-on-bgsave-error", stops, e) ||
        fork_guard_setting(cx, c, "save", points, e))
        return err_code(e);
    if (strcmp(diskless, "no") != 0 || strcmp(stops, "yes") != 0 || points[0] == '\0')
        return RC_OK;
    (void)err_set(
        e, RC_UNSUPPORTED,
        "%s would save to its disk first (repl-diskless-sync no), and refuse all writes if "
        "that failed (stop-writes-on-bgsave-error yes)",
        conn_peer(c));
    return err_hint(e, "CONFIG SET repl-diskless-sync yes makes a point in time possible");
}

static enum rc
check_memory(const struct conn *c, const struct conn_info *info, struct err *e)
{
    uint64_t all = info->total_system_memory, used = info->used_memory_rss;

    if (all == 0 || used == 0 || used / TENTH < FORK_COW_LEAST)
        return RC_OK;
    if (used <= all && all - used >= used / TENTH)
        return RC_OK;
    (void)err_set(
        e, RC_UNSUPPORTED,
        "%s takes %llu MiB of the %llu MiB of its machine: there is no memory for what is "
        "written while it forks",
        conn_peer(c), (unsigned long long)(used >> 20), (unsigned long long)(all >> 20));
    return err_hint(e, "back up a replica on another machine, or use --source scan");
}

enum rc
fork_guard_check(struct ctx *cx, struct conn *c, const struct conn_info *info, struct err *e)
{
    if (check_disk(cx, c, e))
        return err_code(e);
    return info != NULL ? check_memory(c, info, e) : RC_OK;
}

uint64_t
fork_guard_limit(const struct conn_info *info)
{
    uint64_t limit = info->used_memory / HALF;

    if (info->total_system_memory > info->used_memory_rss && info->used_memory_rss > 0)
        limit = MIN(limit, (info->total_system_memory - info->used_memory_rss) / HALF);
    return MAX(limit, (uint64_t)FORK_COW_LEAST);
}

/* ---- meanwhile ---- */

struct fork_guard {
    struct ctx cx; /* of the thread's own calls */
    const struct redis_addr *addr;
    const struct conn_opts *opts;
    struct conn *c;
    struct replica *r;
    uint64_t limit;
    pthread_t thread;
    bool cut;
    struct err why;
};

/* False: there is nothing more to look for. */
static bool
guard_look(struct fork_guard *g)
{
    struct conn_info now = {0};
    struct err e = ERR_INIT;
    bool over;

    if (ctx_sleep(&g->cx, FORK_LOOK_MS, &e))
        return false;
    if (g->c == NULL && conn_open(&g->cx, g->addr, g->opts, &g->c, &e)) {
        log_debug("the server's fork is not watched: %s", e.msg);
        return false;
    }
    if (conn_info(&g->cx, g->c, &now, &e))
        return false;
    over = now.cow > g->limit;
    conn_info_release(&now);
    if (!over)
        return true;
    g->cut = true;
    (void)err_set(
        &g->why, RC_UNAVAILABLE,
        "%s had to copy %llu MiB for its fork while the snapshot was taken, more than the "
        "%llu MiB it can spare: the store is too slow for its writes",
        conn_peer(g->c), (unsigned long long)(now.cow >> 20), (unsigned long long)(g->limit >> 20));
    (void)err_hint(&g->why, "back up a replica, or when less is written, or use --source scan");
    replica_interrupt(g->r);
    return false;
}

static void *
guard_watch(void *arg)
{
    struct fork_guard *g = (struct fork_guard *)arg;

    while (guard_look(g))
        continue;
    return NULL;
}

static void
guard_free(struct fork_guard *g)
{
    conn_close(g->c);
    ctx_release(&g->cx);
    mem_free(g);
}

enum rc
fork_guard_start(const struct redis_addr *addr, const struct conn_opts *opts, struct replica *r,
                 const struct conn_info *info, struct fork_guard **out, struct err *e)
{
    struct fork_guard *g;

    *out = NULL;
    if (info == NULL)
        return RC_OK;
    g = MEM_NEW(struct fork_guard);
    g->addr = addr;
    g->opts = opts;
    g->r = r;
    g->limit = fork_guard_limit(info);
    if (ctx_init(&g->cx, e)) {
        mem_free(g);
        return err_code(e);
    }
    if (thread_start(&g->thread, "fork guard", guard_watch, g, e)) {
        guard_free(g);
        return err_code(e);
    }
    *out = g;
    return RC_OK;
}

bool
fork_guard_stop(struct fork_guard *g, struct err *why)
{
    bool cut;

    if (g == NULL)
        return false;
    ctx_cancel(&g->cx);
    (void)pthread_join(g->thread, NULL);
    cut = g->cut;
    if (cut)
        *why = g->why;
    guard_free(g);
    return cut;
}
