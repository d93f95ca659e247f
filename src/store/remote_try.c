/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/retry.h"
#include "store/remote_internal.h"

enum {
    PAUSE_MS = 500,
    PAUSE_MAX_MS = 30000,
    FIRST_CONTACT_MS = 30000,
    STALL_S = 60,
    ANSWER_MS = 5 * 60 * 1000,
    ANSWER_MAX = 16 << 20,
    WORDS_MAX = 64 * 1024 /* of a refusal, in place of an object */
};

/* What was tried so far. */
struct tries {
    struct retry retry;
    unsigned damaged;     /* answers that were cut short, or may be a proxy's */
    bool untrusted_reply; /* the last answer may have been a proxy's */
};

static const char *
verb_text(enum remote_verb v)
{
    static const char *const verbs[] = {
        [REMOTE_PUT] = "store",  [REMOTE_GET] = "read",  [REMOTE_STAT] = "look for",
        [REMOTE_DEL] = "delete", [REMOTE_LIST] = "list", [REMOTE_CREATE] = "make"};
    return verbs[v];
}

static const char *
object_text(const struct remote_op *w, char to[static STORE_NAME_TEXT])
{
    if (w->verb == REMOTE_CREATE)
        return "the place of the repository";
    (void)store_name_text(&w->name, to);
    if (w->verb == REMOTE_LIST)
        *strchr(to, '/') = '\0';
    return to;
}

static enum rc
code_of(int status)
{
    switch (status) {
    case 401:
    case 403:
        return RC_DENIED;
    case 404:
        return RC_NOT_FOUND;
    case 409:
    case 412:
        return RC_CONFLICT;
    case 413:
        return RC_LIMIT;
    case 416:
        return RC_CORRUPT;
    case 507:
        return RC_IO;
    default:
        return status / 100 == 4 && status != 408 && status != 429 ? RC_INVALID : RC_UNAVAILABLE;
    }
}

/* Of a web server, or of a proxy in between: stores explain themselves in their protocol's words. */
static bool
is_web_page(const struct http_response *r)
{
    return strncasecmp(r->content_type, "text/html", 9) == 0;
}

/* Put an answer that is not a success into `e`. */
static enum rc
classify_error(struct remote *f, const struct http_response *r, struct tries *t, struct err *e)
{
    struct remote_error words = {.from_service = false};
    const struct remote_code *c = f->ops->codes;

    f->ops->parse_error(f, r, &words);
    (void)err_set(e, code_of(r->status), "the server answered %d%s%s%s%s", r->status,
                  words.code[0] != '\0' ? " " : "", words.code, words.text[0] != '\0' ? ": " : "",
                  words.text);
    e->sys = r->status;
    e->after_ms = r->after_ms;
    e->retry = e->code == RC_UNAVAILABLE && r->status != 501 && r->status != 505;
    for (; c != NULL && c->code != NULL && strcmp(c->code, words.code) != 0; c++)
        ;
    if (c != NULL && c->code != NULL) {
        e->code = c->rc;
        e->retry = c->retry;
        if (c->hint != NULL)
            (void)err_hint(e, "%s", c->hint);
    }
    if (f->ops->classify_error != NULL)
        f->ops->classify_error(f, r, &words, e);
    if (!words.from_service && r->status == 404 && is_web_page(r)) {
        (void)err_set(e, RC_INVALID, "the server answered 404 with a web page");
        e->sys = r->status;
        (void)err_hint(e, "is this the address of the store, and not of a web server before it?");
    }
    if (!words.from_service && r->status >= 400 && r->status <= 404 && ++t->damaged < STORE_TRIES) {
        t->untrusted_reply = true;
        e->retry = true;
    }
    return err_code(e);
}

static void
ask_release(struct remote_request *a)
{
    if (a->url.p != NULL)
        mem_wipe(a->url.p, a->url.n); /* some carry a signature */
    buf_release(&a->url);
    buf_release(&a->body);
    for (size_t i = 0; i < a->n_headers; i++) {
        secret_free_text(a->headers[i]);
    }
}

/*
 * However a server drips, a request ends: it has so long for a start, and for its bytes as long as
 * a line has that is slower than any in use, or as long as the user's own limits make it.
 */
static int
deadline_ms(const struct remote *f, const struct remote_op *w)
{
    uint64_t bytes = w->verb == REMOTE_PUT ? w->body.n : w->verb == REMOTE_GET ? w->n : 0;

    return (int)MIN(ANSWER_MS + MIN(bytes, (uint64_t)UINT32_MAX) * 1000 / f->slowest,
                    (uint64_t)INT32_MAX);
}

static enum rc
send_once(struct ctx *cx, struct remote *f, const struct remote_op *w, const struct tries *t,
          struct http_response *out, struct err *e)
{
    struct remote_request a = {.url = BUF_INIT(32 * 1024), .body = BUF_INIT(32 * 1024)};
    int64_t left_s = (retry_left_ms(&t->retry) + 999) / 1000;
    enum rc rc;

    a.want[REMOTE_WANT_SIZE] = w->verb == REMOTE_GET ? "Content-Range" : "Content-Length";
    a.want[REMOTE_WANT_DATE] = "Date";
    a.want[REMOTE_WANT_WRITTEN] = "Last-Modified";
    rc = f->ops->ask(cx, f, w, &a, e);
    if (rc == RC_OK && (a.url.over || a.body.over || a.over))
        rc = err_set(e, RC_LIMIT, "the request would be too long: the address, or a credential");
    if (rc == RC_OK) {
        struct http_request rq = {.method = a.method,
                                  .url = buf_c(&a.url),
                                  .headers = (const char *const *)a.headers,
                                  .user = a.user,
                                  .password = a.password,
                                  .body = a.body.n > 0 ? buf_str(&a.body) : w->body,
                                  .stall_s = (int)MAX(MIN(left_s, (int64_t)STALL_S), (int64_t)1),
                                  .timeout_ms = deadline_ms(f, w),
                                  .body_max = w->verb == REMOTE_GET ? MAX(w->n, (size_t)WORDS_MAX)
                                                                    : (size_t)ANSWER_MAX,
                                  .to = w->to,
                                  .to_n = w->n,
                                  .to_off = w->off};
        memcpy(rq.want, a.want, sizeof(rq.want));
        rc = http_call(cx, f->http, &rq, out, e);
    }
    if (f->ops->done != NULL && a.carried != NULL)
        f->ops->done(f, a.carried, rc == RC_OK ? out : NULL);
    ask_release(&a);
    return rc;
}

/* Is it all that was wanted? */
static enum rc
check_read(const struct remote_op *w, const struct http_response *r, struct tries *t, struct err *e)
{
    const char *slash = strchr(r->got[REMOTE_WANT_SIZE], '/');
    uint64_t all;

    if (w->to == NULL || r->to_n == w->n)
        return RC_OK;
    (void)err_set(e, RC_CORRUPT, "it ends after %llu of %llu bytes",
                  (unsigned long long)(w->off + r->to_n), (unsigned long long)(w->off + w->n));
    if (slash == NULL || !str_to_u64(str_c(slash + 1), &all) || all >= w->off + w->n)
        e->retry = ++t->damaged < STORE_TRIES; /* the object has more, or nobody says */
    return err_code(e);
}

/* An answer to HEAD has no words: ask for a byte, to be told why. */
static void
ask_why(struct ctx *cx, struct remote *f, const struct remote_op *w, struct tries *t, struct err *e)
{
    uint8_t byte;
    struct remote_op first = {.verb = REMOTE_GET, .name = w->name, .to = &byte, .n = 1};
    struct http_response r = {.status = 0};
    struct err why = ERR_INIT;

    if (send_once(cx, f, &first, t, &r, &why) == RC_OK && r.status >= 400) {
        (void)classify_error(f, &r, t, &why);
        *e = why;
    }
    http_response_release(&r);
}

static enum rc
remote_try_attempt(struct ctx *cx, struct remote *f, const struct remote_op *w, struct tries *t,
                   struct http_response *out, struct err *e)
{
    t->untrusted_reply = false;
    if (send_once(cx, f, w, t, out, e))
        return err_code(e);
    atomic_store(&f->contacted, true);
    if (out->status / 100 == 2 && w->verb == REMOTE_GET)
        return check_read(w, out, t, e);
    if (out->status / 100 == 2)
        return w->verb == REMOTE_PUT && f->ops->check_put != NULL ? f->ops->check_put(f, w, out, e)
                                                                  : RC_OK;
    (void)classify_error(f, out, t, e);
    if (w->verb == REMOTE_STAT && out->status != 404 && !e->retry)
        ask_why(cx, f, w, t, e);
    return err_code(e);
}

/* No answer for long, and there never was one: the address is wrong rather than the day bad. */
static void
remote_limit(const struct remote *f, struct tries *t)
{
    t->retry.policy.total_ms =
        atomic_load(&f->contacted) ? f->retry_ms : MIN(f->retry_ms, FIRST_CONTACT_MS);
}

/* How long to wait before the next attempt; -1: there is none. */
static int
remote_pause(const struct remote *f, struct tries *t, const struct err *e)
{
    int ms;

    remote_limit(f, t);
    ms = retry_pause(&t->retry, e);
    if (!e->retry || ms < 0)
        return -1;
    return t->untrusted_reply ? REMOTE_UNTRUSTED_MS : ms;
}

enum rc
remote_exchange(struct ctx *cx, struct remote *f, const struct remote_op *w,
                struct http_response *out, struct err *e)
{
    struct tries t = {.retry =
                          retry_begin((struct retry_policy){.attempts = f->retry_ms == 0 ? 1 : 0,
                                                            .pause_ms = PAUSE_MS,
                                                            .pause_max_ms = PAUSE_MAX_MS})};
    struct err why; /* an attempt's own: what came through in the end leaves nothing in `e` */
    char text[STORE_NAME_TEXT];

    remote_limit(f, &t);
    for (;;) {
        int wait;
        *out = (struct http_response){.status = 0};
        why = (struct err)ERR_INIT;
        if (remote_try_attempt(cx, f, w, &t, out, &why) == RC_OK)
            return RC_OK;
        http_response_release(out);
        *out = (struct http_response){.status = 0};
        wait = remote_pause(f, &t, &why);
        if (wait < 0)
            break;
        if (t.retry.failed > 2 && !t.untrusted_reply) /* most often it is simply so */
            log_warn("could not %s %s: %s; trying again in %d ms", verb_text(w->verb),
                     object_text(w, text), why.msg, wait);
        if (ctx_sleep(cx, wait, e))
            return err_code(e);
    }
    *e = why;
    if (e->code == RC_NOT_FOUND && w->verb == REMOTE_STAT)
        return err_code(e); /* an answer like any other, and often the one hoped for */
    (void)retry_tell(&t.retry, e);
    return err_wrap(e, "could not %s %s at %s", verb_text(w->verb), object_text(w, text),
                    f->store.place);
}
