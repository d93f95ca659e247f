/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/masters.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "dump/slot.h"
#include "redis/role.h"
#include "redis/topology.h"

enum { MASTERS_TRIES = 3, FORMER_HEARS_MS = 10000, FORMER_STEP_MS = 100, REPLICAS_TAKE_MS = 2000 };

#define MASTERS_REPLACED                                                                           \
    "%s is not a master any more: a replica has taken over, and what was written last may be lost"
#define MASTERS_BEHIND                                                                             \
    "a replica of %s has not taken what was written last: were it to take over now, that would "   \
    "be "                                                                                          \
    "lost"

void
masters_of_one(struct conn *c, struct masters *out)
{
    *out = (struct masters){.n = 1};
    out->list =
        mem_zero(1, sizeof(struct conn *)); /* NOLINT(bugprone-sizeof-expression): of pointers */
    out->list[0] = c;
    (void)snprintf(out->name, sizeof(out->name), "%s", conn_peer(c));
}

void
masters_close(struct masters *m)
{
    for (size_t i = 0; i < m->n; i++) {
        conn_close(m->list[i]);
        if (m->at != NULL)
            redis_addr_release(&m->at[i]);
    }
    mem_free(m->list);
    mem_free(m->at);
    mem_free(m->owner);
    mem_free(m->ids);
    *m = (struct masters){.n = 0};
}

bool
masters_probe_name(const struct masters *m, size_t i, char to[static MASTERS_PROBE])
{
    size_t n = (size_t)snprintf(to, MASTERS_PROBE, "cstash-probe-"), slot = 0;
    uint8_t bytes[12];

    while (m->owner != NULL && slot < SLOTS && m->owner[slot] != i)
        slot++;
    if (slot == SLOTS)
        return false;
    do {
        rand_bytes(bytes, sizeof(bytes));
        hex_encode(bytes, sizeof(bytes), to + n);
    } while (m->owner != NULL && m->owner[slot_of(str_c(to))] != i);
    return true;
}

/* `at` is taken. */
static enum rc
masters_add(struct ctx *cx, struct masters *m, struct redis_addr *at, struct err *e)
{
    struct conn *c;

    if (conn_open(cx, at, m->where.conn, &c, e)) {
        redis_addr_release(at);
        return err_code(e);
    }
    m->list =
        mem_more(m->list, m->n, sizeof(struct conn *)); /* NOLINT(bugprone-sizeof-expression) */
    m->at = mem_more(m->at, m->n, sizeof(*m->at));
    m->list[m->n] = c;
    m->at[m->n++] = *at;
    return RC_OK;
}

/* Where this address stands in the list; m->n: nowhere. */
static size_t
masters_place(const struct masters *m, const char *host, uint16_t port)
{
    size_t i = 0;

    while (i < m->n && (m->at[i].port != port || strcmp(m->at[i].host, host) != 0))
        i++;
    return i;
}

/* The masters of the plan are in the list, and own what they own there. */
static enum rc
masters_take_plan(struct ctx *cx, struct masters *m, const struct cluster_plan *plan, struct err *e)
{
    const struct cluster *c = plan->cluster;
    uint16_t *place = mem_zero(c->n_shards, sizeof(*place));
    enum rc rc = RC_OK;

    for (size_t i = 0; rc == RC_OK && i < c->n_shards; i++) {
        const struct redis_addr *master = &plan->shards[i].master;
        struct redis_addr at;

        place[i] = (uint16_t)masters_place(m, master->host, master->port);
        if (place[i] < m->n)
            continue;
        redis_addr_copy(master, &at);
        rc = masters_add(cx, m, &at, e);
    }
    for (size_t i = 0; rc == RC_OK && i < SLOTS; i++)
        m->owner[i] = place[c->owner[i]];
    mem_free(place);
    return rc;
}

/* One of them may go between the plan and its connection. */
static enum rc
masters_of_cluster(struct ctx *cx, const struct cluster_where *where, struct masters *m,
                   struct err *e)
{
    enum rc rc = RC_UNAVAILABLE;

    for (unsigned tries = 0; tries < MASTERS_TRIES && (rc == RC_UNAVAILABLE || rc == RC_TIMEOUT);
         tries++) {
        struct cluster_plan plan;

        masters_close(m);
        *e = (struct err)ERR_INIT;
        m->where = *where;
        m->where.prefer = PREFER_MASTER;
        m->where.moves = MOVES_OF_ANY_KIND;
        rc = cluster_plan_make(cx, &m->where, &plan, e);
        if (rc != RC_OK)
            return rc;
        m->owner = mem_zero(SLOTS, sizeof(*m->owner));
        m->ids = cluster_ids(plan.cluster, CLUSTER_IDS);
        rc = masters_take_plan(cx, m, &plan, e);
        cluster_plan_release(&plan);
    }
    (void)snprintf(m->name, sizeof(m->name), "the cluster of %s", redis_addr_text(where->addr));
    return rc;
}

/* What is at the address: one server, which is all there is, or a cluster's node. */
static enum rc
masters_ask(struct ctx *cx, const struct cluster_where *where, struct node_found *node,
            struct masters *out, bool *cluster, struct err *e)
{
    struct conn_info info = {.n_dbs = 0};
    enum rc rc = conn_info(cx, node->conn, &info, e);

    if (rc == RC_OK || rc == RC_DENIED) {
        const struct conn_info *known = rc == RC_OK ? &info : NULL;

        *e = (struct err)ERR_INIT;
        rc = topology_ask(cx, node->conn, known, cluster, e);
    }
    if (rc == RC_OK && where->addr->cluster && !*cluster)
        rc = err_set(e, RC_UNSUPPORTED, "%s is not a node of a cluster", conn_peer(node->conn));
    if (rc == RC_OK && !*cluster) {
        masters_of_one(TAKE(node->conn), out);
        out->where = *where;
    }
    conn_info_release(&info);
    return rc;
}

enum rc
masters_open(struct ctx *cx, const struct cluster_where *where, struct masters *out, struct err *e)
{
    struct node_found node;
    bool cluster = false;
    enum rc rc = RC_UNAVAILABLE;

    *out = (struct masters){.n = 0};
    /* It may go when it was just reached; another one, or the one that takes its place, is asked. */
    for (unsigned tries = 0; tries < MASTERS_TRIES && rc == RC_UNAVAILABLE; tries++) {
        *e = (struct err)ERR_INIT;
        if (topology_reach(cx, where->addr, where->conn, PREFER_MASTER, &node, e))
            return err_code(e);
        rc = masters_ask(cx, where, &node, out, &cluster, e);
        node_found_release(&node);
    }
    if (rc != RC_OK || !cluster)
        return rc;
    rc = masters_of_cluster(cx, where, out, e);
    if (rc != RC_OK)
        masters_close(out);
    return rc;
}

bool
masters_take_redirection(struct str s, unsigned *slot, char host[static CLUSTER_HOST],
                         uint16_t *port)
{
    const uint8_t *first = s.n == 0 ? NULL : memchr(s.p, ' ', s.n), *second, *colon;
    uint64_t n, at;

    if (first == NULL)
        return false;
    s = str_of(first + 1, s.n - (size_t)(first + 1 - s.p));
    second = s.n == 0 ? NULL : memchr(s.p, ' ', s.n);
    if (second == NULL || !str_to_u64(str_of(s.p, (size_t)(second - s.p)), &n) || n >= SLOTS)
        return false;
    s = str_of(second + 1, s.n - (size_t)(second + 1 - s.p));
    colon = s.n == 0 ? NULL : memrchr(s.p, ':', s.n);
    if (colon == NULL || (size_t)(colon - s.p) >= CLUSTER_HOST ||
        !str_to_u64(str_of(colon + 1, s.n - (size_t)(colon + 1 - s.p)), &at) || at == 0 ||
        at > UINT16_MAX)
        return false;
    *slot = (unsigned)n;
    *port = (uint16_t)at;
    memcpy(host, s.p, (size_t)(colon - s.p));
    host[colon - s.p] = '\0';
    return true;
}

/* Is it a master, and does it itself say that it owns slots? */
static enum rc
masters_ask_former(struct ctx *cx, const struct masters *m, size_t i, struct role *role,
                   bool *claims, struct err *e)
{
    struct conn_opts opts = *m->where.conn;
    struct cluster_view view = {.told = false};
    struct conn *c = NULL;
    enum rc rc;

    opts.wait_ms = -1;
    rc = conn_open(cx, &m->at[i], &opts, &c, e);
    if (rc == RC_OK)
        rc = role_ask(cx, c, role, e);
    if (rc == RC_OK && role->master)
        rc = cluster_ask_view(cx, c, &view, e);
    conn_close(c);
    *claims = false;
    for (size_t k = 0; rc == RC_OK && view.told && k < sizeof(view.slots); k++)
        *claims = *claims || view.slots[k] != 0;
    return rc;
}

/*
 * It took writes and owns no slots now: they have moved away, or its replica has taken its place. It may not have heard of
 * that yet, and call itself the master of slots that another has.
 */
static enum rc
masters_check_role(struct ctx *cx, const struct masters *m, size_t i, struct err *e)
{
    int64_t until = clock_mono_ms() + FORMER_HEARS_MS;
    struct role role = {.master = true};
    struct err why = ERR_INIT;
    bool claims = true;
    enum rc rc = RC_OK;

    while (rc == RC_OK && role.master && claims && clock_mono_ms() < until) {
        rc = masters_ask_former(cx, m, i, &role, &claims, &why);
        if (rc == RC_OK && role.master && claims)
            rc = ctx_sleep(cx, FORMER_STEP_MS, &why);
    }
    if (rc == RC_CANCELLED) {
        *e = why;
        return rc;
    }
    if (rc == RC_OK && role.master && !claims)
        return RC_OK;
    return err_set(e, RC_CONFLICT, MASTERS_REPLACED, redis_addr_text(&m->at[i]));
}

/* How the cluster at `where` is now; those that took writes must be masters still. The caller releases `plan`. */
static enum rc
masters_plan_anew(struct ctx *cx, const struct masters *m, const struct cluster_where *where,
                  struct cluster_plan *plan, struct err *e)
{
    enum rc rc = cluster_plan_make(cx, where, plan, e);

    for (size_t i = 0; rc == RC_OK && i < m->n; i++) {
        bool owns = false;

        for (size_t k = 0; k < plan->cluster->n_shards; k++)
            owns = owns || (plan->shards[k].master.port == m->at[i].port &&
                            strcmp(plan->shards[k].master.host, m->at[i].host) == 0);
        if (!owns && masters_check_role(cx, m, i, e)) {
            cluster_plan_release(plan);
            rc = err_code(e);
        }
    }
    return rc;
}

/* Once nothing moves at once; as it is, where that takes too long. */
static enum rc
masters_plan_still(struct ctx *cx, const struct masters *m, struct cluster_plan *plan,
                   struct err *e)
{
    struct cluster_where still = m->where, now = m->where;
    struct conn_opts at_once = *m->where.conn;
    enum rc rc;

    still.moves = MOVES_BY_KEY;
    at_once.wait_ms = -1;
    now.conn = &at_once;
    rc = masters_plan_anew(cx, m, &still, plan, e);
    if (rc != RC_UNAVAILABLE && rc != RC_TIMEOUT)
        return rc;
    log_warn("%s; keys of slots on the move may be counted twice", e->msg);
    *e = (struct err)ERR_INIT;
    return masters_plan_anew(cx, m, &now, plan, e);
}

/* Replicas of the shard that should have what its master has. */
static int64_t
masters_count_replicas(const struct cluster_plan *plan, size_t shard)
{
    const struct cluster *c = plan->cluster;
    int64_t n = 0;

    for (size_t i = 0; i < c->n_nodes; i++)
        n += c->nodes[i].shard == shard && c->nodes[i].replica && !c->nodes[i].down;
    return n;
}

/* `*behind`: fewer than n replicas took in time what this connection has written. */
static enum rc
masters_wait(struct ctx *cx, struct conn *c, int64_t n, bool *behind, struct err *e)
{
    uint8_t count[STR_INT_MAX], ms[STR_INT_MAX];
    struct reply r;

    *behind = false;
    if (n == 0)
        return RC_OK;
    if (CONN_CALL(cx, c, &r, e, STR_LIT("WAIT"), str_of(count, str_put_i64(n, count)),
                  str_of(ms, str_put_i64(REPLICAS_TAKE_MS, ms))))
        return err_code(e);
    *behind = r.type == REPLY_INT && r.integer < n; /* else it may not be asked */
    return RC_OK;
}

/* `*behind`: a shard of which a replica did not take in time what its master has confirmed; SIZE_MAX: none. */
static enum rc
masters_wait_replicas(struct ctx *cx, const struct masters *m, const struct cluster_plan *plan,
                      size_t *behind, struct err *e)
{
    *behind = SIZE_MAX;
    for (size_t i = 0; i < plan->cluster->n_shards; i++) {
        const struct redis_addr *at = &plan->shards[i].master;
        bool late;

        if (masters_wait(cx, m->list[masters_place(m, at->host, at->port)],
                         masters_count_replicas(plan, i), &late, e))
            return err_code(e);
        if (late)
            *behind = i;
    }
    return RC_OK;
}

/* How the masters are now, and whether their replicas have what was written. */
static enum rc
masters_settle_once(struct ctx *cx, struct masters *m, bool last, bool *behind, struct err *e)
{
    struct cluster_plan plan;
    size_t shard = SIZE_MAX;
    enum rc rc;

    if (masters_plan_still(cx, m, &plan, e))
        return err_code(e);
    rc = masters_take_plan(cx, m, &plan, e);
    if (rc == RC_OK)
        rc = masters_wait_replicas(cx, m, &plan, &shard, e);
    *behind = shard != SIZE_MAX;
    if (rc == RC_OK && *behind && last)
        log_warn(MASTERS_BEHIND, redis_addr_text(&plan.shards[shard].master));
    cluster_plan_release(&plan);
    return rc;
}

/* Behind Sentinels: its replicas have what was written, and it is the master still. */
static enum rc
masters_settle_watched(struct ctx *cx, struct masters *m, struct err *e)
{
    struct node_found now = {.conn = NULL};
    struct role role = {.master = false};
    int64_t n = 0;
    bool behind, same;

    if (role_ask(cx, m->list[0], &role, e))
        return err_code(e);
    if (role.master && role.reply.type == REPLY_ARRAY && role.reply.n > 2 &&
        role.reply.items[2].type == REPLY_ARRAY)
        n = (int64_t)role.reply.items[2].n;
    if (masters_wait(cx, m->list[0], n, &behind, e) ||
        topology_reach(cx, m->where.addr, m->where.conn, PREFER_MASTER, &now, e))
        return err_code(e);
    same = role.master && strcmp(conn_peer(now.conn), conn_peer(m->list[0])) == 0;
    if (behind && same)
        log_warn(MASTERS_BEHIND, conn_peer(m->list[0]));
    if (!same)
        (void)err_set(e, RC_CONFLICT, MASTERS_REPLACED, conn_peer(m->list[0]));
    node_found_release(&now);
    return same ? RC_OK : err_code(e);
}

enum rc
masters_settle(struct ctx *cx, struct masters *m, struct err *e)
{
    bool behind = true;

    if (m->owner == NULL)
        return m->where.addr != NULL && m->where.addr->master != NULL
                   ? masters_settle_watched(cx, m, e)
                   : RC_OK;
    /* One that has not is perhaps about to take over, which the others hear of a little later. */
    for (unsigned tries = 1; behind && tries <= MASTERS_TRIES; tries++)
        if (masters_settle_once(cx, m, tries == MASTERS_TRIES, &behind, e))
            return err_code(e);
    return RC_OK;
}

enum rc
masters_find(struct ctx *cx, struct masters *m, struct str redirection, size_t *out, unsigned *slot,
             struct err *e)
{
    struct cluster_node node = {.port = 0};
    struct cluster_plan plan;
    struct redis_addr at;

    if (!masters_take_redirection(redirection, slot, node.host, &node.port))
        return err_set(e, RC_CORRUPT, "a redirection of the cluster that cannot be read");
    if (node.host[0] == '\0')
        (void)snprintf(node.host, sizeof(node.host), "%s",
                       m->where.addr->host != NULL ? m->where.addr->host : "");
    if (cluster_map_node(&(struct cluster_ask){.map = m->where.map, .n_map = m->where.n_map}, &node,
                         e))
        return err_code(e);
    *out = masters_place(m, node.host, node.port);
    if (*out < m->n)
        return RC_OK;
    if (m->n == CLUSTER_NODES_MAX)
        return err_set(e, RC_LIMIT, "redirections to more than %d nodes", CLUSTER_NODES_MAX);
    if (masters_plan_anew(cx, m, &m->where, &plan, e))
        return err_wrap(e, "could not follow a redirection");
    cluster_plan_release(&plan);
    redis_addr_at(m->where.addr, node.host, node.port, &at);
    if (masters_add(cx, m, &at, e))
        return err_wrap(e, "could not follow a redirection");
    *out = m->n - 1;
    return RC_OK;
}
