/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/swift -- a store in a container of OpenStack Swift, or of a server that speaks its API.
 *
 * Address  what follows "swift:": CONTAINER:/PREFIX. The first slash is none; a second one is part
 *          of the names, as for restic: swift:c://p and swift:c:/p are two places.
 * Options  swift.connections. SWIFT_DEFAULT_CONTAINER_POLICY: how a container that is made here
 *          keeps its objects. Credentials: swift_internal.h, swift_credentials.
 * Uploads  carry their MD5, which the server compares.
 * Source   OpenStack's Object Storage API reference, "Container quotas", "Rate limiting"; restic's
 *          swift backend as seen from outside.
 */
#include <stdio.h>

#include "base/hex.h"
#include "base/clock.h"
#include "base/mem.h"
#include "json/node.h"
#include "store/scheme.h"
#include "store/swift_internal.h"
#include "store/url.h"

enum { PAGE = 1000, URL_MAX_BYTES = 16 * 1024 };

struct swift {
    struct remote remote;
    struct swift_credentials *credentials;
    char *container; /* encoded */
    char *prefix;
    char *policy; /* of a container that is made; NULL: the server's */
};

static struct swift *
swift_of(struct remote *f)
{
    return CONTAINER_OF(f, struct swift, remote);
}

/* Swift has no codes beside the status, and some of its own. */
static const struct status {
    int status;
    enum rc rc;
    bool retry;
    const char *hint; /* NULL: none */
} statuses[] = {
    {403, RC_DENIED, false, "may the user read and write in this container?"},
    {413, RC_IO, false, "make room in the container, or have its quota or the account's raised"},
    {422, RC_UNAVAILABLE, true, NULL}, /* damaged on its way */
    {498, RC_UNAVAILABLE, true, NULL}, /* too many requests */
    {499, RC_UNAVAILABLE, true, NULL}, /* broken off */
    {507, RC_IO, false, "the server's disks are full"},
};

static void
add_url(const struct swift *s, const struct remote_op *w, const char *base, struct buf *to)
{
    buf_putf(to, "%s/%s", base, s->container);
    if (w->verb == REMOTE_CREATE)
        return;
    if (w->verb != REMOTE_LIST) {
        buf_put(to, "/", 1);
        remote_path(to, s->prefix, w);
        return;
    }
    buf_putf(to, "?format=json&limit=%d%s", PAGE,
             w->name.type == STORE_PACK ? "" : "&delimiter=%2F");
    if (w->page != NULL) {
        buf_putf(to, "&marker=");
        http_escape(to, w->page);
    }
    buf_putf(to, "&prefix=");
    remote_query(to, s->prefix, w);
}

static enum rc
swift_ask(struct ctx *cx, struct remote *f, const struct remote_op *w, struct remote_request *out,
          struct err *e)
{
    static const char *const methods[] = {
        [REMOTE_PUT] = "PUT",    [REMOTE_GET] = "GET",  [REMOTE_STAT] = "HEAD",
        [REMOTE_DEL] = "DELETE", [REMOTE_LIST] = "GET", [REMOTE_CREATE] = "PUT"};
    struct swift *s = swift_of(f);
    struct oauth_token *t = MEM_NEW(struct oauth_token);
    char md5[2 * MD5 + 1];

    if (swift_credentials_get(cx, s->credentials, t, e)) {
        mem_free(t);
        return err_code(e);
    }
    out->carried = t;
    out->method = methods[w->verb];
    out->want[1] = "X-Trans-Id";
    out->want[2] = "X-Openstack-Request-Id";
    add_url(s, w, swift_credentials_url(t), &out->url);
    remote_header(out, "X-Auth-Token: %s", t->text);
    if (w->verb == REMOTE_PUT) {
        hex_encode(w->md5, MD5, md5);
        remote_header(out, "ETag: %s", md5);
        remote_header(out, "Content-Type: application/octet-stream");
    }
    if (w->verb == REMOTE_CREATE && s->policy != NULL)
        remote_header(out, "X-Storage-Policy: %s", s->policy);
    return RC_OK;
}

static void
swift_done(struct remote *f, void *carried, const struct http_response *r)
{
    struct oauth_token *t = (struct oauth_token *)carried;

    if (r != NULL && r->status == 401)
        swift_credentials_refused(swift_of(f)->credentials, t);
    oauth_token_release(t);
    mem_free(t);
}

/* "<html><h1>Not Found</h1><p>words</p></html>", or only words. */
static void
swift_parse_error(struct remote *f, const struct http_response *r, struct remote_error *out)
{
    const uint8_t *at = r->body.n != 0 ? memmem(r->body.p, r->body.n, "<p>", 3) : NULL;
    const size_t from = at != NULL ? (size_t)(at - r->body.p) + 3 : 0;

    (void)f;
    for (size_t i = from, n = 0; i < r->body.n && n + 1 < sizeof(out->text); i++, n++) {
        if (r->body.p[i] < ' ' || r->body.p[i] == '<')
            break;
        out->text[n] = (char)r->body.p[i];
        out->text[n + 1] = '\0';
    }
    out->from_service = r->got[1][0] != '\0' || r->got[2][0] != '\0';
    if (r->status == 401) /* the token may have been called back: another one is worth a try */
        out->from_service = false;
}

static void
swift_classify_error(struct remote *f, const struct http_response *r,
                     const struct remote_error *words, struct err *e)
{
    (void)words;
    if (r->status == 401)
        (void)err_hint(e, "%s", swift_credentials_hint(swift_of(f)->credentials));
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        const struct status *s = &statuses[i];
        if (s->status != r->status)
            continue;
        e->code = s->rc;
        e->retry = s->retry;
        if (s->hint != NULL)
            (void)err_hint(e, "%s", s->hint);
    }
}

/* [{"name": "prefix/keys/3f..", "bytes": 1}, {"subdir": "prefix/keys/x/"}]: the last one's name is
 * where the next page begins. */
/* "2026-11-30T07:00:00.427570", which is UTC. */
static int64_t
read_written(const struct json *item)
{
    CLEANUP(mem_free_ptr)
    char *text = mem_printf("%sZ", json_text_or(json_field(item, "last_modified"), ""));
    struct err ignored = ERR_INIT;
    struct instant at;

    return instant_parse(str_c(text), &at, &ignored) == RC_OK ? instant_ms(at) : REMOTE_NO_TIME;
}

static enum rc
swift_page(struct ctx *cx, struct remote *f, const struct remote_op *w,
           const struct http_response *r, const struct remote_page *to, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    const struct json *last;
    size_t n;

    (void)cx;
    (void)f;
    (void)w;
    if (r->status == 204)
        return RC_OK;
    if (json_parse(buf_str(&r->body), &j, e))
        return err_code(e);
    n = json_size(j);
    for (size_t i = 0; i < n; i++) {
        const struct json *item = json_elem(j, i);
        int64_t bytes = json_int_or(json_field(item, "bytes"), -1);
        if (json_field(item, "subdir") != NULL)
            continue;
        if (bytes < 0)
            return err_set(e, RC_CORRUPT, "a size is not a number");
        if (to->fn(to->arg,
                   &(struct remote_entry){json_text_str(json_field(item, "name")), (uint64_t)bytes,
                                          read_written(item)},
                   e))
            return err_code(e);
    }
    if (n < PAGE)
        return RC_OK;
    last = json_elem(j, n - 1);
    if (json_field(last, "name") == NULL)
        return buf_add_str(to->next, json_text_str(json_field(last, "subdir")), e);
    return buf_add_str(to->next, json_text_str(json_field(last, "name")), e);
}

static void
swift_release(struct remote *f)
{
    struct swift *s = swift_of(f);

    swift_credentials_free(s->credentials);
    remote_release(f);
    mem_free(s->container);
    mem_free(s->prefix);
    mem_free(s->policy);
    mem_free(s);
}

static const struct remote_ops ops = {
    .wants_md5 = true,
    .shards = true,
    .lists_foreign = true,
    .ask = swift_ask,
    .done = swift_done,
    .parse_error = swift_parse_error,
    .classify_error = swift_classify_error,
    .page = swift_page,
    .create = remote_create,
    .release = swift_release,
};

static enum rc
swift_open(const char *address, const struct store_opts *o, struct store **out, struct err *e)
{
    const char *policy = store_env(o, "SWIFT_DEFAULT_CONTAINER_POLICY");
    CLEANUP(mem_free_ptr) char *container = NULL;
    CLEANUP(buf_release) struct buf escaped = BUF_INIT(URL_MAX_BYTES);
    char *prefix;
    struct swift *s;

    if (url_bucket(address, "swift", false, &container, &prefix, e))
        return err_code(e);
    http_escape(&escaped, container);
    if (buf_whole(&escaped, "the container's name", e)) {
        mem_free(prefix);
        return err_code(e);
    }
    s = MEM_NEW(struct swift);
    s->container = mem_strdup(buf_c(&escaped));
    s->prefix = prefix;
    s->policy = policy == NULL ? NULL : mem_strdup(policy);
    if (remote_init(&s->remote, &ops, mem_printf("swift:%s:/%s", container, prefix), o, e)) {
        swift_release(&s->remote);
        return err_code(e);
    }
    s->credentials = swift_credentials_new(o, s->remote.http);
    s->remote.at_bucket_root = s->prefix[0] == '\0';
    s->remote.prefix = s->prefix;
    *out = &s->remote.store;
    return RC_OK;
}

const struct store_scheme scheme_swift = {
    .name = "swift", .form = "swift:CONTAINER:/PREFIX", .open = swift_open};
