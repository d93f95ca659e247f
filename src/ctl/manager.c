/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/manager.h"

#include <stdatomic.h>

#include "base/mem.h"

enum { TIDY_MS = 30 * 1000 };

/* A cache with the question that it answers. */
struct known {
    struct cache *cache;
    char *question;
    bool optional;
};

struct manager {
    struct kube *k;
    struct known *caches;
    struct controller **controllers;
    size_t n_caches, n_controllers;
    atomic_bool ready;
};

struct manager *
manager_new(struct kube *k)
{
    struct manager *m = MEM_NEW(struct manager);

    m->k = k;
    return m;
}

void
manager_free(struct manager *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->n_controllers; i++)
        controller_free(m->controllers[i]);
    for (size_t i = 0; i < m->n_caches; i++) {
        cache_free(m->caches[i].cache);
        mem_free(m->caches[i].question);
    }
    mem_free(m->controllers);
    mem_free(m->caches);
    mem_free(m);
}

static const char *
or_empty(const char *s)
{
    return s != NULL ? s : "";
}

struct cache *
manager_cache(struct manager *m, const struct cache_opts *o)
{
    char *question =
        mem_printf("%s/%s/%s %s %s %s", o->kind->group, o->kind->version, o->kind->plural,
                   or_empty(o->ns), or_empty(o->label_selector), or_empty(o->field_selector));

    for (size_t i = 0; i < m->n_caches; i++)
        if (strcmp(m->caches[i].question, question) == 0) {
            mem_free(question);
            return m->caches[i].cache;
        }
    m->caches = (struct known *)mem_more(m->caches, m->n_caches, sizeof(*m->caches));
    m->caches[m->n_caches] = (struct known){cache_new(m->k, o), question, o->optional};
    return m->caches[m->n_caches++].cache;
}

void
manager_add(struct manager *m, struct controller *take)
{
    m->controllers = (struct controller **)mem_more(m->controllers, m->n_controllers,
                                                    sizeof(struct controller *));
    m->controllers[m->n_controllers++] = take;
}

/* Start everything. What has started ends with the ctx. */
static enum rc
manager_start(struct ctx *cx, struct manager *m, struct err *e)
{
    for (size_t i = 0; i < m->n_caches; i++)
        if (cache_start(cx, m->caches[i].cache, e))
            return err_code(e);
    for (size_t i = 0; i < m->n_caches; i++)
        if (!m->caches[i].optional && cache_wait_synced(cx, m->caches[i].cache, e))
            return err_code(e);
    for (size_t i = 0; i < m->n_controllers; i++)
        if (controller_start(cx, m->controllers[i], e))
            return err_code(e);
    return RC_OK;
}

static uint64_t
work_done(struct manager *m)
{
    struct controller_stats s;
    uint64_t n = 0;

    for (size_t i = 0; manager_stats(m, i, &s); i++)
        n += s.success + s.errors;
    return n;
}

/* Many small things come and go with each piece of work: give back what lies free between them. */
static void
keep_tidy(struct ctx *cx, struct manager *m)
{
    struct err over = ERR_INIT;
    uint64_t before = 0, now;

    for (; ctx_sleep(cx, TIDY_MS, &over) == RC_OK; before = now) {
        now = work_done(m);
        if (now != before)
            mem_trim();
    }
}

enum rc
manager_run(struct ctx *cx, struct manager *m, struct err *e)
{
    struct err over = ERR_INIT;
    bool asked;
    enum rc rc = manager_start(cx, m, e);

    if (rc == RC_OK) {
        atomic_store(&m->ready, true);
        keep_tidy(cx, m);
        atomic_store(&m->ready, false);
    }
    asked = ctx_check(cx, &over) != RC_OK;
    if (!asked)
        ctx_cancel(cx); /* it did not start: end what did */
    for (size_t i = 0; i < m->n_controllers; i++)
        controller_join(m->controllers[i]);
    for (size_t i = 0; i < m->n_caches; i++)
        cache_join(m->caches[i].cache);
    return asked ? RC_OK : rc;
}

bool
manager_is_ready(struct manager *m)
{
    return atomic_load(&m->ready);
}

bool
manager_stats(struct manager *m, size_t i, struct controller_stats *out)
{
    if (i >= m->n_controllers)
        return false;
    controller_stats(m->controllers[i], out);
    return true;
}

struct cache *
manager_cache_at(struct manager *m, size_t i)
{
    return i < m->n_caches ? m->caches[i].cache : NULL;
}
