/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_CLUSTER_PLAN_H
#define REDIS_CLUSTER_PLAN_H

/*
 * redis/cluster_plan -- a Redis Cluster that is about to be read: which node of each shard, and whether it is
 * still the same cluster afterwards.
 *
 * Why      one node's description may be old. Each master says itself which slots it owns, of which epoch, and
 *          what is on the move: only when all agree with the description is there one owner for every key.
 * Shape    cluster_plan_make waits up to conn_opts.wait_ms until that is so, and chooses; cluster_plan_again
 *          chooses anew for one shard; cluster_plan_check, in the end, asks the masters again.
 * Nodes    of the address any one that answers; `prefer` chooses as redis/sentinel does: a replica that has its
 *          link and comes up to where its master was (role_catch_up), the one that lacks least first.
 * Errors   RC_UNAVAILABLE: a node does not answer, slots are on the move, nodes do not agree; RC_CONFLICT: slots
 *          have no owner, or (again, check) another one than before; RC_DENIED; RC_UNSUPPORTED: not a cluster.
 * Threads  cluster_plan_again of different shards at once; the others when nothing else runs.
 */
#include <pthread.h>

#include "redis/cluster.h"
#include "redis/sentinel.h"

/* What may be on the move in a cluster that is planned for; what may not is waited for. */
enum cluster_moves {
    MOVES_NONE,        /* and its nodes agree about their slots: to read it */
    MOVES_BY_KEY,      /* a key is in one place at any time: to count */
    MOVES_OF_ANY_KIND, /* redirections will be followed: to write */
};

struct cluster_where {
    const struct redis_addr *addr; /* any node; its seeds, where it has some */
    const struct conn_opts *conn;
    const struct cluster_alias *map; /* see redis/cluster; may be NULL */
    size_t n_map;
    enum node_prefer prefer;
    enum cluster_moves moves;
};

/* The node of a shard that is read. */
struct cluster_choice {
    struct redis_addr at;
    char id[CLUSTER_ID];
    bool replica;
    uint64_t lag;
    struct redis_addr master;
    struct cluster_view view; /* of the master, when it was chosen */
};

struct cluster_plan {
    struct cluster *cluster;
    struct cluster_choice *shards; /* cluster->n_shards, in order of slots */
    bool
        unsure; /* some master does not tell what is on the move: only keys' slots and owners say it */
};

/* The caller releases `out`. */
NODISCARD enum rc cluster_plan_make(struct ctx *cx, const struct cluster_where *where,
                                    struct cluster_plan *out, struct err *e);
void cluster_plan_release(struct cluster_plan *p);

/* Say which node of the shard is read. */
void cluster_plan_tell(const struct cluster_plan *p, size_t shard);

/*
 * The node of this shard is gone: another one, or the same, once the shard has a master again. RC_CONFLICT: other
 * slots are its own now.
 */
NODISCARD enum rc cluster_plan_again(struct ctx *cx, const struct cluster_where *where,
                                     struct cluster_plan *p, size_t shard, struct err *e);

/* Do the masters own what they owned, and has nothing moved since? RC_CONFLICT. */
NODISCARD enum rc cluster_plan_check(struct ctx *cx, const struct cluster_where *where,
                                     const struct cluster_plan *p, struct err *e);

#endif
