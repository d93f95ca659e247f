/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>

#include "base/mem.h"
#include "base/thread.h"
#include "crypto/sha256.h"
#include "store/remote_internal.h"

enum {
    PUT_MAX = 1 << 30,
    ROOM_FIRST = 64 * 1024,
    ROOM_KEPT = 9 * 512 * 1024 /* most packs of 4 MiB */
};

struct remote_put {
    struct store_put put;
    struct upload_buffer buffer;
    size_t n;
};

/* It grows by doubling: moving it costs no copy, and memory is only what was written to. */
static enum rc
upload_buffer_grow(struct upload_buffer *r, size_t bytes, struct err *e)
{
    size_t want = MAX(r->bytes, (size_t)ROOM_FIRST);
    void *at;

    while (want < bytes)
        want *= 2;
    if (want == r->bytes)
        return RC_OK;
    at = r->p == NULL ? mmap(NULL, want, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                      : mremap(r->p, r->bytes, want, MREMAP_MAYMOVE);
    if (at == MAP_FAILED) {
        (void)map_refused(want, e);
        return err_code(e);
    }
    *r = (struct upload_buffer){.p = (uint8_t *)at, .bytes = want};
    return RC_OK;
}

/* One that was left, or none, which upload_buffer_grow makes. */
static struct upload_buffer
upload_pool_take(struct upload_pool *all)
{
    struct upload_buffer r = {.p = NULL};

    (void)pthread_mutex_lock(&all->mutex);
    if (all->n > 0)
        r = all->left[--all->n];
    (void)pthread_mutex_unlock(&all->mutex);
    return r;
}

/* Keep it for the next upload; what a usual pack has no use for goes back to the system. */
static void
upload_pool_give_back(struct upload_pool *all, struct upload_buffer r)
{
    bool kept = false;

    if (r.bytes > ROOM_KEPT)
        (void)madvise(r.p + ROOM_KEPT, r.bytes - ROOM_KEPT, MADV_DONTNEED);
    (void)pthread_mutex_lock(&all->mutex);
    if (all->n < UPLOAD_POOL_MAX) {
        all->left[all->n++] = r;
        kept = true;
    }
    (void)pthread_mutex_unlock(&all->mutex);
    if (!kept)
        (void)munmap(r.p, r.bytes);
}

void
upload_pool_release(struct upload_pool *all)
{
    while (all->n > 0) {
        struct upload_buffer r = all->left[--all->n];
        (void)munmap(r.p, r.bytes);
    }
    (void)pthread_mutex_destroy(&all->mutex);
}

enum rc
remote_put_begin(struct ctx *cx, struct store *s, enum store_type type, struct store_put **out,
                 struct err *e)
{
    struct remote_put *p;

    if (ctx_check(cx, e))
        return err_code(e);
    p = MEM_NEW(struct remote_put);
    p->put = (struct store_put){.store = s, .type = type};
    *out = &p->put;
    return RC_OK;
}

enum rc
remote_put_write(struct ctx *cx, struct store_put *put, const uint8_t *from, size_t n,
                 struct err *e)
{
    struct remote_put *p = CONTAINER_OF(put, struct remote_put, put);

    if (ctx_check(cx, e))
        return err_code(e);
    if (n == 0)
        return RC_OK;
    if (n > PUT_MAX - p->n)
        return err_set(e, RC_LIMIT, "an object of more than %d bytes", PUT_MAX);
    if (p->buffer.p == NULL)
        p->buffer = upload_pool_take(&remote_of(put->store)->pool);
    if (upload_buffer_grow(&p->buffer, p->n + n, e))
        return err_code(e);
    memcpy(p->buffer.p + p->n, from, n);
    p->n += n;
    return RC_OK;
}

void
remote_put_abort(struct store_put *put)
{
    struct remote_put *p;

    if (put == NULL)
        return;
    p = CONTAINER_OF(put, struct remote_put, put);
    if (p->buffer.p != NULL)
        upload_pool_give_back(&remote_of(put->store)->pool, p->buffer);
    mem_free(p);
}

/* The server has the name already. The same bytes may be ours of an attempt whose answer was lost.
 */
static enum rc
put_again(struct ctx *cx, struct remote *f, const struct remote_op *w, struct http_response *r,
          struct err *e)
{
    struct err first = *e;
    uint64_t bytes = 0;

    if (f->store.ops->stat(cx, &f->store, &w->name, &bytes, e)) {
        *e = first;
        return err_code(e);
    }
    if (w->name.type != STORE_CONFIG && bytes == w->body.n)
        return RC_OK;
    if (f->store.ops->del(cx, &f->store, &w->name, e))
        return err_code(e);
    return remote_exchange(cx, f, w, r, e);
}

static enum rc
put_once(struct ctx *cx, struct remote *f, const struct remote_op *w, struct err *e)
{
    struct http_response r = {.status = 0};
    struct err why = ERR_INIT;
    enum rc rc = remote_exchange(cx, f, w, &r, &why);

    if (rc != RC_OK && why.sys == 403 && f->ops->never_overwrites)
        rc = put_again(cx, f, w, &r, &why);
    http_response_release(&r);
    if (rc != RC_OK)
        *e = why;
    return rc;
}

/* Where names are all that a server compares content with, config is read back: its name is no
 * hash. */
static enum rc
put_config(struct ctx *cx, struct remote *f, const struct remote_op *w, struct err *e)
{
    struct retry again = store_retry_damaged(&f->store);

    do {
        CLEANUP(buf_release) struct buf got = BUF_INIT(2 * w->body.n + 1);
        struct err ignored = ERR_INIT; /* what is not as it was sent is sent again */
        if (put_once(cx, f, w, e))
            return err_code(e);
        if (store_get_all(cx, &f->store, &w->name, &got, &ignored) == RC_OK &&
            str_eq(buf_str(&got), w->body))
            return RC_OK;
        (void)err_set(e, RC_CORRUPT, "config is not stored as it was sent to %s", f->store.place);
    } while (retry_next(cx, &again, e));
    return err_code(e);
}

enum rc
remote_put_commit(struct ctx *cx, struct store_put *put, const struct id *id, struct err *e)
{
    struct remote_put *p = CONTAINER_OF(put, struct remote_put, put);
    struct remote *f = remote_of(put->store);
    struct remote_op w = {
        .verb = REMOTE_PUT, .name.type = put->type, .body = str_of(p->buffer.p, p->n)};
    enum rc rc;

    if (put->type == STORE_CONFIG)
        sha256_of(w.body, &w.sha256);
    else
        w.sha256 = w.name.id = *id;
    if (f->ops->wants_md5)
        md5_of(w.body, w.md5);
    if (f->ops->wants_sha1)
        sha1_of(w.body, w.sha1);
    rc = put->type == STORE_CONFIG && f->ops->never_overwrites ? put_config(cx, f, &w, e)
                                                               : put_once(cx, f, &w, e);
    remote_put_abort(put);
    return rc;
}
