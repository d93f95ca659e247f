/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/b2 -- a store in a bucket of Backblaze B2, by its native API, version 2.
 *
 * Address  what follows "b2:": BUCKET[:PREFIX]. The prefix is cleaned; one slash before it is none.
 * Options  b2.connections. Credentials: B2_ACCOUNT_ID and B2_ACCOUNT_KEY, also of a key that is
 *          restricted to a bucket or a prefix. B2_ENVIRONMENT, as Backblaze's tools know it, names
 *          another server by its URL.
 * Uploads  carry their SHA-1, which the server compares.
 * Deletion removes all versions of an object; a bucket keeps them otherwise.
 * Source   Backblaze's reference of the native API, "Uploading", "Integration checklist"; restic's
 *          b2 backend as seen from outside.
 */
#include <stdio.h>

#include "base/hex.h"
#include "base/mem.h"
#include "json/node.h"
#include "store/b2_internal.h"
#include "store/scheme.h"
#include "store/url.h"

enum { PAGE = 1000, VERSIONS = 100, URL_MAX_BYTES = 16 * 1024 };

struct b2 {
    struct remote remote;
    struct b2_credentials *credentials;
    char *bucket, *prefix;
};

static struct b2 *
b2_of(struct remote *f)
{
    return CONTAINER_OF(f, struct b2, remote);
}

#define CAP "raise the account's caps, or wait for the next day"

static const struct remote_code codes[] = {
    {"access_denied", RC_DENIED, false, "what may the application key do, with this bucket?"},
    {"bad_auth_token", RC_DENIED, true, NULL}, /* another one is worth a try */
    {"bad_bucket_id", RC_NOT_FOUND, false, "was the bucket deleted?"},
    {"cap_exceeded", RC_IO, false, CAP},
    {"download_cap_exceeded", RC_IO, false, CAP},
    {"duplicate_bucket_name", RC_CONFLICT, false,
     "names of buckets are everybody's: this one is taken, take another"},
    {"expired_auth_token", RC_DENIED, true, NULL},
    {"file_not_present", RC_NOT_FOUND, false, NULL},
    {"storage_cap_exceeded", RC_IO, false, CAP},
    {"too_many_buckets", RC_DENIED, false, "make the bucket in another account, or delete one"},
    {"transaction_cap_exceeded", RC_IO, false, CAP},
    {"unauthorized", RC_DENIED, false,
     "what may the application key do, with this bucket and prefix?"},
    {.code = NULL},
};

/* As it is, not encoded. */
static char *
name_of(const struct b2 *s, const struct remote_op *w)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(256);

    remote_path(&path, "", w); /* of letters that stay as they are */
    return mem_printf("%s%s%s", s->prefix, s->prefix[0] != '\0' ? "/" : "", buf_c(&path));
}

/* A call of the API; its parameters are JSON. */
static enum rc
ask_api(struct ctx *cx, struct b2 *s, const struct remote_op *w, const struct b2_pass *p,
        struct remote_request *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = json_new_object();
    CLEANUP(mem_free_ptr) char *name = w->verb != REMOTE_CREATE ? name_of(s, w) : NULL;
    CLEANUP(mem_free_ptr) char *bucket = NULL;
    const char *call;

    if (w->verb != REMOTE_CREATE && b2_credentials_bucket(cx, s->credentials, p, &bucket, e))
        return err_code(e);
    if (w->verb == REMOTE_CREATE) {
        call = "b2_create_bucket";
        json_set_cstr(j, "accountId", b2_pass_text(p, "accountId"));
        json_set_cstr(j, "bucketName", s->bucket);
        json_set_cstr(j, "bucketType", "allPrivate");
    } else if (w->verb == REMOTE_DEL && w->page != NULL) {
        call = "b2_delete_file_version";
        json_set_cstr(j, "fileName", name);
        json_set_cstr(j, "fileId", w->page);
    } else {
        call = w->verb == REMOTE_DEL ? "b2_list_file_versions" : "b2_list_file_names";
        json_set_cstr(j, "bucketId", bucket);
        json_set_cstr(j, "prefix", name);
        json_set_cstr(j, "startFileName", w->page);
        json_set_int(j, "maxFileCount", w->verb == REMOTE_DEL ? VERSIONS : PAGE);
        if (w->verb == REMOTE_LIST && w->name.type != STORE_PACK)
            json_set_cstr(j, "delimiter", "/");
    }
    out->method = "POST";
    buf_putf(&out->url, "%s/b2api/v2/%s", b2_pass_text(p, "apiUrl"), call);
    remote_header(out, "Content-Type: application/json");
    return json_print(j, &out->body, e);
}

static enum rc
ask_download(const struct b2 *s, const struct remote_op *w, const struct b2_pass *p,
             struct remote_request *out)
{
    out->method = w->verb == REMOTE_STAT ? "HEAD" : "GET";
    out->want[REMOTE_WANT_WRITTEN] = "X-Bz-Upload-Timestamp";
    buf_putf(&out->url, "%s/file/", b2_pass_text(p, "downloadUrl"));
    http_escape(&out->url, s->bucket);
    buf_put(&out->url, "/", 1);
    remote_path(&out->url, s->prefix, w);
    return RC_OK;
}

static enum rc
ask_upload(const struct b2 *s, const struct remote_op *w, const struct b2_pass *p,
           struct remote_request *out)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(URL_MAX_BYTES);
    char sha1[2 * SHA1 + 1];

    out->method = "POST";
    buf_putf(&out->url, "%s", p->upload_url);
    remote_path(&path, s->prefix, w);
    hex_encode(w->sha1, SHA1, sha1);
    out->over = out->over || path.over;
    remote_header(out, "X-Bz-File-Name: %s", buf_c(&path));
    remote_header(out, "X-Bz-Content-Sha1: %s", sha1);
    remote_header(out, "Content-Type: application/octet-stream");
    return RC_OK;
}

static enum rc
b2_ask(struct ctx *cx, struct remote *f, const struct remote_op *w, struct remote_request *out,
       struct err *e)
{
    struct b2 *s = b2_of(f);
    struct b2_pass *p = NULL;

    if (w->verb == REMOTE_PUT ? b2_credentials_get_upload(cx, s->credentials, &p, e)
                              : b2_credentials_get(cx, s->credentials, &p, e))
        return err_code(e);
    out->carried = p;
    remote_header(out, "Authorization: %s", p->token.text);
    if (w->verb == REMOTE_PUT)
        return ask_upload(s, w, p, out);
    if (w->verb == REMOTE_GET || w->verb == REMOTE_STAT)
        return ask_download(s, w, p, out);
    return ask_api(cx, s, w, p, out, e);
}

static void
b2_done(struct remote *f, void *carried, const struct http_response *r)
{
    b2_credentials_done(b2_of(f)->credentials, (struct b2_pass *)carried,
                        r == NULL ? 0 : r->status);
}

static void
copy_text(char *to, size_t room, const struct json *from)
{
    (void)snprintf(to, room, "%.*s", (int)room - 1, json_text_or(from, ""));
}

/* {"status": 401, "code": "unauthorized", "message": "words"} */
static void
b2_parse_error(struct remote *f, const struct http_response *r, struct remote_error *out)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    struct err ignored = ERR_INIT;

    (void)f;
    if (json_parse(buf_str(&r->body), &j, &ignored)) {
        /* HEAD is answered without words */
        out->from_service =
            strncmp(r->content_type, "application/json", 16) == 0 && r->status != 401;
        return;
    }
    copy_text(out->code, sizeof(out->code), json_field(j, "code"));
    copy_text(out->text, sizeof(out->text), json_field(j, "message"));
    out->from_service = out->code[0] != '\0' && r->status != 401;
}

/* Refused tokens are replaced, but not for ever. What was damaged on its way is one of many bad
 * requests: "Checksum did not match data received", of old "Sha1 did not ...". */
static void
b2_classify_error(struct remote *f, const struct http_response *r, const struct remote_error *words,
                  struct err *e)
{
    (void)f;
    if (r->status == 401)
        e->retry = false; /* as long as remote.c doubts it */
    if (strcmp(words->code, "bad_request") == 0 &&
        (strstr(words->text, "did not match") != NULL || strstr(words->text, "mismatch") != NULL)) {
        e->code = RC_UNAVAILABLE;
        e->retry = true;
    }
}

static enum rc
b2_page(struct ctx *cx, struct remote *f, const struct remote_op *w, const struct http_response *r,
        const struct remote_page *to, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    const struct json *files;

    (void)cx;
    (void)f;
    (void)w;
    if (json_parse(buf_str(&r->body), &j, e))
        return err_code(e);
    files = json_field(j, "files");
    for (size_t i = 0; i < json_size(files); i++) {
        const struct json *file = json_elem(files, i);
        int64_t bytes = json_int_or(json_field(file, "contentLength"), -1);
        if (strcmp(json_text_or(json_field(file, "action"), ""), "upload") != 0)
            continue;
        if (bytes < 0)
            return err_set(e, RC_CORRUPT, "a size is not a number");
        if (to->fn(to->arg,
                   &(struct remote_entry){
                       json_text_str(json_field(file, "fileName")), (uint64_t)bytes,
                       json_int_or(json_field(file, "uploadTimestamp"), REMOTE_NO_TIME)},
                   e))
            return err_code(e);
    }
    return buf_add_str(to->next, json_text_str(json_field(j, "nextFileName")), e);
}

/* Delete the versions in the answer, and say how many files it lists. */
static enum rc
del_versions(struct ctx *cx, struct remote *f, const struct store_name *name,
             const struct http_response *r, size_t *n, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    struct remote_op w = {.verb = REMOTE_DEL, .name = *name};
    CLEANUP(mem_free_ptr) char *whole = name_of(b2_of(f), &w);
    const struct json *files;

    if (json_parse(buf_str(&r->body), &j, e))
        return err_code(e);
    files = json_field(j, "files");
    *n = json_size(files);
    for (size_t i = 0; i < *n; i++) {
        const struct json *file = json_elem(files, i);
        struct http_response gone = {.status = 0};
        enum rc rc;
        w.page = json_text(json_field(file, "fileId"));
        if (w.page == NULL || strcmp(json_text_or(json_field(file, "fileName"), ""), whole) != 0)
            continue;
        rc = remote_exchange(cx, f, &w, &gone, e);
        http_response_release(&gone);
        if (rc != RC_OK && rc != RC_NOT_FOUND)
            return rc;
    }
    return RC_OK;
}

static enum rc
b2_del(struct ctx *cx, struct remote *f, const struct store_name *name, struct err *e)
{
    const struct remote_op w = {.verb = REMOTE_DEL, .name = *name};
    struct retry again = store_retry_damaged(&f->store);
    size_t n = 0;
    enum rc rc;

    do {
        struct http_response r = {.status = 0};
        rc = remote_exchange(cx, f, &w, &r, e);
        if (rc == RC_OK)
            rc = del_versions(cx, f, name, &r, &n, e);
        http_response_release(&r);
    } while ((rc == RC_OK && n >= VERSIONS) || (rc == RC_CORRUPT && retry_next(cx, &again, e)));
    return rc == RC_OK ? RC_OK : err_code(e);
}

/* The bucket, if it is not there. */
static enum rc
b2_create(struct ctx *cx, struct remote *f, struct err *e)
{
    struct remote_op look = {.verb = REMOTE_LIST, .name.type = STORE_KEY},
                     make = {.verb = REMOTE_CREATE};
    struct http_response r = {.status = 0};
    enum rc rc = remote_exchange(cx, f, &look, &r, e);

    http_response_release(&r);
    if (rc != RC_NOT_FOUND)
        return rc;
    rc = remote_exchange(cx, f, &make, &r, e);
    http_response_release(&r);
    return rc;
}

static void
b2_release(struct remote *f)
{
    struct b2 *s = b2_of(f);

    b2_credentials_free(s->credentials);
    remote_release(f);
    mem_free(s->bucket);
    mem_free(s->prefix);
    mem_free(s);
}

static bool
b2_written(const struct http_response *r, int64_t *ms)
{
    return str_to_i64(str_c(r->got[REMOTE_WANT_WRITTEN]), ms);
}

static const struct remote_ops ops = {
    .wants_sha1 = true,
    .shards = true,
    .lists_foreign = true,
    .codes = codes,
    .ask = b2_ask,
    .done = b2_done,
    .parse_error = b2_parse_error,
    .written = b2_written,
    .classify_error = b2_classify_error,
    .page = b2_page,
    .del = b2_del,
    .create = b2_create,
    .release = b2_release,
};

static enum rc
b2_open(const char *address, const struct store_opts *o, struct store **out, struct err *e)
{
    char *bucket, *prefix;
    struct b2 *s;

    if (url_bucket(address, "b2", true, &bucket, &prefix, e))
        return err_code(e);
    s = MEM_NEW(struct b2);
    s->bucket = bucket;
    s->prefix = prefix;
    if (remote_init(&s->remote, &ops, mem_printf("b2:%s:/%s", bucket, prefix), o, e)) {
        b2_release(&s->remote);
        return err_code(e);
    }
    s->credentials = b2_credentials_new(o, s->remote.http, bucket, codes);
    s->remote.at_bucket_root = s->prefix[0] == '\0';
    s->remote.prefix = s->prefix;
    *out = &s->remote.store;
    return RC_OK;
}

const struct store_scheme scheme_b2 = {.name = "b2", .form = "b2:BUCKET:/PREFIX", .open = b2_open};
