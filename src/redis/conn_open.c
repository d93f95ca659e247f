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

static enum rc
send_login(struct ctx *cx, struct conn *c, const struct redis_addr *addr, const char *user,
           struct reply *r, struct err *e)
{
    enum rc rc = user != NULL
                     ? CONN_CALL(cx, c, r, e, STR_LIT("AUTH"), str_c(user), secret_str(&addr->pass))
                     : CONN_CALL(cx, c, r, e, STR_LIT("AUTH"), secret_str(&addr->pass));

    if (c->out.p != NULL)
        mem_wipe(c->out.p, c->out.cap);
    return rc == RC_OK ? RC_OK : no_first_answer(c, e);
}

static bool
is_let_in(const struct conn *c, const struct reply *r)
{
    if (reply_is_status(r, "OK"))
        return true;
    if (!open_reply_starts(r, "ERR Client sent AUTH") &&
        !open_reply_starts(r, "ERR AUTH <password> called without"))
        return false;
    log_warn("%s has no password; the one that was given is not used", conn_peer(c));
    return true;
}

/* The user is not one of the server's, or it knows no users (before 6.0). */
static bool
is_unknown_user(const struct reply *r)
{
    return reply_is_error(r, "WRONGPASS") ||
           open_reply_starts(r, "ERR wrong number of arguments for 'auth'");
}

/* AUTH, when the address holds a password. */
static enum rc
conn_login(struct ctx *cx, struct conn *c, const struct redis_addr *addr, struct err *e)
{
    struct err ignored = ERR_INIT;
    struct reply r;
    bool without;

    if (addr->pass.p == NULL && addr->user != NULL && !addr->user_unsure) {
        (void)err_set(e, RC_INVALID, "the address of %s names a user but there is no password",
                      conn_peer(c));
        return err_hint(e, "set REDISCLI_AUTH, or put the password in the address");
    }
    if (addr->pass.p == NULL)
        return RC_OK;
    if (send_login(cx, c, addr, addr->user, &r, e))
        return err_code(e);
    if (is_let_in(c, &r))
        return RC_OK;
    without = addr->user_unsure && is_unknown_user(&r);
    (void)conn_fail(c, &r, "could not log in", e);
    if (without && send_login(cx, c, addr, NULL, &r, &ignored) == RC_OK &&
        reply_is_status(&r, "OK")) {
        log_warn("%s refuses the user %s: logged in with the password alone", conn_peer(c),
                 addr->user);
        *e = (struct err)ERR_INIT;
        c->without_user = true;
        return RC_OK;
    }
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
