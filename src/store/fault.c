/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/fault.h"

enum { OBJECT_MAX = 1 << 30, GATHER_US = 300 };

/* One that waits for its turn. */
struct waiter {
    struct waiter *next;
    uint64_t ticket;
};

struct fault {
    struct store store;
    struct store *inner;
    struct fault_plan plan;
    atomic_uint seen;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    struct waiter *waiting;
    bool busy;
    uint64_t random;
};

struct fault_put {
    struct store_put put;
    struct store_put *inner;
    struct buf bytes; /* all that was written, where half of it may be wanted */
};

static struct fault *
fault_of(struct store *s)
{
    return CONTAINER_OF(s, struct fault, store);
}

static struct store *
inner_of(struct store *s)
{
    return fault_of(s)->inner;
}

/* ---- turns ---- */

static bool
is_first_locked(const struct fault *f, const struct waiter *me)
{
    for (const struct waiter *w = f->waiting; w != NULL; w = w->next)
        if (w->ticket < me->ticket)
            return false;
    return !f->busy;
}

/* Wait until others had time to come, then until the seed lets this one go. */
static void
take_turn(struct fault *f)
{
    struct waiter me, **at;

    (void)pthread_mutex_lock(&f->mutex);
    f->random = f->random * 6364136223846793005ULL + 1442695040888963407ULL;
    me = (struct waiter){.next = f->waiting, .ticket = f->random >> 11};
    f->waiting = &me;
    (void)pthread_mutex_unlock(&f->mutex);
    (void)usleep(GATHER_US);
    (void)pthread_mutex_lock(&f->mutex);
    while (!is_first_locked(f, &me))
        (void)pthread_cond_wait(&f->changed, &f->mutex);
    for (at = &f->waiting; *at != &me; at = &(*at)->next)
        BUG_ON(*at == NULL);
    *at = me.next;
    f->busy = true;
    (void)pthread_mutex_unlock(&f->mutex);
}

static void
end_turn(struct fault *f)
{
    (void)pthread_mutex_lock(&f->mutex);
    f->busy = false;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->mutex);
}

/* ---- one operation ---- */

/* What becomes of it. */
enum fate { FATE_DONE, FATE_LOST, FATE_HALF, FATE_NOTHING };

/* Does one that was struck so say that all is well? */
static bool
is_a_lie(enum fault_kind kind)
{
    return kind == FAULT_GONE || kind == FAULT_HALF || kind == FAULT_KEPT;
}

/* Kinds that an operation can be struck with, beside FAULT_FAIL and FAULT_DELAY. */
enum {
    IS_WRITE = 1U << FAULT_LOST,
    IS_PUT = 1U << FAULT_FULL,
    IS_COMMIT = IS_WRITE | IS_PUT | 1U << FAULT_CUT | 1U << FAULT_GONE | 1U << FAULT_HALF,
    IS_REMOVAL = IS_WRITE | 1U << FAULT_KEPT,
    IS_READ = 1U << FAULT_SHORT
};

static bool
fault_counts(const struct fault_plan *p, unsigned type_bit, unsigned kinds)
{
    kinds |= 1U << FAULT_FAIL | 1U << FAULT_DELAY;
    return (p->types == 0 || (p->types & type_bit) != 0) && (kinds >> p->kind & 1U) != 0;
}

/* A test may change it while another thread is under way. */
static struct fault_plan
plan_of(struct store *s)
{
    struct fault *f = fault_of(s);
    struct fault_plan plan;

    (void)pthread_mutex_lock(&f->mutex);
    plan = f->plan;
    (void)pthread_mutex_unlock(&f->mutex);
    return plan;
}

static enum fate
fault_begin(struct store *s, unsigned type_bit, unsigned kinds)
{
    struct fault *f = fault_of(s);
    const struct fault_plan now = plan_of(s), *p = &now;
    unsigned nth;

    if (p->shuffle != 0)
        take_turn(f);
    if (p->at == 0 || !fault_counts(p, type_bit, kinds)) {
        nth = p->at == 0 ? atomic_fetch_add(&f->seen, 1) : atomic_load(&f->seen);
        return p->at != 0 && p->dead && nth >= p->at ? FATE_NOTHING : FATE_DONE;
    }
    nth = atomic_fetch_add(&f->seen, 1) + 1;
    if (nth != p->at)
        return nth > p->at && (p->dead || p->kind == FAULT_FULL) ? FATE_NOTHING : FATE_DONE;
    switch (p->kind) {
    case FAULT_FAIL:
    case FAULT_FULL:
    case FAULT_GONE:
    case FAULT_KEPT:
        return FATE_NOTHING;
    case FAULT_LOST:
        return FATE_LOST;
    case FAULT_CUT:
    case FAULT_HALF:
    case FAULT_SHORT:
        return FATE_HALF;
    default:
        (void)usleep((useconds_t)p->delay_ms * 1000);
        return FATE_DONE;
    }
}

/* `rc`: of what was done. */
static enum rc
fault_end(struct store *s, enum fate fate, const char *what, enum rc rc, struct err *e)
{
    const struct fault_plan now = plan_of(s), *p = &now;

    if (p->shuffle != 0)
        end_turn(fault_of(s));
    if (fate == FATE_DONE || is_a_lie(p->kind))
        return rc;
    return err_set(e,
                   p->code != RC_OK        ? p->code
                   : p->kind == FAULT_FULL ? RC_FULL
                                           : RC_IO,
                   "%s failed on purpose (no. %u)", what, p->at);
}

static enum rc
fault_create(struct ctx *cx, struct store *s, struct err *e)
{
    enum fate fate = fault_begin(s, 0, IS_WRITE);
    enum rc rc = fate == FATE_NOTHING ? RC_OK : inner_of(s)->ops->create(cx, inner_of(s), e);

    return fault_end(s, fate, "create", rc, e);
}

static enum rc
fault_put_begin(struct ctx *cx, struct store *s, enum store_type type, struct store_put **out,
                struct err *e)
{
    enum fate fate = fault_begin(s, 1U << type, IS_PUT);
    struct store_put *inner = NULL;
    struct fault_put *p;
    enum rc rc = RC_OK;

    if (fate == FATE_DONE)
        rc = inner_of(s)->ops->put_begin(cx, inner_of(s), type, &inner, e);
    if (fault_end(s, fate, "put_begin", rc, e))
        return err_code(e);
    p = MEM_NEW(struct fault_put);
    *p = (struct fault_put){
        .put = {.store = s, .type = type}, .inner = inner, .bytes = BUF_INIT(OBJECT_MAX)};
    *out = &p->put;
    return RC_OK;
}

static enum rc
fault_put_write(struct ctx *cx, struct store_put *put, const uint8_t *from, size_t n, struct err *e)
{
    struct fault_put *p = CONTAINER_OF(put, struct fault_put, put);
    struct fault *f = fault_of(put->store);
    enum fate fate = fault_begin(put->store, 1U << put->type, IS_PUT);
    enum rc rc = RC_OK;

    if (plan_of(put->store).kind == FAULT_CUT || plan_of(put->store).kind == FAULT_HALF)
        buf_must_add(&p->bytes, from, n);
    if (fate != FATE_NOTHING)
        rc = f->inner->ops->put_write(cx, p->inner, from, n, e);
    return fault_end(put->store, fate, "put_write", rc, e);
}

static void
put_free(struct fault_put *p)
{
    buf_release(&p->bytes);
    mem_free(p);
}

static void
fault_put_abort(struct store_put *put)
{
    struct fault_put *p;

    if (put == NULL)
        return;
    p = CONTAINER_OF(put, struct fault_put, put);
    inner_of(put->store)->ops->put_abort(p->inner);
    put_free(p);
}

/* What a store that is not atomic keeps of a writer that dies. */
static enum rc
leave_half(struct ctx *cx, const struct fault_put *p, const struct id *id, struct err *e)
{
    struct store_name name = {.type = p->put.type};

    if (id != NULL)
        name.id = *id;
    return store_put_all(cx, inner_of(p->put.store), &name, str_of(p->bytes.p, p->bytes.n / 2), e);
}

static enum rc
fault_put_commit(struct ctx *cx, struct store_put *put, const struct id *id, struct err *e)
{
    struct fault_put *p = CONTAINER_OF(put, struct fault_put, put);
    struct store *in = inner_of(put->store);
    enum fate fate = fault_begin(put->store, 1U << put->type, IS_COMMIT);
    enum rc rc = RC_OK;

    if (fate == FATE_DONE || fate == FATE_LOST)
        rc = in->ops->put_commit(cx, p->inner, id, e);
    else
        in->ops->put_abort(p->inner);
    if (fate == FATE_HALF)
        rc = leave_half(cx, p, id, e);
    rc = fault_end(put->store, fate, "put_commit", rc, e);
    put_free(p);
    return rc;
}

static enum rc
fault_get(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t off, uint8_t *to,
          size_t n, struct err *e)
{
    enum fate fate = fault_begin(s, 1U << name->type, IS_READ);
    enum rc rc = RC_OK;

    if (fate == FATE_HALF)
        n /= 2;
    if (fate != FATE_NOTHING)
        rc = inner_of(s)->ops->get(cx, inner_of(s), name, off, to, n, e);
    rc = fault_end(s, fate, "get", rc, e);
    return fate == FATE_HALF ? e->code = RC_CORRUPT : rc;
}

static enum rc
fault_stat(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t *bytes,
           struct err *e)
{
    enum fate fate = fault_begin(s, 1U << name->type, 0);
    enum rc rc = RC_OK;

    if (fate != FATE_NOTHING)
        rc = inner_of(s)->ops->stat(cx, inner_of(s), name, bytes, e);
    return fault_end(s, fate, "stat", rc, e);
}

static enum rc
fault_age(struct ctx *cx, struct store *s, const struct store_name *name, struct store_age *age,
          struct err *e)
{
    enum fate fate = fault_begin(s, 1U << name->type, 0);
    enum rc rc = RC_OK;

    if (fate != FATE_NOTHING)
        rc = store_age(cx, inner_of(s), name, age, e);
    return fault_end(s, fate, "age", rc, e);
}

struct half_list {
    store_list_fn *fn;
    void *arg;
    bool skip;
};

static enum rc
every_other(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct half_list *h = arg;

    h->skip = !h->skip;
    return h->skip ? RC_OK : h->fn(h->arg, id, bytes, e);
}

/* The callback may use the store, so the turn ends before. */
static enum rc
fault_list(struct ctx *cx, struct store *s, enum store_type type, store_list_fn *fn, void *arg,
           struct err *e)
{
    enum fate fate = fault_begin(s, 1U << type, IS_READ);
    struct half_list half = {.fn = fn, .arg = arg};
    struct store *in = inner_of(s);
    enum rc failed = fault_end(s, fate, "list", RC_OK, e), rc = RC_OK;

    if (fate == FATE_HALF)
        rc = in->ops->list(cx, in, type, every_other, &half, e);
    else if (fate != FATE_NOTHING)
        rc = in->ops->list(cx, in, type, fn, arg, e);
    return rc != RC_OK ? rc : failed;
}

static enum rc
fault_del(struct ctx *cx, struct store *s, const struct store_name *name, struct err *e)
{
    enum fate fate = fault_begin(s, 1U << name->type, IS_REMOVAL);
    enum rc rc = RC_OK;

    if (fate != FATE_NOTHING)
        rc = inner_of(s)->ops->del(cx, inner_of(s), name, e);
    return fault_end(s, fate, "del", rc, e);
}

static void
fault_release(struct store *s)
{
    struct fault *f = fault_of(s);

    store_release(f->inner);
    (void)pthread_mutex_destroy(&f->mutex);
    (void)pthread_cond_destroy(&f->changed);
    mem_free(s->place);
    mem_free(f);
}

struct store *
store_fault_new(struct store *inner, struct fault_plan plan)
{
    static const struct store_ops ops = {
        .create = fault_create,
        .put_begin = fault_put_begin,
        .put_write = fault_put_write,
        .put_commit = fault_put_commit,
        .put_abort = fault_put_abort,
        .get = fault_get,
        .stat = fault_stat,
        .age = fault_age,
        .list = fault_list,
        .del = fault_del,
        .release = fault_release,
    };
    struct fault *f = MEM_NEW(struct fault);

    f->store = (struct store){.ops = &ops,
                              .place = mem_strdup(inner->place),
                              .remote = inner->remote,
                              .connections = inner->connections};
    f->inner = inner;
    (void)pthread_mutex_init(&f->mutex, NULL);
    (void)pthread_cond_init(&f->changed, NULL);
    store_fault_plan(&f->store, plan);
    return &f->store;
}

void
store_fault_plan(struct store *s, struct fault_plan plan)
{
    struct fault *f = fault_of(s);

    (void)pthread_mutex_lock(&f->mutex);
    f->plan = plan;
    f->random = plan.shuffle;
    (void)pthread_mutex_unlock(&f->mutex);
    atomic_store(&f->seen, 0);
}

unsigned
store_fault_count(struct store *s)
{
    return atomic_load(&fault_of(s)->seen);
}
