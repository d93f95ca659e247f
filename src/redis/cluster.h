/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_CLUSTER_H
#define REDIS_CLUSTER_H

/*
 * redis/cluster -- what a Redis Cluster consists of: shards, the slots they own, their nodes.
 *
 * Shape    cluster_read asks one node; a description in, questions about it pure. cluster_ask_view
 *          asks a node what it says of itself.
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
    CLUSTER_IDS = 256, /* so many are enough to know a cluster again */
    CLUSTER_NO_SHARD = UINT16_MAX
};

struct cluster_node {
    char id[CLUSTER_ID], host[CLUSTER_HOST];
    uint16_t port;
    uint16_t shard;
    bool replica;
    bool down; /* the cluster says that it failed; of one that loads its data it itself tells */
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

/* HOST:PORT as it was announced, to where ask->map says that it can be reached. RC_INVALID. */
NODISCARD enum rc cluster_map_node(const struct cluster_ask *ask, struct cluster_node *n,
                                   struct err *e);

/* RC_OK: every slot has an owner, whose master is up. RC_CONFLICT: slots have none; RC_UNAVAILABLE: a master is
 * down, which may pass. */
NODISCARD enum rc cluster_need_whole(const struct cluster *c, struct err *e);

/* The IDs of the first `most` nodes, with spaces between; mem_free. Have two such texts one in common? */
char *cluster_ids(const struct cluster *c, size_t most);
bool cluster_ids_meet(const char *a, const char *b);

/* Do the same masters own the same slots? */
bool cluster_same(const struct cluster *a, const struct cluster *b);

/* What a node says of itself: only the owner of slots shows those on the move, and its epoch. */
struct cluster_view {
    bool told; /* else CLUSTER NODES may not be asked */
    uint64_t epoch;
    uint8_t slots[SLOTS / 8];
    size_t moving; /* slots on the move, to or from it; `first` is one of them */
    unsigned first;
    size_t jobs; /* migrations of slots that move at once, as far as they may be asked for */
};
NODISCARD enum rc cluster_ask_view(struct ctx *cx, struct conn *c, struct cluster_view *out,
                                   struct err *e);
/* Does the master of the shard itself say that it owns these slots, and no others? */
bool cluster_agrees(const struct cluster *c, size_t shard, const struct cluster_view *v);
/* A bit for each slot that the shard owns. */
void cluster_slots(const struct cluster *c, size_t shard, uint8_t out[static SLOTS / 8]);

/* ---- pure parts, for tests ---- */
NODISCARD enum rc cluster_take_shards(const struct reply *r, const struct cluster_ask *ask,
                                      struct cluster **out, struct err *e);
NODISCARD enum rc cluster_take_slots(const struct reply *r, const struct cluster_ask *ask,
                                     struct cluster **out, struct err *e);
/* Of the text of CLUSTER NODES: the node's own line. False: it has none that can be read. */
bool cluster_take_view(struct str nodes, struct cluster_view *out);

#endif
