/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_MASTERS_H
#define REDIS_MASTERS_H

/*
 * redis/masters -- the servers that take the writes of an address: one, or all masters of a cluster.
 *
 * Shape    masters_open connects; of a cluster it waits as redis/cluster_plan does until every slot has an owner
 *          that is up. masters_find gives the place of the address that a redirection names,
 *          and connects where it is a new one. masters_settle, after the last write, takes the cluster as it is then.
 * Failover a replica that takes over may lack what its master had confirmed: once a master that took writes is none
 *          any more, what is in the cluster is not known (RC_CONFLICT). After masters_settle all replicas that are up have
 *          what was written (WAIT), so that a later failover loses nothing; else that is warned of.
 * Errors   as redis/topology and redis/cluster_plan.
 * Threads  one at a time.
 */
#include "redis/cluster_plan.h"

struct masters {
    struct cluster_where where; /* borrowed texts; zeroed by masters_of_one */
    struct conn **list;
    struct redis_addr *at; /* of each, in a cluster */
    size_t n;
    uint16_t *owner; /* of each slot the place in the list; NULL: it is one server */
    char *ids;       /* of the cluster's nodes (cluster_ids); NULL as above */
    char name[REDIS_ADDR_TEXT + 32]; /* for messages */
};

/* What `where` borrows stays so until masters_close; its `prefer` plays no part. */
NODISCARD enum rc masters_open(struct ctx *cx, const struct cluster_where *where,
                               struct masters *out, struct err *e);
/* One server, whose connection is taken; it closes with masters_close. */
void masters_of_one(struct conn *c, struct masters *out);
/* A zeroed one is a no-op. */
void masters_close(struct masters *m);

/* A name that no key has, in a cluster of a slot that the i-th of the list owns; false: it owns none. */
enum { MASTERS_PROBE = 64 };
bool masters_probe_name(const struct masters *m, size_t i, char to[static MASTERS_PROBE]);

/* "MOVED 3999 10.0.0.7:6379" or "ASK ..", as the error of a reply says it: its place in the list, and the slot. */
NODISCARD enum rc masters_find(struct ctx *cx, struct masters *m, struct str redirection,
                               size_t *out, unsigned *slot, struct err *e);

/*
 * All is written and answered: behind Sentinels, it is asked whether the server is their master still; of a cluster,
 * masters that slots have moved to join the list, and the owners are those of now. It waits
 * for slots that move at once, since the server that receives them counts their keys already; where they still do after
 * conn_opts.wait_ms, that is warned of.
 */
NODISCARD enum rc masters_settle(struct ctx *cx, struct masters *m, struct err *e);

/* ---- pure, for tests ---- */
/* The host may be empty, which means the node that said so; an IPv6 address has no brackets. */
bool masters_take_redirection(struct str s, unsigned *slot, char host[static CLUSTER_HOST],
                              uint16_t *port);

#endif
