/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/gcs -- a store in a bucket of Google Cloud Storage.
 *
 * Address  what follows "gs:": BUCKET:/PREFIX. The prefix is cleaned; one slash before it is none.
 * Options  gs.region (where the bucket is made; "us"), gcs.connections. STORAGE_EMULATOR_HOST, as
 *          Google's libraries know it, names another server, which may be without credentials.
 *          Credentials: gcs_internal.h, gcs_credentials.
 * Uploads  carry their MD5, which the server compares; what it then says it stored is compared
 *          here.
 * Source   Google's reference of the JSON API (objects: insert, get, list, delete; buckets:
 *          insert), "Data validation", "HTTP status and error codes"; restic's gs backend as seen
 *          from outside.
 */
#include <stdio.h>

#include "base/b64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "json/node.h"
#include "store/gcs_internal.h"
#include "store/scheme.h"
#include "store/url.h"

enum { PAGE = 1000 };

struct gcs {
    struct remote remote;
    struct gcs_credentials *credentials;
    char *origin; /* "https://host" */
    char *bucket; /* as it stands in URLs: names that Google takes stay as they are */
    char *prefix;
    char *region, *project; /* for a bucket that is made; project: NULL: not known */
};

static struct gcs *
gcs_of(struct remote *f)
{
    return CONTAINER_OF(f, struct gcs, remote);
}

static const struct remote_code codes[] = {
    {"accountDisabled", RC_DENIED, false, "is the project's billing in order?"},
    {"backendError", RC_UNAVAILABLE, true, NULL},
    {"forbidden", RC_DENIED, false, "may the account read and write objects in this bucket?"},
    {"insufficientPermissions", RC_DENIED, false,
     "the token was made for less than reading and writing storage"},
    {"quotaExceeded", RC_IO, false, "the project's quota is used up"},
    {"rateLimitExceeded", RC_UNAVAILABLE, true, NULL},
    {"retentionPolicyNotMet", RC_DENIED, false, "the bucket's retention policy keeps the object"},
    {"userRateLimitExceeded", RC_UNAVAILABLE, true, NULL},
    {.code = NULL},
};

static void
add_url(const struct gcs *s, const struct remote_op *w, struct buf *to)
{
    buf_putf(to, "%s", s->origin);
    switch (w->verb) {
    case REMOTE_PUT:
        buf_putf(to, "/upload/storage/v1/b/%s/o?uploadType=media&fields=md5Hash&name=", s->bucket);
        break;
    case REMOTE_GET:
    case REMOTE_STAT:
    case REMOTE_DEL:
        buf_putf(to, "/storage/v1/b/%s/o/", s->bucket);
        break;
    case REMOTE_LIST:
        buf_putf(to, "/storage/v1/b/%s/o?maxResults=%d", s->bucket, PAGE);
        buf_putf(to, "&fields=items%%28name%%2Csize%%2Cupdated%%29%%2CnextPageToken%s",
                 w->name.type == STORE_PACK ? "" : "&delimiter=%2F");
        if (w->page != NULL) {
            buf_putf(to, "&pageToken=");
            http_escape(to, w->page);
        }
        buf_putf(to, "&prefix=");
        break;
    case REMOTE_CREATE:
        buf_putf(to, "/storage/v1/b?project=");
        http_escape(to, s->project);
        return;
    }
    remote_query(to, s->prefix, w);
    if (w->verb == REMOTE_GET || w->verb == REMOTE_STAT)
        buf_putf(to, w->verb == REMOTE_GET ? "?alt=media" : "?fields=size,updated");
}

static enum rc
add_md5(const struct remote_op *w, struct buf *to, struct err *e)
{
    return b64_encode(str_of(w->md5, MD5), to, e);
}

static enum rc
gcs_ask(struct ctx *cx, struct remote *f, const struct remote_op *w, struct remote_request *out,
        struct err *e)
{
    static const char *const methods[] = {
        [REMOTE_PUT] = "POST",   [REMOTE_GET] = "GET",  [REMOTE_STAT] = "GET",
        [REMOTE_DEL] = "DELETE", [REMOTE_LIST] = "GET", [REMOTE_CREATE] = "POST"};
    struct gcs *s = gcs_of(f);
    struct buf md5 = BUF_INIT(64);

    if (gcs_credentials_header(cx, s->credentials, out, e))
        return err_code(e);
    out->method = methods[w->verb];
    out->want[1] = "X-GUploader-UploadID";
    add_url(s, w, &out->url);
    if (w->verb == REMOTE_PUT) {
        if (add_md5(w, &md5, e))
            return err_code(e);
        remote_header(out, "Content-Type: application/octet-stream");
        remote_header(out, "X-Goog-Hash: md5=%s", buf_c(&md5));
        buf_release(&md5);
    }
    if (w->verb == REMOTE_CREATE)
        remote_header(out, "Content-Type: application/json");
    return RC_OK;
}

/* {"error": {"message": "words", "errors": [{"reason": "code"}]}}, or only a line of words. */
static void
gcs_parse_error(struct remote *f, const struct http_response *r, struct remote_error *out)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    struct err ignored = ERR_INIT;

    (void)f;
    out->from_service = r->got[1][0] != '\0';
    if (json_parse(buf_str(&r->body), &j, &ignored) == RC_OK) {
        const struct json *error = json_field(j, "error");
        const struct json *first = json_elem(json_field(error, "errors"), 0);
        (void)str_cut(json_text_str(json_field(error, "message")), out->text, sizeof(out->text));
        (void)str_cut(json_text_str(json_field(first, "reason")), out->code, sizeof(out->code));
        out->from_service = out->from_service || out->code[0] != '\0';
    } else if (strncmp(r->content_type, "text/", 5) == 0) {
        size_t n = 0;
        while (n < r->body.n && r->body.p[n] >= ' ' && r->body.p[n] != '<')
            n++;
        (void)str_cut(str_of(r->body.p, n), out->text, sizeof(out->text));
    }
    if (r->status == 401) /* the token may have been called back: another one is worth a try */
        out->from_service = false;
}

static void
gcs_classify_error(struct remote *f, const struct http_response *r,
                   const struct remote_error *words, struct err *e)
{
    if (r->status == 401)
        gcs_credentials_refused(gcs_of(f)->credentials, e);
    if (r->status == 404 && strstr(words->text, "bucket does not exist") != NULL)
        (void)err_hint(e, "`cstash init` makes the bucket, if the account may");
}

static enum rc
gcs_check_put(struct remote *f, const struct remote_op *w, const struct http_response *r,
              struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    CLEANUP(buf_release) struct buf md5 = BUF_INIT(64);
    struct err ignored = ERR_INIT;
    const char *said;

    (void)f;
    if (json_parse(buf_str(&r->body), &j, &ignored))
        return RC_OK; /* what is not JSON says nothing */
    if (add_md5(w, &md5, e))
        return err_code(e);
    said = json_text(json_field(j, "md5Hash"));
    if (said == NULL || strcmp(said, buf_c(&md5)) == 0)
        return RC_OK;
    (void)err_set(e, RC_UNAVAILABLE, "it was damaged on its way");
    e->retry = true;
    return err_code(e);
}

static bool
gcs_size(const struct http_response *r, uint64_t *bytes)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    struct err ignored = ERR_INIT;

    return json_parse(buf_str(&r->body), &j, &ignored) == RC_OK &&
           str_to_u64(json_text_str(json_field(j, "size")), bytes);
}

static bool
gcs_written(const struct http_response *r, int64_t *ms)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    struct err ignored = ERR_INIT;
    struct instant at;

    if (json_parse(buf_str(&r->body), &j, &ignored) ||
        instant_parse(json_text_str(json_field(j, "updated")), &at, &ignored))
        return false;
    *ms = instant_ms(at);
    return true;
}

static enum rc
gcs_page(struct ctx *cx, struct remote *f, const struct remote_op *w, const struct http_response *r,
         const struct remote_page *to, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    const struct json *items;

    (void)cx;
    (void)f;
    (void)w;
    if (json_parse(buf_str(&r->body), &j, e))
        return err_code(e);
    items = json_field(j, "items");
    for (size_t i = 0; i < json_size(items); i++) {
        const struct json *item = json_elem(items, i);
        struct remote_entry o = {.name = json_text_str(json_field(item, "name")),
                                 .written_ms = REMOTE_NO_TIME};
        struct err ignored = ERR_INIT;
        struct instant at;
        if (!str_to_u64(json_text_str(json_field(item, "size")), &o.bytes))
            return err_set(e, RC_CORRUPT, "a size is not a number");
        if (instant_parse(json_text_str(json_field(item, "updated")), &at, &ignored) == RC_OK)
            o.written_ms = instant_ms(at);
        if (to->fn(to->arg, &o, e))
            return err_code(e);
    }
    return buf_add_str(to->next, json_text_str(json_field(j, "nextPageToken")), e);
}

static enum rc
make_bucket(struct ctx *cx, struct gcs *s, struct err *e)
{
    struct remote_op make = {.verb = REMOTE_CREATE};
    struct http_response r = {.status = 0};
    struct json *j;
    char *text;
    enum rc rc;

    if (s->project == NULL) {
        (void)err_set(e, RC_INVALID, "there is no bucket %s, and no project to make it in",
                      s->bucket);
        return err_hint(e, "set GOOGLE_PROJECT_ID, or make the bucket yourself");
    }
    j = json_new_object();
    json_set_cstr(j, "name", s->bucket);
    json_set_cstr(j, "location", s->region);
    text = json_to_text(j, false);
    make.body = str_c(text);
    rc = remote_exchange(cx, &s->remote, &make, &r, e);
    http_response_release(&r);
    json_free(j);
    mem_free(text);
    return rc;
}

/* The bucket, if it is not there. Who may not ask may still be allowed to write. */
static enum rc
gcs_create(struct ctx *cx, struct remote *f, struct err *e)
{
    struct remote_op look = {.verb = REMOTE_LIST, .name.type = STORE_KEY};
    struct http_response r = {.status = 0};
    enum rc rc = remote_exchange(cx, f, &look, &r, e);

    http_response_release(&r);
    if (rc == RC_NOT_FOUND)
        return make_bucket(cx, gcs_of(f), e);
    return rc == RC_DENIED && e->sys == 403 ? RC_OK : rc;
}

static void
gcs_release(struct remote *f)
{
    struct gcs *s = gcs_of(f);

    gcs_credentials_free(s->credentials);
    remote_release(f);
    mem_free(s->origin);
    mem_free(s->bucket);
    mem_free(s->prefix);
    mem_free(s->region);
    mem_free(s->project);
    mem_free(s);
}

static const struct remote_ops ops = {
    .wants_md5 = true,
    .shards = true,
    .lists_foreign = true,
    .codes = codes,
    .ask = gcs_ask,
    .parse_error = gcs_parse_error,
    .size = gcs_size,
    .written = gcs_written,
    .check_put = gcs_check_put,
    .classify_error = gcs_classify_error,
    .page = gcs_page,
    .create = gcs_create,
    .release = gcs_release,
};

static enum rc
gcs_open(const char *address, const struct store_opts *o, struct store **out, struct err *e)
{
    const char *region = store_option(o, "gs.region");
    const char *project = store_env(o, "GOOGLE_PROJECT_ID");
    const char *emulator = store_env(o, "STORAGE_EMULATOR_HOST");
    CLEANUP(mem_free_ptr) char *bucket = NULL;
    CLEANUP(buf_release) struct buf escaped = BUF_INIT(64 * 1024);
    char *prefix;
    struct gcs *s;

    if (url_bucket(address, "gs", true, &bucket, &prefix, e))
        return err_code(e);
    http_escape(&escaped, bucket);
    if (buf_whole(&escaped, "the bucket's name", e)) {
        mem_free(prefix);
        return err_code(e);
    }
    s = MEM_NEW(struct gcs);
    s->bucket = mem_strdup(buf_c(&escaped));
    s->prefix = prefix;
    s->region = mem_strdup(region != NULL ? region : "us");
    s->project = project == NULL ? NULL : mem_strdup(project);
    s->origin = emulator == NULL
                    ? mem_strdup("https://storage.googleapis.com")
                    : mem_printf("%s%s", strstr(emulator, "://") ? "" : "http://", emulator);
    if (remote_init(&s->remote, &ops, mem_printf("gs:%s:/%s", bucket, prefix), o, e)) {
        gcs_release(&s->remote);
        return err_code(e);
    }
    s->credentials = gcs_credentials_new(o, s->remote.http, emulator != NULL);
    s->remote.at_bucket_root = s->prefix[0] == '\0';
    s->remote.prefix = s->prefix;
    *out = &s->remote.store;
    return RC_OK;
}

const struct store_scheme scheme_gcs = {
    .name = "gs", .form = "gs:BUCKET:/PREFIX", .open = gcs_open};
