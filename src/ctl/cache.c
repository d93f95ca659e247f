/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cache.h"

#include <pthread.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "ctl/strmap.h"
#include "kube/object.h"

enum { TEXT_MAX = 64 * 1024 * 1024, SYNC_POLL_MS = 10 };

/* An object as compact JSON. Never changes; the version is in front of it. */
struct text {
    atomic_int refs;
    unsigned at; /* where the JSON begins */
    size_t n;    /* of the JSON */
    char bytes[];
};

/* The objects under one value of an index. */
struct bucket {
    struct index *of;
    struct entry **entries;
    size_t n, cap;
    char value[];
};

struct index {
    char *name;
    cache_index_fn *values;
    struct strmap buckets;
};

struct entry {
    struct text *now;
    struct text *told; /* what handlers saw last, if that is not `now`; else NULL */
    struct bucket **in;
    unsigned n_in, round; /* the list that named it last */
    char key[];
};

struct handler {
    cache_changed_fn *changed;
    void *arg;
};

struct cache {
    struct kube_sink sink;
    struct kube *k;
    struct cache_opts o;
    struct ctx *cx;
    pthread_t thread;
    bool started;
    unsigned round;
    enum rc told; /* the last trouble; RC_OK: none */

    pthread_mutex_t tell; /* held while handlers run; taken before `lock` */
    struct handler *handlers;
    size_t n_handlers;

    pthread_mutex_t lock; /* guards all below and the indexes' content */
    struct strmap entries;
    size_t bytes;
    uint64_t lists;
    bool synced;

    struct index *indexes; /* fixed once started */
    size_t n_indexes;
};

/* Texts. */

/* What does not fit is kept as its metadata, as an object that cannot be read. */
static void
print_head(const struct json *obj, struct buf *to)
{
    CLEANUP(json_free_ptr) struct json *head = json_new_object();
    CLEANUP(mem_free_ptr) char *why = mem_printf("it is larger than %d bytes", TEXT_MAX);
    struct err e = ERR_INIT;

    json_set(head, "metadata", json_clone(json_field(obj, "metadata")));
    json_set_cstr(head, KUBE_UNREADABLE, why);
    buf_reset(to);
    if (json_print(head, to, &e) == RC_OK)
        return;
    json_set(head, "metadata", json_new_object()); /* nameless: nobody finds it */
    buf_reset(to);
    if (json_print(head, to, &e))
        BUG("a few bytes do not fit: %s", e.msg);
}

static struct text *
text_new(const struct json *obj)
{
    CLEANUP(buf_release) struct buf b = BUF_INIT(TEXT_MAX);
    const char *version = json_text_or(json_dig(obj, "metadata", "resourceVersion"), "");
    size_t at = strlen(version) + 1;
    struct err e = ERR_INIT;
    struct text *t;

    if (json_print(obj, &b, &e))
        print_head(obj, &b);
    t = (struct text *)mem_alloc(sizeof(*t) + at + b.n);
    atomic_init(&t->refs, 1);
    t->at = (unsigned)at;
    t->n = b.n;
    memcpy(t->bytes, version, at);
    memcpy(t->bytes + at, b.p, b.n);
    return t;
}

static struct text *
text_ref(struct text *t)
{
    (void)atomic_fetch_add(&t->refs, 1);
    return t;
}

static void
text_unref(struct text *t)
{
    if (t != NULL && atomic_fetch_sub(&t->refs, 1) == 1)
        mem_free(t);
}

static struct json *
text_parse(const struct text *t)
{
    struct json *j = NULL;
    struct err e = ERR_INIT;

    if (t == NULL)
        return NULL;
    if (json_parse(str_of(t->bytes + t->at, t->n), &j, &e))
        BUG("a cached object does not parse: %s", e.msg);
    return j;
}

static bool
is_newer(const char *version, const char *than)
{
    uint64_t a, b;

    return str_to_u64(str_c(version), &a) && str_to_u64(str_c(than), &b) && a > b;
}

/* Indexes. */

void
cache_add_index(struct cache *c, const char *name, cache_index_fn *values)
{
    if (c->started)
        BUG("an index for a cache that runs");
    c->indexes = (struct index *)mem_more(c->indexes, c->n_indexes, sizeof(*c->indexes));
    c->indexes[c->n_indexes++] = (struct index){.name = mem_strdup(name), .values = values};
}

void
cache_index_owner(const struct json *obj, cache_emit_fn *emit, void *to)
{
    const struct json *owners = json_dig(obj, "metadata", "ownerReferences");

    for (size_t i = 0; i < json_size(owners); i++) {
        const char *uid = json_text(json_field(json_elem(owners, i), "uid"));
        if (uid != NULL)
            emit(to, uid);
    }
}

struct linking {
    struct index *index;
    struct entry *entry;
};

static void
link_entry(void *arg, const char *value)
{
    struct linking *l = (struct linking *)arg;
    struct bucket *b = (struct bucket *)strmap_get(&l->index->buckets, value);
    struct entry *x = l->entry;
    size_t n = strlen(value) + 1;

    if (b == NULL) {
        b = (struct bucket *)mem_zero(1, sizeof(*b) + n);
        b->of = l->index;
        memcpy(b->value, value, n);
        strmap_add(&l->index->buckets, b->value, b);
    }
    if (b->n > 0 && b->entries[b->n - 1] == x) /* emitted twice */
        return;
    if (b->n == b->cap) {
        b->cap = b->cap == 0 ? 1 : 2 * b->cap;
        b->entries = (struct entry **)mem_grow(b->entries, b->cap, sizeof(struct entry *));
    }
    b->entries[b->n++] = x;
    x->in = (struct bucket **)mem_more(x->in, x->n_in, sizeof(struct bucket *));
    x->in[x->n_in++] = b;
}

static void
unlink_entry_locked(struct entry *x)
{
    for (unsigned i = 0; i < x->n_in; i++) {
        struct bucket *b = x->in[i];
        size_t k = 0;
        while (b->entries[k] != x)
            k++;
        b->entries[k] = b->entries[--b->n];
        if (b->n > 0)
            continue;
        (void)strmap_remove(&b->of->buckets, b->value);
        mem_free(b->entries);
        mem_free(b);
    }
    mem_free(TAKE(x->in));
    x->n_in = 0;
}

static void
index_entry_locked(struct cache *c, struct entry *x, const struct json *obj)
{
    unlink_entry_locked(x);
    for (size_t i = 0; i < c->n_indexes; i++) {
        struct linking l = {&c->indexes[i], x};
        c->indexes[i].values(obj, link_entry, &l);
    }
}

/* Changes. */

static char *
key_of(const struct json *obj)
{
    const char *ns = json_text_or(json_dig(obj, "metadata", "namespace"), "");

    return mem_printf("%s/%s", ns, json_text_or(json_dig(obj, "metadata", "name"), ""));
}

static struct entry *
new_entry_locked(struct cache *c, const char *key)
{
    size_t n = strlen(key) + 1;
    struct entry *x = (struct entry *)mem_zero(1, sizeof(*x) + n);

    memcpy(x->key, key, n);
    strmap_add(&c->entries, x->key, x);
    return x;
}

/* Put `now` (taken) in its place; what was there, or NULL. */
static struct text *
exchange_locked(struct cache *c, struct entry *x, struct text *now, const struct json *obj)
{
    struct text *old = x->now;

    c->bytes += now->n - (old != NULL ? old->n : 0);
    x->now = now;
    index_entry_locked(c, x, obj);
    return old;
}

/* With `tell` held. */
static void
cache_tell(struct cache *c, const struct text *old, const struct json *now)
{
    struct json *before = c->n_handlers > 0 ? text_parse(old) : NULL;

    for (size_t i = 0; i < c->n_handlers; i++)
        c->handlers[i].changed(c->handlers[i].arg, before, now);
    json_free(before);
}

static void
cache_trim(const struct cache *c, struct json *obj)
{
    struct json *meta = json_field(obj, "metadata");

    if (meta != NULL)
        json_remove(meta, "managedFields");
    if (c->o.trim != NULL)
        c->o.trim(obj);
}

/* The server has this object now. */
static void
take_object(struct cache *c, struct json *obj)
{
    CLEANUP(mem_free_ptr) char *key = key_of(obj);
    struct text *now, *before = NULL;
    bool changed = true;
    struct entry *x;

    cache_trim(c, obj);
    now = text_new(obj);
    (void)pthread_mutex_lock(&c->tell);
    (void)pthread_mutex_lock(&c->lock);
    x = (struct entry *)strmap_get(&c->entries, key);
    if (x == NULL)
        x = new_entry_locked(c, key);
    x->round = c->round;
    if (x->now != NULL) /* we have it, or noted what will come */
        changed = x->told == NULL ? strcmp(x->now->bytes, now->bytes) != 0
                                  : !is_newer(x->now->bytes, now->bytes);
    if (!changed) {
        text_unref(now);
    } else {
        before = exchange_locked(c, x, now, obj);
        if (x->told != NULL) {
            text_unref(before);
            before = TAKE(x->told);
        }
    }
    (void)pthread_mutex_unlock(&c->lock);
    if (changed)
        cache_tell(c, before, obj);
    (void)pthread_mutex_unlock(&c->tell);
    text_unref(before);
}

/* Take it out of the cache; its last text. */
static struct text *
remove_locked(struct cache *c, struct entry *x)
{
    struct text *last = x->now;

    c->bytes -= last->n;
    (void)strmap_remove(&c->entries, x->key);
    unlink_entry_locked(x);
    text_unref(x->told);
    mem_free(x);
    return last;
}

static void
lose_object(struct cache *c, const char *key)
{
    struct text *last = NULL;
    struct entry *x;

    (void)pthread_mutex_lock(&c->tell);
    (void)pthread_mutex_lock(&c->lock);
    x = (struct entry *)strmap_get(&c->entries, key);
    if (x != NULL)
        last = remove_locked(c, x);
    (void)pthread_mutex_unlock(&c->lock);
    if (last != NULL)
        cache_tell(c, last, NULL);
    (void)pthread_mutex_unlock(&c->tell);
    text_unref(last);
}

void
cache_note(struct cache *c, const struct json *obj)
{
    struct json *copy = json_clone(obj);
    char *key = key_of(copy);
    struct text *now, *old;
    struct entry *x;

    cache_trim(c, copy);
    now = text_new(copy);
    (void)pthread_mutex_lock(&c->lock);
    x = (struct entry *)strmap_get(&c->entries, key);
    if (x != NULL && is_newer(now->bytes, x->now->bytes)) {
        old = exchange_locked(c, x, TAKE(now), copy);
        if (x->told == NULL)
            x->told = old;
        else
            text_unref(old);
    }
    (void)pthread_mutex_unlock(&c->lock);
    text_unref(now);
    mem_free(key);
    json_free(copy);
}

/* The reflector's side. */

static void
on_start(struct kube_sink *s)
{
    CONTAINER_OF(s, struct cache, sink)->round++;
}

static void
on_item(struct kube_sink *s, struct json *obj)
{
    take_object(CONTAINER_OF(s, struct cache, sink), obj);
}

/* Keys of what the last list did not name. */
static char **
stale_keys(struct cache *c, size_t *n)
{
    char **keys = NULL;

    *n = 0;
    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->entries.cap; i++) {
        const struct entry *x = (const struct entry *)strmap_at(&c->entries, i);
        if (x == NULL || x->round == c->round)
            continue;
        keys = (char **)mem_more(keys, *n, sizeof(*keys));
        keys[(*n)++] = mem_strdup(x->key);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return keys;
}

static void
on_finish(struct kube_sink *s)
{
    struct cache *c = CONTAINER_OF(s, struct cache, sink);
    size_t n;
    char **keys = stale_keys(c, &n);

    for (size_t i = 0; i < n; i++) {
        lose_object(c, keys[i]);
        mem_free(keys[i]);
    }
    mem_free(keys);
    c->told = RC_OK;
    (void)pthread_mutex_lock(&c->lock);
    c->synced = true;
    c->lists++;
    (void)pthread_mutex_unlock(&c->lock);
    mem_trim(); /* the pages of the list were large */
}

static void
on_event(struct kube_sink *s, enum kube_event_type type, struct json *obj)
{
    struct cache *c = CONTAINER_OF(s, struct cache, sink);
    char *key;

    if (type != KUBE_DELETED) {
        take_object(c, obj);
        return;
    }
    key = key_of(obj);
    lose_object(c, key);
    mem_free(key);
}

static void
on_trouble(struct kube_sink *s, const struct err *e)
{
    struct cache *c = CONTAINER_OF(s, struct cache, sink);
    bool again = c->o.optional && c->told == e->code;

    c->told = e->code;
    if (e->code == RC_CONFLICT || e->retry || again)
        log_debug("cache of %s: %s", c->o.kind->plural, e->msg);
    else
        log_warn("cache of %s: %s", c->o.kind->plural, e->msg);
}

static void *
cache_reflect(void *arg)
{
    struct cache *c = (struct cache *)arg;
    struct kube_reflect_opts o = {.label_selector = c->o.label_selector,
                                  .field_selector = c->o.field_selector,
                                  .page = c->o.page,
                                  .min_wait_ms = c->o.min_wait_ms,
                                  .max_wait_ms = c->o.max_wait_ms,
                                  .ask_first = c->o.optional};
    struct err e = ERR_INIT;

    if (kube_reflect(c->cx, c->k, c->o.kind, c->o.ns, &o, &c->sink, &e) == RC_OK)
        BUG("a reflector ended by itself");
    return NULL;
}

/* Life. */

static char *
cache_copy(const char *s)
{
    return s == NULL ? NULL : mem_strdup(s);
}

struct cache *
cache_new(struct kube *k, const struct cache_opts *o)
{
    struct cache *c = MEM_NEW(struct cache);

    c->sink = (struct kube_sink){on_start, on_item, on_finish, on_event, on_trouble};
    c->k = k;
    c->o = *o;
    c->o.ns = cache_copy(o->ns);
    c->o.label_selector = cache_copy(o->label_selector);
    c->o.field_selector = cache_copy(o->field_selector);
    (void)pthread_mutex_init(&c->tell, NULL);
    (void)pthread_mutex_init(&c->lock, NULL);
    return c;
}

static void
free_text(const char *s)
{
    mem_free((void *)(uintptr_t)s);
}

void
cache_free(struct cache *c)
{
    if (c == NULL)
        return;
    if (c->started)
        BUG("a cache is freed that runs");
    for (size_t i = 0; i < c->entries.cap; i++) {
        struct entry *x = (struct entry *)strmap_at(&c->entries, i);
        if (x == NULL)
            continue;
        unlink_entry_locked(x);
        text_unref(x->now);
        text_unref(x->told);
        mem_free(x);
    }
    strmap_release(&c->entries);
    for (size_t i = 0; i < c->n_indexes; i++) {
        mem_free(c->indexes[i].name);
        strmap_release(&c->indexes[i].buckets);
    }
    mem_free(c->indexes);
    mem_free(c->handlers);
    free_text(c->o.ns);
    free_text(c->o.label_selector);
    free_text(c->o.field_selector);
    (void)pthread_mutex_destroy(&c->tell);
    (void)pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

enum rc
cache_start(struct ctx *cx, struct cache *c, struct err *e)
{
    c->cx = cx;
    if (thread_start(&c->thread, c->o.kind->plural, cache_reflect, c, e))
        return err_wrap(e, "could not start the cache of %s", c->o.kind->plural);
    c->started = true;
    return RC_OK;
}

void
cache_join(struct cache *c)
{
    if (c->started)
        (void)pthread_join(c->thread, NULL);
    c->started = false;
}

bool
cache_is_synced(struct cache *c)
{
    bool synced;

    (void)pthread_mutex_lock(&c->lock);
    synced = c->synced;
    (void)pthread_mutex_unlock(&c->lock);
    return synced;
}

enum rc
cache_wait_synced(struct ctx *cx, struct cache *c, struct err *e)
{
    while (!cache_is_synced(c))
        if (ctx_sleep(cx, SYNC_POLL_MS, e))
            return err_wrap(e, "the cache of %s is not complete", c->o.kind->plural);
    return RC_OK;
}

/* Reading: texts are collected under the lock and parsed outside of it. */

struct found {
    const char *key; /* of the entry: only while the lock is held */
    struct text *text;
};

struct finds {
    struct found *v;
    size_t n, cap;
};

static void
finds_add_locked(struct finds *f, const struct entry *x)
{
    if (f->n == f->cap) {
        f->cap = f->cap == 0 ? 16 : 2 * f->cap;
        f->v = (struct found *)mem_grow(f->v, f->cap, sizeof(*f->v));
    }
    f->v[f->n++] = (struct found){x->key, text_ref(x->now)};
}

static int
by_key(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->key, ((const struct found *)b)->key);
}

/* While the keys are there. */
static void
finds_sort_locked(struct finds *f)
{
    if (f->n > 1)
        qsort(f->v, f->n, sizeof(*f->v), by_key);
}

static void
finds_cut(struct finds *f, size_t max)
{
    while (f->n > max)
        text_unref(f->v[--f->n].text);
}

static bool
is_in(const struct entry *x, const char *ns)
{
    size_t n = ns == NULL ? 0 : strlen(ns);

    return ns == NULL || (strncmp(x->key, ns, n) == 0 && x->key[n] == '/');
}

static struct finds
find_all(struct cache *c, const char *ns)
{
    struct finds f = {NULL, 0, 0};

    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->entries.cap; i++) {
        const struct entry *x = (const struct entry *)strmap_at(&c->entries, i);
        if (x != NULL && is_in(x, ns))
            finds_add_locked(&f, x);
    }
    finds_sort_locked(&f);
    (void)pthread_mutex_unlock(&c->lock);
    return f;
}

static void
each_and_release(struct finds *f, void (*fn)(void *, const struct json *), void *arg)
{
    for (size_t i = 0; i < f->n; i++) {
        struct json *obj = text_parse(f->v[i].text);
        text_unref(f->v[i].text);
        fn(arg, obj);
        json_free(obj);
    }
    mem_free(f->v);
}

static void
cache_push(void *arg, const struct json *obj)
{
    json_push((struct json *)arg, json_ref(obj));
}

static struct json *
array_and_release(struct finds *f)
{
    struct json *arr = json_new_array();

    each_and_release(f, cache_push, arr);
    return arr;
}

static struct entry *
entry_locked(struct cache *c, const char *ns, const char *name)
{
    char *key = mem_printf("%s/%s", ns != NULL ? ns : "", name);
    struct entry *x = (struct entry *)strmap_get(&c->entries, key);

    mem_free(key);
    return x;
}

struct json *
cache_get(struct cache *c, const char *ns, const char *name)
{
    struct text *t = NULL;
    struct entry *x;
    struct json *obj;

    (void)pthread_mutex_lock(&c->lock);
    x = entry_locked(c, ns, name);
    if (x != NULL)
        t = text_ref(x->now);
    (void)pthread_mutex_unlock(&c->lock);
    obj = text_parse(t);
    text_unref(t);
    return obj;
}

bool
cache_has(struct cache *c, const char *ns, const char *name)
{
    bool has;

    (void)pthread_mutex_lock(&c->lock);
    has = entry_locked(c, ns, name) != NULL;
    (void)pthread_mutex_unlock(&c->lock);
    return has;
}

struct json *
cache_list(struct cache *c, const char *ns)
{
    struct finds f = find_all(c, ns);

    return array_and_release(&f);
}

void
cache_each(struct cache *c, const char *ns, void (*fn)(void *arg, const struct json *obj),
           void *arg)
{
    struct finds f = find_all(c, ns);

    each_and_release(&f, fn, arg);
}

static struct index *
index_of(struct cache *c, const char *name)
{
    for (size_t i = 0; i < c->n_indexes; i++)
        if (strcmp(c->indexes[i].name, name) == 0)
            return &c->indexes[i];
    BUG("there is no index %s of %s", name, c->o.kind->plural);
}

struct json *
cache_first_by(struct cache *c, const char *name_of_index, const char *value, size_t max)
{
    struct finds f = {NULL, 0, 0};
    struct index *index = index_of(c, name_of_index);
    const struct bucket *b;

    (void)pthread_mutex_lock(&c->lock);
    b = (const struct bucket *)strmap_get(&index->buckets, value);
    for (size_t k = 0; b != NULL && k < b->n; k++)
        finds_add_locked(&f, b->entries[k]);
    finds_sort_locked(&f);
    (void)pthread_mutex_unlock(&c->lock);
    finds_cut(&f, max);
    return array_and_release(&f);
}

struct json *
cache_by(struct cache *c, const char *name_of_index, const char *value)
{
    return cache_first_by(c, name_of_index, value, SIZE_MAX);
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct json *
cache_keys_by(struct cache *c, const char *name_of_index, const char *value)
{
    struct index *index = index_of(c, name_of_index);
    struct json *arr = json_new_array();
    const struct bucket *b;
    char **keys = NULL;
    size_t n = 0;

    (void)pthread_mutex_lock(&c->lock);
    b = (const struct bucket *)strmap_get(&index->buckets, value);
    if (b != NULL)
        keys = (char **)mem_zero(b->n, sizeof(*keys));
    for (; b != NULL && n < b->n; n++)
        keys[n] = mem_strdup(b->entries[n]->key);
    (void)pthread_mutex_unlock(&c->lock);
    if (n > 0)
        qsort(keys, n, sizeof(*keys), by_text);
    for (size_t i = 0; i < n; i++) {
        json_push_cstr(arr, keys[i]);
        mem_free(keys[i]);
    }
    mem_free(keys);
    return arr;
}

size_t
cache_count(struct cache *c, const char *ns)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; ns != NULL && i < c->entries.cap; i++) {
        const struct entry *x = (const struct entry *)strmap_at(&c->entries, i);
        n += x != NULL && is_in(x, ns);
    }
    if (ns == NULL)
        n = c->entries.n;
    (void)pthread_mutex_unlock(&c->lock);
    return n;
}

size_t
cache_bytes(struct cache *c)
{
    size_t n;

    (void)pthread_mutex_lock(&c->lock);
    n = c->bytes;
    (void)pthread_mutex_unlock(&c->lock);
    return n;
}

uint64_t
cache_lists(struct cache *c)
{
    uint64_t n;

    (void)pthread_mutex_lock(&c->lock);
    n = c->lists;
    (void)pthread_mutex_unlock(&c->lock);
    return n;
}

const struct kube_gvr *
cache_kind(const struct cache *c)
{
    return c->o.kind;
}

/* Tells a new handler of one object that is there. */
static void
tell_new(void *arg, const struct json *obj)
{
    const struct handler *h = (const struct handler *)arg;

    h->changed(h->arg, NULL, obj);
}

void
cache_on_change(struct cache *c, cache_changed_fn *changed, void *arg)
{
    struct handler h = {changed, arg};

    (void)pthread_mutex_lock(&c->tell);
    cache_each(c, NULL, tell_new, &h);
    c->handlers = (struct handler *)mem_more(c->handlers, c->n_handlers, sizeof(h));
    c->handlers[c->n_handlers++] = h;
    (void)pthread_mutex_unlock(&c->tell);
}
