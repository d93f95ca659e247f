/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/azure -- a store in a container of Azure Blob Storage.
 *
 * Address  what follows "azure:": CONTAINER:/PREFIX. The prefix is cleaned; one slash before it is
 *          none. The account is AZURE_ACCOUNT_NAME, at AZURE_ENDPOINT_SUFFIX ("core.windows.net").
 * Options  azure.access-tier (of packs), azure.connections. Credentials: azure_internal.h,
 *          azure_credentials.
 * Uploads  carry their MD5, which the server compares and keeps.
 * Source   Azure's REST reference: Put Blob, Get Blob, Get Blob Properties, Delete Blob, List
 *          Blobs, Create Container, "Status and error codes"; restic's azure backend as seen from
 *          outside.
 */
#include <stdio.h>
#include <time.h>

#include "base/b64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/azure_internal.h"
#include "store/scheme.h"
#include "store/url.h"
#include "store/xml.h"

enum { PAGE = 5000, DATE = 32, PATH_MAX_BYTES = 16 * 1024 };

#define VERSION "2021-12-02" /* the first that knows every access tier */

struct azure {
    struct remote remote;
    struct azure_credentials *credentials;
    char *origin;    /* "https://account.blob.core.windows.net" */
    char *container; /* with the slash before it; encoded */
    char *prefix;
    char *tier; /* of packs; NULL: the account's */
};

static struct azure *
azure_of(struct remote *f)
{
    return CONTAINER_OF(f, struct azure, remote);
}

static const struct remote_code codes[] = {
    {"AccountBeingCreated", RC_UNAVAILABLE, true, NULL},
    {"AccountIsDisabled", RC_DENIED, false, "is the subscription's billing in order?"},
    {"AuthorizationFailure", RC_DENIED, false,
     "does the account's firewall let this machine in, and may we see this container?"},
    {"AuthorizationPermissionMismatch", RC_DENIED, false,
     "the identity needs the role Storage Blob Data Contributor; a SAS read, write, list, delete"},
    {"AuthorizationResourceTypeMismatch", RC_DENIED, false,
     "the SAS must be good for containers and objects"},
    {"AuthorizationServiceMismatch", RC_DENIED, false, "the SAS must be good for blobs"},
    {"BlobArchived", RC_IO, false, "what is archived must be brought back before it can be read"},
    {"BlobImmutableDueToPolicy", RC_DENIED, false, "an immutability policy keeps the object"},
    {"ContainerBeingDeleted", RC_UNAVAILABLE, true, NULL},
    {"ContainerNotFound", RC_NOT_FOUND, false,
     "`cstash init` makes the container, if the account may"},
    {"InvalidResourceName", RC_INVALID, false,
     "a container is named by 3 to 63 small letters, digits and hyphens"},
    {"KeyBasedAuthenticationNotPermitted", RC_DENIED, false,
     "the account takes no keys: use a workload's identity"},
    {"Md5Mismatch", RC_UNAVAILABLE, true, NULL},
    {.code = NULL},
};

static void
now_text(char to[static DATE])
{
    time_t now = (time_t)(clock_real_ms() / 1000);
    struct tm tm;

    if (gmtime_r(&now, &tm) == NULL || strftime(to, DATE, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
        BUG("time out of range");
}

/* One parameter, as the URL has it and as it is signed. They come sorted by name. */
static void
add_param(struct buf *url, struct buf *sign, const char *name, const char *value)
{
    buf_putf(url, "%s%s=", sign->n == 0 ? "?" : "&", name);
    http_escape(url, value);
    buf_putf(sign, "\n%s:%s", name, value);
}

static void
add_params(const struct azure *s, const struct remote_op *w, struct buf *url, struct buf *sign)
{
    struct buf folder = BUF_INIT(256);
    char page[16];

    if (w->verb == REMOTE_LIST) {
        char *prefix;
        remote_path(&folder, "", w); /* of letters that stay as they are */
        prefix = mem_printf("%s%s%s", s->prefix, s->prefix[0] != '\0' ? "/" : "", buf_c(&folder));
        (void)snprintf(page, sizeof(page), "%d", PAGE);
        add_param(url, sign, "comp", "list");
        if (w->name.type != STORE_PACK)
            add_param(url, sign, "delimiter", "/");
        if (w->page != NULL)
            add_param(url, sign, "marker", w->page);
        add_param(url, sign, "maxresults", page);
        add_param(url, sign, "prefix", prefix);
        mem_free(prefix);
    }
    if (w->verb == REMOTE_LIST || w->verb == REMOTE_CREATE)
        add_param(url, sign, "restype", "container");
    buf_release(&folder);
}

/* A header of the kind that is signed by its name. They come sorted. */
static void
add_header(struct remote_request *a, struct buf *sign, const char *name, const char *value)
{
    remote_header(a, "%s: %s", name, value);
    buf_putf(sign, "%s:%s\n", name, value);
}

static enum rc
azure_ask(struct ctx *cx, struct remote *f, const struct remote_op *w, struct remote_request *out,
          struct err *e)
{
    static const char *const methods[] = {
        [REMOTE_PUT] = "PUT",    [REMOTE_GET] = "GET",  [REMOTE_STAT] = "HEAD",
        [REMOTE_DEL] = "DELETE", [REMOTE_LIST] = "GET", [REMOTE_CREATE] = "PUT"};
    struct azure *s = azure_of(f);
    CLEANUP(buf_release) struct buf path = BUF_INIT(PATH_MAX_BYTES), md5 = BUF_INIT(64);
    CLEANUP(buf_release) struct buf headers = BUF_INIT(4096), query = BUF_INIT(PATH_MAX_BYTES);
    char date[DATE], length[24] = "", range[64] = "";
    bool puts = w->verb == REMOTE_PUT;

    out->method = methods[w->verb];
    out->want[1] = "x-ms-request-id";
    out->want[2] = "x-ms-error-code";
    buf_putf(&path, "%s", s->container);
    if (w->verb != REMOTE_LIST && w->verb != REMOTE_CREATE) {
        buf_put(&path, "/", 1);
        remote_path(&path, s->prefix, w);
    }
    buf_putf(&out->url, "%s%s", s->origin, buf_c(&path));
    add_params(s, w, &out->url, &query);
    out->over = out->over || path.over || query.over || headers.over;
    if (puts && b64_encode(str_of(w->md5, MD5), &md5, e))
        return err_code(e);
    if (puts && w->name.type == STORE_PACK && s->tier != NULL)
        add_header(out, &headers, "x-ms-access-tier", s->tier);
    if (puts) {
        add_header(out, &headers, "x-ms-blob-content-md5", buf_c(&md5));
        add_header(out, &headers, "x-ms-blob-type", "BlockBlob");
        remote_header(out, "Content-MD5: %s", buf_c(&md5));
        remote_header(out, "Content-Type: application/octet-stream");
    }
    if (puts || w->verb == REMOTE_CREATE)
        (void)snprintf(length, sizeof(length), "%zu", w->body.n);
    if (length[0] == '0')
        remote_header(out, "Content-Length: 0"); /* which the library leaves out */
    if (w->to != NULL)                           /* sent by http/client */
        (void)snprintf(range, sizeof(range), "bytes=%llu-%llu", (unsigned long long)w->off,
                       (unsigned long long)(w->off + w->n - 1));
    now_text(date);
    add_header(out, &headers, "x-ms-date", date);
    add_header(out, &headers, "x-ms-version", VERSION);
    return azure_credentials_sign(
        cx, s->credentials,
        &(struct azure_request){.method = out->method,
                                .length = length,
                                .md5 = buf_c(&md5),
                                .type = puts ? "application/octet-stream" : "",
                                .range = range,
                                .headers = buf_c(&headers),
                                .path = buf_c(&path),
                                .query = buf_c(&query)},
        out, e);
}

static enum rc
read_error(void *arg, const char *path, struct str text, struct err *e)
{
    struct remote_error *out = (struct remote_error *)arg;

    (void)e;
    if (strcmp(path, "Error/Code") == 0) {
        (void)str_cut(text, out->code, sizeof(out->code));
    } else if (strcmp(path, "Error/Message") == 0) {
        (void)str_cut(text, out->text, sizeof(out->text));
        out->text[strcspn(out->text, "\r\n")] = '\0'; /* ids and times come in further lines */
    }
    return RC_OK;
}

static void
azure_parse_error(struct remote *f, const struct http_response *r, struct remote_error *out)
{
    struct err ignored = ERR_INIT;

    (void)f;
    (void)xml_read(buf_str(&r->body), read_error, out, &ignored); /* what is not XML says nothing */
    if (out->code[0] == '\0')
        (void)str_cut(str_c(r->got[2]), out->code, sizeof(out->code));
    /* Words alone could be anybody's: a proxy's XML may look like this too. */
    out->from_service = r->got[1][0] != '\0' || r->got[2][0] != '\0';
    if (r->status == 401) /* the token may have been called back: another one is worth a try */
        out->from_service = false;
}

static void
azure_classify_error(struct remote *f, const struct http_response *r,
                     const struct remote_error *words, struct err *e)
{
    if (strstr(words->text, "contentMD5 doesn't match") != NULL) { /* Azurite's Md5Mismatch */
        e->code = RC_UNAVAILABLE;
        e->retry = true;
    }
    if (r->status != 401 && strcmp(words->code, "AuthenticationFailed") != 0 &&
        strstr(words->text, "failed to authenticate") == NULL)
        return;
    azure_credentials_refused(azure_of(f)->credentials, e);
    (void)remote_clock_is_wrong(r->got[REMOTE_WANT_DATE], e);
}

static enum rc
azure_page(struct ctx *cx, struct remote *f, const struct remote_op *w,
           const struct http_response *r, const struct remote_page *to, struct err *e)
{
    static const struct remote_xml where = {
        .entry = "EnumerationResults/Blobs/Blob",
        .name = "EnumerationResults/Blobs/Blob/Name",
        .size = "EnumerationResults/Blobs/Blob/Properties/Content-Length",
        .written = "EnumerationResults/Blobs/Blob/Properties/Last-Modified",
        .next = "EnumerationResults/NextMarker"};

    (void)cx;
    (void)f;
    (void)w;
    return remote_xml_page(buf_str(&r->body), &where, to, e);
}

static void
azure_release(struct remote *f)
{
    struct azure *s = azure_of(f);

    azure_credentials_free(s->credentials);
    remote_release(f);
    mem_free(s->origin);
    mem_free(s->container);
    mem_free(s->prefix);
    mem_free(s->tier);
    mem_free(s);
}

static const struct remote_ops ops = {
    .wants_md5 = true,
    .shards = true,
    .lists_foreign = true,
    .codes = codes,
    .ask = azure_ask,
    .parse_error = azure_parse_error,
    .classify_error = azure_classify_error,
    .page = azure_page,
    .create = remote_create,
    .release = azure_release,
};

/* It becomes a part of the host's name. */
static enum rc
check_account(const char *account, struct err *e)
{
    if (account == NULL) {
        (void)err_set(e, RC_DENIED, "there is no account of Azure");
        return err_hint(e, "set AZURE_ACCOUNT_NAME, and AZURE_ACCOUNT_KEY or AZURE_ACCOUNT_SAS");
    }
    if (account[strspn(account, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0')
        return RC_OK;
    (void)err_set(e, RC_INVALID, "AZURE_ACCOUNT_NAME is not an account's name");
    return err_hint(e, "it has small letters and digits only");
}

static enum rc
azure_open(const char *address, const struct store_opts *o, struct store **out, struct err *e)
{
    const char *account = store_env(o, "AZURE_ACCOUNT_NAME");
    const char *suffix = store_env(o, "AZURE_ENDPOINT_SUFFIX");
    const char *tier = store_option(o, "azure.access-tier");
    CLEANUP(buf_release) struct buf path = BUF_INIT(64 * 1024);
    CLEANUP(mem_free_ptr) char *container = NULL;
    char *prefix;
    struct azure *s;

    if (check_account(account, e) || url_bucket(address, "azure", true, &container, &prefix, e))
        return err_code(e);
    buf_put(&path, "/", 1);
    http_escape(&path, container);
    if (buf_whole(&path, "the container's name", e)) {
        mem_free(prefix);
        return err_code(e);
    }
    s = MEM_NEW(struct azure);
    s->origin = mem_printf("https://%s.blob.%s", account, suffix ? suffix : "core.windows.net");
    s->container = mem_strdup(buf_c(&path));
    s->prefix = prefix;
    s->tier = tier == NULL ? NULL : mem_strdup(tier);
    if (remote_init(&s->remote, &ops, mem_printf("azure:%s:/%s", container, prefix), o, e) ||
        azure_credentials_new(o, s->remote.http, account, &s->credentials, e)) {
        azure_release(&s->remote);
        return err_code(e);
    }
    s->remote.at_bucket_root = s->prefix[0] == '\0';
    s->remote.prefix = s->prefix;
    *out = &s->remote.store;
    return RC_OK;
}

const struct store_scheme scheme_azure = {
    .name = "azure", .form = "azure:CONTAINER:/PREFIX", .open = azure_open};
