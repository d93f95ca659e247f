/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/sha256.h"
#include "repo/blob.h"
#include "repo/load.h"

enum { SLOTS = 32, WORKERS_MAX = 16, WORKERS_DEFAULT_MAX = 4, KEEP = 2 << 20, BATCH = 8 };

/* Memory for one blob; given back to the system at once when it is larger than KEEP. */
struct space {
    uint8_t *p;
    size_t room;
};

/* Blob number i of the file is in slot i % SLOTS from its start to its end. */
struct slot {
    struct space space;
    size_t n;
    bool done;
    enum rc rc;
    struct err err;
};

struct load {
    struct rd rd;
    struct ctx *cx;
    struct repo *repo;
    const struct file_info *file; /* borrowed */
    pthread_t threads[WORKERS_MAX];
    unsigned n_threads, workers; /* started; wanted */
    struct blob_reader readers[WORKERS_MAX];
    size_t off;     /* read of the current blob; the reader's thread only */
    uint64_t total; /* read of all; the same */

    pthread_mutex_t mutex; /* guards all below, and what slots[].done says */
    pthread_cond_t changed;
    struct slot slots[SLOTS];
    struct space idle[SLOTS];
    size_t n_idle;
    size_t next;    /* blob that a worker takes */
    size_t current; /* blob that the reader is at */
    size_t held;    /* cost of the slots in use */
    bool stop;
};

static void
free_space(struct space *s)
{
    if (s->p != NULL)
        (void)munmap(s->p, s->room);
    s->p = NULL;
}

/* What a blob of n bytes takes: a space that was used before keeps all its memory. */
static size_t
cost(size_t n)
{
    return MAX(n, (size_t)KEEP);
}

static struct space
get_space(struct load *l, size_t n)
{
    struct space s = {.p = NULL};

    (void)pthread_mutex_lock(&l->mutex);
    if (n <= KEEP && l->n_idle > 0)
        s = l->idle[--l->n_idle];
    while (n > KEEP && l->n_idle > 0) /* a large one takes the place of several */
        free_space(&l->idle[--l->n_idle]);
    (void)pthread_mutex_unlock(&l->mutex);
    if (s.p != NULL)
        return s;
    s.room = cost(n);
    s.p = mmap(NULL, s.room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s.p == MAP_FAILED)
        BUG("no memory for a blob");
    return s;
}

static void
put_space_locked(struct load *l, struct space *s)
{
    if (s->p != NULL && s->room == KEEP && l->n_idle < SLOTS &&
        l->held + l->n_idle * KEEP <= LOAD_MEMORY)
        l->idle[l->n_idle++] = *s;
    else
        free_space(s);
    s->p = NULL;
}

/* Is there a slot and room for the next blob? Fills in the slot's length or its error. */
static bool
may_start_locked(struct load *l)
{
    struct slot *s = &l->slots[l->next % SLOTS];

    if (l->next - l->current >= SLOTS)
        return false;
    s->rc = blob_length(l->repo, BLOB_DATA, &l->file->content[l->next], &s->n, &s->err);
    if (s->rc)
        s->n = 0;
    return l->held + cost(s->n) <= LOAD_MEMORY || l->next == l->current;
}

/* Up to BATCH blobs to fetch, a fair share of those there is room for; 0 at the end. */
static size_t
take_blobs(struct load *l, size_t *first)
{
    size_t n = 0, share = BATCH;

    (void)pthread_mutex_lock(&l->mutex);
    while (!l->stop && l->next < l->file->n_content && n < share) {
        if (may_start_locked(l)) {
            l->held += cost(l->slots[l->next % SLOTS].n);
            share = MIN(share, LOAD_MEMORY / l->workers / cost(l->slots[l->next % SLOTS].n));
            *first = n == 0 ? l->next : *first;
            l->next++;
            n++;
        } else if (n != 0) {
            break;
        } else {
            (void)pthread_cond_wait(&l->changed, &l->mutex);
        }
    }
    (void)pthread_mutex_unlock(&l->mutex);
    return n;
}

struct worker_arg {
    struct load *load;
    struct blob_reader *reader;
};

/* Blobs first .. first + n of the file, hashed side by side. */
static void
load_batch(struct load *l, struct blob_reader *reader, size_t first, size_t n)
{
    struct str bytes[BATCH] = {{0}};
    struct id got[BATCH];

    for (size_t i = 0; i < n; i++) {
        struct slot *s = &l->slots[(first + i) % SLOTS];
        const struct id *id = &l->file->content[first + i];
        bytes[i] = str_of(NULL, 0);
        if (s->rc)
            continue;
        s->space = get_space(l, s->n);
        if (blob_fetch(l->cx, reader, BLOB_DATA, id, s->space.p, s->n, &s->err) == RC_OK)
            bytes[i] = str_of(s->space.p, s->n);
    }
    sha256_many(bytes, n, got);
    for (size_t i = 0; i < n; i++) {
        struct slot *s = &l->slots[(first + i) % SLOTS];
        const struct id *id = &l->file->content[first + i];
        if (s->rc == RC_OK && (bytes[i].p == NULL || !id_eq(&got[i], id)))
            s->rc = blob_load(l->cx, reader, BLOB_DATA, id, s->space.p, s->n, &s->err);
    }
}

static void *
run_worker(void *arg)
{
    struct worker_arg w = *(struct worker_arg *)arg;
    struct load *l = w.load;
    size_t first = 0, n;

    mem_free(arg);
    while ((n = take_blobs(l, &first)) != 0) {
        load_batch(l, w.reader, first, n);
        (void)pthread_mutex_lock(&l->mutex);
        for (size_t i = 0; i < n; i++)
            l->slots[(first + i) % SLOTS].done = true;
        (void)pthread_cond_broadcast(&l->changed);
        (void)pthread_mutex_unlock(&l->mutex);
    }
    return NULL;
}

/* Wait for the current blob. */
static enum rc
wait_current(struct load *l, struct slot **out, struct err *e)
{
    struct slot *s = &l->slots[l->current % SLOTS];

    (void)pthread_mutex_lock(&l->mutex);
    while (!s->done)
        (void)pthread_cond_wait(&l->changed, &l->mutex);
    (void)pthread_mutex_unlock(&l->mutex);
    if (s->rc) {
        *e = s->err;
        return s->rc;
    }
    *out = s;
    return RC_OK;
}

static void
leave_current(struct load *l, struct slot *s)
{
    (void)pthread_mutex_lock(&l->mutex);
    put_space_locked(l, &s->space);
    l->held -= cost(s->n);
    s->done = false;
    l->current++;
    (void)pthread_cond_broadcast(&l->changed);
    (void)pthread_mutex_unlock(&l->mutex);
    l->off = 0;
}

static enum rc
read_bytes(struct rd *rd, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct load *l = CONTAINER_OF(rd, struct load, rd);
    struct slot *s = NULL;
    size_t have = 0;

    if (ctx_check(l->cx, e))
        return e->code;
    while (have == 0 && l->current < l->file->n_content) {
        size_t step;
        if (wait_current(l, &s, e))
            return e->code;
        step = MIN(n, s->n - l->off);
        memcpy(p, s->space.p + l->off, step);
        have = step;
        l->off += step;
        l->total += step;
        if (l->off == s->n)
            leave_current(l, s);
    }
    if (have == 0 && l->total != l->file->size)
        return err_set(e, RC_CORRUPT, "the file has %llu bytes, but its tree says %llu",
                       (unsigned long long)l->total, (unsigned long long)l->file->size);
    *got = have;
    return RC_OK;
}

struct rd *
load_rd(struct load *l)
{
    return &l->rd;
}

enum rc
load_open(struct ctx *cx, struct repo *r, const struct file_info *f, unsigned workers,
          struct load **out, struct err *e)
{
    struct load *l = MEM_NEW(struct load);
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = workers != 0 ? MIN(workers, (unsigned)WORKERS_MAX)
                              : (unsigned)MAX(MIN(cpus, (long)WORKERS_DEFAULT_MAX), 1L);

    *l = (struct load){.rd = {.read = read_bytes}, .cx = cx, .repo = r, .file = f, .workers = n};
    (void)pthread_mutex_init(&l->mutex, NULL);
    (void)pthread_cond_init(&l->changed, NULL);
    if (repo_need_index(cx, r, e))
        goto fail;
    for (unsigned i = 0; i < n; i++) {
        if (blob_reader_init(&l->readers[i], r, e))
            goto fail;
    }
    for (; l->n_threads < n; l->n_threads++) {
        struct worker_arg *arg = MEM_NEW(struct worker_arg);
        *arg = (struct worker_arg){.load = l, .reader = &l->readers[l->n_threads]};
        if (pthread_create(&l->threads[l->n_threads], NULL, run_worker, arg) != 0)
            BUG("no thread for a worker");
    }
    *out = l;
    return RC_OK;
fail:
    load_close(l);
    return e->code;
}

void
load_close(struct load *l)
{
    if (l == NULL)
        return;
    (void)pthread_mutex_lock(&l->mutex);
    l->stop = true;
    (void)pthread_cond_broadcast(&l->changed);
    (void)pthread_mutex_unlock(&l->mutex);
    for (unsigned i = 0; i < l->n_threads; i++)
        (void)pthread_join(l->threads[i], NULL);
    for (size_t i = 0; i < WORKERS_MAX; i++)
        blob_reader_release(&l->readers[i]);
    for (size_t i = 0; i < SLOTS; i++)
        free_space(&l->slots[i].space);
    while (l->n_idle > 0)
        free_space(&l->idle[--l->n_idle]);
    (void)pthread_mutex_destroy(&l->mutex);
    (void)pthread_cond_destroy(&l->changed);
    mem_free(l);
}
