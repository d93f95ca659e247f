/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_TOPOLOGY_H
#define REDIS_TOPOLOGY_H

/*
 * redis/topology -- is the server all there is, or one part of something larger?
 *
 * Why      a node of a Redis Cluster holds its share of the keys, a Sentinel none: a dump of either
 *          looks like a good one. Of a cluster all shards are read (redis/cluster_plan); a Sentinel is
 *          refused before the first byte.
 * Source   INFO's redis_mode and cluster_enabled; who may not ask for INFO may ask HELLO (6.0 on).
 */
#include "redis/sentinel.h"

/*
 * Connect to the server that `addr` means: itself, or the one that its Sentinels lead to, of which
 * `prefer` chooses (redis/sentinel), or any node of a cluster that is named as one. The caller releases `out` (node_found_release).
 */
NODISCARD enum rc topology_reach(struct ctx *cx, const struct redis_addr *addr,
                                 const struct conn_opts *opts, enum node_prefer prefer,
                                 struct node_found *out, struct err *e);

/* The same for who needs but one connection. */
NODISCARD enum rc topology_connect(struct ctx *cx, const struct redis_addr *addr,
                                   const struct conn_opts *opts, enum node_prefer prefer,
                                   struct conn **out, struct err *e);

/*
 * *cluster: the server is a node of a cluster. RC_UNSUPPORTED, with what to do instead: it is a Sentinel.
 * `info` NULL: it could not be asked for. When neither INFO nor HELLO tells, that is a warning.
 */
NODISCARD enum rc topology_ask(struct ctx *cx, struct conn *c, const struct conn_info *info,
                               bool *cluster, struct err *e);

/*
 * RC_DENIED: the server is a replica, whatever it says of writes: what is written to it is lost with
 * the next synchronization. `info` as above; where nothing tells, it is taken for a master.
 */
NODISCARD enum rc topology_need_master(struct ctx *cx, struct conn *c, const struct conn_info *info,
                                       struct err *e);

#endif
