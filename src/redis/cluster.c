/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/cluster.h"

#include <stdio.h>

#include "base/mem.h"

void
cluster_free(struct cluster *c)
{
    if (c == NULL)
        return;
    mem_free(c->nodes);
    mem_free(c->shards);
    mem_free(c);
}

static struct cluster *
cluster_new(void)
{
    struct cluster *c = MEM_NEW(struct cluster);

    for (size_t i = 0; i < SLOTS; i++)
        c->owner[i] = CLUSTER_NO_SHARD;
    return c;
}

static enum rc
cluster_bad(const char *what, struct err *e)
{
    return err_set(e, RC_CORRUPT, "the cluster describes itself in a way that cannot be read: %s",
                   what);
}

/* ---- one node ---- */

static bool
cluster_map(const struct cluster_ask *ask, struct cluster_node *n)
{
    CLEANUP(mem_free_ptr) char *at = redis_host_text(n->host, n->port);

    for (size_t i = 0; i < ask->n_map; i++) {
        const struct cluster_alias *m = &ask->map[i];
        bool whole = strcmp(m->announced, at) == 0, v6 = m->reachable[0] == '[';
        const char *host = m->reachable + v6, *colon = whole ? strrchr(host, ':') : NULL;
        size_t len = v6              ? strcspn(host, "]")
                     : colon != NULL ? (size_t)(colon - host)
                                     : strlen(host);
        uint64_t port = n->port;

        if (!whole && strcmp(m->announced, n->host) != 0)
            continue;
        if (colon != NULL && host + len + v6 == colon &&
            (!str_to_u64(str_c(colon + 1), &port) || port == 0 || port > UINT16_MAX))
            return false;
        if (len == 0 || len >= CLUSTER_HOST)
            return false;
        memmove(n->host, host, len);
        n->host[len] = '\0';
        n->port = (uint16_t)port;
        return true;
    }
    return true;
}

enum rc
cluster_map_node(const struct cluster_ask *ask, struct cluster_node *n, struct err *e)
{
    return cluster_map(ask, n)
               ? RC_OK
               : err_set(e, RC_INVALID, "the address that %s:%u is mapped to is not HOST:PORT",
                         n->host, (unsigned)n->port);
}

static bool
cluster_text(struct str s, char *to, size_t room)
{
    if (s.n >= room || (s.n != 0 && memchr(s.p, 0, s.n) != NULL))
        return false;
    memcpy(to, s.n != 0 ? (const char *)s.p : "", s.n);
    to[s.n] = '\0';
    return true;
}

static bool
cluster_is_mapped(const struct cluster_ask *ask, struct str host, uint16_t port)
{
    struct cluster_node n = {.port = port}, same;

    if (!cluster_text(host, n.host, sizeof(n.host)))
        return false;
    same = n;
    return !cluster_map(ask, &n) || n.port != same.port || strcmp(n.host, same.host) != 0;
}

/*
 * Nowhere ("unknown-endpoint"): the address that was asked, with this port; so says the protocol. "?": the node has no
 * name, where names are preferred.
 */
static bool
cluster_set_host(const struct cluster_ask *ask, struct str endpoint, struct str ip,
                 struct cluster_node *n)
{
    struct str asked = ask->asked != NULL && ask->asked->host != NULL ? str_c(ask->asked->host)
                                                                      : str_of(NULL, 0),
               host = endpoint;

    if (str_eq(host, STR_LIT("?")))
        host = ip;
    else if (host.n == 0)
        host = asked.n == 0 || (ip.n != 0 && cluster_is_mapped(ask, ip, n->port)) ? ip : asked;
    return host.n != 0 && cluster_text(host, n->host, sizeof(n->host));
}

static enum rc
cluster_add_node(struct cluster *c, const struct cluster_ask *ask, struct cluster_node *n,
                 struct err *e)
{
    if (c->n_nodes == CLUSTER_NODES_MAX)
        return err_set(e, RC_LIMIT, "the cluster has more than %d nodes", CLUSTER_NODES_MAX);
    if (cluster_map_node(ask, n, e))
        return err_code(e);
    c->nodes = mem_more(c->nodes, c->n_nodes, sizeof(*c->nodes));
    c->nodes[c->n_nodes++] = *n;
    return RC_OK;
}

static bool
cluster_port(const struct reply *r, uint16_t *to)
{
    uint64_t n = r->type == REPLY_INT && r->integer > 0 ? (uint64_t)r->integer : 0;

    if (r->type == REPLY_BULK && !str_to_u64(r->s, &n))
        n = 0;
    *to = n <= UINT16_MAX ? (uint16_t)n : 0;
    return *to != 0;
}

/* ---- slots ---- */

static uint16_t
cluster_add_shard(struct cluster *c)
{
    c->shards = mem_more(c->shards, c->n_shards, sizeof(*c->shards));
    c->shards[c->n_shards] = (struct cluster_shard){.master = SIZE_MAX};
    return (uint16_t)c->n_shards++;
}

static enum rc
cluster_own(struct cluster *c, uint16_t shard, const struct reply *from, const struct reply *to,
            struct err *e)
{
    if (from->type != REPLY_INT || to->type != REPLY_INT || from->integer < 0 ||
        to->integer < from->integer || to->integer >= SLOTS)
        return cluster_bad("a range of slots", e);
    for (int64_t i = from->integer; i <= to->integer; i++) {
        if (c->owner[i] != CLUSTER_NO_SHARD && c->owner[i] != shard)
            return err_set(e, RC_CONFLICT, "slot %lld of the cluster has two owners", (long long)i);
        c->shards[shard].slots += c->owner[i] == CLUSTER_NO_SHARD;
        c->owner[i] = shard;
    }
    return RC_OK;
}

static int
cluster_by_slot(const void *a, const void *b, void *arg)
{
    const uint16_t *lowest = arg, *x = a, *y = b;

    return (lowest[*x] > lowest[*y]) - (lowest[*x] < lowest[*y]);
}

/* Shards in the order of their lowest slot, so that one cluster always looks the same. */
static void
cluster_order(struct cluster *c)
{
    uint16_t *lowest = mem_zero(c->n_shards + 1, sizeof(*lowest)),
             *order = mem_zero(c->n_shards + 1, sizeof(*order)),
             *place = mem_zero(c->n_shards + 1, sizeof(*place));
    struct cluster_shard *sorted = mem_zero(c->n_shards + 1, sizeof(*sorted));
    size_t kept = 0;

    for (size_t i = SLOTS; i-- > 0;)
        if (c->owner[i] != CLUSTER_NO_SHARD)
            lowest[c->owner[i]] = (uint16_t)i;
    for (size_t i = 0; i < c->n_shards; i++) {
        place[i] = CLUSTER_NO_SHARD;
        if (c->shards[i].slots != 0)
            order[kept++] = (uint16_t)i;
    }
    qsort_r(order, kept, sizeof(*order), cluster_by_slot, lowest);
    for (size_t i = 0; i < kept; i++) {
        sorted[i] = c->shards[order[i]];
        place[order[i]] = (uint16_t)i;
    }
    for (size_t i = 0; i < SLOTS; i++)
        c->owner[i] = c->owner[i] == CLUSTER_NO_SHARD ? c->owner[i] : place[c->owner[i]];
    for (size_t i = 0; i < c->n_nodes; i++)
        c->nodes[i].shard = place[c->nodes[i].shard];
    mem_free(c->shards);
    c->shards = sorted;
    c->n_shards = kept;
    mem_free(lowest);
    mem_free(order);
    mem_free(place);
}

/* ---- CLUSTER SHARDS ---- */

static const struct reply *
cluster_field(const struct reply *r, const char *name)
{
    for (size_t i = 0; r->type == REPLY_ARRAY && i + 1 < r->n; i += 2)
        if (str_eq(r->items[i].s, str_c(name)))
            return &r->items[i + 1];
    return NULL;
}

static enum rc
cluster_take_node(struct cluster *c, const struct reply *r, uint16_t shard,
                  const struct cluster_ask *ask, struct err *e)
{
    struct cluster_node n = {.shard = shard};
    const struct reply *port = cluster_field(r, ask->tls ? "tls-port" : "port"),
                       *offset = cluster_field(r, "replication-offset");

    n.replica = !str_eq(reply_field(r, "role"), STR_LIT("master"));
    n.down = str_eq(reply_field(r, "health"), STR_LIT("fail"));
    n.offset = offset != NULL && offset->type == REPLY_INT && offset->integer > 0
                   ? (uint64_t)offset->integer
                   : 0;
    if (!cluster_text(reply_field(r, "id"), n.id, sizeof(n.id)) || n.id[0] == '\0')
        return cluster_bad("a node without an ID", e);
    if (port == NULL || !cluster_port(port, &n.port))
        return ask->tls ? err_set(e, RC_UNSUPPORTED, "node %.8s of the cluster has no port for TLS",
                                  n.id)
                        : err_set(e, RC_UNSUPPORTED,
                                  "node %.8s of the cluster has no port without TLS: use rediss://",
                                  n.id);
    if (!cluster_set_host(ask, reply_field(r, "endpoint"), reply_field(r, "ip"), &n))
        return cluster_bad("a node without an address", e);
    if (cluster_add_node(c, ask, &n, e))
        return err_code(e);
    if (!n.replica)
        c->shards[shard].master = c->n_nodes - 1;
    return RC_OK;
}

static enum rc
cluster_take_shard(struct cluster *c, const struct reply *r, const struct cluster_ask *ask,
                   struct err *e)
{
    const struct reply *slots = cluster_field(r, "slots"), *nodes = cluster_field(r, "nodes");
    uint16_t shard;

    if (slots == NULL || nodes == NULL || slots->type != REPLY_ARRAY ||
        nodes->type != REPLY_ARRAY || c->n_shards >= CLUSTER_NODES_MAX)
        return cluster_bad("a shard", e);
    shard = cluster_add_shard(c);
    for (size_t i = 0; i + 1 < slots->n; i += 2)
        if (cluster_own(c, shard, &slots->items[i], &slots->items[i + 1], e))
            return err_code(e);
    for (size_t i = 0; i < nodes->n; i++)
        if (cluster_take_node(c, &nodes->items[i], shard, ask, e))
            return err_code(e);
    return RC_OK;
}

enum rc
cluster_take_shards(const struct reply *r, const struct cluster_ask *ask, struct cluster **out,
                    struct err *e)
{
    struct cluster *c = cluster_new();

    if (r->type != REPLY_ARRAY) {
        cluster_free(c);
        return cluster_bad("no list of shards", e);
    }
    for (size_t i = 0; i < r->n; i++)
        if (cluster_take_shard(c, &r->items[i], ask, e)) {
            cluster_free(c);
            return err_code(e);
        }
    cluster_order(c);
    *out = c;
    return RC_OK;
}

/* ---- CLUSTER SLOTS: [from, to, [host, port, id, ..] of the master, of its replicas ..] ---- */

static size_t
cluster_find_node(const struct cluster *c, const char *id)
{
    size_t i = 0;

    while (i < c->n_nodes && strcmp(c->nodes[i].id, id) != 0)
        i++;
    return i;
}

static enum rc
cluster_take_place(struct cluster *c, const struct reply *r, bool replica, uint16_t *shard,
                   const struct cluster_ask *ask, struct err *e)
{
    struct cluster_node n = {.replica = replica};
    size_t known;

    if (r->type != REPLY_ARRAY || r->n < 3 || !cluster_text(r->items[2].s, n.id, sizeof(n.id)) ||
        n.id[0] == '\0' || !cluster_port(&r->items[1], &n.port) ||
        !cluster_set_host(ask, r->items[0].s, str_of(NULL, 0), &n))
        return cluster_bad("the node of a range of slots", e);
    known = cluster_find_node(c, n.id);
    if (!replica)
        *shard = known < c->n_nodes ? c->nodes[known].shard : cluster_add_shard(c);
    n.shard = *shard;
    if (known == c->n_nodes && cluster_add_node(c, ask, &n, e))
        return err_code(e);
    if (!replica)
        c->shards[*shard].master = known;
    return RC_OK;
}

enum rc
cluster_take_slots(const struct reply *r, const struct cluster_ask *ask, struct cluster **out,
                   struct err *e)
{
    struct cluster *c = cluster_new();
    enum rc rc = r->type == REPLY_ARRAY ? RC_OK : cluster_bad("no list of slots", e);

    for (size_t i = 0; rc == RC_OK && i < r->n; i++) {
        const struct reply *one = &r->items[i];
        uint16_t shard = CLUSTER_NO_SHARD;

        if (one->type != REPLY_ARRAY || one->n < 3) {
            rc = cluster_bad("a range of slots", e);
            break;
        }
        for (size_t k = 2; rc == RC_OK && k < one->n; k++)
            rc = cluster_take_place(c, &one->items[k], k > 2, &shard, ask, e);
        if (rc == RC_OK)
            rc = cluster_own(c, shard, &one->items[0], &one->items[1], e);
    }
    if (rc != RC_OK) {
        cluster_free(c);
        return rc;
    }
    cluster_order(c);
    *out = c;
    return RC_OK;
}

enum rc
cluster_read(struct ctx *cx, struct conn *c, const struct cluster_ask *ask, struct cluster **out,
             struct err *e)
{
    struct reply r;

    if (CONN_CALL(cx, c, &r, e, STR_LIT("CLUSTER"), STR_LIT("SHARDS")))
        return err_code(e);
    if (r.type != REPLY_ERROR)
        return cluster_take_shards(&r, ask, out, e);
    /* Before 7.0, or not allowed. */
    if (CONN_CALL(cx, c, &r, e, STR_LIT("CLUSTER"), STR_LIT("SLOTS")))
        return err_code(e);
    if (r.type == REPLY_ERROR) {
        (void)conn_fail(c, &r, "could not ask the cluster for its shards", e);
        return err_hint(e, "the user needs +cluster|shards, or +cluster|slots before Redis 7.0");
    }
    return cluster_take_slots(&r, ask, out, e);
}

/* ---- questions ---- */

enum rc
cluster_need_whole(const struct cluster *c, struct err *e)
{
    size_t missing = 0, first = 0;

    for (size_t i = SLOTS; i-- > 0;)
        if (c->owner[i] == CLUSTER_NO_SHARD) {
            missing++;
            first = i;
        }
    if (missing != 0)
        return err_set(e, RC_CONFLICT,
                       "%zu of %d slots of the cluster have no owner, %zu the first", missing,
                       SLOTS, first);
    for (size_t i = 0; i < c->n_shards; i++)
        if (c->shards[i].master == SIZE_MAX || c->nodes[c->shards[i].master].down) {
            (void)err_set(e, RC_UNAVAILABLE,
                          "shard %zu of %zu of the cluster has no master that is up", i + 1,
                          c->n_shards);
            e->retry = true;
            return err_code(e);
        }
    return RC_OK;
}

bool
cluster_same(const struct cluster *a, const struct cluster *b)
{
    if (a->n_shards != b->n_shards || memcmp(a->owner, b->owner, sizeof(a->owner)) != 0)
        return false;
    for (size_t i = 0; i < a->n_shards; i++) {
        size_t x = a->shards[i].master, y = b->shards[i].master;

        if ((x == SIZE_MAX) != (y == SIZE_MAX) ||
            (x != SIZE_MAX && strcmp(a->nodes[x].id, b->nodes[y].id) != 0))
            return false;
    }
    return true;
}

char *
cluster_ids(const struct cluster *c, size_t most)
{
    size_t n = MIN(c->n_nodes, most);
    char *ids = mem_zero(n * CLUSTER_ID + 1, 1), *to = ids;

    for (size_t i = 0; i < n; i++)
        to += snprintf(to, CLUSTER_ID + 1, "%s%s", i == 0 ? "" : " ", c->nodes[i].id);
    return ids;
}

bool
cluster_ids_meet(const char *a, const char *b)
{
    while (*a != '\0') {
        size_t n = strcspn(a, " ");
        const char *at = n == 0 ? NULL : memmem(b, strlen(b), a, n);

        if (at != NULL && (at == b || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' '))
            return true;
        a += n + (a[n] == ' ');
    }
    return false;
}
