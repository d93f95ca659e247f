/* SPDX-License-Identifier: Apache-2.0 */
/* From an address to a connection that is ready: dialled, logged in, its data loaded. */
#include "base/log.h"
#include "base/mem.h"
#include "redis/conn.h"

static bool
open_reply_starts(const struct reply *r, const char *text)
{
    size_t n = strlen(text);

    return r->type == REPLY_ERROR && r->s.n >= n && memcmp(r->s.p, text, n) == 0;
}

static bool
ends_with_space(struct str s)
{
    return s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == ' ');
}

/* A server that expects TLS closes a plain connection, and one that wants a certificate a bare one. */
static enum rc
no_first_answer(const struct conn *c, struct err *e)
{
    if (e->code == RC_UNAVAILABLE && e->hint[0] == '\0')
        (void)err_hint(e, c->sock.ssl == NULL
                              ? "if the server expects TLS at this port, use rediss:// (in a Task: "
                                "--tls in args)"
                              : "the server may want a client certificate: --cert and --key");
    return err_wrap(e, "no answer to the first command");
}

/* AUTH, when the address holds a password. */
static enum rc
conn_login(struct ctx *cx, struct conn *c, const struct redis_addr *addr, struct err *e)
{
    struct reply r;
    enum rc rc;

    if (addr->pass.p == NULL && addr->user != NULL) {
        (void)err_set(e, RC_INVALID, "the address of %s names a user but there is no password",
                      conn_peer(c));
        return err_hint(e, "set REDISCLI_AUTH, or put the password in the address");
    }
    if (addr->pass.p == NULL)
        return RC_OK;
    if (addr->user != NULL)
        rc = CONN_CALL(cx, c, &r, e, STR_LIT("AUTH"), str_c(addr->user), secret_str(&addr->pass));
    else
        rc = CONN_CALL(cx, c, &r, e, STR_LIT("AUTH"), secret_str(&addr->pass));
    if (c->out.p != NULL)
        mem_wipe(c->out.p, c->out.cap);
    if (rc)
        return no_first_answer(c, e);
    if (reply_is_status(&r, "OK"))
        return RC_OK;
    if (open_reply_starts(&r, "ERR Client sent AUTH") ||
        open_reply_starts(&r, "ERR AUTH <password> called without")) {
        log_warn("%s has no password; the one that was given is not used", conn_peer(c));
        return RC_OK;
    }
    (void)conn_fail(c, &r, "could not log in", e);
    if (e->code == RC_DENIED && ends_with_space(secret_str(&addr->pass)))
        return err_hint(e, "the password that was given ends with a space or a line break: was it "
                           "made by `echo` without -n?");
    return err_code(e);
}

/* PING until the answer is not transient; a user who may not PING counts as ready. */
static enum rc
conn_ready(struct ctx *cx, struct conn *c, const struct redis_addr *addr, struct err *e)
{
    struct reply r;
    int64_t since = 0;
    bool again;

    do {
        if (CONN_CALL(cx, c, &r, e, STR_LIT("PING"))) {
            return no_first_answer(c, e);
        }
        if (conn_wait(cx, c, &r, &since, &again, e))
            return err_code(e);
    } while (again);
    if (r.type == REPLY_ERROR && !reply_is_error(&r, "NOPERM")) {
        (void)conn_fail(c, &r, "could not talk to the server", e);
        return reply_is_error(&r, "NOAUTH") && addr->no_pass != NULL
                   ? err_hint(e, "the server wants a password: %s", addr->no_pass)
                   : err_code(e);
    }
    if (r.type != REPLY_ERROR && r.type != REPLY_STATUS)
        return conn_fail(c, &r, "could not talk to the server", e);
    return RC_OK;
}

static enum rc
conn_dial(struct ctx *cx, const struct redis_addr *addr, const struct conn_opts *opts,
          struct conn *c, struct err *e)
{
    struct sock_opts so = {.tls = addr->tls ? &opts->tls : NULL,
                           .connect_ms = opts->connect_ms,
                           .io_ms = opts->reply_ms > 0 ? opts->reply_ms : CONN_REPLY_MS,
                           .rcvbuf = opts->rcvbuf};

    if (addr->path != NULL)
        return sock_dial_unix(cx, addr->path, &so, &c->sock, e);
    return sock_dial(cx, addr->host, addr->port, &so, &c->sock, e);
}

enum rc
conn_open(struct ctx *cx, const struct redis_addr *addr, const struct conn_opts *opts,
          struct conn **out, struct err *e)
{
    struct conn *c = conn_new();

    c->wait_ms = opts->wait_ms == 0 ? CONN_WAIT_MS : MAX(opts->wait_ms, 0);
    c->prepare_ms = opts->prepare_ms > 0 ? opts->prepare_ms : CONN_PREPARE_MS;
    if (conn_dial(cx, addr, opts, c, e)) {
        conn_close(c);
        return addr->assumed ? err_hint(e, "no server was named, so this one was tried: --redis "
                                           "redis://HOST:PORT")
                             : err_code(e);
    }
    if (conn_login(cx, c, addr, e) || conn_ready(cx, c, addr, e)) {
        conn_close(c);
        return err_code(e);
    }
    *out = c;
    return RC_OK;
}
