/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>

#include "base/mem.h"
#include "store/fault.h"

struct fault {
    struct store store;
    struct store *inner;
    struct fault_plan plan;
    atomic_uint seen;
};

struct fault_put {
    struct store_put put;
    struct store_put *inner;
};

static struct fault *
fault_of(struct store *s)
{
    return CONTAINER_OF(s, struct fault, store);
}

/* Count one operation; is it to fail? */
static bool
strikes(struct store *s, const char *what, struct err *e)
{
    struct fault *f = fault_of(s);
    unsigned nth = atomic_fetch_add(&f->seen, 1) + 1;

    if (f->plan.fail_at == 0 || nth < f->plan.fail_at ||
        (nth > f->plan.fail_at && !f->plan.and_after))
        return false;
    (void)err_set(e, f->plan.code != RC_OK ? f->plan.code : RC_IO, "%s failed on purpose (no. %u)",
                  what, nth);
    return true;
}

static enum rc
fault_create(struct ctx *cx, struct store *s, struct err *e)
{
    struct store *in = fault_of(s)->inner;

    return strikes(s, "create", e) ? e->code : in->ops->create(cx, in, e);
}

static enum rc
fault_put_begin(struct ctx *cx, struct store *s, enum store_type type, struct store_put **out,
                struct err *e)
{
    struct store *in = fault_of(s)->inner;
    struct store_put *inner = NULL;
    struct fault_put *p;

    if (strikes(s, "put_begin", e) || in->ops->put_begin(cx, in, type, &inner, e))
        return e->code;
    p = MEM_NEW(struct fault_put);
    *p = (struct fault_put){.put = {.store = s, .type = type}, .inner = inner};
    *out = &p->put;
    return RC_OK;
}

static enum rc
fault_put_write(struct ctx *cx, struct store_put *put, const uint8_t *from, size_t n, struct err *e)
{
    struct fault_put *p = CONTAINER_OF(put, struct fault_put, put);
    struct fault *f = fault_of(put->store);
    struct err unused = ERR_INIT;

    if (!strikes(put->store, "put_write", e))
        return f->inner->ops->put_write(cx, p->inner, from, n, e);
    if (f->plan.half && f->inner->ops->put_write(cx, p->inner, from, n / 2, &unused))
        return e->code;
    return e->code;
}

static void
fault_put_abort(struct store_put *put)
{
    struct fault_put *p;

    if (put == NULL)
        return;
    p = CONTAINER_OF(put, struct fault_put, put);
    fault_of(put->store)->inner->ops->put_abort(p->inner);
    mem_free(p);
}

static enum rc
fault_put_commit(struct ctx *cx, struct store_put *put, const struct id *id, struct err *e)
{
    struct fault_put *p = CONTAINER_OF(put, struct fault_put, put);
    struct fault *f = fault_of(put->store);
    struct err unused = ERR_INIT;
    enum rc rc = RC_OK;

    if (!strikes(put->store, "put_commit", e)) {
        rc = f->inner->ops->put_commit(cx, p->inner, id, e);
    } else {
        rc = e->code;
        if (f->plan.half)
            (void)!f->inner->ops->put_commit(cx, p->inner, id, &unused);
        else
            f->inner->ops->put_abort(p->inner);
    }
    mem_free(p);
    return rc;
}

static enum rc
fault_get(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t off, uint8_t *to,
          size_t n, struct err *e)
{
    struct store *in = fault_of(s)->inner;

    return strikes(s, "get", e) ? e->code : in->ops->get(cx, in, name, off, to, n, e);
}

static enum rc
fault_stat(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t *bytes,
           struct err *e)
{
    struct store *in = fault_of(s)->inner;

    return strikes(s, "stat", e) ? e->code : in->ops->stat(cx, in, name, bytes, e);
}

static enum rc
fault_list(struct ctx *cx, struct store *s, enum store_type type, store_list_fn *fn, void *arg,
           struct err *e)
{
    struct store *in = fault_of(s)->inner;

    return strikes(s, "list", e) ? e->code : in->ops->list(cx, in, type, fn, arg, e);
}

static enum rc
fault_del(struct ctx *cx, struct store *s, const struct store_name *name, struct err *e)
{
    struct store *in = fault_of(s)->inner;

    return strikes(s, "del", e) ? e->code : in->ops->del(cx, in, name, e);
}

static void
fault_release(struct store *s)
{
    struct fault *f = fault_of(s);

    store_release(f->inner);
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
        .list = fault_list,
        .del = fault_del,
        .release = fault_release,
    };
    struct fault *f = MEM_NEW(struct fault);

    f->store = (struct store){.ops = &ops, .place = mem_strdup(inner->place)};
    f->inner = inner;
    store_fault_plan(&f->store, plan);
    return &f->store;
}

void
store_fault_plan(struct store *s, struct fault_plan plan)
{
    fault_of(s)->plan = plan;
    atomic_store(&fault_of(s)->seen, 0);
}

unsigned
store_fault_count(struct store *s)
{
    return atomic_load(&fault_of(s)->seen);
}
