/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"
#include "repo/load.h"
#include "repo/blob_batch.h"
#include "repo/census.h"
#include "repo/repo_internal.h"

enum { SLOTS = 32, WORKERS_MAX = 16 };

/* Memory for one run; given back to the system at once when it is larger than others. */
struct space {
    uint8_t *p;
    size_t room;
    size_t left; /* blobs in it that the reader has not read */
};

enum slot_state { SLOT_FREE, SLOT_WANTED, SLOT_TAKEN, SLOT_DONE };

/* Blob number i of the file is in slot i % SLOTS from when it is near enough until it is read. */
struct slot {
    enum slot_state state;
    struct run_blob blob;
    struct space *space; /* NULL: none was needed for the error */
};

struct load {
    struct rd rd;
    struct ctx *cx;
    struct repo *repo;
    const struct id *content; /* borrowed, as all of the file's */
    size_t n_content;
    uint64_t size; /* that it must have; UINT64_MAX: nobody says */
    uint64_t left; /* to be read; UINT64_MAX: to the end */
    size_t memory; /* of LOAD_MEMORY */
    pthread_t threads[WORKERS_MAX];
    unsigned n_threads;
    size_t share; /* what one run has of the memory, unless it is a single larger blob */
    struct blob_reader readers[WORKERS_MAX];
    size_t off;     /* read of the current blob; the reader's thread only */
    uint64_t total; /* read of all; the same */

    pthread_mutex_t mutex; /* guards all below; what is in a slot that is taken is its worker's */
    pthread_cond_t changed;
    struct slot slots[SLOTS];
    struct space spaces[SLOTS]; /* one that nobody uses (left == 0) may keep `share` of memory */
    size_t known;               /* blobs before it were looked up */
    size_t next;                /* blobs before it were taken */
    size_t current;             /* blob that the reader is at */
    size_t held;                /* memory of the spaces, idle ones included */
    bool stop;
};

static struct slot *
slot_of(struct load *l, size_t i)
{
    return &l->slots[i % SLOTS];
}

static void
free_space_locked(struct load *l, struct space *s)
{
    if (s->p != NULL)
        (void)munmap(s->p, s->room);
    l->held -= s->room;
    *s = (struct space){.p = NULL};
}

/* One that nobody uses, if possible with memory that fits. */
static struct space *
find_space_locked(struct load *l, size_t room)
{
    struct space *found = NULL;

    for (size_t i = 0; i < SLOTS; i++)
        if (l->spaces[i].left == 0 && (found == NULL || l->spaces[i].room == room))
            found = &l->spaces[i];
    return found;
}

/* For a run; NULL: there is no memory now. What the reader waits for gets it, unless the machine
 * refuses. */
static struct space *
get_space_locked(struct load *l, size_t bytes, bool urgent)
{
    size_t room = MAX(bytes, l->share);
    struct space *s = find_space_locked(l, room);
    struct err none = ERR_INIT;
    void *p;

    if (s == NULL || s->room == room)
        return s;
    for (size_t i = 0; i < SLOTS && l->held + room > l->memory; i++)
        if (l->spaces[i].left == 0)
            free_space_locked(l, &l->spaces[i]);
    if (l->held + room > l->memory && !urgent)
        return NULL;
    free_space_locked(l, s);
    if (map_memory(room, &p, &none))
        return NULL;
    *s = (struct space){.p = (uint8_t *)p, .room = room};
    l->held += room;
    return s;
}

/* Look up what has come near enough. */
static void
look_ahead_locked(struct load *l)
{
    l->next = MAX(l->next, l->current); /* the slots of what was read serve others */
    for (; l->known < l->n_content && l->known - l->current < SLOTS; l->known++) {
        struct slot *s = slot_of(l, l->known);

        s->blob = (struct run_blob){.id = l->content[l->known]};
        s->blob.rc = blob_find(l->repo, BLOB_DATA, &s->blob.id, &s->blob.place, &s->blob.err);
        s->state = s->blob.rc == RC_OK ? SLOT_WANTED : SLOT_DONE;
        s->space = NULL;
        if (s->state == SLOT_DONE)
            (void)pthread_cond_broadcast(&l->changed);
    }
    while (l->next < l->known && slot_of(l, l->next)->state != SLOT_WANTED)
        l->next++;
}

/* The blob that the reader waits for cannot be had. */
static void
refuse_locked(struct load *l, struct run_blob *b, size_t bytes)
{
    b->rc = map_refused(bytes, &b->err);
    CONTAINER_OF(b, struct slot, blob)->state = SLOT_DONE;
    (void)pthread_cond_broadcast(&l->changed);
}

/* A run that begins with the next blob that is wanted, and the space for it; 0: not now. */
static size_t
try_take_locked(struct load *l, struct run_blob *run[static RUN_BLOBS], struct space **space)
{
    struct run_blob *wanted[SLOTS];
    size_t n = 0;

    for (size_t i = l->next; i < l->known; i++)
        if (slot_of(l, i)->state == SLOT_WANTED)
            wanted[n++] = &slot_of(l, i)->blob;
    if (n == 0)
        return 0;
    n = blob_batch_pick(wanted, n, l->share, run);
    *space = get_space_locked(l, blob_batch_bytes(run, n), false);
    if (*space == NULL && l->next == l->current) {
        /* All memory has what comes later. Alone it is free again as soon as it is read. */
        n = blob_batch_pick(wanted, 1, l->share, run);
        *space = get_space_locked(l, blob_batch_bytes(run, n), true);
        if (*space == NULL)
            refuse_locked(l, run[0], blob_batch_bytes(run, n));
    }
    if (*space == NULL)
        return 0;
    (*space)->left = n;
    for (size_t i = 0; i < n; i++) {
        struct slot *s = CONTAINER_OF(run[i], struct slot, blob);
        s->state = SLOT_TAKEN;
        s->space = *space;
    }
    return n;
}

/* Wait for a run to load; 0 at the end. */
static size_t
take_run(struct load *l, struct run_blob *run[static RUN_BLOBS], struct space **space)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&l->mutex);
    for (;;) {
        look_ahead_locked(l);
        if (l->stop || l->next == l->n_content)
            break;
        n = try_take_locked(l, run, space);
        if (n > 0)
            break;
        (void)pthread_cond_wait(&l->changed, &l->mutex);
    }
    (void)pthread_mutex_unlock(&l->mutex);
    return n;
}

struct worker_arg {
    struct load *load;
    struct blob_reader *reader;
};

static void *
run_worker(void *arg)
{
    struct worker_arg w = *(struct worker_arg *)arg;
    struct run_blob *run[RUN_BLOBS];
    struct load *l = w.load;
    struct space *space;
    size_t n;

    mem_free(arg);
    while ((n = take_run(l, run, &space)) != 0) {
        blob_batch_load(l->cx, w.reader, run, n, space->p);
        (void)pthread_mutex_lock(&l->mutex);
        for (size_t i = 0; i < n; i++)
            CONTAINER_OF(run[i], struct slot, blob)->state = SLOT_DONE;
        (void)pthread_cond_broadcast(&l->changed);
        (void)pthread_mutex_unlock(&l->mutex);
    }
    return NULL;
}

/* Wait for the current blob. */
static enum rc
wait_current(struct load *l, struct slot **out, struct err *e)
{
    struct slot *s = slot_of(l, l->current);

    (void)pthread_mutex_lock(&l->mutex);
    while (s->state != SLOT_DONE)
        (void)pthread_cond_wait(&l->changed, &l->mutex);
    (void)pthread_mutex_unlock(&l->mutex);
    if (s->blob.rc) {
        *e = s->blob.err;
        return s->blob.rc;
    }
    *out = s;
    return RC_OK;
}

static void
leave_current(struct load *l, struct slot *s)
{
    (void)pthread_mutex_lock(&l->mutex);
    if (--s->space->left == 0 && (s->space->room != l->share || l->held > l->memory))
        free_space_locked(l, s->space);
    s->state = SLOT_FREE;
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
        return err_code(e);
    while (have == 0 && l->left != 0 && l->current < l->n_content) {
        size_t step, all;
        if (wait_current(l, &s, e))
            return err_code(e);
        all = blob_place_plain(&s->blob.place);
        step = MIN(n, all - l->off);
        step = (size_t)MIN((uint64_t)step, l->left);
        memcpy(p, s->blob.p + l->off, step);
        have = step;
        l->off += step;
        l->total += step;
        l->left -= l->left != UINT64_MAX ? step : 0;
        if (l->off == all)
            leave_current(l, s);
    }
    if (have == 0 && l->size != UINT64_MAX && l->total != l->size)
        return err_set(e, RC_CORRUPT, "the file has %llu bytes, but its tree says %llu",
                       (unsigned long long)l->total, (unsigned long long)l->size);
    *got = have;
    return RC_OK;
}

struct rd *
load_rd(struct load *l)
{
    return &l->rd;
}

uint64_t
load_total(const struct load *l)
{
    return l->total;
}

static enum rc
load_start(struct load *l, unsigned workers, struct err *e)
{
    if (repo_need_index(l->cx, l->repo, e))
        return err_code(e);
    for (unsigned i = 0; i < workers; i++)
        if (blob_reader_init(&l->readers[i], l->repo, e))
            return err_code(e);
    for (; l->n_threads < workers; l->n_threads++) {
        struct worker_arg *arg = MEM_NEW(struct worker_arg);

        *arg = (struct worker_arg){.load = l, .reader = &l->readers[l->n_threads]};
        if (thread_start(&l->threads[l->n_threads], "load", run_worker, arg, e)) {
            mem_free(arg);
            return err_code(e);
        }
    }
    return RC_OK;
}

enum rc
load_open_part(struct ctx *cx, struct repo *r, const struct file_info *f,
               const struct load_part *part, unsigned workers, struct load **out, struct err *e)
{
    struct load *l = MEM_NEW(struct load);
    bool far = r->store->remote;
    unsigned n = workers != 0 && !far ? MIN(workers, (unsigned)WORKERS_MAX) : repo_workers(r);

    BUG_ON(part->lanes == 0 || part->first > f->n_content ||
           part->n_blobs > f->n_content - part->first);
    n = (unsigned)MIN((size_t)MAX(n / part->lanes, 1U), part->n_blobs);
    *l = (struct load){.rd = {.read = read_bytes},
                       .cx = cx,
                       .repo = r,
                       .content = f->content + part->first,
                       .n_content = part->n_blobs,
                       .size = part->n_blobs == f->n_content ? f->size : UINT64_MAX,
                       .left = UINT64_MAX,
                       .memory = LOAD_MEMORY / part->lanes};
    l->share = l->memory / (n + 1); /* the reader has one, too */
    (void)pthread_mutex_init(&l->mutex, NULL);
    (void)pthread_cond_init(&l->changed, NULL);
    if (load_start(l, n, e)) {
        load_close(l);
        return err_code(e);
    }
    *out = l;
    return RC_OK;
}

enum rc
load_open(struct ctx *cx, struct repo *r, const struct file_info *f, unsigned workers,
          struct load **out, struct err *e)
{
    const struct load_part all = {.n_blobs = f->n_content, .lanes = 1};

    return load_open_part(cx, r, f, &all, workers, out, e);
}

/* The blobs that hold the bytes, and how many of the first one's stand in front of them. */
static enum rc
find_range(struct repo *r, const struct file_info *f, uint64_t at, uint64_t n,
           struct load_part *part, uint64_t *skip, struct err *e)
{
    uint64_t begin = 0;
    size_t bytes = 0, i;

    *part = (struct load_part){.first = f->n_content, .lanes = 1};
    for (i = 0; i < f->n_content && begin < at + n; i++, begin += bytes) {
        if (blob_length(r, BLOB_DATA, &f->content[i], &bytes, e))
            return err_code(e);
        if (begin + bytes > at && part->n_blobs++ == 0) {
            part->first = i;
            *skip = at - begin;
        }
    }
    if (begin < at + n || at + n < at)
        return err_set(e, RC_CORRUPT, "the file has no %llu bytes at byte %llu",
                       (unsigned long long)n, (unsigned long long)at);
    return RC_OK;
}

enum rc
load_open_range(struct ctx *cx, struct repo *r, const struct file_info *f, uint64_t at, uint64_t n,
                struct load **out, struct err *e)
{
    struct load_part part;
    uint64_t skip = 0;

    if (repo_need_index(cx, r, e) || find_range(r, f, at, n, &part, &skip, e) ||
        load_open_part(cx, r, f, &part, 1, out, e))
        return err_code(e);
    (*out)->off = (size_t)skip;
    (*out)->size = UINT64_MAX;
    (*out)->left = n;
    return RC_OK;
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
        free_space_locked(l, &l->spaces[i]);
    (void)pthread_mutex_destroy(&l->mutex);
    (void)pthread_cond_destroy(&l->changed);
    mem_free(l);
}

static enum rc
prove_blob(struct repo *r, struct census *c, enum blob_type type, const struct id *id,
           struct err *e)
{
    size_t at = index_first(r->index, type, id);
    struct pack_entry entry;
    char text[ID_TEXT];

    if (at == INDEX_NONE)
        return err_set(e, RC_CORRUPT, "no readable index file lists blob %.8s", id_hex(id, text));
    census_use(c, index_at(r->index, at, &entry));
    return RC_OK;
}

enum rc
load_prove(struct ctx *cx, struct repo *r, const struct id *tree, const struct file_info *f,
           struct err *e)
{
    struct census *c;

    if (repo_need_index(cx, r, e) || census_open(cx, r, &c, e))
        return err_code(e);
    if (prove_blob(r, c, BLOB_TREE, tree, e)) {
        census_abort(c);
        return err_code(e);
    }
    for (size_t i = 0; i < f->n_content; i++)
        if (prove_blob(r, c, BLOB_DATA, &f->content[i], e)) {
            census_abort(c);
            return err_code(e);
        }
    return census_end(c, e);
}

enum rc
load_copy(struct ctx *cx, struct repo *r, const struct file_info *f, unsigned workers,
          struct wr *to, struct err *e)
{
    struct load *l = NULL;
    enum rc rc = load_open(cx, r, f, workers, &l, e);

    if (rc == RC_OK)
        rc = stream_copy(load_rd(l), to, NULL, e);
    load_close(l);
    return rc;
}
