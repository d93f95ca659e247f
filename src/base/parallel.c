/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/thread.h"

enum { DEFAULT_MAX = 4 };

struct parallel {
    size_t n;
    parallel_fn *fn;
    void *arg;
    atomic_size_t next;
    pthread_mutex_t mutex; /* guards all below */
    bool failed;
    struct err first;
};

struct worker {
    struct parallel *par;
    unsigned number;
    pthread_t thread;
};

unsigned
parallel_workers(unsigned wanted)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    if (wanted != 0)
        return MIN(wanted, (unsigned)PARALLEL_MAX);
    return cpus < 1 ? 1 : (unsigned)MIN(cpus, (long)DEFAULT_MAX);
}

static void *
parallel_run(void *arg)
{
    const struct worker *w = (const struct worker *)arg;
    struct parallel *p = w->par;
    struct err e = ERR_INIT;

    for (size_t at; (at = atomic_fetch_add(&p->next, 1)) < p->n;) {
        if (p->fn(p->arg, w->number, at, &e) == RC_OK)
            continue;
        (void)pthread_mutex_lock(&p->mutex);
        if (!p->failed)
            p->first = e;
        p->failed = true;
        (void)pthread_mutex_unlock(&p->mutex);
        atomic_store(&p->next, p->n);
    }
    return NULL;
}

enum rc
parallel_for(size_t n, unsigned workers, parallel_fn *fn, void *arg, struct err *e)
{
    struct parallel p = {.n = n, .fn = fn, .arg = arg};
    struct worker all[PARALLEL_MAX] = {{.par = &p}};
    struct err ignored = ERR_INIT;

    atomic_init(&p.next, 0);
    (void)pthread_mutex_init(&p.mutex, NULL);
    workers = (unsigned)MIN(n, (size_t)workers);
    for (unsigned i = 1; i < workers; i++) {
        all[i] = (struct worker){.par = &p, .number = i};
        if (thread_start(&all[i].thread, "parallel", parallel_run, &all[i], &ignored))
            workers = i; /* the machine allows no more: those that there are do it all */
    }
    (void)parallel_run(&all[0]); /* this thread is one of them */
    for (unsigned i = 1; i < workers; i++)
        (void)pthread_join(all[i].thread, NULL);
    (void)pthread_mutex_destroy(&p.mutex);
    if (!p.failed)
        return RC_OK;
    *e = p.first;
    return err_code(e);
}
