/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/cluster_plan.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "redis/role.h"

enum { PLAN_AGAIN_MS = 500, PLAN_ASK_MS = 5000 };

static void
choice_release(struct cluster_choice *c)
{
    redis_addr_release(&c->at);
    redis_addr_release(&c->master);
    *c = (struct cluster_choice){.replica = false};
}

void
cluster_plan_release(struct cluster_plan *p)
{
    for (size_t i = 0; p->shards != NULL && i < p->cluster->n_shards; i++)
        choice_release(&p->shards[i]);
    mem_free(p->shards);
    cluster_free(p->cluster);
    *p = (struct cluster_plan){.cluster = NULL};
}

static enum rc
plan_unsettled(struct err *e)
{
    e->retry = true;
    return err_code(e);
}

/* The waiting is done here; who hangs is soon found out. */
static enum rc
plan_connect(struct ctx *cx, const struct cluster_where *w, const struct redis_addr *at,
             struct conn **out, struct err *e)
{
    struct conn_opts opts = *w->conn;

    opts.wait_ms = -1;
    opts.reply_ms = opts.reply_ms > 0 ? MIN(opts.reply_ms, PLAN_ASK_MS) : PLAN_ASK_MS;
    return conn_open(cx, at, &opts, out, e);
}

/* ---- the description ---- */

static enum rc
plan_describe_by(struct ctx *cx, const struct cluster_where *w, const struct redis_addr *at,
                 struct cluster **out, struct err *e)
{
    const struct cluster_ask ask = {
        .tls = w->addr->tls, .asked = at, .map = w->map, .n_map = w->n_map};
    struct conn *c = NULL;
    enum rc rc = plan_connect(cx, w, at, &c, e);

    if (rc == RC_OK)
        rc = cluster_read(cx, c, &ask, out, e);
    if (rc == RC_OK && cluster_need_whole(*out, e)) {
        cluster_free(TAKE(*out));
        rc = err_code(e);
    }
    conn_close(c);
    return rc;
}

/*
 * By any node that answers and knows an owner of every slot, as one that was cut off may not: those of the address, then
 * those that were known before.
 */
static enum rc
plan_describe(struct ctx *cx, const struct cluster_where *w, const struct cluster *known,
              struct cluster **out, struct err *e)
{
    size_t n_seeds = MAX(w->addr->n_seeds, (size_t)1), n = n_seeds + (known ? known->n_nodes : 0);
    struct err torn = ERR_INIT; /* the first that knows no owner of some slots */
    enum rc rc = RC_UNAVAILABLE;

    for (size_t i = 0; i < n && (rc == RC_UNAVAILABLE || rc == RC_TIMEOUT || rc == RC_CONFLICT);
         i++) {
        const struct redis_addr *a = w->addr;
        struct redis_addr at;

        *e = (struct err)ERR_INIT;
        if (i >= n_seeds)
            redis_addr_at(a, known->nodes[i - n_seeds].host, known->nodes[i - n_seeds].port, &at);
        else if (a->n_seeds != 0)
            redis_addr_at(a, a->seeds[i].host, a->seeds[i].port, &at);
        else
            redis_addr_copy(a, &at);
        rc = plan_describe_by(cx, w, &at, out, e);
        torn = rc == RC_CONFLICT && torn.code == RC_OK ? *e : torn;
        redis_addr_release(&at);
    }
    if (rc != RC_OK && torn.code != RC_OK)
        *e = torn;
    return e->code;
}

/* ---- the masters ---- */

static enum rc
plan_need_still(const struct conn *c, const struct cluster_view *v, enum cluster_moves may,
                struct err *e)
{
    if (v->moving != 0 && may == MOVES_NONE)
        (void)err_set(e, RC_UNAVAILABLE, "%zu %s of %s %s on the move, %u the first", v->moving,
                      str_plural(v->moving, "slot", "slots"), conn_peer(c),
                      str_plural(v->moving, "is", "are"), v->first);
    else if (v->jobs != 0 && may != MOVES_OF_ANY_KIND)
        (void)err_set(e, RC_UNAVAILABLE, "%zu %s of slots %s at %s", v->jobs,
                      str_plural(v->jobs, "migration", "migrations"),
                      str_plural(v->jobs, "runs", "run"), conn_peer(c));
    return e->code == RC_OK ? RC_OK : plan_unsettled(e);
}

/* Connect to a master, and take what it says of itself. */
static enum rc
plan_ask_master(struct ctx *cx, const struct cluster_where *w, const struct redis_addr *at,
                struct cluster_view *v, struct role *role, struct err *e)
{
    struct conn *c = NULL;
    enum rc rc = plan_connect(cx, w, at, &c, e);

    if (rc == RC_UNAVAILABLE || rc == RC_TIMEOUT)
        (void)err_hint(e,
                       "the cluster announces %s; where it is reached by another address: "
                       "--node-map ANNOUNCED=REACHABLE",
                       redis_addr_text(at));
    if (rc == RC_OK)
        rc = role_ask(cx, c, role, e);
    if (rc == RC_OK && !role->master) {
        (void)err_set(e, RC_UNAVAILABLE, "%s is not a master any more", conn_peer(c));
        rc = plan_unsettled(e);
    }
    if (rc == RC_OK)
        rc = cluster_ask_view(cx, c, v, e);
    if (rc == RC_OK && v->told)
        rc = plan_need_still(c, v, w->moves, e);
    conn_close(c);
    return rc;
}

/* ---- the choice ---- */

/* How far it is behind; false: it cannot be read. */
static bool
plan_ask_replica(struct ctx *cx, const struct cluster_where *w, const struct redis_addr *at,
                 uint64_t end, uint64_t *lag)
{
    struct err why = ERR_INIT;
    struct conn *c = NULL;
    bool good =
        plan_connect(cx, w, at, &c, &why) == RC_OK && role_catch_up(cx, c, end, lag, &why) == RC_OK;

    conn_close(c);
    if (!good)
        log_info("%s is not read: %s", redis_addr_text(at), why.msg);
    return good;
}

static void
plan_take(const struct cluster_where *w, const struct cluster_node *n, struct cluster_choice *to)
{
    redis_addr_release(&to->at);
    redis_addr_at(w->addr, n->host, n->port, &to->at);
    memcpy(to->id, n->id, sizeof(to->id));
    to->replica = n->replica;
}

static void
plan_find_replica(struct ctx *cx, const struct cluster_where *w, const struct cluster *c,
                  size_t shard, uint64_t end, struct cluster_choice *to)
{
    for (size_t i = 0; i < c->n_nodes; i++) {
        const struct cluster_node *n = &c->nodes[i];
        struct redis_addr at;
        uint64_t lag;

        if (n->shard != shard || !n->replica || n->down)
            continue;
        redis_addr_at(w->addr, n->host, n->port, &at);
        if (plan_ask_replica(cx, w, &at, end, &lag) && (!to->replica || lag < to->lag)) {
            plan_take(w, n, to);
            to->lag = lag;
        }
        redis_addr_release(&at);
    }
}

/* It may be there a little later, as long as the cluster has replicas at all; else nothing is waited for. */
static enum rc
plan_no_replica(const struct cluster *c, size_t shard, struct err *e)
{
    bool any = false;

    for (size_t i = 0; i < c->n_nodes; i++)
        any = any || c->nodes[i].replica;
    (void)err_set(e, any ? RC_UNAVAILABLE : RC_CONFLICT,
                  "shard %zu of %zu of the cluster has no replica that can be read: it must "
                  "have its link to the master and be less than %d MiB behind it",
                  shard + 1, c->n_shards, ROLE_LAG_MAX / 1024 / 1024);
    return any ? plan_unsettled(e) : err_code(e);
}

static enum rc
plan_choose(struct ctx *cx, const struct cluster_where *w, const struct cluster *c, size_t shard,
            struct cluster_choice *to, struct err *e)
{
    const struct cluster_node *master = &c->nodes[c->shards[shard].master];
    struct role role;

    redis_addr_at(w->addr, master->host, master->port, &to->master);
    if (plan_ask_master(cx, w, &to->master, &to->view, &role, e))
        return err_wrap(e, "shard %zu of %zu", shard + 1, c->n_shards);
    if (to->view.told && w->moves == MOVES_NONE && !cluster_agrees(c, shard, &to->view)) {
        (void)err_set(e, RC_UNAVAILABLE,
                      "the nodes of the cluster do not agree about which slots %s owns",
                      redis_addr_text(&to->master));
        return plan_unsettled(e);
    }
    plan_take(w, master, to);
    if (w->prefer != PREFER_MASTER)
        plan_find_replica(cx, w, c, shard, role.offset, to);
    return w->prefer != PREFER_REPLICA || to->replica ? RC_OK : plan_no_replica(c, shard, e);
}

static enum rc
plan_try(struct ctx *cx, const struct cluster_where *w, const struct cluster *known,
         struct cluster_plan *p, struct err *e)
{
    if (plan_describe(cx, w, known, &p->cluster, e))
        return err_code(e);
    p->shards = mem_zero(p->cluster->n_shards, sizeof(*p->shards));
    for (size_t i = 0; i < p->cluster->n_shards; i++) {
        if (plan_choose(cx, w, p->cluster, i, &p->shards[i], e))
            return err_code(e);
        p->unsure = p->unsure || !p->shards[i].view.told;
    }
    return RC_OK;
}

/* Until the cluster is in a state that can be read, up to wait_ms. */
static enum rc
plan_wait(struct ctx *cx, const struct cluster_where *w, const struct cluster *known,
          struct cluster_plan *p, struct err *e)
{
    int wait_ms = w->conn->wait_ms == 0 ? CONN_WAIT_MS : MAX(w->conn->wait_ms, 0);
    int64_t until = clock_mono_ms() + wait_ms;

    for (bool told = false;; told = true) {
        int64_t left;

        *p = (struct cluster_plan){.cluster = NULL};
        if (plan_try(cx, w, known, p, e) == RC_OK)
            return RC_OK;
        cluster_plan_release(p);
        left = until - clock_mono_ms();
        if (e->code != RC_UNAVAILABLE && e->code != RC_TIMEOUT)
            return err_code(e);
        if (left <= 0)
            return err_wrap(e, "the cluster cannot be read, after %d s", wait_ms / 1000);
        if (!told)
            log_info("waiting up to %d s: %s", wait_ms / 1000, e->msg);
        *e = (struct err)ERR_INIT;
        if (ctx_sleep(cx, (int)MIN(left, (int64_t)PLAN_AGAIN_MS), e))
            return err_code(e);
    }
}

void
cluster_plan_tell(const struct cluster_plan *p, size_t shard)
{
    const struct cluster_choice *c = &p->shards[shard];
    char lag[STR_GROUPED_MAX];

    if (c->replica)
        log_info("shard %zu of %zu: reading %s, a replica %s bytes behind its master", shard + 1,
                 p->cluster->n_shards, redis_addr_text(&c->at), str_grouped(c->lag, lag));
    else
        log_info("shard %zu of %zu: reading %s, the master", shard + 1, p->cluster->n_shards,
                 redis_addr_text(&c->at));
}

enum rc
cluster_plan_make(struct ctx *cx, const struct cluster_where *w, struct cluster_plan *out,
                  struct err *e)
{
    return plan_wait(cx, w, NULL, out, e);
}

static enum rc
plan_moved(struct err *e)
{
    return err_set(e, RC_CONFLICT, "slots of the cluster have moved meanwhile");
}

enum rc
cluster_plan_again(struct ctx *cx, const struct cluster_where *w, struct cluster_plan *p,
                   size_t shard, struct err *e)
{
    struct cluster_plan now;

    if (plan_wait(cx, w, p->cluster, &now, e))
        return err_code(e);
    if (now.cluster->n_shards != p->cluster->n_shards ||
        memcmp(now.cluster->owner, p->cluster->owner, sizeof(now.cluster->owner)) != 0) {
        cluster_plan_release(&now);
        return plan_moved(e);
    }
    choice_release(&p->shards[shard]);
    p->shards[shard] = now.shards[shard];
    now.shards[shard] = (struct cluster_choice){.replica = false};
    cluster_plan_tell(p, shard);
    cluster_plan_release(&now);
    return RC_OK;
}

/* Where the masters do not tell, by the description alone. */
static enum rc
plan_check_description(struct ctx *cx, const struct cluster_where *w, const struct cluster_plan *p,
                       struct err *e)
{
    struct cluster *now = NULL;
    enum rc rc = plan_describe(cx, w, p->cluster, &now, e);

    if (rc == RC_OK && (now->n_shards != p->cluster->n_shards ||
                        memcmp(now->owner, p->cluster->owner, sizeof(now->owner)) != 0))
        rc = plan_moved(e);
    cluster_free(now);
    return rc;
}

enum rc
cluster_plan_check(struct ctx *cx, const struct cluster_where *w, const struct cluster_plan *p,
                   struct err *e)
{
    for (size_t i = 0; i < p->cluster->n_shards; i++) {
        const struct cluster_choice *c = &p->shards[i];
        struct cluster_view now;
        struct role role;

        if (plan_ask_master(cx, w, &c->master, &now, &role, e)) {
            if (e->code == RC_UNAVAILABLE || e->code == RC_TIMEOUT)
                e->code = RC_CONFLICT;
            return err_wrap(e, "the cluster changed meanwhile: shard %zu of %zu", i + 1,
                            p->cluster->n_shards);
        }
        if (now.told != c->view.told || now.epoch != c->view.epoch ||
            memcmp(now.slots, c->view.slots, sizeof(now.slots)) != 0)
            return plan_moved(e);
    }
    return p->unsure ? plan_check_description(cx, w, p, e) : RC_OK;
}
