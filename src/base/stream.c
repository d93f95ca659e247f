/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/stream.h"

enum { COPY_STEP = 256 * 1024 };

enum rc
rd_full(struct rd *r, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    size_t have = 0, one;

    while (have < n) {
        if (rd_read(r, p + have, n - have, &one, e))
            return err_code(e);
        if (one == 0)
            break;
        have += one;
    }
    *got = have;
    return RC_OK;
}

enum rc
stream_copy(struct rd *from, struct wr *to, uint64_t *total, struct err *e)
{
    CLEANUP(mem_free_ptr) uint8_t *step = mem_alloc(COPY_STEP);
    uint64_t sum = 0;
    size_t got;

    do {
        if (rd_read(from, step, COPY_STEP, &got, e))
            return err_code(e);
        if (got != 0 && wr_write(to, step, got, e))
            return err_code(e);
        sum += got;
    } while (got != 0);
    if (total != NULL)
        *total = sum;
    return RC_OK;
}

static enum rc
tee_read(struct rd *base, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct rd_tee *t = CONTAINER_OF(base, struct rd_tee, rd);

    if (t->why.code == RC_OK && rd_read(t->from, p, n, got, &t->why) == RC_OK &&
        (*got == 0 || wr_write(t->to, p, *got, &t->why) == RC_OK)) {
        t->bytes += *got;
        return RC_OK;
    }
    *e = t->why;
    return err_code(e);
}

void
rd_tee_init(struct rd_tee *t, struct rd *from, struct wr *to)
{
    *t = (struct rd_tee){.rd = {.read = tee_read}, .from = from, .to = to};
}

static enum rc
mem_read(struct rd *base, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct rd_mem *r = CONTAINER_OF(base, struct rd_mem, rd);
    size_t take = MIN(n, r->left.n);

    (void)e;
    if (r->step != 0)
        take = MIN(take, r->step);
    if (take != 0)
        memcpy(p, r->left.p, take);
    r->left = str_of(r->left.p + take, r->left.n - take);
    *got = take;
    return RC_OK;
}

void
rd_mem_init(struct rd_mem *r, struct str bytes, size_t step)
{
    *r = (struct rd_mem){.rd = {.read = mem_read}, .left = bytes, .step = step};
}

static enum rc
buf_write(struct wr *base, const uint8_t *p, size_t n, struct err *e)
{
    return buf_add(CONTAINER_OF(base, struct wr_buf, wr)->to, p, n, e);
}

void
wr_buf_init(struct wr_buf *w, struct buf *to)
{
    *w = (struct wr_buf){.wr = {.write = buf_write}, .to = to};
}

static enum rc
fd_read(struct rd *base, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct rd_fd *r = CONTAINER_OF(base, struct rd_fd, rd);
    short ready;
    ssize_t one;

    do {
        if (ctx_wait(r->cx, r->fd, POLLIN, -1, &ready, e))
            return err_code(e);
        one = read(r->fd, p, n);
    } while (one < 0 && (errno == EINTR || errno == EAGAIN));
    if (one < 0)
        return err_sys(e, errno, "could not read %s", r->name);
    *got = (size_t)one;
    return RC_OK;
}

void
rd_fd_init(struct rd_fd *r, struct ctx *cx, int fd, const char *name)
{
    *r = (struct rd_fd){.rd = {.read = fd_read}, .cx = cx, .fd = fd, .name = name};
}

static enum rc
fd_write(struct wr *base, const uint8_t *p, size_t n, struct err *e)
{
    struct wr_fd *w = CONTAINER_OF(base, struct wr_fd, wr);

    if (ctx_check(w->cx, e))
        return err_code(e);
    return fs_write_all(w->fd, p, n, w->name, e);
}

void
wr_fd_init(struct wr_fd *w, struct ctx *cx, int fd, const char *name)
{
    *w = (struct wr_fd){.wr = {.write = fd_write}, .cx = cx, .fd = fd, .name = name};
}

static enum rc
null_write(struct wr *base, const uint8_t *p, size_t n, struct err *e)
{
    (void)p;
    (void)e;
    CONTAINER_OF(base, struct wr_null, wr)->bytes += n;
    return RC_OK;
}

void
wr_null_init(struct wr_null *w)
{
    *w = (struct wr_null){.wr = {.write = null_write}, .bytes = 0};
}
