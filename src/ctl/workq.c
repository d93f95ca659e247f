/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/workq.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ctl/strmap.h"

enum { BASE_MS = 5, MAX_MS = 16 * 60 * 1000, SLEEP_MS = 60000 };

/* A key that is known: due, waiting, being worked on, or failing. Freed when it is none of these.
 */
struct job {
    struct job *next; /* in the line */
    int64_t at_ms;    /* waiting until then; valid if heap > 0 */
    size_t heap;      /* its place in the heap + 1; 0: it does not wait */
    unsigned failures;
    bool due, active, again; /* in the line; being worked on; came meanwhile */
    char key[];
};

struct workq {
    struct workq_opts o;
    pthread_mutex_t lock; /* guards all below */
    struct strmap jobs;
    struct job *head, *tail; /* due, in order */
    size_t n_due;
    struct job **heap; /* waiting, the earliest first */
    size_t n_heap, cap_heap;
    uint64_t added, retried;
    bool closed;
    int fd; /* an eventfd: readable when a sleeper should look */
};

enum rc
workq_new(const struct workq_opts *o, struct workq **out, struct err *e)
{
    struct workq *q;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0)
        return err_sys(e, errno, "could not make an event descriptor");
    q = MEM_NEW(struct workq);
    if (o != NULL)
        q->o = *o;
    q->o.base_ms = q->o.base_ms > 0 ? q->o.base_ms : BASE_MS;
    q->o.max_ms = q->o.max_ms > 0 ? q->o.max_ms : MAX_MS;
    q->o.now_ms = q->o.now_ms != NULL ? q->o.now_ms : clock_mono_ms;
    q->fd = fd;
    (void)pthread_mutex_init(&q->lock, NULL);
    *out = q;
    return RC_OK;
}

void
workq_free(struct workq *q)
{
    if (q == NULL)
        return;
    for (size_t i = 0; i < q->jobs.cap; i++)
        mem_free(strmap_at(&q->jobs, i));
    strmap_release(&q->jobs);
    mem_free(q->heap);
    (void)close(q->fd);
    (void)pthread_mutex_destroy(&q->lock);
    mem_free(q);
}

/* The heap. */

static void
heap_set(struct workq *q, size_t i, struct job *j)
{
    q->heap[i] = j;
    j->heap = i + 1;
}

static void
heap_up(struct workq *q, size_t i, struct job *j)
{
    for (; i > 0 && q->heap[(i - 1) / 2]->at_ms > j->at_ms; i = (i - 1) / 2)
        heap_set(q, i, q->heap[(i - 1) / 2]);
    heap_set(q, i, j);
}

static void
heap_down(struct workq *q, size_t i, struct job *j)
{
    for (;;) {
        size_t kid = 2 * i + 1;
        if (kid + 1 < q->n_heap && q->heap[kid + 1]->at_ms < q->heap[kid]->at_ms)
            kid++;
        if (kid >= q->n_heap || q->heap[kid]->at_ms >= j->at_ms)
            break;
        heap_set(q, i, q->heap[kid]);
        i = kid;
    }
    heap_set(q, i, j);
}

static void
heap_remove(struct workq *q, struct job *j)
{
    size_t i = j->heap - 1;
    struct job *last = q->heap[--q->n_heap];

    j->heap = 0;
    if (last == j)
        return;
    if (i > 0 && q->heap[(i - 1) / 2]->at_ms > last->at_ms)
        heap_up(q, i, last);
    else
        heap_down(q, i, last);
}

static void
heap_add(struct workq *q, struct job *j)
{
    if (q->n_heap == q->cap_heap) {
        q->cap_heap = q->cap_heap == 0 ? 16 : 2 * q->cap_heap;
        q->heap = (struct job **)mem_grow(q->heap, q->cap_heap, sizeof(struct job *));
    }
    heap_up(q, q->n_heap++, j);
}

/* Jobs. */

static struct job *
job_of_locked(struct workq *q, const char *key)
{
    struct job *j = (struct job *)strmap_get(&q->jobs, key);
    size_t n = strlen(key) + 1;

    if (j != NULL)
        return j;
    j = (struct job *)mem_zero(1, sizeof(*j) + n);
    memcpy(j->key, key, n);
    strmap_add(&q->jobs, j->key, j);
    return j;
}

static void
forget_idle_locked(struct workq *q, struct job *j)
{
    if (j->due || j->active || j->again || j->heap > 0 || j->failures > 0)
        return;
    (void)strmap_remove(&q->jobs, j->key);
    mem_free(j);
}

/* Somebody who sleeps should look again. */
static void
workq_wake(struct workq *q)
{
    uint64_t one = 1;
    ssize_t n = write(q->fd, &one, sizeof(one));

    (void)n;
}

static void
line_up_locked(struct workq *q, struct job *j)
{
    if (j->heap > 0)
        heap_remove(q, j);
    if (j->active) {
        j->again = true;
        return;
    }
    if (j->due)
        return;
    j->due = true;
    j->next = NULL;
    if (q->tail != NULL)
        q->tail->next = j;
    else
        q->head = j;
    q->tail = j;
    q->n_due++;
    workq_wake(q);
}

void
workq_add(struct workq *q, const char *key)
{
    (void)pthread_mutex_lock(&q->lock);
    q->added++;
    line_up_locked(q, job_of_locked(q, key));
    (void)pthread_mutex_unlock(&q->lock);
}

static void
add_after_locked(struct workq *q, struct job *j, int64_t ms)
{
    int64_t at = q->o.now_ms() + ms;

    if (ms <= 0) {
        line_up_locked(q, j);
        return;
    }
    if (j->due || j->again || (j->heap > 0 && j->at_ms <= at))
        return;
    if (j->heap > 0)
        heap_remove(q, j);
    j->at_ms = at;
    heap_add(q, j);
    if (q->heap[0] == j)
        workq_wake(q);
}

void
workq_add_after(struct workq *q, const char *key, int64_t ms)
{
    (void)pthread_mutex_lock(&q->lock);
    q->added++;
    add_after_locked(q, job_of_locked(q, key), ms);
    (void)pthread_mutex_unlock(&q->lock);
}

void
workq_add_limited(struct workq *q, const char *key)
{
    struct job *j;
    int64_t ms;

    (void)pthread_mutex_lock(&q->lock);
    j = job_of_locked(q, key);
    ms = q->o.base_ms << MIN(j->failures, 30U);
    j->failures++;
    q->added++;
    q->retried++;
    add_after_locked(q, j, MIN(ms, q->o.max_ms));
    (void)pthread_mutex_unlock(&q->lock);
}

void
workq_forget(struct workq *q, const char *key)
{
    struct job *j;

    (void)pthread_mutex_lock(&q->lock);
    j = (struct job *)strmap_get(&q->jobs, key);
    if (j != NULL) {
        j->failures = 0;
        forget_idle_locked(q, j);
    }
    (void)pthread_mutex_unlock(&q->lock);
}

unsigned
workq_failures(struct workq *q, const char *key)
{
    struct job *j;
    unsigned n;

    (void)pthread_mutex_lock(&q->lock);
    j = (struct job *)strmap_get(&q->jobs, key);
    n = j == NULL ? 0 : j->failures;
    (void)pthread_mutex_unlock(&q->lock);
    return n;
}

/* The next one that is due, or NULL and how long nothing will be (-1: nobody knows). */
static struct job *
next_locked(struct workq *q, int *sleep_ms)
{
    int64_t now = q->o.now_ms();
    struct job *j;

    while (q->n_heap > 0 && q->heap[0]->at_ms <= now)
        line_up_locked(q, q->heap[0]);
    *sleep_ms = q->n_heap == 0 ? -1 : (int)MIN(q->heap[0]->at_ms - now, SLEEP_MS);
    j = q->closed ? NULL : q->head;
    if (j == NULL)
        return NULL;
    q->head = j->next;
    if (q->head == NULL)
        q->tail = NULL;
    q->n_due--;
    j->due = false;
    j->active = true;
    return j;
}

/* A key, or NULL; `*sleep_ms` as above. Wakes another sleeper if there is more to look after. */
static char *
workq_take_due(struct workq *q, int *sleep_ms, bool *closed)
{
    uint64_t seen;
    char *key = NULL;
    struct job *j;

    (void)pthread_mutex_lock(&q->lock);
    if (read(q->fd, &seen, sizeof(seen)) < 0)
        seen = 0;
    *closed = q->closed;
    j = next_locked(q, sleep_ms);
    if (j != NULL)
        key = mem_strdup(j->key);
    if (q->closed || (j != NULL && (q->n_due > 0 || q->n_heap > 0)))
        workq_wake(q);
    (void)pthread_mutex_unlock(&q->lock);
    return key;
}

enum rc
workq_take(struct ctx *cx, struct workq *q, char **key, struct err *e)
{
    for (;;) {
        bool closed;
        short ready;
        int ms;
        if (ctx_check(cx, e))
            return err_code(e);
        *key = workq_take_due(q, &ms, &closed);
        if (*key != NULL)
            return RC_OK;
        if (closed)
            return err_set(e, RC_CANCELLED, "the work queue is shut down");
        if (ctx_wait(cx, q->fd, POLLIN, ms, &ready, e))
            return err_code(e);
    }
}

char *
workq_try(struct workq *q)
{
    bool closed;
    int ms;

    return workq_take_due(q, &ms, &closed);
}

void
workq_done(struct workq *q, const char *key)
{
    struct job *j;

    (void)pthread_mutex_lock(&q->lock);
    j = (struct job *)strmap_get(&q->jobs, key);
    if (j == NULL || !j->active)
        BUG("workq_done of a key that was not taken: %s", key);
    j->active = false;
    if (j->again) {
        j->again = false;
        line_up_locked(q, j);
    }
    forget_idle_locked(q, j);
    (void)pthread_mutex_unlock(&q->lock);
}

void
workq_shutdown(struct workq *q)
{
    (void)pthread_mutex_lock(&q->lock);
    q->closed = true;
    workq_wake(q);
    (void)pthread_mutex_unlock(&q->lock);
}

/* Read a number under the lock. */
#define PEEK(q, field)                                                                             \
    __extension__({                                                                                \
        (void)pthread_mutex_lock(&(q)->lock);                                                      \
        __typeof__((q)->field) v_ = (q)->field;                                                    \
        (void)pthread_mutex_unlock(&(q)->lock);                                                    \
        v_;                                                                                        \
    })

size_t
workq_depth(struct workq *q)
{
    return PEEK(q, n_due);
}

size_t
workq_delayed(struct workq *q)
{
    return PEEK(q, n_heap);
}

uint64_t
workq_added(struct workq *q)
{
    return PEEK(q, added);
}

uint64_t
workq_retried(struct workq *q)
{
    return PEEK(q, retried);
}

char *
workq_key(const char *ns, const char *name)
{
    return ns == NULL || ns[0] == '\0' ? mem_strdup(name) : mem_printf("%s/%s", ns, name);
}

void
workq_add_object(struct workq *q, const char *ns, const char *name)
{
    char *key = workq_key(ns, name);

    workq_add(q, key);
    mem_free(key);
}

void
workq_split(char *key, const char **ns, const char **name)
{
    char *slash = strchr(key, '/');

    if (slash == NULL) {
        *ns = "";
        *name = key;
        return;
    }
    *slash = '\0';
    *ns = key;
    *name = slash + 1;
}
