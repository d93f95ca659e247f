/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "redis/conn.h"

enum { READ_STEP = 64 * 1024, KEEP_OUT = 1024 * 1024, RETRY_FIRST_MS = 100, RETRY_MS = 1000 };

struct conn *
conn_new(void)
{
    struct conn *c = MEM_NEW(struct conn);

    c->sock.fd = -1;
    c->wait_ms = CONN_WAIT_MS;
    c->prepare_ms = CONN_PREPARE_MS;
    reply_reader_init(&c->in);
    buf_init(&c->out, SIZE_MAX); /* commands of ours, as long as the names in them */
    return c;
}

struct conn *
conn_from_fd(int fd, const char *peer)
{
    struct conn *c = conn_new();

    sock_from_fd(&c->sock, fd, peer);
    c->sock.io_ms = CONN_REPLY_MS;
    return c;
}

void
conn_close(struct conn *c)
{
    if (c == NULL)
        return;
    sock_close(&c->sock);
    reply_reader_release(&c->in);
    if (c->out.p != NULL)
        mem_wipe(c->out.p, c->out.cap); /* may have held AUTH */
    buf_release(&c->out);
    mem_free(c);
}

const char *
conn_peer(const struct conn *c)
{
    return c->sock.peer;
}

static enum rc
conn_ended(const struct conn *c, struct err *e)
{
    (void)err_set(e, RC_UNAVAILABLE, "%s closed the connection", c->sock.peer);
    e->retry = true;
    return err_code(e);
}

enum rc
conn_flush(struct ctx *cx, struct conn *c, struct err *e)
{
    size_t at = 0;

    while (at < c->out.n) {
        unsigned ready;
        size_t put, cap, got;
        uint8_t *p;
        bool over;

        if (sock_try_write(&c->sock, c->out.p + at, c->out.n - at, &put, e))
            return err_code(e);
        at += put;
        if (put != 0)
            continue;
        if (sock_wait(cx, &c->sock, SOCK_READ | SOCK_WRITE, c->sock.io_ms, &ready, e))
            return err_code(e);
        if (ready == 0)
            return err_set(e, RC_TIMEOUT, "%s took nothing for %d seconds", c->sock.peer,
                           c->sock.io_ms / 1000);
        if ((ready & SOCK_READ) == 0)
            continue;
        if (reply_room(&c->in, READ_STEP, &p, &cap, e) ||
            sock_try_read(&c->sock, p, cap, &got, &over, e))
            return err_code(e);
        reply_fed(&c->in, got);
        if (over)
            return conn_ended(c, e);
    }
    if (c->out.cap > KEEP_OUT)
        buf_release(&c->out);
    buf_reset(&c->out);
    return RC_OK;
}

/* An answer that has begun must go on: a byte now and then would keep it open for ever. */
static enum rc
check_rate(const struct conn *c, int64_t since, uint64_t bytes, struct err *e)
{
    int64_t took = clock_mono_ms() - since;

    if (took <= c->sock.io_ms || bytes >= (uint64_t)took / 1000 * CONN_LEAST_RATE)
        return RC_OK;
    return err_set(e, RC_UNAVAILABLE, "%s sends less than %d bytes a second", c->sock.peer,
                   CONN_LEAST_RATE);
}

enum rc
conn_recv(struct ctx *cx, struct conn *c, struct reply *out, struct err *e)
{
    uint64_t bytes = 0;
    int64_t since = 0;

    for (;;) {
        bool whole;
        uint8_t *p;
        size_t cap, got;

        if (reply_next(&c->in, out, &whole, e))
            return err_wrap(e, "could not read the answer of %s", c->sock.peer);
        if (whole)
            return RC_OK;
        if (reply_room(&c->in, READ_STEP, &p, &cap, e) || sock_read(cx, &c->sock, p, cap, &got, e))
            return err_code(e);
        if (got == 0)
            return conn_ended(c, e);
        reply_fed(&c->in, got);
        bytes += got;
        if (since == 0)
            since = clock_mono_ms();
        else if (check_rate(c, since, bytes, e))
            return err_code(e);
    }
}

enum rc
conn_call(struct ctx *cx, struct conn *c, const struct str *argv, size_t argc, struct reply *out,
          struct err *e)
{
    resp_cmd(&c->out, argv, argc);
    if (conn_flush(cx, c, e))
        return err_code(e);
    return conn_recv(cx, c, out, e);
}

bool
conn_is_transient(const struct reply *r)
{
    return reply_is_error(r, "LOADING") || reply_is_error(r, "BUSY") ||
           reply_is_error(r, "MASTERDOWN") || reply_is_error(r, "NOMASTERLINK") ||
           reply_is_error(r, "NOREPLICAS") || reply_is_error(r, "TRYAGAIN") ||
           reply_is_error(r, "CLUSTERDOWN");
}

enum rc
conn_wait(struct ctx *cx, struct conn *c, const struct reply *r, int64_t *since, bool *again,
          struct err *e)
{
    char text[200];
    int64_t now = clock_mono_ms();
    int pause = RETRY_MS;

    *again = false;
    if (!conn_is_transient(r))
        return RC_OK;
    (void)reply_error_text(r, text, sizeof(text));
    if (*since == 0) {
        *since = now;
        pause = RETRY_FIRST_MS;
        if (c->wait_ms > 0)
            log_info("%s is not ready, waiting up to %d seconds: %s", conn_peer(c),
                     c->wait_ms / 1000, text);
    }
    if (now - *since >= c->wait_ms) {
        (void)err_set(e, RC_UNAVAILABLE, "%s was not ready within %d seconds: %s", conn_peer(c),
                      c->wait_ms / 1000, text);
        e->retry = true;
        return err_code(e);
    }
    *again = true;
    return ctx_sleep(cx, (int)MIN((int64_t)pause, *since + c->wait_ms - now), e);
}

enum rc
conn_select(struct ctx *cx, struct conn *c, uint64_t db, struct err *e)
{
    char n[24];
    struct reply r;

    if (c->db == (int64_t)db)
        return RC_OK;
    (void)snprintf(n, sizeof(n), "%llu", (unsigned long long)db);
    if (CONN_CALL(cx, c, &r, e, STR_LIT("SELECT"), str_c(n)))
        return err_code(e);
    if (reply_is_status(&r, "OK")) {
        c->db = (int64_t)db;
        return RC_OK;
    }
    (void)conn_fail(c, &r, "could not select the database", e);
    (void)err_wrap(e, "database %s", n);
    if (e->code == RC_DENIED)
        return err_code(e);
    e->code = RC_NOT_FOUND;
    return err_hint(e,
                    "the server has fewer databases, or is a cluster: see its setting 'databases'");
}

enum rc
conn_info(struct ctx *cx, struct conn *c, struct conn_info *out, struct err *e)
{
    struct reply r;

    if (CONN_CALL(cx, c, &r, e, STR_LIT("INFO")))
        return err_code(e);
    if (r.type != REPLY_BULK) {
        if (conn_fail(c, &r, "could not ask the server about itself (INFO)", e) == RC_UNSUPPORTED)
            e->code = RC_DENIED;
        return err_code(e);
    }
    return info_parse(r.s, out, e);
}

enum rc
conn_max_bulk(struct ctx *cx, struct conn *c, uint64_t *out, bool *known, struct err *e)
{
    struct reply r;

    if (CONN_CALL(cx, c, &r, e, STR_LIT("CONFIG"), STR_LIT("GET"), STR_LIT("proto-max-bulk-len")))
        return err_code(e);
    *known = r.type == REPLY_ARRAY && r.n == 2 && str_to_u64(r.items[1].s, out);
    if (!*known)
        *out = CONN_BULK_DEFAULT;
    return RC_OK;
}
