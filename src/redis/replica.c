/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/ring.h"
#include "base/thread.h"
#include "redis/handshake.h"

enum {
    READ_STEP = 1024 * 1024,
    TRICKLE_STEP = 128 * 1024,
    TRICKLE_MS = 5 * 1000,
    RATE_WINDOW_MS = 60 * 1000
};

struct replica {
    struct ring ring;
    struct ctx *cx;
    struct conn *c;
    struct replica_start start;
    pthread_t thread;
    bool running;
    int trickle_ms;
    atomic_uint_fast64_t received;
    /* Of the receiving thread alone: */
    struct buf
        reserve; /* what was taken while the ring was full, older than what the socket holds */
    size_t reserve_at;
    int64_t waited_ms; /* in this window, and what came in it */
    uint64_t in_window;
    struct err why; /* how the socket ended while the reserve was being filled */
};

/* Payload bytes that may still come. */
static uint64_t
replica_left(const struct replica *r)
{
    return r->start.facts.diskless ? UINT64_MAX : r->start.facts.length - atomic_load(&r->received);
}

/* Only what we waited counts: whoever reads us may be slow. */
static enum rc
check_rate(struct replica *r, int64_t waited_ms, size_t bytes, struct err *e)
{
    r->waited_ms += waited_ms;
    r->in_window += bytes;
    if (r->waited_ms < RATE_WINDOW_MS)
        return RC_OK;
    if (r->in_window < RATE_WINDOW_MS / 1000 * CONN_LEAST_RATE)
        return err_set(e, RC_UNAVAILABLE, "%s sends less than %d bytes a second", conn_peer(r->c),
                       CONN_LEAST_RATE);
    r->waited_ms = 0;
    r->in_window = 0;
    return RC_OK;
}

/* At most n bytes of payload from where they come first; *got = 0: the server closed. */
static enum rc
replica_take(struct replica *r, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct str early = reply_rest(&r->c->in);

    if (n > replica_left(r))
        n = (size_t)replica_left(r);
    if (early.n != 0) { /* came together with the handshake */
        *got = MIN(n, early.n);
        memcpy(p, early.p, *got);
        reply_skip(&r->c->in, *got);
    } else {
        int64_t began = clock_mono_ms();
        if (sock_read(r->cx, &r->c->sock, p, MIN(n, (size_t)READ_STEP), got, e) ||
            check_rate(r, clock_mono_ms() - began, *got, e))
            return err_wrap(e, "the snapshot broke off after %llu bytes",
                            (unsigned long long)atomic_load(&r->received));
    }
    atomic_fetch_add(&r->received, *got);
    return RC_OK;
}

static enum rc
closed_early(struct replica *r, struct err *e)
{
    uint64_t n = atomic_load(&r->received);

    if (r->start.facts.diskless)
        (void)err_set(e, RC_UNAVAILABLE,
                      "%s closed the connection after %llu bytes of the snapshot", conn_peer(r->c),
                      (unsigned long long)n);
    else
        (void)err_set(e, RC_UNAVAILABLE,
                      "%s closed the connection after %llu of the %llu bytes of the snapshot",
                      conn_peer(r->c), (unsigned long long)n,
                      (unsigned long long)r->start.facts.length);
    e->retry = true;
    return err_hint(e, "the server's log says why; its child process may have failed, or "
                       "client-output-buffer-limit was reached");
}

/*
 * The ring has been full for trickle_ms: take a little, so that the server sees us alive. The
 * kernel opens the window only when a sixteenth of its buffer is free, which takes some of these
 * steps: so they come several times within a repl-timeout of 60 s, and the reserve lasts five
 * minutes.
 */
static enum rc
replica_trickle(struct replica *r, struct err *e)
{
    size_t got = 0;
    unsigned ready;

    if (replica_left(r) == 0 || r->why.code != RC_OK ||
        r->reserve.n + TRICKLE_STEP > r->reserve.max)
        return ctx_check(r->cx, e);
    if (reply_rest(&r->c->in).n == 0) {
        if (sock_wait(r->cx, &r->c->sock, SOCK_READ, 0, &ready, e))
            return err_code(e);
        if (ready == 0)
            return RC_OK;
    }
    if (buf_reserve(&r->reserve, TRICKLE_STEP, e))
        return err_code(e);
    /* The consumer shall get what came before the end of the connection first. */
    if (replica_take(r, r->reserve.p + r->reserve.n, TRICKLE_STEP, &got, &r->why) == RC_OK &&
        got == 0)
        (void)closed_early(r, &r->why);
    r->reserve.n += got;
    return RC_OK;
}

/* Fill the free room of the ring once; *over: nothing more will come. */
static enum rc
replica_fill(struct replica *r, uint8_t *p, size_t n, bool *over, struct err *e)
{
    size_t got = MIN(n, r->reserve.n - r->reserve_at);

    *over = false;
    if (got != 0) {
        memcpy(p, r->reserve.p + r->reserve_at, got);
        r->reserve_at += got;
        if (r->reserve_at == r->reserve.n) {
            struct buf empty;
            buf_init(&empty, r->reserve.max);
            buf_release(&r->reserve);
            r->reserve = empty;
            r->reserve_at = 0;
        }
        ring_commit(&r->ring, got);
        return RC_OK;
    }
    if (replica_left(r) == 0) {
        *over = true;
        return RC_OK;
    }
    if (r->why.code != RC_OK) {
        *e = r->why;
        return err_code(e);
    }
    if (replica_take(r, p, n, &got, e))
        return err_code(e);
    if (got == 0)
        return closed_early(r, e);
    ring_commit(&r->ring, got);
    return RC_OK;
}

static void *
replica_receive(void *arg)
{
    struct replica *r = arg;
    struct err e = ERR_INIT;
    bool over = false;

    while (!over) {
        uint8_t *p;
        size_t n;

        if (ring_room(&r->ring, r->trickle_ms, &p, &n, &e))
            break;
        if (n == 0 ? replica_trickle(r, &e) : replica_fill(r, p, n, &over, &e))
            break;
    }
    ring_end(&r->ring, over ? NULL : &e);
    return NULL;
}

enum rc
replica_open(struct ctx *cx, struct conn *c, const struct replica_opts *opts, struct replica **out,
             struct err *e)
{
    struct replica *r;
    struct replica_start start;

    if (replica_handshake(cx, c, opts, &start, e))
        return err_code(e);
    r = MEM_NEW(struct replica);
    ring_init(&r->ring, REPLICA_RING_BYTES / MAX(opts->share, 1U));
    buf_init(&r->reserve, REPLICA_RESERVE_BYTES / MAX(opts->share, 1U));
    r->cx = cx;
    r->c = c;
    r->start = start;
    r->trickle_ms = opts->trickle_ms > 0 ? opts->trickle_ms : TRICKLE_MS;
    atomic_init(&r->received, 0);
    if (thread_start(&r->thread, "replica", replica_receive, r, e)) {
        r->c = NULL;
        replica_close(r);
        return err_code(e);
    }
    r->running = true;
    *out = r;
    return RC_OK;
}

void
replica_interrupt(struct replica *r)
{
    (void)shutdown(r->c->sock.fd, SHUT_RDWR);
}

struct rd *
replica_rd(struct replica *r)
{
    return &r->ring.rd;
}

struct replica_facts
replica_facts(struct replica *r)
{
    struct replica_facts f = r->start.facts;

    f.received = atomic_load(&r->received);
    return f;
}

static enum rc
not_the_end(struct replica *r, struct err *e)
{
    return err_set(e, RC_CORRUPT, "unexpected data after the end of the snapshot from %s",
                   conn_peer(r->c));
}

/* Diskless: the mark must follow, in the leftover or still in the ring. Bytes behind it are
 * ignored. */
static enum rc
finish_mark(struct replica *r, struct str leftover, struct err *e)
{
    uint8_t mark[REPLICA_MARK];
    size_t have = MIN(leftover.n, sizeof(mark)), got;

    if (have != 0)
        memcpy(mark, leftover.p, have);
    if (memcmp(mark, r->start.mark, have) != 0)
        return not_the_end(r, e);
    if (have < sizeof(mark)) {
        if (rd_full(&r->ring.rd, mark + have, sizeof(mark) - have, &got, e))
            return err_code(e);
        have += got;
    }
    if (have != sizeof(mark) || memcmp(mark, r->start.mark, sizeof(mark)) != 0)
        return not_the_end(r, e);
    return RC_OK;
}

static enum rc
finish_length(struct replica *r, struct str leftover, struct err *e)
{
    uint8_t more;
    size_t got;

    if (leftover.n != 0)
        return not_the_end(r, e);
    if (rd_read(&r->ring.rd, &more, 1, &got, e))
        return err_code(e);
    return got != 0 ? not_the_end(r, e) : RC_OK;
}

static void
replica_stop(struct replica *r)
{
    if (!r->running)
        return;
    ring_abandon(&r->ring);
    sock_interrupt(&r->c->sock);
    (void)pthread_join(r->thread, NULL);
    r->running = false;
}

enum rc
replica_finish(struct replica *r, struct str leftover, struct err *e)
{
    static const char ack[] = "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n0\r\n";

    if (r->start.facts.diskless ? finish_mark(r, leftover, e) : finish_length(r, leftover, e))
        return err_code(e);
    /*
     * A server that did not take rdb-only counts us as syncing until it hears from us. With TLS the
     * receiving thread may be inside OpenSSL, which is not ours then; the server sees us leave
     * anyway.
     */
    if (!r->start.facts.rdb_only && r->c->sock.ssl == NULL) {
        struct err ignored = ERR_INIT;
        size_t put;
        (void)!sock_try_write(&r->c->sock, ack, sizeof(ack) - 1, &put, &ignored);
    }
    return RC_OK;
}

void
replica_close(struct replica *r)
{
    if (r == NULL)
        return;
    replica_stop(r);
    conn_close(r->c);
    ring_release(&r->ring);
    buf_release(&r->reserve);
    mem_free(r);
}
