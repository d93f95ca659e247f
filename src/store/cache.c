/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cache.h"

#include <pthread.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/idset.h"
#include "crypto/sha256.h"
#include "store/local.h"

enum { STEP = 256 * 1024, SMALL_MAX = 64 * 1024 * 1024 };

static const enum store_type kinds[] = {STORE_SNAPSHOT, STORE_INDEX, STORE_PACK};

struct cache {
    struct store store;
    struct store *far, *near; /* near: NULL when it failed; kept in near_owned until the end */
    struct store *near_owned;
    uint64_t max_bytes;

    pthread_mutex_t mutex; /* guards near and all below */
    bool ready;            /* the folder is there, and its size is known */
    uint64_t bytes;
    struct idset good; /* copies that have the hash of their name */
};

static struct cache *
cache_of(struct store *s)
{
    return CONTAINER_OF(s, struct cache, store);
}

static bool
is_kept(const struct store_name *name)
{
    return name->type == STORE_SNAPSHOT || name->type == STORE_INDEX ||
           (name->type == STORE_PACK && name->metadata);
}

/* ---- the copies ---- */

static void
give_up(struct cache *c, const struct err *e)
{
    (void)pthread_mutex_lock(&c->mutex);
    if (c->near != NULL)
        log_warn("the cache at %s is not used any more: %s", c->near_owned->place, e->msg);
    c->near = NULL;
    (void)pthread_mutex_unlock(&c->mutex);
}

static enum rc
count_one(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct cache *c = (struct cache *)arg;

    (void)id;
    (void)e;
    c->bytes += bytes;
    return RC_OK;
}

struct shrink {
    struct ctx *cx;
    struct cache *c;
    enum store_type type;
};

/* Names are hashes, so this takes any. */
static enum rc
drop_above_half(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct shrink *s = (struct shrink *)arg;
    struct store_name name = {.type = s->type, .id = *id};

    if (s->c->bytes <= s->c->max_bytes / 2)
        return RC_OK;
    s->c->bytes -= MIN(bytes, s->c->bytes);
    return s->c->near->ops->del(s->cx, s->c->near, &name, e);
}

static enum rc
prepare_locked(struct ctx *cx, struct cache *c, struct err *e)
{
    if (fs_make_dirs(c->near->place, 0700, e) || c->near->ops->create(cx, c->near, e))
        return err_code(e);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (c->near->ops->list(cx, c->near, kinds[i], count_one, c, e))
            return err_code(e);
    for (size_t i = ARRAY_LEN(kinds); c->bytes > c->max_bytes && i-- > 0;) {
        struct shrink s = {.cx = cx, .c = c, .type = kinds[i]};

        if (c->near->ops->list(cx, c->near, kinds[i], drop_above_half, &s, e))
            return err_code(e);
    }
    return RC_OK;
}

/* The near store, or NULL when there is none to use. */
static struct store *
near_of(struct ctx *cx, struct cache *c)
{
    struct err e = ERR_INIT;
    struct store *near;
    enum rc rc = RC_OK;

    (void)pthread_mutex_lock(&c->mutex);
    if (!c->ready && c->near != NULL)
        rc = prepare_locked(cx, c, &e);
    c->ready = true;
    near = c->near;
    (void)pthread_mutex_unlock(&c->mutex);
    if (rc == RC_OK)
        return near;
    give_up(c, &e);
    return NULL;
}

/* Do the bytes of `from` have the hash that is their name? They go to `put` on the way, if any. */
static enum rc
read_whole(struct ctx *cx, struct store *from, const struct store_name *name, uint64_t bytes,
           struct store_put *put, struct err *e)
{
    CLEANUP(mem_free_ptr) uint8_t *step = (uint8_t *)mem_alloc(STEP);
    struct sha256 hash;
    struct id got;

    sha256_init(&hash);
    for (uint64_t off = 0; off < bytes;) {
        size_t n = (size_t)MIN(bytes - off, (uint64_t)STEP);

        if (from->ops->get(cx, from, name, off, step, n, e) ||
            (put != NULL && put->store->ops->put_write(cx, put, step, n, e)))
            return err_code(e);
        sha256_add(&hash, step, n);
        off += n;
    }
    sha256_end(&hash, &got);
    return id_eq(&got, &name->id) ? RC_OK : err_set(e, RC_CORRUPT, "it is not what its name says");
}

static bool
is_good(struct cache *c, const struct id *id)
{
    bool good;

    (void)pthread_mutex_lock(&c->mutex);
    good = idset_has(&c->good, id);
    (void)pthread_mutex_unlock(&c->mutex);
    return good;
}

static void
note_good(struct cache *c, const struct id *id, uint64_t added)
{
    (void)pthread_mutex_lock(&c->mutex);
    (void)idset_add(&c->good, id);
    c->bytes += added;
    (void)pthread_mutex_unlock(&c->mutex);
}

/* A copy from an earlier run: is it whole? */
static bool
cache_accept(struct ctx *cx, struct cache *c, struct store *near, const struct store_name *name)
{
    struct err e = ERR_INIT;
    uint64_t bytes;

    if (near->ops->stat(cx, near, name, &bytes, &e) || read_whole(cx, near, name, bytes, NULL, &e))
        return false;
    note_good(c, &name->id, 0);
    return true;
}

/* A snapshot or an index file comes with one question. */
static enum rc
fetch_small(struct ctx *cx, struct store *from, const struct store_name *name, uint64_t room,
            struct store_put *put, uint64_t *bytes, struct err *e)
{
    CLEANUP(buf_release) struct buf all = BUF_INIT((size_t)MIN(room, (uint64_t)SMALL_MAX));

    if (store_get_all(cx, from, name, &all, e))
        return err_code(e);
    *bytes = all.n;
    return put->store->ops->put_write(cx, put, all.p, all.n, e);
}

static enum rc
fetch_pack(struct ctx *cx, struct store *from, const struct store_name *name, uint64_t room,
           struct store_put *put, uint64_t *bytes, struct err *e)
{
    if (from->ops->stat(cx, from, name, bytes, e))
        return err_code(e);
    if (*bytes > room)
        return store_too_large(name, *bytes, e);
    return read_whole(cx, from, name, *bytes, put, e);
}

/* Fetch a copy. False: there is none, and the caller reads from afar, where errors are told. */
static bool
cache_fetch(struct ctx *cx, struct cache *c, struct store *near, const struct store_name *name)
{
    struct store_put *put = NULL;
    struct err e = ERR_INIT;
    uint64_t bytes, held;
    enum rc rc;

    (void)pthread_mutex_lock(&c->mutex);
    held = MIN(c->bytes, c->max_bytes);
    (void)pthread_mutex_unlock(&c->mutex);
    if (near->ops->put_begin(cx, near, name->type, &put, &e)) {
        give_up(c, &e);
        return false;
    }
    rc = (name->type == STORE_PACK ? fetch_pack : fetch_small)(
        cx, c->far, name, c->max_bytes - held, put, &bytes, &e);
    if (rc != RC_OK) {
        near->ops->put_abort(put);
        return false;
    }
    if (near->ops->put_commit(cx, put, &name->id, &e)) {
        give_up(c, &e);
        return false;
    }
    note_good(c, &name->id, bytes);
    return true;
}

/* The store to read this from: the near one, once it has a good copy. */
static struct store *
source_of(struct ctx *cx, struct cache *c, const struct store_name *name)
{
    struct store *near;

    if (!is_kept(name))
        return c->far;
    near = near_of(cx, c);
    if (near == NULL)
        return c->far;
    if (is_good(c, &name->id) || cache_accept(cx, c, near, name) || cache_fetch(cx, c, near, name))
        return near;
    return c->far;
}

/* ---- the operations ---- */

static enum rc
cache_create(struct ctx *cx, struct store *s, struct err *e)
{
    struct store *far = cache_of(s)->far;

    return far->ops->create(cx, far, e);
}

static enum rc
cache_put_begin(struct ctx *cx, struct store *s, enum store_type type, struct store_put **out,
                struct err *e)
{
    struct store *far = cache_of(s)->far;

    return far->ops->put_begin(cx, far, type, out, e);
}

static enum rc
cache_put_write(struct ctx *cx, struct store_put *put, const uint8_t *p, size_t n, struct err *e)
{
    return put->store->ops->put_write(cx, put, p, n, e);
}

static enum rc
cache_put_commit(struct ctx *cx, struct store_put *put, const struct id *id, struct err *e)
{
    return put->store->ops->put_commit(cx, put, id, e);
}

static void
cache_put_abort(struct store_put *put)
{
    if (put != NULL)
        put->store->ops->put_abort(put);
}

static enum rc
cache_get(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t off, uint8_t *to,
          size_t n, struct err *e)
{
    struct cache *c = cache_of(s);
    struct store *from = source_of(cx, c, name);
    struct err ignored = ERR_INIT;

    /* Somebody may have deleted the copy just now. */
    if (from != c->far && from->ops->get(cx, from, name, off, to, n, &ignored) == RC_OK)
        return RC_OK;
    return c->far->ops->get(cx, c->far, name, off, to, n, e);
}

static enum rc
cache_get_all(struct ctx *cx, struct store *s, const struct store_name *name, struct buf *out,
              struct err *e)
{
    struct cache *c = cache_of(s);
    struct store *from = source_of(cx, c, name);
    struct err ignored = ERR_INIT;
    size_t before = out->n;

    if (from != c->far && store_get_all(cx, from, name, out, &ignored) == RC_OK)
        return RC_OK;
    out->n = before;
    return store_get_all(cx, c->far, name, out, e);
}

static enum rc
cache_stat(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t *bytes,
           struct err *e)
{
    struct cache *c = cache_of(s);
    struct store *from = source_of(cx, c, name);
    struct err ignored = ERR_INIT;

    if (from != c->far && from->ops->stat(cx, from, name, bytes, &ignored) == RC_OK)
        return RC_OK;
    return c->far->ops->stat(cx, c->far, name, bytes, e);
}

static enum rc
cache_age(struct ctx *cx, struct store *s, const struct store_name *name, struct store_age *age,
          struct err *e)
{
    return store_age(cx, cache_of(s)->far, name, age, e);
}

struct listing {
    struct ctx *cx;
    struct cache *c;
    struct store *near;
    enum store_type type;
    struct idset there; /* in the far store */
    store_list_fn *fn;
    void *arg;
};

static enum rc
note_there(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct listing *l = (struct listing *)arg;

    (void)idset_add(&l->there, id);
    return l->fn(l->arg, id, bytes, e);
}

static enum rc
drop_gone(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct listing *l = (struct listing *)arg;
    struct store_name name = {.type = l->type, .id = *id};

    if (idset_has(&l->there, id))
        return RC_OK;
    (void)pthread_mutex_lock(&l->c->mutex);
    l->c->bytes -= MIN(bytes, l->c->bytes);
    (void)pthread_mutex_unlock(&l->c->mutex);
    return l->near->ops->del(l->cx, l->near, &name, e);
}

static enum rc
cache_list(struct ctx *cx, struct store *s, enum store_type type, store_list_fn *fn, void *arg,
           struct err *e)
{
    struct cache *c = cache_of(s);
    bool kept = type == STORE_SNAPSHOT || type == STORE_INDEX || type == STORE_PACK;
    struct listing l = {.cx = cx, .c = c, .type = type, .fn = fn, .arg = arg};
    struct err near_e = ERR_INIT;
    enum rc rc;

    l.near = kept ? near_of(cx, c) : NULL;
    if (l.near == NULL)
        return c->far->ops->list(cx, c->far, type, fn, arg, e);
    rc = c->far->ops->list(cx, c->far, type, note_there, &l, e);
    if (rc == RC_OK && l.near->ops->list(cx, l.near, type, drop_gone, &l, &near_e))
        give_up(c, &near_e);
    idset_release(&l.there);
    return rc;
}

static enum rc
cache_del(struct ctx *cx, struct store *s, const struct store_name *name, struct err *e)
{
    struct cache *c = cache_of(s);
    bool kept =
        name->type == STORE_SNAPSHOT || name->type == STORE_INDEX || name->type == STORE_PACK;
    struct store *near = kept ? near_of(cx, c) : NULL;
    struct err near_e = ERR_INIT;

    if (near != NULL && near->ops->del(cx, near, name, &near_e))
        give_up(c, &near_e);
    return c->far->ops->del(cx, c->far, name, e);
}

static void
cache_release(struct store *s)
{
    struct cache *c = cache_of(s);

    store_release(c->near_owned);
    idset_release(&c->good);
    (void)pthread_mutex_destroy(&c->mutex);
    mem_free(s->place);
    mem_free(c);
}

struct store *
store_cache_new(struct store *far, const char *folder, uint64_t max_bytes)
{
    static const struct store_ops ops = {
        .create = cache_create,
        .put_begin = cache_put_begin,
        .put_write = cache_put_write,
        .put_commit = cache_put_commit,
        .put_abort = cache_put_abort,
        .get = cache_get,
        .get_all = cache_get_all,
        .stat = cache_stat,
        .age = cache_age,
        .list = cache_list,
        .del = cache_del,
        .release = cache_release,
    };
    struct cache *c = MEM_NEW(struct cache);

    c->store = (struct store){.ops = &ops,
                              .place = mem_strdup(far->place),
                              .remote = far->remote,
                              .connections = far->connections};
    c->far = far;
    c->near = c->near_owned = store_local_new_relaxed(folder);
    c->max_bytes = max_bytes != 0 ? max_bytes : CACHE_BYTES_MAX;
    (void)pthread_mutex_init(&c->mutex, NULL);
    return &c->store;
}
