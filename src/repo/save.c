/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"
#include "repo/save_internal.h"

enum { WORKERS_DEFAULT_MAX = 4, PAGE = 4096, MAPPING = CHUNK_HEAD + CHUNKER_MAX + PAGE };

void
save_peek(struct save *s, struct save_stats *out)
{
    (void)pthread_mutex_lock(&s->mutex);
    *out = s->stats;
    (void)pthread_mutex_unlock(&s->mutex);
}

/* Give back `bytes` of an idle buffer, from its end, or all that it has. */
static void
untouch_locked(struct save *s, struct chunk *c, size_t bytes)
{
    size_t keep = c->touched > bytes ? (c->touched - bytes) / PAGE * PAGE : 0;

    (void)madvise(c->base + keep, MAPPING - keep, MADV_DONTNEED);
    s->touched -= c->touched - keep;
    c->touched = keep;
}

/* May the buffer being filled grow by `bytes`? Idle ones give way, those with the least first. */
static bool
may_touch_locked(struct save *s, size_t bytes)
{
    while (s->touched + bytes > s->memory) {
        struct chunk *least = NULL;
        for (struct chunk *c = s->idle; c != NULL; c = c->next) {
            if (c->touched != 0 && (least == NULL || c->touched < least->touched))
                least = c;
        }
        if (least == NULL)
            return s->n_ready + s->n_busy == 0;
        untouch_locked(s, least, s->touched + bytes - s->memory);
    }
    return true;
}

/* Make `n` bytes of the filling chunk usable, waiting until others are done with theirs. */
static enum rc
save_touch(struct save_lane *l, size_t n, struct err *e)
{
    struct save *s = l->save;
    struct chunk *c = l->filling;
    size_t end = CHUNK_HEAD + n + SEAL_MAC;
    enum rc rc = RC_OK;

    if (end <= c->touched)
        return RC_OK;
    end = MIN((end + SCAN_STEP * 4 - 1) / (SCAN_STEP * 4) * (SCAN_STEP * 4), (size_t)MAPPING);
    (void)pthread_mutex_lock(&s->mutex);
    while (!s->failed && !may_touch_locked(s, end - c->touched))
        (void)pthread_cond_wait(&s->changed, &s->mutex);
    if (s->failed) {
        *e = s->first;
        rc = e->code;
    }
    s->touched += end - c->touched;
    c->touched = end;
    (void)pthread_mutex_unlock(&s->mutex);
    return rc;
}

/* The idle buffer that has most memory, so that little of it must be made; NULL: there is none. */
static struct chunk *
take_idle_locked(struct save *s)
{
    struct chunk **most = &s->idle, *c;

    for (struct chunk **at = &s->idle; *at != NULL; at = &(*at)->next)
        most = (*at)->touched > (*most)->touched ? at : most;
    c = *most;
    if (c != NULL)
        *most = c->next;
    return c;
}

static void
chunk_give_back(struct save *s, struct chunk *c)
{
    (void)pthread_mutex_lock(&s->mutex);
    c->next = s->idle;
    s->idle = c;
    (void)pthread_mutex_unlock(&s->mutex);
}

/* An idle buffer becomes the one being filled. */
static enum rc
begin_chunk(struct save_lane *l, struct err *e)
{
    struct save *s = l->save;
    struct chunk *c = NULL;
    enum rc rc = RC_OK;

    (void)pthread_mutex_lock(&s->mutex);
    while (!s->failed && s->idle == NULL)
        (void)pthread_cond_wait(&s->changed, &s->mutex);
    if (s->failed) {
        *e = s->first;
        rc = e->code;
    } else {
        c = take_idle_locked(s);
    }
    (void)pthread_mutex_unlock(&s->mutex);
    if (c == NULL)
        return rc;
    if (c->base == NULL) {
        void *base;

        if (map_memory(MAPPING, &base, e)) {
            chunk_give_back(s, c);
            return save_fail(s, e);
        }
        c->base = (uint8_t *)base;
        /* Whole huge pages would make more of a buffer resident than was asked for. */
        (void)madvise(c->base, MAPPING, MADV_NOHUGEPAGE);
        c->p = c->base + CHUNK_HEAD;
    }
    c->n = 0;
    l->filling = c;
    chunk_scan_start(&l->scan);
    return RC_OK;
}

/* The filling chunk goes to the workers. */
static void
queue_chunk(struct save_lane *l)
{
    struct save *s = l->save;
    struct chunk *c = TAKE(l->filling);
    struct save_file_info *f;

    (void)pthread_mutex_lock(&s->mutex);
    c->file = l->file;
    f = &s->files[c->file];
    c->seq = f->n;
    if (f->n == f->cap) {
        f->cap = f->cap + f->cap / 2 + 16;
        f->content = mem_grow(f->content, f->cap, sizeof(*f->content));
    }
    f->n++;
    c->next = NULL;
    *s->ready_end = c;
    s->ready_end = &c->next;
    s->n_ready++;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->mutex);
}

/* The first `cut` bytes are a chunk; the rest begins the next one. */
static enum rc
cut_chunk(struct save_lane *l, size_t cut, struct err *e)
{
    struct chunk *done = TAKE(l->filling), *next;
    size_t rest = done->n - cut;

    if (rest != 0) {
        /* The workers may write over what is behind a chunk, so the rest is copied first. */
        if (begin_chunk(l, e) || save_touch(l, rest, e)) {
            chunk_give_back(l->save, done);
            return err_code(e);
        }
        memcpy(l->filling->p, done->p + cut, rest);
        l->filling->n = rest;
    }
    done->n = cut;
    next = l->filling;
    l->filling = done;
    queue_chunk(l);
    l->filling = next;
    return RC_OK;
}

/* Where the chunker would cut what is there; 0: nowhere yet. */
static size_t
save_lane_cut(struct save_lane *l)
{
    return l->as_told ? 0 : chunker_scan(&l->save->chunker, &l->scan, l->filling->p, l->filling->n);
}

enum rc
save_lane_write(struct wr *w, const uint8_t *p, size_t n, struct err *e)
{
    struct save_lane *l = CONTAINER_OF(w, struct save_lane, wr);
    struct save *s = l->save;

    if (ctx_check(s->cx, e))
        return save_fail(s, e);
    l->bytes += n;
    while (n > 0) {
        struct chunk *c;
        size_t step, cut;
        if (l->filling == NULL && begin_chunk(l, e))
            return err_code(e);
        c = l->filling;
        step = MIN(n, SCAN_STEP - c->n % SCAN_STEP);
        if (save_touch(l, c->n + step, e))
            return err_code(e);
        memcpy(c->p + c->n, p, step);
        c->n += step;
        p += step;
        n -= step;
        if (c->n % SCAN_STEP != 0)
            continue;
        cut = save_lane_cut(l);
        if (cut == 0 && c->n == l->most)
            cut = c->n;
        if (cut != 0 && cut_chunk(l, cut, e))
            return err_code(e);
    }
    return RC_OK;
}

/* What is left of a lane is its last chunks. */
enum rc
save_lane_flush(struct save_lane *l, struct err *e)
{
    while (l->filling != NULL && l->filling->n != 0) {
        struct chunk *c = l->filling;
        size_t cut = save_lane_cut(l);
        if (cut_chunk(l, cut != 0 ? cut : c->n, e))
            return err_code(e);
    }
    (void)pthread_mutex_lock(&l->save->mutex);
    l->save->files[l->file].bytes = l->bytes;
    (void)pthread_mutex_unlock(&l->save->mutex);
    return save_check(l->save, e);
}

size_t
save_file_add(struct save *s)
{
    size_t at;

    (void)pthread_mutex_lock(&s->mutex);
    s->files = mem_more(s->files, s->n_files, sizeof(*s->files));
    at = s->n_files++;
    s->files[at] = (struct save_file_info){.bytes = 0};
    (void)pthread_mutex_unlock(&s->mutex);
    return at;
}

struct wr *
save_file(struct save *s)
{
    s->main.bytes = 0;
    s->main.file = save_file_add(s);
    return &s->main.wr;
}

void
save_side(struct save *s)
{
    s->side.bytes = 0;
    s->side.file = save_file_add(s);
}

enum rc
save_side_blob(struct save *s, struct str bytes, struct err *e)
{
    return wr_write(&s->side.wr, bytes.p, bytes.n, e) ? err_code(e) : save_lane_flush(&s->side, e);
}

enum rc
save_side_end(struct save *s, const char *name, struct err *e)
{
    return save_file_name(s, s->side.file, name, e);
}

bool
save_name_is_good(const char *name)
{
    for (const char *at = name;; at++) {
        size_t n = strcspn(at, "/");
        if (n == 0 || n > 4096 || (n == 1 && at[0] == '.') ||
            (n == 2 && at[0] == '.' && at[1] == '.'))
            return false;
        at += n;
        if (*at == '\0')
            return true;
    }
}

enum rc
save_file_name(struct save *s, size_t file, const char *name, struct err *e)
{
    struct save_file_info *f = &s->files[file];

    if (!save_name_is_good(name)) {
        (void)err_set(e, RC_INVALID, "\"%s\" cannot be the name of a file in a snapshot", name);
        return save_fail(s, e);
    }
    for (size_t i = 0; i < s->n_files; i++) {
        if (s->files[i].name != NULL && strcmp(s->files[i].name, name) == 0) {
            (void)err_set(e, RC_INVALID, "the snapshot has a file \"%s\" already", name);
            return save_fail(s, e);
        }
    }
    (void)pthread_mutex_lock(&s->mutex);
    f->name = mem_strdup(name);
    s->stats.bytes_processed += f->bytes;
    (void)pthread_mutex_unlock(&s->mutex);
    return RC_OK;
}

enum rc
save_file_end(struct save *s, const char *name, struct err *e)
{
    if (save_lane_flush(&s->main, e))
        return err_code(e);
    return save_file_name(s, s->main.file, name, e);
}

static unsigned
default_workers(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > WORKERS_DEFAULT_MAX ? WORKERS_DEFAULT_MAX : (unsigned)n;
}

static enum rc
save_start(struct save *s, const struct save_opts *o, unsigned workers, struct err *e)
{
    struct packer_opts packs = {.uploads = o->uploads, .target_bytes = (uint64_t)o->pack_mib << 20};

    if (repo_need_index(s->cx, s->repo, e) || census_open(s->cx, s->repo, &s->census, e) ||
        packer_open(s->cx, s->repo, &packs, &s->packer, e) ||
        blob_maker_init(&s->makers[WORKERS_MAX], s->repo, o->compression, e))
        return err_code(e);
    for (unsigned i = 0; i < workers; i++) {
        if (blob_maker_init(&s->makers[i], s->repo, o->compression, e))
            return err_code(e);
    }
    for (unsigned i = 0; i < workers; i++) {
        struct save_worker_arg *arg = MEM_NEW(struct save_worker_arg);
        *arg = (struct save_worker_arg){.save = s, .maker = &s->makers[i]};
        if (thread_start(&s->threads[i], "save", save_worker, arg, e)) {
            mem_free(arg);
            return err_code(e);
        }
        (void)pthread_mutex_lock(&s->mutex);
        s->n_threads++;
        (void)pthread_mutex_unlock(&s->mutex);
    }
    return RC_OK;
}

enum rc
save_open(struct ctx *cx, struct repo *r, const struct save_opts *opts, struct save **out,
          struct err *e)
{
    static const struct save_opts none = {.workers = 0};
    const struct save_opts *o = opts != NULL ? opts : &none;
    struct save *s = MEM_NEW(struct save);
    unsigned workers = o->workers != 0 ? MIN(o->workers, (unsigned)WORKERS_MAX) : default_workers();

    s->cx = cx;
    s->repo = r;
    s->memory = r->store->remote ? SAVE_MEMORY_FAR : SAVE_MEMORY;
    s->started = instant_now();
    (void)pthread_mutex_init(&s->mutex, NULL);
    (void)pthread_cond_init(&s->changed, NULL);
    s->ready_end = &s->ready;
    s->main = (struct save_lane){.save = s, .wr = {.write = save_lane_write}};
    s->side = (struct save_lane){
        .save = s, .wr = {.write = save_lane_write}, .most = CHUNKER_MAX, .as_told = true};
    for (size_t i = 0; i < CHUNKS_MAX; i++) {
        s->chunks[i].next = s->idle;
        s->idle = &s->chunks[i];
    }
    chunker_init(&s->chunker, r->config.polynomial);
    if (save_start(s, o, workers, e)) {
        save_abort(s);
        return err_code(e);
    }
    *out = s;
    return RC_OK;
}

/* No more chunks; wait until the workers are done with those they have. */
static void
join_workers(struct save *s)
{
    unsigned n;

    (void)pthread_mutex_lock(&s->mutex);
    s->closing = true;
    n = s->n_threads;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->mutex);
    for (unsigned i = 0; i < n; i++)
        (void)pthread_join(s->threads[i], NULL);
    s->n_threads = 0;
}

static void
save_free(struct save *s)
{
    census_abort(s->census);
    for (size_t i = 0; i < CHUNKS_MAX; i++) {
        if (s->chunks[i].base != NULL)
            (void)munmap(s->chunks[i].base, MAPPING);
    }
    for (size_t i = 0; i <= WORKERS_MAX; i++)
        blob_maker_release(&s->makers[i]);
    for (size_t i = 0; i < s->n_files; i++) {
        mem_free(s->files[i].name);
        mem_free(s->files[i].content);
        mem_free(s->files[i].parts);
    }
    mem_free(s->files);
    mem_free(s->lanes);
    idset_release(&s->claimed[BLOB_DATA]);
    idset_release(&s->claimed[BLOB_TREE]);
    (void)pthread_mutex_destroy(&s->mutex);
    (void)pthread_cond_destroy(&s->changed);
    mem_free(s);
}

enum rc
save_commit(struct save *s, const struct save_meta *meta, struct id *snapshot,
            struct save_stats *stats, struct err *e)
{
    struct id root, id;
    enum rc rc;

    join_workers(s);
    rc = save_check(s, e);
    save_join_parts(s);
    if (rc == RC_OK)
        rc = save_trees(s, meta->time, &root, e);
    if (rc) {
        save_abort(s);
        return rc;
    }
    rc = packer_finish(TAKE(s->packer), e);
    if (rc == RC_OK)
        rc = census_end(TAKE(s->census), e);
    s->repo->index_is_fresh = false;
    if (rc == RC_OK)
        rc = save_snapshot(s, meta, &root, &id, e);
    if (rc == RC_OK && snapshot != NULL)
        *snapshot = id;
    if (rc == RC_OK && stats != NULL)
        *stats = s->stats;
    save_free(s);
    return rc;
}

void
save_abort(struct save *s)
{
    struct err stopped = ERR_INIT;

    if (s == NULL)
        return;
    (void)err_set(&stopped, RC_CANCELLED, "the backup was given up");
    (void)save_fail(s, &stopped);
    join_workers(s);
    packer_abort(s->packer);
    s->repo->index_is_fresh = false; /* some packs and index files may have been stored */
    save_free(s);
}
