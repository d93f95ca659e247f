/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_CACHE_H
#define CTL_CACHE_H

/*
 * ctl/cache -- the objects of one kind, kept as the server has them.
 *
 * Why      reconcilers read often; the server is asked once and then only tells what changed.
 * Shape    a thread reflects the kind into memory. Each object is kept as compact JSON text,
 *          without managedFields and what `trim` drops, and is parsed when it is asked for: ten
 *          thousand objects of every kind of ours fit into little memory.
 * Order    set up (cache_add_index), cache_start, read. Handlers may be added at any time.
 * Threads  reading from any thread. Handlers are called one at a time, never under the lock.
 * Errors   none: until the first list is complete a cache is empty (cache_is_synced tells).
 * Tests    cache_test.c
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kube/watch.h"

struct cache;

struct cache_opts {
    const struct kube_gvr *kind;
    const char *ns; /* NULL: all namespaces */
    const char *label_selector, *field_selector;
    void (*trim)(struct json *obj); /* drop what nobody reads; NULL: keep all but managedFields */
    int page, min_wait_ms, max_wait_ms; /* as in kube_reflect_opts; 0: its defaults */
    bool
        optional; /* the server may not have the kind: that is told once, and nobody waits for it */
};

/* `k` is borrowed until cache_free; the strings are copied. */
struct cache *cache_new(struct kube *k, const struct cache_opts *o);
/* After cache_join, or never started. */
void cache_free(struct cache *c);

/*
 * Name the values under which an object shall be found by cache_by. Before cache_start. `values`
 * calls emit(to, value) for each. For an index on the owner's uid: cache_index_owner.
 */
typedef void cache_emit_fn(void *to, const char *value);
typedef void cache_index_fn(const struct json *obj, cache_emit_fn *emit, void *to);
void cache_add_index(struct cache *c, const char *name, cache_index_fn *values);
void cache_index_owner(const struct json *obj, cache_emit_fn *emit, void *to);

/*
 * Be told of every change: `old` NULL is new, `now` NULL is gone; both borrowed. In order, from the
 * cache's thread; a handler added later is first told of all there is, from the caller's thread. A
 * handler must not wait for the cache.
 */
typedef void cache_changed_fn(void *arg, const struct json *old, const struct json *now);
void cache_on_change(struct cache *c, cache_changed_fn *changed, void *arg);

/* Begin; it ends when `cx` is over. */
NODISCARD enum rc cache_start(struct ctx *cx, struct cache *c, struct err *e);
/* Wait until it has ended. May be called when it was not started. */
void cache_join(struct cache *c);

bool cache_is_synced(struct cache *c);
NODISCARD enum rc cache_wait_synced(struct ctx *cx, struct cache *c, struct err *e);

/* A copy of one's own, or NULL. `ns` NULL or "" for kinds without. */
struct json *cache_get(struct cache *c, const char *ns, const char *name);
bool cache_has(struct cache *c, const char *ns, const char *name);
/* All (ns NULL) or those of a namespace, as one array by namespace and name; the caller frees. */
struct json *cache_list(struct cache *c, const char *ns);
/* Those with this value in the index; the first `max` of them, by namespace and name: each is parsed. */
struct json *cache_by(struct cache *c, const char *name_of_index, const char *value);
struct json *cache_first_by(struct cache *c, const char *name_of_index, const char *value,
                            size_t max);
/* Only their keys, "namespace/name", as an array of strings: cheap for many. */
struct json *cache_keys_by(struct cache *c, const char *name_of_index, const char *value);
/* One after the other, as of the call; `obj` is borrowed. For what would be large as an array. */
void cache_each(struct cache *c, const char *ns, void (*fn)(void *arg, const struct json *obj),
                void *arg);
size_t cache_count(struct cache *c, const char *ns);
size_t cache_bytes(struct cache *c); /* text held, for metrics */
/* How often all was listed: once, and again whenever the server had forgotten what came after it.
 */
uint64_t cache_lists(struct cache *c);
const struct kube_gvr *cache_kind(const struct cache *c);

/*
 * Put in what a write of ours has just returned, so that the next read sees it. Only in place of an
 * older version: what is not there may be gone already. Handlers are not told: the watch does.
 */
void cache_note(struct cache *c, const struct json *obj);

#endif
