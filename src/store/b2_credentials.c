/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/secret.h"
#include "json/node.h"
#include "store/b2_internal.h"

enum { ASK_MS = 30000, ANSWER_MAX = 1 << 20, DAY_S = 24 * 3600 };

#define PRODUCTION "https://api.backblazeb2.com"

enum { ID, KEY, ENVIRONMENT, N_SETTINGS };
static const char *const names[N_SETTINGS] = {
    [ID] = "B2_ACCOUNT_ID", [KEY] = "B2_ACCOUNT_KEY", [ENVIRONMENT] = "B2_ENVIRONMENT"};

struct b2_credentials {
    char *bucket;
    const struct remote_code *codes;
    struct oauth oauth;
    pthread_mutex_t mutex; /* guards what follows */
    char *bucket_id;       /* NULL: not known yet */
    struct b2_pass *idle[STORE_CONNECTIONS_MAX];
    size_t n_idle;
};

struct b2_credentials *
b2_credentials_new(const struct store_opts *o, struct http *http, const char *bucket,
                   const struct remote_code *codes)
{
    struct b2_credentials *w = MEM_NEW(struct b2_credentials);

    w->bucket = mem_strdup(bucket);
    w->codes = codes;
    oauth_init(&w->oauth, o, names, N_SETTINGS, http);
    (void)pthread_mutex_init(&w->mutex, NULL);
    return w;
}

static void
pass_free(struct b2_pass *p)
{
    oauth_token_release(&p->token);
    secret_free_text(p->upload_url);
    mem_free(p);
}

void
b2_credentials_free(struct b2_credentials *w)
{
    if (w == NULL)
        return;
    while (w->n_idle > 0)
        pass_free(w->idle[--w->n_idle]);
    mem_free(w->bucket);
    mem_free(w->bucket_id);
    oauth_release(&w->oauth);
    (void)pthread_mutex_destroy(&w->mutex);
    mem_free(w);
}

/* {"status": 401, "code": "unauthorized", "message": "words"} */
static enum rc
b2_credentials_refused(const struct b2_credentials *w, const struct http_response *r,
                       const struct json *j, const char *call, struct err *e)
{
    const char *code = json_text_or(json_field(j, "code"), "");
    const char *words = json_text_or(json_field(j, "message"), "");
    bool later = r->status == 408 || r->status == 429 || r->status >= 500;

    (void)err_set(e, later ? RC_UNAVAILABLE : RC_DENIED, "%s was answered %d%s%.60s%s%.*s", call,
                  r->status, code[0] != '\0' ? " " : "", code, words[0] != '\0' ? ": " : "",
                  (int)MIN(strcspn(words, "\r\n"), 200U), words);
    e->sys = r->status;
    e->retry = later;
    e->after_ms = r->after_ms;
    for (const struct remote_code *c = w->codes; c->code != NULL; c++)
        if (strcmp(c->code, code) == 0) {
            e->code = c->rc;
            e->retry = c->retry;
            if (c->hint != NULL)
                (void)err_hint(e, "%s", c->hint);
        }
    return err_code(e);
}

static enum rc
send_call(struct ctx *cx, struct b2_credentials *w, struct http_request *rq, const char *call,
          struct json **out, int *status, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    struct http_response r = {.status = 0};
    enum rc rc = RC_OK;

    rq->timeout_ms = ASK_MS;
    rq->body_max = ANSWER_MAX;
    *status = 0;
    if (oauth_send(cx, w->oauth.http, rq, &r, &j, e))
        return err_wrap(e, "%s", call);
    *status = r.status;
    if (r.status != 200)
        rc = b2_credentials_refused(w, &r, j, call, e);
    else if (j == NULL)
        rc = err_set(e, RC_CORRUPT, "%s was answered by no JSON", call);
    http_response_release(&r);
    if (rc == RC_OK)
        *out = TAKE(j);
    return rc;
}

static enum rc
b2_credentials_authorize(struct ctx *cx, void *arg, struct oauth_token *out, struct err *e)
{
    struct b2_credentials *w = (struct b2_credentials *)arg;
    const char *where = w->oauth.set[ENVIRONMENT];
    bool named = where != NULL && strstr(where, "://") != NULL; /* else it is "production" */
    CLEANUP(mem_free_ptr)
    char *url = mem_printf("%s/b2api/v2/b2_authorize_account", named ? where : PRODUCTION);
    struct http_request rq = {.url = url, .user = w->oauth.set[ID], .password = w->oauth.set[KEY]};
    struct json *j = NULL;
    int status;

    if (w->oauth.set[ID] == NULL || w->oauth.set[KEY] == NULL) {
        (void)err_set(e, RC_DENIED, "there are no credentials for B2");
        return err_hint(e, "set B2_ACCOUNT_ID and B2_ACCOUNT_KEY");
    }
    if (send_call(cx, w, &rq, "b2_authorize_account", &j, &status, e)) {
        if (status == 401) {
            e->code = RC_DENIED;
            e->retry = false;
            (void)err_hint(e, "are B2_ACCOUNT_ID and B2_ACCOUNT_KEY right, and does the key still "
                              "last?");
        }
        return err_code(e);
    }
    out->text = mem_strdup(json_text_or(json_field(j, "authorizationToken"), ""));
    out->with = j;
    oauth_token_lasts(out, DAY_S);
    return RC_OK;
}

/* A call of the API with the account's token. */
static enum rc
api_call(struct ctx *cx, struct b2_credentials *w, const struct b2_pass *p, const char *call,
         const struct json *ask, struct json **out, struct err *e)
{
    static const char type[] = "Content-Type: application/json";
    CLEANUP(mem_free_ptr)
    char *url = mem_printf("%s/b2api/v2/%s", b2_pass_text(p, "apiUrl"), call);
    CLEANUP(mem_free_ptr) char *text = json_to_text(ask, false);
    char *token = mem_printf("Authorization: %s", p->token.text);
    const char *const headers[] = {token, type, NULL};
    struct http_request rq = {.url = url, .headers = headers, .body = str_c(text)};
    int status;
    enum rc rc = send_call(cx, w, &rq, call, out, &status, e);

    secret_free_text(token);
    if (status == 401)
        oauth_drop(&w->oauth, &p->token);
    return rc;
}

const char *
b2_pass_text(const struct b2_pass *p, const char *field)
{
    return json_text_or(json_field(p->token.with, field), "");
}

enum rc
b2_credentials_get(struct ctx *cx, struct b2_credentials *w, struct b2_pass **out, struct err *e)
{
    struct b2_pass *p = MEM_NEW(struct b2_pass);

    if (oauth_get(cx, &w->oauth, b2_credentials_authorize, w, &p->token, e)) {
        mem_free(p);
        return err_code(e);
    }
    *out = p;
    return RC_OK;
}

/* A restricted key names its bucket, and may not be allowed to list buckets. */
static enum rc
find_bucket(struct ctx *cx, struct b2_credentials *w, const struct b2_pass *p, char **id,
            struct err *e)
{
    const struct json *allowed = json_field(p->token.with, "allowed");
    const char *only = json_text(json_field(allowed, "bucketName")), *found;
    CLEANUP(json_free_ptr) struct json *ask = json_new_object();
    CLEANUP(json_free_ptr) struct json *j = NULL;

    found = json_text(json_field(allowed, "bucketId"));
    if (only != NULL && strcmp(only, w->bucket) != 0) {
        (void)err_set(e, RC_DENIED, "the application key is for the bucket %.60s only", only);
        return err_hint(e, "is the name of the bucket right?");
    }
    if (only == NULL || found == NULL) {
        json_set_cstr(ask, "accountId", b2_pass_text(p, "accountId"));
        json_set_cstr(ask, "bucketName", w->bucket);
        if (api_call(cx, w, p, "b2_list_buckets", ask, &j, e))
            return err_code(e);
        found = json_text(json_field(json_elem(json_field(j, "buckets"), 0), "bucketId"));
    }
    if (found == NULL) {
        (void)err_set(e, RC_NOT_FOUND, "there is no bucket %s", w->bucket);
        return err_hint(e, "`cstash init` makes the bucket, if the key may");
    }
    *id = mem_strdup(found);
    return RC_OK;
}

enum rc
b2_credentials_bucket(struct ctx *cx, struct b2_credentials *w, const struct b2_pass *p, char **id,
                      struct err *e)
{
    char *known = NULL;

    (void)pthread_mutex_lock(&w->mutex);
    if (w->bucket_id != NULL)
        known = mem_strdup(w->bucket_id);
    (void)pthread_mutex_unlock(&w->mutex);
    if (known == NULL) {
        if (find_bucket(cx, w, p, &known, e))
            return err_code(e);
        (void)pthread_mutex_lock(&w->mutex);
        mem_free(w->bucket_id);
        w->bucket_id = mem_strdup(known);
        (void)pthread_mutex_unlock(&w->mutex);
    }
    *id = known;
    return RC_OK;
}

static enum rc
new_upload(struct ctx *cx, struct b2_credentials *w, const struct b2_pass *account,
           struct b2_pass **out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *ask = json_new_object();
    CLEANUP(json_free_ptr) struct json *j = NULL;
    CLEANUP(mem_free_ptr) char *bucket = NULL;
    const char *url, *token;

    if (b2_credentials_bucket(cx, w, account, &bucket, e))
        return err_code(e);
    json_set_cstr(ask, "bucketId", bucket);
    if (api_call(cx, w, account, "b2_get_upload_url", ask, &j, e))
        return err_code(e);
    url = json_text(json_field(j, "uploadUrl"));
    token = json_text(json_field(j, "authorizationToken"));
    if (url == NULL || token == NULL)
        return err_set(e, RC_CORRUPT, "b2_get_upload_url was answered by no URL");
    *out = MEM_NEW(struct b2_pass);
    (*out)->upload_url = mem_strdup(url);
    (*out)->token.text = mem_strdup(token);
    return RC_OK;
}

enum rc
b2_credentials_get_upload(struct ctx *cx, struct b2_credentials *w, struct b2_pass **out,
                          struct err *e)
{
    struct b2_pass *idle = NULL, *account = NULL;
    enum rc rc;

    (void)pthread_mutex_lock(&w->mutex);
    if (w->n_idle > 0)
        idle = w->idle[--w->n_idle];
    (void)pthread_mutex_unlock(&w->mutex);
    if (idle != NULL) {
        *out = idle;
        return RC_OK;
    }
    if (b2_credentials_get(cx, w, &account, e))
        return err_code(e);
    rc = new_upload(cx, w, account, out, e);
    pass_free(account);
    return rc;
}

void
b2_credentials_done(struct b2_credentials *w, struct b2_pass *p, int status)
{
    if (p->upload_url == NULL && status == 401)
        oauth_drop(&w->oauth, &p->token);
    if (p->upload_url != NULL && status / 100 == 2) {
        (void)pthread_mutex_lock(&w->mutex);
        if (w->n_idle < ARRAY_LEN(w->idle))
            w->idle[w->n_idle++] = TAKE(p);
        (void)pthread_mutex_unlock(&w->mutex);
    }
    if (p != NULL)
        pass_free(p);
}
