/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/masters.h"

#include <stdio.h>

#include "base/mem.h"
#include "redis/topology.h"

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

static enum rc
masters_of_cluster(struct ctx *cx, struct masters *m, struct err *e)
{
    struct cluster_plan plan;
    enum rc rc = cluster_plan_make(cx, &m->where, &plan, e);

    if (rc != RC_OK)
        return rc;
    m->owner = mem_zero(SLOTS, sizeof(*m->owner));
    memcpy(m->owner, plan.cluster->owner, SLOTS * sizeof(*m->owner));
    m->ids = cluster_ids(plan.cluster, CLUSTER_IDS);
    for (size_t i = 0; rc == RC_OK && i < plan.cluster->n_shards; i++) {
        struct redis_addr at;

        redis_addr_copy(&plan.shards[i].master, &at);
        rc = masters_add(cx, m, &at, e);
    }
    (void)snprintf(m->name, sizeof(m->name), "the cluster of %s", redis_addr_text(m->where.addr));
    cluster_plan_release(&plan);
    return rc;
}

enum rc
masters_open(struct ctx *cx, const struct cluster_where *where, struct masters *out, struct err *e)
{
    struct conn_info info = {.n_dbs = 0};
    struct node_found node;
    bool cluster = false;
    enum rc rc;

    *out = (struct masters){.n = 0};
    if (topology_reach(cx, where->addr, where->conn, PREFER_MASTER, &node, e))
        return err_code(e);
    rc = conn_info(cx, node.conn, &info, e);
    if (rc == RC_OK || rc == RC_DENIED) {
        const struct conn_info *known = rc == RC_OK ? &info : NULL;

        *e = (struct err)ERR_INIT;
        rc = topology_ask(cx, node.conn, known, &cluster, e);
    }
    if (rc == RC_OK && where->addr->cluster && !cluster)
        rc = err_set(e, RC_UNSUPPORTED, "%s is not a node of a cluster", conn_peer(node.conn));
    if (rc == RC_OK && !cluster)
        masters_of_one(TAKE(node.conn), out);
    conn_info_release(&info);
    node_found_release(&node);
    if (rc != RC_OK || !cluster)
        return rc;
    out->where = *where;
    out->where.prefer = PREFER_MASTER;
    out->where.may_move = true;
    rc = masters_of_cluster(cx, out, e);
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

enum rc
masters_find(struct ctx *cx, struct masters *m, struct str redirection, size_t *out, unsigned *slot,
             struct err *e)
{
    struct cluster_node node = {.port = 0};
    struct redis_addr at;

    if (!masters_take_redirection(redirection, slot, node.host, &node.port))
        return err_set(e, RC_CORRUPT, "a redirection of the cluster that cannot be read");
    if (node.host[0] == '\0')
        (void)snprintf(node.host, sizeof(node.host), "%s",
                       m->where.addr->host != NULL ? m->where.addr->host : "");
    if (cluster_map_node(&(struct cluster_ask){.map = m->where.map, .n_map = m->where.n_map}, &node,
                         e))
        return err_code(e);
    for (size_t i = 0; i < m->n; i++)
        if (m->at[i].port == node.port && strcmp(m->at[i].host, node.host) == 0) {
            *out = i;
            return RC_OK;
        }
    if (m->n == CLUSTER_NODES_MAX)
        return err_set(e, RC_LIMIT, "redirections to more than %d nodes", CLUSTER_NODES_MAX);
    redis_addr_at(m->where.addr, node.host, node.port, &at);
    if (masters_add(cx, m, &at, e))
        return err_wrap(e, "could not follow a redirection");
    *out = m->n - 1;
    return RC_OK;
}
