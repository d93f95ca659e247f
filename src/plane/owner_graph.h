/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_OWNER_GRAPH_H
#define PLANE_OWNER_GRAPH_H

/*
 * plane/owner_graph -- who owns whom, by uid.
 *
 * Shape    a node per object with its name and its owners; owners that were never seen have a node
 *          too, marked absent, as long as somebody names them. A few hundred bytes each.
 * Threads  one at a time.
 * Tests    owner_graph_test.c
 */
#include <stdbool.h>

#include "json/node.h"

struct graph;

struct graph *graph_new(void);
void graph_free(struct graph *g);

/* Told of every uid that is worth a look because of a change. */
typedef void graph_look_fn(void *arg, const char *uid);

/* The object is there, with these owners. */
void graph_put(struct graph *g, const char *store, const struct json *obj, graph_look_fn *look,
               void *arg);
/* It is gone. */
void graph_remove(struct graph *g, const char *uid, graph_look_fn *look, void *arg);

enum graph_state {
    GRAPH_ABSENT,
    GRAPH_PRESENT,
    GRAPH_FOREGROUND /* it is being deleted and waits for its dependents */
};
enum graph_state graph_state(const struct graph *g, const char *uid);

/* Where an object is; borrowed until the next change. False: absent. */
struct graph_name {
    const char *store, *ns, *name;
};
bool graph_find(const struct graph *g, const char *uid, struct graph_name *out);
/* The uids of who names it as an owner; `blocking`: with blockOwnerDeletion only. To be freed. */
struct json *graph_dependents(const struct graph *g, const char *uid, bool blocking);
size_t graph_size(const struct graph *g);

#endif
