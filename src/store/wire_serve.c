/* SPDX-License-Identifier: Apache-2.0 */
#include "base/endian.h"
#include "store/wire_internal.h"

enum { LIST_BYTES_MAX = 1 << 30 };

struct serve {
    struct ctx *cx;
    struct store *s;
    struct wire_question q;
    struct buf in, out; /* what came with the question; what goes with the answer */
    uint64_t a, b;      /* of the answer */
};

static enum rc
serve_listed(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct serve *v = (struct serve *)arg;
    uint8_t entry[WIRE_LIST_N];

    memcpy(entry, id->b, sizeof(id->b));
    be64_store(entry + 32, bytes);
    return buf_add(&v->out, entry, sizeof(entry), e);
}

static enum rc
serve_walked(void *arg, const struct store_file *f, struct err *e)
{
    struct serve *v = (struct serve *)arg;
    uint8_t entry[WIRE_WALK_N];

    be64_store(entry, f->bytes);
    be64_store(entry + 8, (uint64_t)f->written_ms);
    be64_store(entry + 16, f->path.n);
    entry[24] = f->is_file;
    if (buf_add(&v->out, entry, sizeof(entry), e))
        return err_code(e);
    return buf_add_str(&v->out, f->path, e);
}

static enum rc
serve_get(struct serve *v, struct err *e)
{
    if (v->q.b > WIRE_OBJECT_MAX)
        return err_set(e, RC_LIMIT, "more than %d MiB at once", WIRE_OBJECT_MAX >> 20);
    if (buf_reserve(&v->out, (size_t)MAX(v->q.b, UINT64_C(1)), e) ||
        v->s->ops->get(v->cx, v->s, &v->q.name, v->q.a, v->out.p + v->out.n, (size_t)v->q.b, e))
        return err_code(e);
    v->out.n += (size_t)v->q.b;
    return RC_OK;
}

static enum rc
serve_age(struct serve *v, struct err *e)
{
    struct store_age age = {.claimed = (int64_t)v->q.a};

    if (store_age(v->cx, v->s, &v->q.name, &age, e))
        return err_code(e);
    v->a = (uint64_t)age.ms;
    v->b = age.by_claim;
    return RC_OK;
}

static enum rc
serve_walk(struct serve *v, struct err *e)
{
    int64_t now = 0;

    if (store_walk(v->cx, v->s, serve_walked, v, &now, e))
        return err_code(e);
    v->a = (uint64_t)now;
    return RC_OK;
}

static enum rc
serve_keep(struct serve *v, struct err *e)
{
    const struct store_reserve_ops *ops = v->s->ops->reserve;

    if (ops == NULL)
        return err_set(e, RC_UNSUPPORTED, "no room is kept there");
    if (v->q.op == WIRE_KEEP)
        return ops->keep(v->cx, v->s, &v->a, e);
    if (v->q.op == WIRE_KEEP_PUT)
        return ops->put(v->cx, v->s, &v->q.name, buf_str(&v->in), e);
    ops->drop(v->s);
    return RC_OK;
}

static enum rc
serve_do(struct serve *v, struct err *e)
{
    struct store *s = v->s;

    switch (v->q.op) {
    case WIRE_CREATE:
        return s->ops->create(v->cx, s, e);
    case WIRE_PUT:
        return store_put_all(v->cx, s, &v->q.name, buf_str(&v->in), e);
    case WIRE_GET:
        return serve_get(v, e);
    case WIRE_STAT:
        return s->ops->stat(v->cx, s, &v->q.name, &v->a, e);
    case WIRE_AGE:
        return serve_age(v, e);
    case WIRE_LIST:
        return s->ops->list(v->cx, s, v->q.name.type, serve_listed, v, e);
    case WIRE_WALK:
        return serve_walk(v, e);
    case WIRE_DEL:
        return s->ops->del(v->cx, s, &v->q.name, e);
    case WIRE_SWEEP:
        return s->ops->sweep == NULL ? RC_OK : s->ops->sweep(v->cx, s, &v->a, &v->b, e);
    case WIRE_KEEP:
    case WIRE_KEEP_PUT:
    case WIRE_KEEP_DROP:
        return serve_keep(v, e);
    }
    return RC_OK;
}

/* The answer; what the store says is wrong is an answer, too. */
static enum rc
serve_answer(struct serve *v, struct wr *wr, struct err *e)
{
    struct err why = ERR_INIT;
    uint8_t head[WIRE_ANSWER_N];
    struct wire_answer a = {.rc = serve_do(v, &why)};
    struct str rest = buf_str(&v->out);

    if (a.rc != RC_OK) {
        a.retry = why.retry;
        rest = str_c(why.msg);
    } else {
        a.a = v->a;
        a.b = v->b;
    }
    a.n = rest.n;
    wire_answer_store(&a, head);
    if (wr_write(wr, head, sizeof(head), e))
        return err_code(e);
    return rest.n > 0 ? wr_write(wr, rest.p, rest.n, e) : RC_OK;
}

static enum rc
serve_one(struct serve *v, struct rd *rd, struct wr *wr, bool *over, struct err *e)
{
    uint8_t head[WIRE_QUESTION_N];
    size_t got;

    if (rd_full(rd, head, sizeof(head), &got, e))
        return err_code(e);
    *over = got == 0;
    if (*over)
        return RC_OK;
    if (got < sizeof(head))
        return err_set(e, RC_UNAVAILABLE, "the other side ended");
    if (wire_question_load(head, &v->q, e) || wire_read(rd, v->q.n, &v->in, e))
        return err_code(e);
    return serve_answer(v, wr, e);
}

enum rc
store_wire_serve(struct ctx *cx, struct store *s, struct rd *rd, struct wr *wr, struct err *e)
{
    uint8_t hello[WIRE_HELLO_N];

    if (wire_read_all(rd, hello, sizeof(hello), e))
        return err_code(e);
    if (memcmp(hello, WIRE_HELLO, sizeof(hello)) != 0)
        return err_set(e, RC_UNSUPPORTED, "the other side does not begin with \"%.*s\"",
                       WIRE_HELLO_N - 1, WIRE_HELLO);
    if (wr_write(wr, WIRE_HELLO, WIRE_HELLO_N, e))
        return err_code(e);
    for (bool over = false; !over;) {
        struct serve v = {
            .cx = cx, .s = s, .in = BUF_INIT(WIRE_OBJECT_MAX), .out = BUF_INIT(LIST_BYTES_MAX)};
        enum rc rc = serve_one(&v, rd, wr, &over, e);

        buf_release(&v.in);
        buf_release(&v.out);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}
