/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/s3 -- a store in a bucket of S3, or of a server that speaks its protocol.
 *
 * Address  what follows "s3:": HOST/BUCKET[/PREFIX], http[s]://HOST[:PORT]/BUCKET[/PREFIX]. The
 *          prefix is cleaned: no empty parts, "." or "..".
 * Options  s3.region (else AWS_DEFAULT_REGION, AWS_REGION, else what the server says),
 *          s3.bucket-lookup (auto: the host's name for Amazon, Google and Alibaba; dns; path),
 *          s3.storage-class (of packs), s3.unsafe-anonymous-auth, s3.connections. Credentials:
 *          s3_internal.h, s3_credentials.
 * Uploads  are signed with the hash of their bytes, which the server compares.
 * Source   S3 API reference; restic's s3 backend as seen from outside.
 */
#include <pthread.h>
#include <stdio.h>

#include "base/b64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/sha256.h"
#include "store/s3_internal.h"
#include "store/scheme.h"
#include "store/url.h"
#include "store/xml.h"

enum { REGION_MAX = 64, PAGE = 1000 };

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct s3 {
    struct remote remote;
    struct s3_credentials *credentials; /* NULL: anonymous */
    char *origin;                       /* "https://host:port" */
    char *host;                         /* as the header has it */
    char *base;                         /* "/bucket", or "" when the host names it; encoded */
    char *prefix, *bucket;
    char *class; /* of packs; NULL: the bucket's */
    bool region_given;
    pthread_mutex_t mutex; /* guards region */
    char region[REGION_MAX];
};

static struct s3 *
s3_of(struct remote *f)
{
    return CONTAINER_OF(f, struct s3, remote);
}

static const struct remote_code codes[] = {
    {"AccessDenied", RC_DENIED, false, "what may the account do, with this bucket and prefix?"},
    {"BadDigest", RC_UNAVAILABLE, true, NULL},
    {"EntityTooLarge", RC_LIMIT, false, NULL},
    /* versitygw, while the last object beside it is deleted */
    {"ExistingObjectIsDirectory", RC_UNAVAILABLE, true, NULL},
    {"ExpiredToken", RC_DENIED, false, "AWS_SESSION_TOKEN is too old: get new credentials"},
    {"IncompleteBody", RC_UNAVAILABLE, true, NULL},
    {"InternalError", RC_UNAVAILABLE, true, NULL},
    {"InvalidAccessKeyId", RC_DENIED, false,
     "is AWS_ACCESS_KEY_ID right, and known to this server?"},
    {"InvalidTokenId", RC_DENIED, false, "AWS_SESSION_TOKEN does not belong to this key"},
    {"InvalidToken", RC_DENIED, false, "AWS_SESSION_TOKEN does not belong to this key"},
    {"NoSuchBucket", RC_NOT_FOUND, false, "`cstash init` makes the bucket, if the account may"},
    {"QuotaExceeded", RC_IO, false, "make room in the bucket, or have its quota raised"},
    {"RequestTimeTooSkewed", RC_DENIED, false, "set the clock of this machine"},
    {"RequestTimeout", RC_UNAVAILABLE, true, NULL},
    {"SignatureDoesNotMatch", RC_DENIED, false, "is AWS_SECRET_ACCESS_KEY right?"},
    {"SlowDown", RC_UNAVAILABLE, true, NULL},
    {"TokenRefreshRequired", RC_DENIED, false, "AWS_SESSION_TOKEN is too old: get new credentials"},
    {"XAmzContentSHA256Mismatch", RC_UNAVAILABLE, true, NULL},
    {"XMinioAdminBucketQuotaExceeded", RC_IO, false,
     "make room in the bucket, or have its quota raised"},
    {"XMinioStorageFull", RC_IO, false, "the server's disks are full"},
    {.code = NULL},
};

static void
get_region(struct s3 *s, char to[static REGION_MAX])
{
    (void)pthread_mutex_lock(&s->mutex);
    memcpy(to, s->region, REGION_MAX);
    (void)pthread_mutex_unlock(&s->mutex);
}

/* The path as it is sent and signed. */
static void
add_path(const struct s3 *s, const struct remote_op *w, struct buf *to)
{
    buf_putf(to, "%s", s->base);
    if (w->verb == REMOTE_LIST || w->verb == REMOTE_CREATE) {
        if (to->n == 0)
            buf_put(to, "/", 1);
        return;
    }
    buf_put(to, "/", 1);
    remote_path(to, s->prefix, w);
}

/* Sorted by name, as the signature wants it. */
static void
add_query(const struct s3 *s, const struct remote_op *w, struct buf *to)
{
    if (w->verb != REMOTE_LIST)
        return;
    if (w->page != NULL) {
        buf_putf(to, "continuation-token=");
        http_escape(to, w->page);
        buf_put(to, "&", 1);
    }
    /* Of names that are not ours, the whole text as it is. */
    buf_putf(to, "%s%slist-type=2&max-keys=%d&prefix=",
             w->name.type == STORE_PACK ? "" : "delimiter=%2F&",
             w->foreign ? "" : "encoding-type=url&", PAGE);
    remote_query(to, s->prefix, w);
}

static void
sign(const struct s3 *s, const struct remote_op *w, const struct s3_key *key, const char *region,
     const char *path, const char *query, struct remote_request *a)
{
    char hex[ID_TEXT] = EMPTY_HASH, now[S3_TIME];
    const char *headers[6];
    char *lines[6];
    size_t n = 0;
    struct buf value = BUF_INIT(8 * 1024);
    struct buf sum = BUF_INIT(100);
    struct err ignored = ERR_INIT;
    bool puts = w->verb == REMOTE_PUT;

    if (puts) {
        (void)id_hex(&w->sha256, hex);
        BUG_ON(b64_encode(str_of(w->sha256.b, ID_BYTES), &sum, &ignored) != RC_OK);
    } else if (w->verb == REMOTE_CREATE && w->body.n > 0) {
        struct id id;
        sha256_of(w->body, &id);
        (void)id_hex(&id, hex);
    }
    s3_time(clock_real_ms(), now);
    lines[n++] = mem_printf("host:%s", s->host);
    if (puts)
        lines[n++] = mem_printf("x-amz-checksum-sha256:%s", buf_c(&sum));
    lines[n++] = mem_printf("x-amz-content-sha256:%s", hex);
    lines[n++] = mem_printf("x-amz-date:%s", now);
    if (key->token != NULL)
        lines[n++] = mem_printf("x-amz-security-token:%s", key->token);
    if (puts && w->name.type == STORE_PACK && s->class != NULL)
        lines[n++] = mem_printf("x-amz-storage-class:%s", s->class);
    for (size_t i = 0; i < n; i++)
        headers[i] = lines[i];
    s3_sign(&(struct s3_request){.method = a->method,
                                 .host = s->host,
                                 .path = path,
                                 .query = query,
                                 .region = region,
                                 .service = "s3",
                                 .payload = hex,
                                 .time = now},
            key, headers, n, &value);
    a->over = a->over || value.over;
    remote_header(a, "Authorization: %s", buf_c(&value));
    for (size_t i = 0; i < n; i++) {
        if (i > 0) /* the library sends Host */
            remote_header(a, "%s", lines[i]);
        secret_free_text(lines[i]);
    }
    buf_release(&value);
    buf_release(&sum);
}

static enum rc
s3_ask(struct ctx *cx, struct remote *f, const struct remote_op *w, struct remote_request *out,
       struct err *e)
{
    static const char *const methods[] = {
        [REMOTE_PUT] = "PUT",    [REMOTE_GET] = "GET",  [REMOTE_STAT] = "HEAD",
        [REMOTE_DEL] = "DELETE", [REMOTE_LIST] = "GET", [REMOTE_CREATE] = "PUT"};
    struct s3 *s = s3_of(f);
    struct buf path = BUF_INIT(16 * 1024), query = BUF_INIT(16 * 1024);
    struct s3_key key = {.id = NULL};
    char region[REGION_MAX];

    if (s->credentials != NULL && s3_credentials_get(cx, s->credentials, &key, e))
        return err_code(e);
    out->method = methods[w->verb];
    out->want[1] = "x-amz-request-id";
    out->want[2] = "x-amz-bucket-region";
    add_path(s, w, &path);
    add_query(s, w, &query);
    buf_putf(&out->url, "%s%s%s%s", s->origin, buf_c(&path), query.n > 0 ? "?" : "", buf_c(&query));
    out->over = out->over || path.over || query.over;
    if (w->verb == REMOTE_PUT)
        remote_header(out, "Content-Type: application/octet-stream");
    get_region(s, region);
    if (s->credentials != NULL)
        sign(s, w, &key, region, buf_c(&path), buf_c(&query), out);
    s3_key_release(&key);
    buf_release(&path);
    buf_release(&query);
    return RC_OK;
}

struct error_leaf {
    struct remote_error *words;
    char region[REGION_MAX];
};

static enum rc
read_error(void *arg, const char *path, struct str text, struct err *e)
{
    struct error_leaf *l = (struct error_leaf *)arg;

    (void)e;
    if (strcmp(path, "Error/Code") == 0)
        (void)str_cut(text, l->words->code, sizeof(l->words->code));
    else if (strcmp(path, "Error/Message") == 0)
        (void)str_cut(text, l->words->text, sizeof(l->words->text));
    else if (strcmp(path, "Error/Region") == 0)
        (void)str_cut(text, l->region, sizeof(l->region));
    return RC_OK;
}

static void
s3_parse_error(struct remote *f, const struct http_response *r, struct remote_error *out)
{
    struct error_leaf l = {.words = out};
    struct err ignored = ERR_INIT;

    (void)f;
    (void)xml_read(buf_str(&r->body), read_error, &l, &ignored); /* what is not XML says nothing */
    /* Words alone could be anybody's. And MinIO denies access to a name whose neighbour it is just
     * deleting, so that is asked again too. */
    out->from_service = r->got[1][0] != '\0' && strcmp(out->code, "AccessDenied") != 0;
}

/* The bucket is in another region than we signed for: take it over, unless the user named one. */
static void
other_region(struct s3 *s, const char *region, struct err *e)
{
    char before[REGION_MAX];

    get_region(s, before);
    if (region[0] == '\0' || strcmp(region, before) == 0)
        return;
    if (s->region_given) {
        (void)err_set(e, RC_INVALID, "the bucket is in the region %s, not in %s", region, before);
        (void)err_hint(e, "set AWS_DEFAULT_REGION, or the Repository's region");
        return;
    }
    (void)pthread_mutex_lock(&s->mutex);
    (void)snprintf(s->region, sizeof(s->region), "%.*s", REGION_MAX - 1, region);
    (void)pthread_mutex_unlock(&s->mutex);
    e->retry = true;
}

static void
s3_classify_error(struct remote *f, const struct http_response *r, const struct remote_error *words,
                  struct err *e)
{
    struct remote_error again = {.from_service = false};
    struct error_leaf l = {.words = &again};
    struct err ignored = ERR_INIT;

    (void)words;
    if (r->status == 403 && remote_clock_is_wrong(r->got[REMOTE_WANT_DATE], e))
        return;
    (void)xml_read(buf_str(&r->body), read_error, &l, &ignored);
    if (r->status == 301 || r->status == 400 || r->status == 403)
        other_region(s3_of(f), l.region[0] != '\0' ? l.region : r->got[2], e);
}

static enum rc
s3_page(struct ctx *cx, struct remote *f, const struct remote_op *w, const struct http_response *r,
        const struct remote_page *to, struct err *e)
{
    static const struct remote_xml where = {.entry = "ListBucketResult/Contents",
                                            .name = "ListBucketResult/Contents/Key",
                                            .size = "ListBucketResult/Contents/Size",
                                            .written = "ListBucketResult/Contents/LastModified",
                                            .next = "ListBucketResult/NextContinuationToken"};

    (void)cx;
    (void)f;
    (void)w;
    return remote_xml_page(buf_str(&r->body), &where, to, e);
}

/* The bucket, if it is not there. Who may not ask may still be allowed to write. */
static enum rc
s3_create(struct ctx *cx, struct remote *f, struct err *e)
{
    struct s3 *s = s3_of(f);
    struct remote_op look = {.verb = REMOTE_LIST, .name.type = STORE_KEY},
                     make = {.verb = REMOTE_CREATE};
    struct http_response r = {.status = 0};
    struct buf body = BUF_INIT(1024);
    char region[REGION_MAX];
    enum rc rc = remote_exchange(cx, f, &look, &r, e);

    http_response_release(&r);
    if (rc != RC_NOT_FOUND)
        return rc == RC_DENIED && e->sys == 403 ? RC_OK : rc;
    get_region(s, region);
    if (s->region_given && strcmp(region, "us-east-1") != 0) {
        buf_putf(&body,
                 "<CreateBucketConfiguration><LocationConstraint>%s</LocationConstraint>"
                 "</CreateBucketConfiguration>",
                 region);
        make.body = buf_str(&body);
    }
    rc = remote_exchange(cx, f, &make, &r, e);
    http_response_release(&r);
    buf_release(&body);
    return rc;
}

static void
s3_release(struct remote *f)
{
    struct s3 *s = s3_of(f);

    s3_credentials_free(s->credentials);
    remote_release(f);
    mem_free(s->origin);
    mem_free(s->host);
    mem_free(s->base);
    mem_free(s->prefix);
    mem_free(s->bucket);
    mem_free(s->class);
    (void)pthread_mutex_destroy(&s->mutex);
    mem_free(s);
}

static const struct remote_ops ops = {
    .shards = true,
    .lists_foreign = true,
    .codes = codes,
    .ask = s3_ask,
    .parse_error = s3_parse_error,
    .classify_error = s3_classify_error,
    .page = s3_page,
    .create = s3_create,
    .release = s3_release,
};

/* Does the bucket's name stand before the host's? */
static bool
is_by_host(const char *lookup, const char *host)
{
    static const char *const known[] = {".amazonaws.com", ".amazonaws.com.cn",
                                        "storage.googleapis.com", ".aliyuncs.com"};

    if (lookup != NULL && strcmp(lookup, "auto") != 0)
        return strcmp(lookup, "dns") == 0;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        size_t n = strlen(known[i]), have = strlen(host);
        if (have >= n && strcmp(host + have - n, known[i]) == 0)
            return true;
    }
    return false;
}

static enum rc
set_region(struct s3 *s, const struct store_opts *o, const char *host, struct err *e)
{
    const char *region = store_option(o, "s3.region");
    size_t n;

    if (region == NULL)
        region = store_env(o, "AWS_DEFAULT_REGION");
    if (region == NULL)
        region = store_env(o, "AWS_REGION");
    s->region_given = region != NULL;
    if (region == NULL && strncmp(host, "s3.", 3) == 0 && strstr(host, ".amazonaws.com") > host + 3)
        region = host + 3; /* s3.eu-west-1.amazonaws.com */
    n = region == NULL ? 0 : s->region_given ? strlen(region) : strcspn(region, ".");
    if (n >= REGION_MAX)
        return err_set(e, RC_INVALID, "\"%.100s\" is not a region", region);
    (void)snprintf(s->region, sizeof(s->region), "%.*s", n > 0 ? (int)n : 9,
                   n > 0 ? region : "us-east-1");
    return RC_OK;
}

static enum rc
s3_open(const char *address, const struct store_opts *o, struct store **out, struct err *e)
{
    struct url_place p;
    struct s3 *s;
    const char *lookup = store_option(o, "s3.bucket-lookup");
    const char *anonymous = store_option(o, "s3.unsafe-anonymous-auth");

    if (url_place(address, "s3", &p, e))
        return err_code(e);
    s = MEM_NEW(struct s3);
    (void)pthread_mutex_init(&s->mutex, NULL);
    s->bucket = TAKE(p.bucket);
    s->prefix = TAKE(p.prefix);
    if (is_by_host(lookup, p.host)) {
        s->host = mem_printf("%s.%s", s->bucket, p.host);
        s->base = mem_strdup("");
    } else {
        s->host = mem_strdup(p.host);
        s->base = mem_printf("/%s", s->bucket);
    }
    s->origin = mem_printf("%s://%s", p.tls ? "https" : "http", s->host);
    if (store_option(o, "s3.storage-class") != NULL)
        s->class = mem_strdup(store_option(o, "s3.storage-class"));
    if (remote_init(&s->remote, &ops, mem_printf("s3:%s", address), o, e) ||
        set_region(s, o, p.host, e)) {
        url_place_release(&p);
        s3_release(&s->remote);
        return err_code(e);
    }
    if (anonymous == NULL || strcmp(anonymous, "true") != 0)
        s->credentials = s3_credentials_new(o, s->remote.http, s->region_given ? s->region : NULL);
    url_place_release(&p);
    s->remote.at_bucket_root = s->prefix[0] == '\0';
    s->remote.prefix = s->prefix;
    *out = &s->remote.store;
    return RC_OK;
}

const struct store_scheme scheme_s3 = {
    .name = "s3", .form = "s3:HOST/BUCKET/PREFIX", .open = s3_open};
