/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_MANAGER_H
#define CTL_MANAGER_H

/*
 * ctl/manager -- caches and controllers that live and end together.
 *
 * Shape    ask for caches, add controllers, run: caches start and are waited for, then workers
 *          start; when the ctx is over all threads are joined before the call returns.
 * Threads  set up in one thread; manager_stats and the caches from any.
 * Tests    cache_test.c
 */
#include "ctl/controller.h"

struct manager;

/* `k` is borrowed until manager_free. */
struct manager *manager_new(struct kube *k);
/* Caches and controllers with it. Not while it runs. */
void manager_free(struct manager *m);

/* The cache of a kind, namespace and selectors: the same one for the same question. Borrowed. */
struct cache *manager_cache(struct manager *m, const struct cache_opts *o);
/* Takes the controller. */
void manager_add(struct manager *m, struct controller *take);

/* Until `cx` is over: RC_OK then; optional caches are not waited for. Anything else kept it from starting. */
NODISCARD enum rc manager_run(struct ctx *cx, struct manager *m, struct err *e);
/* Caches are complete and workers run: /readyz. */
bool manager_is_ready(struct manager *m);

/* Each controller and each cache in turn; false past the last one. */
bool manager_stats(struct manager *m, size_t i, struct controller_stats *out);
struct cache *manager_cache_at(struct manager *m, size_t i); /* NULL past the last one */

#endif
