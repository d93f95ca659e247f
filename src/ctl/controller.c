/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/controller.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "kube/object.h"

/* Which keys a change of a cache means. */
struct mapping {
    struct mapping *next;
    struct workq *q;
    controller_map_fn *map;
    void *arg;
};

struct controller {
    struct controller_opts o;
    struct workq *q;
    struct ctx *cx;
    struct mapping *mappings;
    pthread_t *threads;
    int n_threads;
    atomic_ullong success, errors, again, nanoseconds;
    atomic_size_t active;
};

enum rc
controller_new(const struct controller_opts *o, struct controller **out, struct err *e)
{
    struct workq *q = NULL;
    struct controller *c;

    if (workq_new(&o->queue, &q, e))
        return err_wrap(e, "could not make the controller %s", o->name);
    c = MEM_NEW(struct controller);
    c->o = *o;
    c->o.name = mem_strdup(o->name);
    c->o.workers = MAX(o->workers, 1);
    c->q = q;
    *out = c;
    return RC_OK;
}

void
controller_free(struct controller *c)
{
    if (c == NULL)
        return;
    while (c->mappings != NULL) {
        struct mapping *m = c->mappings;
        c->mappings = m->next;
        mem_free(m);
    }
    workq_free(c->q);
    mem_free((void *)(uintptr_t)c->o.name);
    mem_free(c);
}

static void
on_change(void *arg, const struct json *old, const struct json *now)
{
    const struct mapping *m = (const struct mapping *)arg;

    if (old != NULL)
        m->map(m->arg, old, m->q);
    if (now != NULL)
        m->map(m->arg, now, m->q);
}

void
controller_watch(struct controller *c, struct cache *cache, controller_map_fn *map, void *arg)
{
    struct mapping *m = MEM_NEW(struct mapping);

    *m = (struct mapping){c->mappings, c->q, map, arg};
    c->mappings = m;
    cache_on_change(cache, on_change, m);
}

void
controller_map_self(void *arg, const struct json *obj, struct workq *q)
{
    (void)arg;
    workq_add_object(q, kube_ns(obj), kube_name(obj));
}

void
controller_map_owner(void *arg, const struct json *obj, struct workq *q)
{
    const struct json *owner = kube_controller_of(obj);
    const char *name = json_text(json_field(owner, "name"));

    if (name != NULL && strcmp(json_text_or(json_field(owner, "kind"), ""), (const char *)arg) == 0)
        workq_add_object(q, kube_ns(obj), name);
}

struct workq *
controller_queue(struct controller *c)
{
    return c->q;
}

void
controller_enqueue(struct controller *c, const char *ns, const char *name)
{
    workq_add_object(c->q, ns, name);
}

/* What a reconcile that failed means for its key. */
static void
controller_failed(struct controller *c, const char *key, const struct err *e)
{
    if (e->code == RC_CANCELLED)
        return;
    (void)atomic_fetch_add(&c->errors, 1);
    if (e->code == RC_CONFLICT)
        log_debug("%s", e->msg);
    else
        log_err(e);
    if (e->after_ms > 0)
        workq_add_after(c->q, key, e->after_ms);
    else
        workq_add_limited(c->q, key);
}

static void
controller_reconcile(struct controller *c, const char *key)
{
    struct ctl_result result = {.requeue_after_ms = 0};
    char *copy = mem_strdup(key);
    int64_t began = clock_mono_ns();
    struct log_scope scope = {
        .component = c->o.name, .object = key, .attempt = workq_failures(c->q, key) + 1};
    struct err e = ERR_INIT;
    const char *ns, *name;
    enum rc rc;

    log_scope_enter(&scope);
    workq_split(copy, &ns, &name);
    (void)atomic_fetch_add(&c->active, 1);
    rc = c->o.reconcile(c->cx, c->o.arg, ns, name, &result, &e);
    (void)atomic_fetch_sub(&c->active, 1);
    (void)atomic_fetch_add(&c->nanoseconds, (unsigned long long)(clock_mono_ns() - began));
    mem_free(copy);
    if (rc != RC_OK) {
        controller_failed(c, key, &e);
    } else if (result.requeue_after_ms > 0) {
        workq_forget(c->q, key);
        (void)atomic_fetch_add(&c->again, 1);
        workq_add_after(c->q, key, result.requeue_after_ms);
    } else {
        workq_forget(c->q, key);
        (void)atomic_fetch_add(&c->success, 1);
    }
    log_scope_leave(&scope);
}

static void *
controller_work(void *arg)
{
    struct controller *c = (struct controller *)arg;
    struct err e = ERR_INIT;
    char *key;

    while (workq_take(c->cx, c->q, &key, &e) == RC_OK) {
        controller_reconcile(c, key);
        workq_done(c->q, key);
        mem_free(key);
    }
    return NULL;
}

enum rc
controller_start(struct ctx *cx, struct controller *c, struct err *e)
{
    c->cx = cx;
    c->threads = (pthread_t *)mem_zero((size_t)c->o.workers, sizeof(*c->threads));
    for (; c->n_threads < c->o.workers; c->n_threads++) {
        if (thread_start(&c->threads[c->n_threads], c->o.name, controller_work, c, e)) {
            workq_shutdown(c->q);
            controller_join(c);
            return err_wrap(e, "could not start the controller %s", c->o.name);
        }
    }
    return RC_OK;
}

void
controller_join(struct controller *c)
{
    for (int i = 0; i < c->n_threads; i++)
        (void)pthread_join(c->threads[i], NULL);
    c->n_threads = 0;
    mem_free(TAKE(c->threads));
}

void
controller_stats(struct controller *c, struct controller_stats *out)
{
    *out = (struct controller_stats){.name = c->o.name,
                                     .success = atomic_load(&c->success),
                                     .errors = atomic_load(&c->errors),
                                     .requeue_after = atomic_load(&c->again),
                                     .nanoseconds = atomic_load(&c->nanoseconds),
                                     .adds = workq_added(c->q),
                                     .retries = workq_retried(c->q),
                                     .depth = workq_depth(c->q),
                                     .active = atomic_load(&c->active),
                                     .workers = (size_t)c->o.workers};
}
