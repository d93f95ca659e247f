/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "base/mem.h"
#include "store/mem.h"

enum { OBJECT_MAX = 1 << 30 };

struct object {
    struct store_name name;
    struct buf bytes;
};

struct mem_store {
    struct store store;
    pthread_mutex_t lock; /* guards objects and what they hold */
    struct object *objects;
    size_t n;
};

struct mem_put {
    struct store_put put;
    struct buf bytes;
};

static struct mem_store *
mem_of(struct store *s)
{
    return CONTAINER_OF(s, struct mem_store, store);
}

static bool
is_same(const struct store_name *a, const struct store_name *b)
{
    return a->type == b->type && (a->type == STORE_CONFIG || id_eq(&a->id, &b->id));
}

static struct object *
find_locked(struct mem_store *m, const struct store_name *name)
{
    for (size_t i = 0; i < m->n; i++) {
        if (is_same(&m->objects[i].name, name))
            return &m->objects[i];
    }
    return NULL;
}

static enum rc
not_found(const struct store_name *name, struct err *e)
{
    char text[STORE_NAME_TEXT];

    return err_set(e, RC_NOT_FOUND, "there is no %s", store_name_text(name, text));
}

static enum rc
mem_create(struct ctx *cx, struct store *s, struct err *e)
{
    (void)s;
    return ctx_check(cx, e);
}

static enum rc
mem_put_begin(struct ctx *cx, struct store *s, enum store_type type, struct store_put **out,
              struct err *e)
{
    struct mem_put *p;

    if (ctx_check(cx, e))
        return err_code(e);
    p = MEM_NEW(struct mem_put);
    p->put = (struct store_put){.store = s, .type = type};
    buf_init(&p->bytes, OBJECT_MAX);
    *out = &p->put;
    return RC_OK;
}

static enum rc
mem_put_write(struct ctx *cx, struct store_put *put, const uint8_t *from, size_t n, struct err *e)
{
    if (ctx_check(cx, e))
        return err_code(e);
    return buf_add(&CONTAINER_OF(put, struct mem_put, put)->bytes, from, n, e);
}

static void
mem_put_abort(struct store_put *put)
{
    struct mem_put *p;

    if (put == NULL)
        return;
    p = CONTAINER_OF(put, struct mem_put, put);
    buf_release(&p->bytes);
    mem_free(p);
}

static enum rc
mem_put_commit(struct ctx *cx, struct store_put *put, const struct id *id, struct err *e)
{
    struct mem_put *p = CONTAINER_OF(put, struct mem_put, put);
    struct mem_store *m = mem_of(put->store);
    struct store_name name = {.type = put->type};
    struct object *o;

    if (ctx_check(cx, e)) {
        mem_put_abort(put);
        return err_code(e);
    }
    if (put->type != STORE_CONFIG)
        name.id = *id;
    (void)pthread_mutex_lock(&m->lock);
    o = find_locked(m, &name);
    if (o == NULL) {
        m->objects = mem_more(m->objects, m->n, sizeof(*m->objects));
        o = &m->objects[m->n++];
        *o = (struct object){.name = name};
    }
    buf_release(&o->bytes);
    o->bytes = p->bytes;
    (void)pthread_mutex_unlock(&m->lock);
    mem_free(p);
    return RC_OK;
}

static enum rc
mem_get(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t off, uint8_t *to,
        size_t n, struct err *e)
{
    struct mem_store *m = mem_of(s);
    char text[STORE_NAME_TEXT];
    enum rc rc = ctx_check(cx, e);
    struct object *o;

    if (rc)
        return rc;
    (void)pthread_mutex_lock(&m->lock);
    o = find_locked(m, name);
    if (o == NULL)
        rc = not_found(name, e);
    else if (off > o->bytes.n || n > o->bytes.n - off)
        rc = err_set(e, RC_CORRUPT, "%s is cut short", store_name_text(name, text));
    else if (n != 0)
        memcpy(to, o->bytes.p + off, n);
    (void)pthread_mutex_unlock(&m->lock);
    return rc;
}

static enum rc
mem_stat(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t *bytes,
         struct err *e)
{
    struct mem_store *m = mem_of(s);
    enum rc rc = ctx_check(cx, e);
    struct object *o;

    if (rc)
        return rc;
    (void)pthread_mutex_lock(&m->lock);
    o = find_locked(m, name);
    if (o == NULL)
        rc = not_found(name, e);
    else
        *bytes = o->bytes.n;
    (void)pthread_mutex_unlock(&m->lock);
    return rc;
}

struct entry {
    struct id id;
    uint64_t bytes;
};

/* The callback may use the store, so it runs on a copy of the list. */
static enum rc
mem_list(struct ctx *cx, struct store *s, enum store_type type, store_list_fn *fn, void *arg,
         struct err *e)
{
    struct mem_store *m = mem_of(s);
    struct entry *entries;
    enum rc rc = ctx_check(cx, e);
    size_t n = 0;

    if (rc)
        return rc;
    (void)pthread_mutex_lock(&m->lock);
    entries = mem_zero(m->n, sizeof(*entries));
    for (size_t i = 0; i < m->n; i++) {
        if (m->objects[i].name.type == type)
            entries[n++] = (struct entry){m->objects[i].name.id, m->objects[i].bytes.n};
    }
    (void)pthread_mutex_unlock(&m->lock);
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        rc = fn(arg, &entries[i].id, entries[i].bytes, e);
    mem_free(entries);
    return rc;
}

static enum rc
mem_del(struct ctx *cx, struct store *s, const struct store_name *name, struct err *e)
{
    struct mem_store *m = mem_of(s);
    enum rc rc = ctx_check(cx, e);
    struct object *o;

    if (rc)
        return rc;
    (void)pthread_mutex_lock(&m->lock);
    o = find_locked(m, name);
    if (o != NULL) {
        buf_release(&o->bytes);
        *o = m->objects[--m->n];
    }
    (void)pthread_mutex_unlock(&m->lock);
    return RC_OK;
}

static void
mem_release(struct store *s)
{
    struct mem_store *m = mem_of(s);

    for (size_t i = 0; i < m->n; i++)
        buf_release(&m->objects[i].bytes);
    mem_free(m->objects);
    (void)pthread_mutex_destroy(&m->lock);
    mem_free(s->place);
    mem_free(m);
}

struct store *
store_mem_new(void)
{
    static const struct store_ops ops = {
        .create = mem_create,
        .put_begin = mem_put_begin,
        .put_write = mem_put_write,
        .put_commit = mem_put_commit,
        .put_abort = mem_put_abort,
        .get = mem_get,
        .stat = mem_stat,
        .list = mem_list,
        .del = mem_del,
        .release = mem_release,
    };
    struct mem_store *m = MEM_NEW(struct mem_store);

    m->store = (struct store){.ops = &ops, .place = mem_strdup("mem")};
    (void)pthread_mutex_init(&m->lock, NULL);
    return &m->store;
}

enum rc
store_mem_set(struct store *s, const struct store_name *name, struct str bytes, struct err *e)
{
    struct mem_store *m = mem_of(s);
    struct object *o;
    enum rc rc = RC_OK;

    (void)pthread_mutex_lock(&m->lock);
    o = find_locked(m, name);
    if (o == NULL) {
        rc = not_found(name, e);
    } else {
        o->bytes.n = 0;
        buf_must_add(&o->bytes, bytes.p, bytes.n);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return rc;
}
