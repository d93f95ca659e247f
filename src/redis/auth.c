/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "redis/auth.h"

/* Error replies whose first word says it all. The first that fits counts. */
static const struct {
    const char *start;
    enum rc code;
    const char *hint;
} known[] = {
    {"NOAUTH", RC_DENIED,
     "the server wants a password: set REDISCLI_AUTH, or put it in the address"},
    {"WRONGPASS", RC_DENIED, "the user name or the password is wrong, or the user is switched off"},
    {"ERR invalid password", RC_DENIED, "the password is wrong"},
    {"NOPERM", RC_DENIED, "the user lacks a permission: see ACL LIST on the server"},
    {"DENIED", RC_DENIED,
     "the server is in protected mode: give it a password, or bind and protected-mode no"},
    {"ERR wrong number of arguments for 'auth'", RC_UNSUPPORTED,
     "servers before Redis 6.0 know no users: leave the user name out"},
    {"ERR max number of clients", RC_UNAVAILABLE, "raise maxclients, or try again later"},
    {"ERR unknown command", RC_UNSUPPORTED, "the command is switched off or newer than the server"},
    {"LOADING", RC_UNAVAILABLE, ""},
    {"BUSY ", RC_UNAVAILABLE, "a script runs on the server: SCRIPT KILL ends it"},
    {"MASTERDOWN", RC_UNAVAILABLE, "this replica has lost its master"},
    {"NOMASTERLINK", RC_UNAVAILABLE, "this replica is not in step with its master"},
    {"CLUSTERDOWN", RC_UNAVAILABLE, "the cluster is not complete"},
    {"READONLY", RC_DENIED, "this is a replica: give the address of its master"},
    {"MISCONF", RC_UNAVAILABLE, "the server cannot save to its disk: see its log and 'LASTSAVE'"},
    {"OOM", RC_LIMIT, "raise maxmemory on the server"},
    {"NOREPLICAS", RC_UNAVAILABLE, "the server wants more replicas: see min-replicas-to-write"},
    {"MOVED", RC_UNSUPPORTED, "this is one node of a cluster"},
    {"WRONGTYPE", RC_CONFLICT, ""},
};

enum rc
conn_fail(const struct conn *c, const struct reply *r, const char *what, struct err *e)
{
    char text[240];

    if (r->type != REPLY_ERROR)
        return err_set(e, RC_CORRUPT, "%s: %s gave an answer that was not expected", what,
                       conn_peer(c));
    (void)err_set(e, RC_INVALID, "%s: %s said: %s", what, conn_peer(c),
                  reply_error_text(r, text, sizeof(text)));
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        size_t n = strlen(known[i].start);
        if (r->s.n < n || memcmp(r->s.p, known[i].start, n) != 0)
            continue;
        e->code = known[i].code;
        e->retry = known[i].code == RC_UNAVAILABLE;
        return err_hint(e, "%s", known[i].hint);
    }
    return err_code(e);
}

static bool
auth_starts(const struct reply *r, const char *text)
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

enum rc
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
    if (auth_starts(&r, "ERR Client sent AUTH") ||
        auth_starts(&r, "ERR AUTH <password> called without")) {
        log_warn("%s has no password; the one that was given is not used", conn_peer(c));
        return RC_OK;
    }
    (void)conn_fail(c, &r, "could not log in", e);
    if (e->code == RC_DENIED && ends_with_space(secret_str(&addr->pass)))
        return err_hint(e, "the password that was given ends with a space or a line break: was it "
                           "made by `echo` without -n?");
    return err_code(e);
}

enum rc
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
                   : e->code;
    }
    if (r.type != REPLY_ERROR && r.type != REPLY_STATUS)
        return conn_fail(c, &r, "could not talk to the server", e);
    return RC_OK;
}
