/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "base/endian.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/wire_internal.h"

enum { LIST_BYTES_MAX = 1 << 30 };

struct wire_store {
    struct store store;
    struct wire_link *link;
    pthread_mutex_t lock; /* guards the link, and `broken` */
    struct err broken;    /* what ended it; RC_OK: nothing */
};

struct wire_put {
    struct store_put put;
    struct buf bytes;
};

static struct wire_store *
wire_of(struct store *s)
{
    return CONTAINER_OF(s, struct wire_store, store);
}

/* ---- a question and its answer ---- */

/* Where the bytes of an answer go: so many to `to`, else appended to `list`; NULL: there must be none. */
struct wire_room {
    uint8_t *to;
    size_t n;
    struct buf *list;
};

static enum rc
wire_take_error(struct rd *rd, const struct wire_answer *a, struct err *e)
{
    CLEANUP(buf_release) struct buf words = BUF_INIT(WIRE_WORDS_MAX);

    if (wire_read(rd, a->n, &words, e))
        return err_code(e);
    (void)err_set(e, a->rc, "%s", buf_c(&words));
    e->retry = a->retry;
    return RC_OK;
}

/* An error of the link is returned; one that the other side tells is RC_OK, and in `e`. */
static enum rc
wire_exchange(struct wire_link *l, const struct wire_question *q, struct str body,
              const struct wire_room *room, struct wire_answer *a, struct err *e)
{
    uint8_t head[WIRE_QUESTION_N];

    wire_question_store(q, head);
    if (wr_write(l->wr, head, sizeof(head), e) ||
        (body.n > 0 && wr_write(l->wr, body.p, body.n, e)) ||
        wire_read_all(l->rd, head, WIRE_ANSWER_N, e) || wire_answer_load(head, a, e))
        return err_code(e);
    if (a->rc != RC_OK)
        return wire_take_error(l->rd, a, e);
    if (room->list != NULL)
        return wire_read(l->rd, a->n, room->list, e);
    if (a->n != room->n)
        return err_set(e, RC_CORRUPT, "the other side gave %llu bytes instead of %zu",
                       (unsigned long long)a->n, room->n);
    return wire_read_all(l->rd, room->to, room->n, e);
}

/* `cx` NULL: for as long as it takes. */
static enum rc
wire_ask(struct ctx *cx, struct wire_store *w, struct wire_question q, struct str body,
         struct wire_room room, struct wire_answer *a, struct err *e)
{
    struct err why;

    if (cx != NULL && ctx_check(cx, e))
        return err_code(e);
    q.n = body.n;
    (void)pthread_mutex_lock(&w->lock);
    why = w->broken;
    if (why.code == RC_OK && wire_exchange(w->link, &q, body, &room, a, &why) != RC_OK) {
        (void)err_wrap(&why, "%s", w->store.place);
        w->broken = why;
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (why.code != RC_OK)
        *e = why;
    return why.code;
}

static enum rc
wire_simple(struct ctx *cx, struct store *s, enum wire_op op, const struct store_name *name,
            struct wire_answer *a, struct err *e)
{
    return wire_ask(cx, wire_of(s), (struct wire_question){.op = op, .name = *name},
                    str_of(NULL, 0), (struct wire_room){.n = 0}, a, e);
}

/* ---- the operations ---- */

static enum rc
wire_create(struct ctx *cx, struct store *s, struct err *e)
{
    struct wire_answer a = {.n = 0};

    return wire_simple(cx, s, WIRE_CREATE, &(struct store_name){.type = STORE_CONFIG}, &a, e);
}

static enum rc
wire_put_begin(struct ctx *cx, struct store *s, enum store_type type, struct store_put **out,
               struct err *e)
{
    struct wire_put *p;

    if (ctx_check(cx, e))
        return err_code(e);
    p = MEM_NEW(struct wire_put);
    p->put = (struct store_put){.store = s, .type = type};
    buf_init(&p->bytes, WIRE_OBJECT_MAX);
    *out = &p->put;
    return RC_OK;
}

static enum rc
wire_put_write(struct ctx *cx, struct store_put *put, const uint8_t *from, size_t n, struct err *e)
{
    if (ctx_check(cx, e))
        return err_code(e);
    return buf_add(&CONTAINER_OF(put, struct wire_put, put)->bytes, from, n, e);
}

static void
wire_put_abort(struct store_put *put)
{
    struct wire_put *p;

    if (put == NULL)
        return;
    p = CONTAINER_OF(put, struct wire_put, put);
    buf_release(&p->bytes);
    mem_free(p);
}

static enum rc
wire_put_commit(struct ctx *cx, struct store_put *put, const struct id *id, struct err *e)
{
    struct wire_question q = {.op = WIRE_PUT, .name = {.type = put->type}};
    struct wire_answer a = {.n = 0};
    enum rc rc;

    if (put->type != STORE_CONFIG)
        q.name.id = *id;
    rc = wire_ask(cx, wire_of(put->store), q,
                  buf_str(&CONTAINER_OF(put, struct wire_put, put)->bytes),
                  (struct wire_room){.n = 0}, &a, e);
    wire_put_abort(put);
    return rc;
}

static enum rc
wire_get(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t off, uint8_t *to,
         size_t n, struct err *e)
{
    struct wire_question q = {.op = WIRE_GET, .name = *name, .a = off, .b = n};
    struct wire_answer a = {.n = 0};

    return wire_ask(cx, wire_of(s), q, str_of(NULL, 0), (struct wire_room){.to = to, .n = n}, &a,
                    e);
}

static enum rc
wire_stat(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t *bytes,
          struct err *e)
{
    struct wire_answer a = {.n = 0};

    if (wire_simple(cx, s, WIRE_STAT, name, &a, e))
        return err_code(e);
    *bytes = a.a;
    return RC_OK;
}

static enum rc
wire_age(struct ctx *cx, struct store *s, const struct store_name *name, struct store_age *age,
         struct err *e)
{
    struct wire_question q = {.op = WIRE_AGE, .name = *name, .a = (uint64_t)age->claimed};
    struct wire_answer a = {.n = 0};

    if (wire_ask(cx, wire_of(s), q, str_of(NULL, 0), (struct wire_room){.n = 0}, &a, e))
        return err_code(e);
    age->ms = (int64_t)a.a;
    age->by_claim = a.b != 0;
    return RC_OK;
}

/* The callback may use the store: it runs when the whole answer is here. */
static enum rc
wire_list(struct ctx *cx, struct store *s, enum store_type type, store_list_fn *fn, void *arg,
          struct err *e)
{
    CLEANUP(buf_release) struct buf list = BUF_INIT(LIST_BYTES_MAX);
    struct wire_question q = {.op = WIRE_LIST, .name = {.type = type}};
    struct wire_answer a = {.n = 0};

    if (wire_ask(cx, wire_of(s), q, str_of(NULL, 0), (struct wire_room){.list = &list}, &a, e))
        return err_code(e);
    if (list.n % WIRE_LIST_N != 0)
        return err_set(e, RC_CORRUPT, "%s: a list that is cut short", s->place);
    for (size_t i = 0; i < list.n; i += WIRE_LIST_N) {
        struct id id;

        memcpy(id.b, list.p + i, sizeof(id.b));
        if (fn(arg, &id, be64_load(list.p + i + sizeof(id.b)), e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
wire_walk(struct ctx *cx, struct store *s, store_walk_fn *fn, void *arg, int64_t *now,
          struct err *e)
{
    CLEANUP(buf_release) struct buf list = BUF_INIT(LIST_BYTES_MAX);
    struct wire_answer a = {.n = 0};
    uint64_t n;

    if (wire_ask(cx, wire_of(s), (struct wire_question){.op = WIRE_WALK}, str_of(NULL, 0),
                 (struct wire_room){.list = &list}, &a, e))
        return err_code(e);
    *now = (int64_t)a.a;
    for (size_t i = 0; i < list.n; i += WIRE_WALK_N + (size_t)n) {
        const uint8_t *at = list.p + i;
        struct store_file f;

        n = list.n - i >= WIRE_WALK_N ? be64_load(at + 16) : UINT64_MAX;
        if (list.n - i < WIRE_WALK_N || n > list.n - i - WIRE_WALK_N)
            return err_set(e, RC_CORRUPT, "%s: a list that is cut short", s->place);
        f = (struct store_file){.path = str_of(at + WIRE_WALK_N, (size_t)n),
                                .bytes = be64_load(at),
                                .written_ms = (int64_t)be64_load(at + 8),
                                .is_file = at[24] != 0};
        if (fn(arg, &f, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
wire_del(struct ctx *cx, struct store *s, const struct store_name *name, struct err *e)
{
    struct wire_answer a = {.n = 0};

    return wire_simple(cx, s, WIRE_DEL, name, &a, e);
}

static enum rc
wire_sweep(struct ctx *cx, struct store *s, uint64_t *files, uint64_t *bytes, struct err *e)
{
    struct wire_answer a = {.n = 0};

    if (wire_simple(cx, s, WIRE_SWEEP, &(struct store_name){.type = STORE_CONFIG}, &a, e))
        return err_code(e);
    *files = a.a;
    *bytes = a.b;
    return RC_OK;
}

static enum rc
wire_keep(struct ctx *cx, struct store *s, uint64_t *left, struct err *e)
{
    struct wire_answer a = {.n = 0};

    if (wire_simple(cx, s, WIRE_KEEP, &(struct store_name){.type = STORE_CONFIG}, &a, e))
        return err_code(e);
    *left = a.a;
    return RC_OK;
}

static enum rc
wire_keep_put(struct ctx *cx, struct store *s, const struct store_name *name, struct str bytes,
              struct err *e)
{
    struct wire_question q = {.op = WIRE_KEEP_PUT, .name = *name};
    struct wire_answer a = {.n = 0};

    return wire_ask(cx, wire_of(s), q, bytes, (struct wire_room){.n = 0}, &a, e);
}

static void
wire_keep_drop(struct store *s)
{
    struct wire_answer a = {.n = 0};
    struct err ignored = ERR_INIT; /* as the store's own */

    if (wire_simple(NULL, s, WIRE_KEEP_DROP, &(struct store_name){.type = STORE_CONFIG}, &a,
                    &ignored))
        log_debug("%s", ignored.msg);
}

static void
wire_release(struct store *s)
{
    struct wire_store *w = wire_of(s);

    w->link->close(w->link);
    (void)pthread_mutex_destroy(&w->lock);
    mem_free(s->place);
    mem_free(w);
}

enum rc
store_wire_open(struct wire_link *link, const char *place, struct store **out, struct err *e)
{
    static const struct store_reserve_ops reserve = {
        .keep = wire_keep, .put = wire_keep_put, .drop = wire_keep_drop};
    static const struct store_ops ops = {
        .create = wire_create,
        .put_begin = wire_put_begin,
        .put_write = wire_put_write,
        .put_commit = wire_put_commit,
        .put_abort = wire_put_abort,
        .get = wire_get,
        .stat = wire_stat,
        .age = wire_age,
        .list = wire_list,
        .walk = wire_walk,
        .del = wire_del,
        .reserve = &reserve,
        .sweep = wire_sweep,
        .release = wire_release,
    };
    uint8_t hello[WIRE_HELLO_N];
    struct wire_store *w;

    if (wr_write(link->wr, WIRE_HELLO, WIRE_HELLO_N, e) ||
        wire_read_all(link->rd, hello, sizeof(hello), e))
        return err_code(e);
    if (memcmp(hello, WIRE_HELLO, sizeof(hello)) != 0)
        return err_set(e, RC_UNSUPPORTED, "the other side does not answer with \"%.*s\"",
                       WIRE_HELLO_N - 1, WIRE_HELLO);
    w = MEM_NEW(struct wire_store);
    w->store = (struct store){.ops = &ops, .place = mem_strdup(place)};
    w->link = link;
    (void)pthread_mutex_init(&w->lock, NULL);
    *out = &w->store;
    return RC_OK;
}
