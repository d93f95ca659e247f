/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_NODE_MAP_H
#define JOB_NODE_MAP_H

/*
 * job/node_map -- where the nodes of a cluster are reached that announce other addresses: --node-map.
 */
#include "opts/opts.h"
#include "redis/cluster.h"

/* Of a struct opt_list: "announced=reachable", as redis/cluster has them. */
extern const struct opt_type node_map_type;

struct node_map {
    struct cluster_alias list[OPT_LIST_MAX];
    char *texts[OPT_LIST_MAX];
    size_t n;
};
void node_map_init(struct node_map *m, const struct opt_list *options);
/* A zeroed one is a no-op. */
void node_map_release(struct node_map *m);

#endif
