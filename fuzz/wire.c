/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store over two streams: whatever the other side asks or answers is taken or refused, and serving
 * it leaves a store that still works.
 */
#include "store/mem.h"
#include "store/wire_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
close_nothing(struct wire_link *l)
{
    (void)l;
}

static enum rc
take_listed(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    (void)id, (void)bytes, (void)e;
    ++*(size_t *)arg;
    return RC_OK;
}

static enum rc
take_walked(void *arg, const struct store_file *f, struct err *e)
{
    (void)e;
    *(size_t *)arg += f->path.n;
    return RC_OK;
}

/* Answers, behind the greeting. */
static void
ask(struct ctx *cx, struct str bytes)
{
    struct wire_link link = {.close = close_nothing};
    struct store_name name = {.type = STORE_PACK};
    struct wr_null out;
    struct rd_mem in;
    struct store *s = NULL;
    struct err e = ERR_INIT;
    uint8_t some[16];
    uint64_t n;
    int64_t now;
    size_t sum = 0;

    rd_mem_init(&in, bytes, 0);
    wr_null_init(&out);
    link.rd = &in.rd;
    link.wr = &out.wr;
    if (store_wire_open(&link, "far", &s, &e))
        return;
    for (int i = 0; i < 4; i++) {
        e = (struct err)ERR_INIT;
        (void)!s->ops->list(cx, s, STORE_PACK, take_listed, &sum, &e);
        e = (struct err)ERR_INIT;
        (void)!s->ops->walk(cx, s, take_walked, &sum, &now, &e);
        e = (struct err)ERR_INIT;
        (void)!s->ops->get(cx, s, &name, 0, some, sizeof(some), &e);
        e = (struct err)ERR_INIT;
        (void)!s->ops->stat(cx, s, &name, &n, &e);
    }
    store_release(s);
}

static void
serve(struct ctx *cx, struct str bytes)
{
    struct store *s = store_mem_new();
    struct store_name name = {.type = STORE_KEY};
    struct wr_null out;
    struct rd_mem in;
    struct err e = ERR_INIT;

    rd_mem_init(&in, bytes, 0);
    wr_null_init(&out);
    (void)!store_wire_serve(cx, s, &in.rd, &out.wr, &e);
    e = (struct err)ERR_INIT;
    if (store_put_all(cx, s, &name, STR_LIT("x"), &e) || s->ops->del(cx, s, &name, &e))
        BUG("%s", e.msg);
    store_release(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct err e = ERR_INIT;
    struct ctx cx;

    if (ctx_init(&cx, &e))
        BUG("%s", e.msg);
    ask(&cx, str_of(p, n));
    serve(&cx, str_of(p, n));
    ctx_release(&cx);
    return 0;
}
