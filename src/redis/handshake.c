/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/log.h"
#include "base/clock.h"
#include "redis/handshake.h"

/*
 * A label that is not an IP address: INFO then shows who is there, and Sentinels, which would keep
 * every replica they ever saw in their configuration, cannot resolve it and ignore us.
 */
#define LABEL "cstash"
/* Valkey writes the RDB of the version that the replica names; without it, hash field TTLs fail. */
#define VALKEY_VERSION "9.1.0"

enum { LINE_MAX_BYTES = 1024, READ_STEP = 64 * 1024, SILENCE_MS = 90 * 1000 };

/* Offer one option; *took says if the server knows it. Only a broken connection is an error. */
static enum rc
handshake_offer(struct ctx *cx, struct conn *c, const char *name, const char *value, bool *took,
                struct err *e)
{
    struct reply r;
    char text[120];

    if (CONN_CALL(cx, c, &r, e, STR_LIT("REPLCONF"), str_c(name), str_c(value)))
        return err_wrap(e, "could not attach to %s as a replica", conn_peer(c));
    *took = reply_is_status(&r, "OK");
    if (!*took && r.type == REPLY_ERROR)
        log_debug("%s does not take REPLCONF %s: %s", conn_peer(c), name,
                  reply_error_text(&r, text, sizeof(text)));
    return RC_OK;
}

/* Every reply is read before the next step: PSYNC is refused while output is pending. */
static enum rc
offer_all(struct ctx *cx, struct conn *c, const struct replica_opts *opts, struct replica_facts *f,
          struct err *e)
{
    const struct conn_info *info = opts->info;
    bool redis = info != NULL && info->kind == SERVER_REDIS && info->version[0] != '\0';
    bool valkey = info != NULL && info->kind == SERVER_VALKEY;
    bool took;

    if (handshake_offer(cx, c, "ip-address", LABEL, &took, e))
        return err_code(e);
    if (!opts->disk && handshake_offer(cx, c, "capa", "eof", &took, e))
        return err_code(e);
    if (handshake_offer(cx, c, "capa", "psync2", &took, e) ||
        handshake_offer(cx, c, "rdb-only", "1", &f->rdb_only, e))
        return err_code(e);
    if (!valkey && !(redis && info->kind_version < 80000) &&
        handshake_offer(cx, c, "rdb-no-compress", "1", &f->no_compress, e))
        return err_code(e);
    if (!redis && handshake_offer(cx, c, "version", VALKEY_VERSION, &f->version_told, e))
        return err_code(e);
    return RC_OK;
}

/*
 * The next line, without the newlines that the server sends as signs of life while it prepares. It
 * may keep us waiting as long as those come, up to prepare_ms.
 */
static enum rc
next_line(struct ctx *cx, struct conn *c, char to[static LINE_MAX_BYTES], struct err *e)
{
    int64_t until = clock_mono_ms() + c->prepare_ms;

    for (;;) {
        struct str rest = reply_rest(&c->in);
        const uint8_t *nl;
        uint8_t *p;
        size_t skip = 0, cap, got, n;

        while (skip < rest.n && (rest.p[skip] == '\n' || rest.p[skip] == '\r'))
            skip++;
        reply_skip(&c->in, skip);
        rest = reply_rest(&c->in);
        nl = rest.n == 0 ? NULL : memchr(rest.p, '\n', rest.n);
        n = nl == NULL ? rest.n : (size_t)(nl - rest.p);
        if (n >= LINE_MAX_BYTES)
            return err_set(e, RC_UNSUPPORTED, "%s does not answer PSYNC as Redis does",
                           conn_peer(c));
        if (nl != NULL) {
            for (size_t i = 0; i < n; i++)
                to[i] = (char)(rest.p[i] < ' ' || rest.p[i] >= 0x7f ? '?' : rest.p[i]);
            if (n != 0 && rest.p[n - 1] == '\r')
                n--;
            to[n] = '\0';
            reply_skip(&c->in, (size_t)(nl - rest.p) + 1);
            return RC_OK;
        }
        if (clock_mono_ms() >= until)
            return err_set(e, RC_TIMEOUT, "%s did not begin its snapshot within %d seconds",
                           conn_peer(c), c->prepare_ms / 1000);
        if (reply_room(&c->in, READ_STEP, &p, &cap, e) || sock_read(cx, &c->sock, p, cap, &got, e))
            return err_code(e);
        if (got == 0) {
            (void)err_set(e, RC_UNAVAILABLE, "%s closed the connection before the snapshot began",
                          conn_peer(c));
            e->retry = true;
            return err_hint(e, "the server's log says why");
        }
        reply_fed(&c->in, got);
    }
}

static bool
handshake_starts(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

static enum rc
handshake_refusal(struct conn *c, const char *line, struct err *e)
{
    struct reply r = {.type = REPLY_ERROR, .s = str_c(line + 1)};

    if (strstr(line, "BGSAVE") != NULL) {
        (void)conn_fail(c, &r, "could not get a snapshot", e);
        e->code = RC_UNAVAILABLE;
        e->retry = true;
        return err_hint(e, "the server could not fork or write its file: see its log, its memory "
                           "and its disk");
    }
    if (strstr(line, "max number of clients") != NULL || strstr(line, "pending output") != NULL) {
        (void)conn_fail(c, &r, "could not get a snapshot", e);
        e->code = RC_UNAVAILABLE;
        return err_code(e);
    }
    (void)conn_fail(c, &r, "the server does not serve replicas", e);
    if (e->code != RC_DENIED)
        e->code = RC_UNSUPPORTED;
    return err_hint(e, e->code == RC_DENIED
                           ? "the user needs +psync +replconf; --source scan works "
                             "without"
                           : "--source scan works with every server");
}

/*
 * Ask until the server can serve us; `line` gets the answer that starts a full sync. Under another
 * name the command may be SYNC, which takes no arguments.
 */
static enum rc
handshake_ask(struct ctx *cx, struct conn *c, const struct replica_opts *opts,
              char line[static LINE_MAX_BYTES], struct err *e)
{
    const char *psync = opts->psync != NULL ? opts->psync : "PSYNC";
    bool again, bare = false;
    int64_t since = 0;

    do {
        struct reply r = {.type = REPLY_ERROR};
        if (bare)
            RESP_CMD(&c->out, str_c(psync));
        else
            RESP_CMD(&c->out, str_c(psync), STR_LIT("?"), STR_LIT("-1"));
        if (conn_flush(cx, c, e) || next_line(cx, c, line, e))
            return err_wrap(e, "could not get a snapshot");
        if (line[0] != '-')
            return RC_OK;
        r.s = str_c(line + 1);
        if (opts->fall_back && reply_is_error(&r, "NOMASTERLINK"))
            return err_set(e, RC_UNSUPPORTED, "%s is a replica that has lost its master: %s",
                           conn_peer(c), line + 1);
        if (!bare && strstr(line, "wrong number of arguments") != NULL) {
            bare = again = true;
            continue;
        }
        if (conn_wait(cx, c, &r, &since, &again, e))
            return err_wrap(e, "could not get a snapshot");
    } while (again);
    return handshake_refusal(c, line, e);
}

static enum rc
read_fullresync(struct conn *c, const char *line, struct replica_facts *f, struct err *e)
{
    static const char word[] = "+FULLRESYNC ";
    size_t n = sizeof(word) - 1;

    if (!handshake_starts(line, word) || strlen(line) < n + REPLICA_MARK + 2 ||
        /* NOLINTNEXTLINE(clang-analyzer-core.*): strlen says that it is there */
        line[n + REPLICA_MARK] != ' ' ||
        !str_to_u64(str_c(line + n + REPLICA_MARK + 1), &f->offset)) {
        (void)err_set(e, RC_UNSUPPORTED, "%s does not answer PSYNC as Redis does", conn_peer(c));
        return err_hint(e, "--source scan works with every server");
    }
    if (f->offset > (uint64_t)INT64_MAX) /* one below 0 */
        f->offset = 0;
    memcpy(f->replid, line + n, REPLICA_MARK);
    f->replid[REPLICA_MARK] = '\0';
    return RC_OK;
}

static enum rc
read_frame(struct conn *c, const char *line, struct replica_start *s, struct err *e)
{
    static const char eof[] = "$EOF:";
    size_t n = sizeof(eof) - 1;

    if (line[0] == '-') {
        (void)handshake_refusal(c, line, e);
        e->code = RC_UNAVAILABLE; /* it began to serve us, so it does serve replicas */
        e->retry = true;
        return err_hint(e, "the server's log says why");
    }
    if (handshake_starts(line, eof) && strlen(line) == n + REPLICA_MARK) {
        s->facts.diskless = true;
        memcpy(s->mark, line + n, REPLICA_MARK);
        return RC_OK;
    }
    if (line[0] == '$' && str_to_u64(str_c(line + 1), &s->facts.length) && s->facts.length != 0)
        return RC_OK;
    return err_set(e, RC_CORRUPT, "%s announces no snapshot after +FULLRESYNC", conn_peer(c));
}

enum rc
replica_handshake(struct ctx *cx, struct conn *c, const struct replica_opts *opts,
                  struct replica_start *out, struct err *e)
{
    struct replica_start s = {.facts = {.diskless = false}};
    char line[LINE_MAX_BYTES];
    int io_ms = c->sock.io_ms;
    enum rc rc;

    if (offer_all(cx, c, opts, &s.facts, e))
        return err_code(e);
    /* While it prepares, the server sends a newline every second: silence means that it is gone. */
    c->sock.io_ms = MIN(io_ms, (int)SILENCE_MS);
    rc = handshake_ask(cx, c, opts, line, e);
    c->sock.io_ms = io_ms;
    if (rc)
        return rc;
    s.facts.at = instant_now();
    /*
     * A server knows PSYNC by the name that was sent. What it was renamed to is answered as SYNC is:
     * with the snapshot at once, whose AUX fields say what +FULLRESYNC would.
     */
    if (opts->psync == NULL || line[0] != '$') {
        if (read_fullresync(c, line, &s.facts, e))
            return err_code(e);
        if (next_line(cx, c, line, e))
            return err_wrap(e, "could not get a snapshot");
    }
    if (read_frame(c, line, &s, e))
        return err_code(e);
    *out = s;
    return RC_OK;
}
