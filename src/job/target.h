/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_TARGET_H
#define JOB_TARGET_H

/*
 * job/target -- the name by which a server's snapshots are known (repo/target.h says what for).
 *
 * Names    in a cluster "namespace/kind/name" in the scope of the cluster (TARGET_CLUSTER_ENV, the
 *          uid of its kube-system namespace); by hand the address without user and database; where
 *          that is one of this machine only (loopback, a socket), with the machine's name in front
 *          and its ID as scope.
 */
#include "redis/url.h"
#include "repo/target.h"

#define TARGET_CLUSTER_ENV "CSTASH_CLUSTER_UID"

/* Owned texts. */
struct target_id {
    char *name, *scope; /* scope: NULL when the name is enough */
};

struct target_id target_of_address(const struct redis_addr *a);
struct target_id target_of_object(const char *ns, const char *kind, const char *name);
/* As somebody calls it: "name", or "name@scope". */
struct target_id target_of_text(const char *text);
/* Borrowed from `t`. */
struct target target_view(const struct target_id *t);
/* A zeroed one is a no-op. */
void target_release(struct target_id *t);

/* Is it a whole snapshot of the cluster that has these nodes (cluster_ids)? */
struct snapshot;
bool target_has_node(const struct snapshot *s, const char *nodes);

/* The address of a server as the host of its snapshots: "10.0.0.7:6379", "/run/redis.sock". */
char *target_host(const struct redis_addr *a); /* mem_free */

#endif
