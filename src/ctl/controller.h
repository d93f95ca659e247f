/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_CONTROLLER_H
#define CTL_CONTROLLER_H

/*
 * ctl/controller -- a queue, workers, and the function that makes the world as an object wants it.
 *
 * Why      policy (reconcile) and mechanism (when, how often, how many at once) apart.
 * Shape    events of caches become keys (controller_watch); workers take keys and call reconcile.
 *          Reconcile is level-based: it reads what is, and is told only which object.
 * Errors   a reconcile that fails is logged once with its key and comes again later and later
 *          (e->after_ms, when the peer asked for it, is kept). RC_CONFLICT is normal: debug only.
 * Threads  reconcile runs in `workers` threads, for one key in at most one of them.
 * Tests    cache_test.c
 */
#include "ctl/cache.h"
#include "ctl/workq.h"

struct ctl_result {
    int64_t requeue_after_ms; /* look again then though nothing changed; 0: no */
};

/* `ns` is "" for kinds without. May block, may be repeated; must end soon when `cx` is over. */
typedef enum rc reconcile_fn(struct ctx *cx, void *arg, const char *ns, const char *name,
                             struct ctl_result *out, struct err *e);

struct controller;

struct controller_opts {
    const char *name; /* for logs and metrics; copied */
    reconcile_fn *reconcile;
    void *arg;
    int workers; /* 0: 1 */
    struct workq_opts queue;
};

NODISCARD enum rc controller_new(const struct controller_opts *o, struct controller **out,
                                 struct err *e);
void controller_free(struct controller *c);

/*
 * Whenever an object of `cache` changes, ask `map` for the keys to work on; it adds them to `q`
 * (workq_add). On a change it is called for the old and for the new object; on deletion for the old
 * one. The cache is borrowed until controller_free.
 */
typedef void controller_map_fn(void *arg, const struct json *obj, struct workq *q);
void controller_watch(struct controller *c, struct cache *cache, controller_map_fn *map, void *arg);
/* Ready-made: the object itself; its controlling owner if its kind is (const char *)arg. */
void controller_map_self(void *arg, const struct json *obj, struct workq *q);
void controller_map_owner(void *arg, const struct json *obj, struct workq *q);

struct workq *controller_queue(struct controller *c); /* borrowed */
void controller_enqueue(struct controller *c, const char *ns, const char *name);

/* Begin; workers end when `cx` is over. controller_join waits for that. */
NODISCARD enum rc controller_start(struct ctx *cx, struct controller *c, struct err *e);
void controller_join(struct controller *c);

/* For /metrics, in the words of controller-runtime. */
struct controller_stats {
    const char *name;                        /* borrowed */
    uint64_t success, errors, requeue_after; /* reconciles by result */
    uint64_t nanoseconds;                    /* spent in reconcile */
    uint64_t adds, retries;                  /* of the queue */
    size_t depth, active, workers;
};
void controller_stats(struct controller *c, struct controller_stats *out);

#endif
