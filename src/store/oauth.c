/* SPDX-License-Identifier: Apache-2.0 */
#include "store/oauth.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "json/node.h"

enum {
    EARLY_S =
        225, /* metadata servers give out a new token when the last one has some minutes left */
    LIFE_S = 3600, /* where the answer tells nothing */
    LIFE_MAX_S = 24 * 3600,
    ASK_MS = 10000,
    ANSWER_MAX = 64 * 1024
};

void
oauth_token_release(struct oauth_token *t)
{
    secret_free_text(t->text);
    json_free(t->with);
    *t = (struct oauth_token){.text = NULL};
}

void
oauth_init(struct oauth *o, const struct store_opts *opts, const char *const *names, size_t n,
           struct http *http)
{
    *o = (struct oauth){.http = http, .n_set = n, .set = mem_zero(n, sizeof(*o->set))};
    store_env_copy(opts, names, n, o->set);
    (void)pthread_mutex_init(&o->mutex, NULL);
}

void
oauth_release(struct oauth *o)
{
    oauth_token_release(&o->token);
    store_env_free(o->set, o->n_set);
    mem_free(o->set);
    (void)pthread_mutex_destroy(&o->mutex);
}

/* It becomes a line of a header. */
static enum rc
check_token(const char *text, struct err *e)
{
    size_t n = strlen(text);

    if (n == 0 || n > OAUTH_TOKEN_MAX)
        return err_set(e, RC_DENIED, "the token is empty or longer than %d bytes", OAUTH_TOKEN_MAX);
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return err_set(e, RC_DENIED, "the token holds a space or a line break");
    return RC_OK;
}

enum rc
oauth_get(struct ctx *cx, struct oauth *o, oauth_ask_fn *ask, void *arg, struct oauth_token *out,
          struct err *e)
{
    struct oauth_token fresh = {.text = NULL};
    enum rc rc = RC_OK;

    (void)pthread_mutex_lock(&o->mutex);
    if (o->token.text == NULL || (o->token.end_ms != 0 && o->token.end_ms <= clock_boot_ms())) {
        rc = ask(cx, arg, &fresh, e);
        if (rc == RC_OK)
            rc = check_token(fresh.text, e);
        oauth_token_release(rc == RC_OK ? &o->token : &fresh);
        if (rc == RC_OK)
            o->token = fresh;
    }
    if (rc == RC_OK)
        *out = (struct oauth_token){.text = mem_strdup(o->token.text),
                                    .with = json_ref(o->token.with),
                                    .end_ms = o->token.end_ms};
    (void)pthread_mutex_unlock(&o->mutex);
    return rc;
}

enum rc
oauth_header(struct ctx *cx, struct oauth *o, oauth_ask_fn *ask, void *arg,
             struct remote_request *to, struct err *e)
{
    struct oauth_token t;

    if (oauth_get(cx, o, ask, arg, &t, e))
        return err_code(e);
    remote_header(to, "Authorization: Bearer %s", t.text);
    oauth_token_release(&t);
    return RC_OK;
}

void
oauth_forget(struct oauth *o)
{
    (void)pthread_mutex_lock(&o->mutex);
    oauth_token_release(&o->token);
    (void)pthread_mutex_unlock(&o->mutex);
}

void
oauth_drop(struct oauth *o, const struct oauth_token *t)
{
    (void)pthread_mutex_lock(&o->mutex);
    if (o->token.text != NULL && strcmp(o->token.text, t->text) == 0)
        oauth_token_release(&o->token);
    (void)pthread_mutex_unlock(&o->mutex);
}

void
oauth_token_lasts(struct oauth_token *t, int64_t seconds)
{
    if (seconds <= 0 || seconds > LIFE_MAX_S)
        seconds = seconds <= 0 ? LIFE_S : LIFE_MAX_S;
    t->end_ms = clock_boot_ms() + (seconds - MIN(EARLY_S, seconds / 2)) * 1000;
}

/* A number, or its digits as a string; 0: neither. */
static int64_t
oauth_seconds(const struct json *j)
{
    int64_t n = 0;

    if (json_text(j) != NULL)
        return str_to_i64(json_text_str(j), &n) ? n : 0;
    return json_int_or(j, 0);
}

/* access_token and how long it lasts; Google says it in other words for a service account. */
static bool
read_token(const struct json *j, struct oauth_token *out)
{
    const char *text =
        json_text_or(json_field(j, "access_token"), json_text(json_field(j, "accessToken")));
    int64_t life = oauth_seconds(json_field(j, "expires_in"));
    int64_t end = oauth_seconds(json_field(j, "expires_on"));
    struct err ignored = ERR_INIT;
    struct instant t;

    if (text == NULL)
        return false;
    if (instant_parse(json_text_str(json_field(j, "expireTime")), &t, &ignored) == RC_OK)
        end = t.sec;
    if (life == 0 && end > 0)
        life = end - clock_real_ms() / 1000;
    out->text = mem_strdup(text);
    oauth_token_lasts(out, life);
    return true;
}

/* {"error": "invalid_grant", "error_description": "words"} */
static enum rc
oauth_refused(const struct http_response *r, const struct json *j, const char *whom, struct err *e)
{
    const char *error = json_text_or(json_field(j, "error"), "");
    const char *words = json_text_or(json_field(j, "error_description"), "");

    (void)err_set(e, RC_DENIED, "could not get a token from %s: it answered %d%s%.60s%s%.*s", whom,
                  r->status, error[0] != '\0' ? " " : "", error, words[0] != '\0' ? ": " : "",
                  (int)MIN(strcspn(words, "\r\n"), 200U), words);
    if (r->status == 429 || r->status >= 500) {
        e->code = RC_UNAVAILABLE;
        e->retry = true;
        e->after_ms = r->after_ms;
    }
    return err_code(e);
}

static bool
is_doubtful(const struct http_response *r, const struct json *j)
{
    if (j != NULL || (r->status / 100 != 2 && (r->status < 400 || r->status > 404)))
        return false;
    for (size_t i = 0; i < HTTP_WANT; i++)
        if (r->got[i][0] != '\0')
            return false;
    return true;
}

enum rc
oauth_send(struct ctx *cx, struct http *http, const struct http_request *rq,
           struct http_response *out, struct json **j, struct err *e)
{
    const struct err doubtful = ERR_INIT;
    struct retry again = retry_begin(
        (struct retry_policy){.attempts = STORE_TRIES, .pause_ms = REMOTE_UNTRUSTED_MS});

    for (;;) {
        struct http_response r = {.status = 0};
        struct err ignored = ERR_INIT;
        struct json *parsed = NULL;
        enum rc rc = http_call(cx, http, rq, &r, e);
        int pause = -1;
        if (rc == RC_OK)
            (void)!json_parse(buf_str(&r.body), &parsed, &ignored);
        if (r.body.n > 0)
            mem_wipe(r.body.p, r.body.n);
        buf_release(&r.body);
        if (rc == RC_OK && is_doubtful(&r, parsed))
            pause = retry_pause(&again, &doubtful);
        if (rc == RC_OK && pause < 0) {
            *out = r;
            *j = parsed;
            return RC_OK;
        }
        http_response_release(&r);
        if (rc != RC_OK || ctx_sleep(cx, pause, e))
            return err_code(e);
    }
}

enum rc
oauth_call(struct ctx *cx, struct http *http, struct http_request *rq, const char *whom,
           struct oauth_token *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    struct http_response r = {.status = 0};
    enum rc rc = RC_OK;

    rq->body_max = ANSWER_MAX;
    if (rq->timeout_ms == 0)
        rq->timeout_ms = ASK_MS;
    if (oauth_send(cx, http, rq, &r, &j, e))
        return err_wrap(e, "could not get a token from %s", whom);
    if (r.status != 200)
        rc = oauth_refused(&r, j, whom, e);
    else if (!read_token(j, out))
        rc = err_set(e, RC_DENIED, "the answer of %s holds no token", whom);
    http_response_release(&r);
    return rc;
}

void
oauth_field(struct buf *form, const char *name, const char *value)
{
    buf_putf(form, "%s%s=", form->n > 0 ? "&" : "", name);
    http_escape(form, value);
}

enum rc
oauth_post(struct ctx *cx, struct http *http, const char *url, struct buf *form, const char *whom,
           struct oauth_token *out, struct err *e)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    struct http_request rq = {
        .method = "POST", .url = url, .headers = headers, .body = buf_str(form)};
    enum rc rc = buf_whole(form, "what would be sent for a token", e);

    if (rc == RC_OK)
        rc = oauth_call(cx, http, &rq, whom, out, e);
    mem_wipe(form->p, form->n);
    buf_reset(form);
    return rc;
}
