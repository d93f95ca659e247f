/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_CLUSTER_H
#define REDIS_CLUSTER_H

/*
 * redis/cluster -- what a Redis Cluster consists of: shards, the slots they own, their nodes.
 *
 * Shape    cluster_read asks one node; a description in, questions about it pure. cluster_moving asks
 *          a master for its own slots that are on the move: only the owner shows them.
 * Ways     CLUSTER SHARDS (7.0 on), else CLUSTER SLOTS. RC_DENIED where neither is allowed.
 * Address  what a node announces as its endpoint, or its IP where it announces none; with TLS its TLS
 *          port; "" means the address that was asked. A map turns announced into reachable ones.
 * Limits   CLUSTER_NODES_MAX nodes.
 * Threads  a description is only read once it was made.
 * Source   redis.io's pages of the three commands; compared with Redis 7.0.
 */
#include "redis/conn.h"
#include "dump/slot.h"

enum {
    CLUSTER_NODES_MAX = 4096,
    CLUSTER_ID = 41,
    CLUSTER_HOST = 256,
    CLUSTER_NO_SHARD = UINT16_MAX
};

struct cluster_node {
    char id[CLUSTER_ID], host[CLUSTER_HOST];
    uint16_t port;
    uint16_t shard;
    bool replica;
    bool down;       /* the cluster says that it failed, or still loads its data */
    uint64_t offset; /* of the replication stream; 0: not told */
};

struct cluster_shard {
    size_t master; /* of cluster.nodes; SIZE_MAX: none is known */
    uint32_t slots;
};

struct cluster {
    struct cluster_node *nodes;
    size_t n_nodes;
    struct cluster_shard
        *shards; /* in the order of their lowest slot; those without slots are left out */
    size_t n_shards;
    uint16_t owner[SLOTS]; /* of each slot: a shard, or CLUSTER_NO_SHARD */
};

/* "announced" and "reachable": HOST:PORT each, or HOST for all ports of it. */
struct cluster_alias {
    const char *announced, *reachable;
};

struct cluster_ask {
    bool tls;                        /* take the TLS ports */
    const struct redis_addr *asked;  /* for nodes that announce no address */
    const struct cluster_alias *map; /* may be NULL */
    size_t n_map;
};

/* The caller releases `out`. RC_DENIED, RC_UNSUPPORTED, RC_CORRUPT. */
NODISCARD enum rc cluster_read(struct ctx *cx, struct conn *c, const struct cluster_ask *ask,
                               struct cluster **out, struct err *e);
void cluster_free(struct cluster *c);

/* RC_OK: every slot has an owner, whose master is up. RC_UNAVAILABLE names what is missing. */
NODISCARD enum rc cluster_need_whole(const struct cluster *c, struct err *e);

/* Do the same masters own the same slots? */
bool cluster_same(const struct cluster *a, const struct cluster *b);

/*
 * How many slots of this master are on the move, to or from it; *first is one of them. RC_DENIED
 * where it may not be asked.
 */
NODISCARD enum rc cluster_moving(struct ctx *cx, struct conn *c, size_t *n, unsigned *first,
                                 struct err *e);

/* ---- pure parts, for tests ---- */
NODISCARD enum rc cluster_take_shards(const struct reply *r, const struct cluster_ask *ask,
                                      struct cluster **out, struct err *e);
NODISCARD enum rc cluster_take_slots(const struct reply *r, const struct cluster_ask *ask,
                                     struct cluster **out, struct err *e);
/* Of the text of CLUSTER NODES: the marks [slot->-id] and [slot-<-id] of its own line. */
size_t cluster_count_moving(struct str nodes, unsigned *first);

#endif
