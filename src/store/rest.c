/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/rest -- a store on a server of restic's REST protocol, versions 1 and 2.
 *
 * Address  what follows "rest:": http[s]://[USER[:PASSWORD]@]HOST[:PORT]/PATH/. Without a user in
 *          it: RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD.
 * Options  rest.connections
 * Writing  such a server refuses to overwrite: `config` is deleted first, and written anew.
 * Source   restic doc/REST_backend.rst; rest-server as seen from outside.
 */
#include <stdio.h>

#include "base/mem.h"
#include "base/secret.h"
#include "json/pull.h"
#include "store/remote.h"
#include "store/scheme.h"

#define TYPE_V2 "application/vnd.x.restic.rest.v2"

struct rest {
    struct remote remote;
    char *base;            /* URL with a slash at its end, without the user */
    char *user, *password; /* NULL: none */
};

static struct rest *
rest_of(struct remote *f)
{
    return CONTAINER_OF(f, struct rest, remote);
}

static enum rc
rest_ask(struct ctx *cx, struct remote *f, const struct remote_op *w, struct remote_request *out,
         struct err *e)
{
    static const char *const methods[] = {
        [REMOTE_PUT] = "POST",   [REMOTE_GET] = "GET",  [REMOTE_STAT] = "HEAD",
        [REMOTE_DEL] = "DELETE", [REMOTE_LIST] = "GET", [REMOTE_CREATE] = "POST"};
    const struct rest *s = rest_of(f);
    struct remote_op flat = *w;
    char text[STORE_NAME_TEXT];

    (void)cx;
    (void)e;
    out->method = methods[w->verb];
    out->user = s->user;
    out->password = s->password;
    buf_putf(&out->url, "%s", s->base);
    if (w->verb == REMOTE_CREATE) {
        buf_putf(&out->url, "?create=true");
    } else if (w->name.type == STORE_PACK && w->verb != REMOTE_LIST) {
        buf_putf(&out->url, "data/%s", id_hex(&w->name.id, text)); /* no folder between */
    } else {
        flat.shard = NULL;
        remote_path(&out->url, "", &flat);
    }
    remote_header(out, "Accept: " TYPE_V2);
    if (w->verb == REMOTE_PUT)
        remote_header(out, "Content-Type: application/octet-stream");
    return RC_OK;
}

/* The first line of what it says; nothing in it tells the server's words from a proxy's. */
static void
rest_parse_error(struct remote *f, const struct http_response *r, struct remote_error *out)
{
    size_t n = 0;

    (void)f;
    while (n < r->body.n && n + 1 < sizeof(out->text) && r->body.p[n] >= ' ' && r->body.p[n] != '<')
        n++;
    (void)snprintf(out->text, sizeof(out->text), "%.*s", (int)n, (const char *)r->body.p);
}

static void
rest_classify_error(struct remote *f, const struct http_response *r,
                    const struct remote_error *words, struct err *e)
{
    (void)words;
    if (r->status == 401)
        (void)err_hint(e, "%s",
                       rest_of(f)->user == NULL
                           ? "set RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD"
                           : "are user and password right, and may the user see this path?");
    if (r->status == 413 || r->status == 507)
        (void)err_hint(e, "the server's space is used up");
}

/* {"name": "3f..", "size": 1} */
static enum rc
read_entry(struct pull *j, const struct remote_page *to, struct err *e)
{
    char name[ID_TEXT] = "";
    uint64_t size = 0;
    struct str key, text;
    bool more;

    if (pull_object(j, e))
        return err_code(e);
    for (;;) {
        enum rc rc = pull_key(j, &key, &more, e);
        if (rc != RC_OK || !more)
            return rc != RC_OK
                       ? rc
                       : to->fn(to->arg, &(struct remote_entry){str_c(name), size, REMOTE_NO_TIME},
                                e);
        if (str_eq(key, STR_LIT("name"))) {
            rc = pull_str(j, &text, e);
            if (rc == RC_OK)
                (void)snprintf(name, sizeof(name), "%.*s", (int)MIN(text.n, sizeof(name)),
                               (const char *)text.p);
        } else if (str_eq(key, STR_LIT("size"))) {
            rc = pull_u64(j, &size, e);
        } else {
            rc = pull_skip(j, e);
        }
        if (rc != RC_OK)
            return rc;
    }
}

/* Version 1 names objects only: the size of each is asked for. */
static enum rc
read_name(struct ctx *cx, struct remote *f, const struct remote_op *w, struct pull *j,
          const struct remote_page *to, struct err *e)
{
    struct store_name name = {.type = w->name.type};
    struct str text;
    uint64_t bytes;

    if (pull_str(j, &text, e))
        return err_code(e);
    if (!id_from_hex(text, &name.id))
        return RC_OK;
    if (f->store.ops->stat(cx, &f->store, &name, &bytes, e))
        return e->code == RC_NOT_FOUND ? RC_OK : err_code(e); /* deleted meanwhile */
    return to->fn(to->arg, &(struct remote_entry){text, bytes, REMOTE_NO_TIME}, e);
}

/* All comes at once. */
static enum rc
rest_page(struct ctx *cx, struct remote *f, const struct remote_op *w,
          const struct http_response *r, const struct remote_page *to, struct err *e)
{
    bool v2 = strncmp(r->content_type, TYPE_V2, strlen(TYPE_V2)) == 0, more = true;
    struct pull *j = MEM_NEW(struct pull);
    struct rd_mem m;
    bool none = false;
    enum rc rc;

    rd_mem_init(&m, buf_str(&r->body), 0);
    pull_init(j, &m.rd);
    rc = pull_null(j, &none, e); /* as some servers say "none" */
    if (rc == RC_OK && !none)
        rc = pull_array(j, e);
    while (rc == RC_OK && !none && more) {
        rc = pull_item(j, &more, e);
        if (rc == RC_OK && more)
            rc = v2 ? read_entry(j, to, e) : read_name(cx, f, w, j, to, e);
    }
    pull_release(j);
    mem_free(j);
    return rc;
}

static enum rc
rest_create(struct ctx *cx, struct remote *f, struct err *e)
{
    struct remote_op w = {.verb = REMOTE_CREATE};
    struct http_response r = {.status = 0};
    enum rc rc = remote_exchange(cx, f, &w, &r, e);

    http_response_release(&r);
    return rc;
}

static void
rest_release(struct remote *f)
{
    struct rest *s = rest_of(f);

    remote_release(f);
    mem_free(s->base);
    secret_free_text(s->user);
    secret_free_text(s->password);
    mem_free(s);
}

static const struct remote_ops ops = {
    .never_overwrites = true,
    .ask = rest_ask,
    .parse_error = rest_parse_error,
    .classify_error = rest_classify_error,
    .page = rest_page,
    .create = rest_create,
    .release = rest_release,
};

/* Percent-decoded. */
static char *
rest_decode(const char *p, size_t n)
{
    char *out = mem_strndup(p, n), *to = out;

    for (const char *at = out; *at != '\0'; at++) {
        uint8_t c;
        if (at[0] == '%' && at[1] != '\0' && hex_decode(str_of(at + 1, 2), &c, 1) && c != 0) {
            *to++ = (char)c;
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
    return out;
}

static char *
copy_env(const struct store_opts *o, const char *name)
{
    const char *v = store_env(o, name);

    return v == NULL ? NULL : mem_strdup(v);
}

static enum rc
rest_open(const char *address, const struct store_opts *o, struct store **out, struct err *e)
{
    const char *at = strstr(address, "://"), *path, *user;
    struct rest *s;

    if (at == NULL ||
        (strncmp(address, "http://", 7) != 0 && strncmp(address, "https://", 8) != 0)) {
        (void)err_set(e, RC_INVALID,
                      "the address of the repository is not a complete rest: address");
        return err_hint(e, "such as rest:https://host:8000/path/");
    }
    at += 3;
    path = at + strcspn(at, "/");
    user = memrchr(at, '@', (size_t)(path - at));
    s = MEM_NEW(struct rest);
    if (user != NULL) {
        const char *colon = memchr(at, ':', (size_t)(user - at));
        s->user = rest_decode(at, (size_t)((colon != NULL ? colon : user) - at));
        s->password = colon == NULL ? NULL : rest_decode(colon + 1, (size_t)(user - colon - 1));
        user++;
    } else {
        user = at;
        s->user = copy_env(o, "RESTIC_REST_USERNAME");
        s->password = s->user == NULL ? NULL : copy_env(o, "RESTIC_REST_PASSWORD");
    }
    s->base = mem_printf("%.*s%s%s", (int)(at - address), address, user,
                         user[strlen(user) - 1] == '/' ? "" : "/");
    if (remote_init(&s->remote, &ops, mem_printf("rest:%s", s->base), o, e)) {
        rest_release(&s->remote);
        return err_code(e);
    }
    s->remote.at_bucket_root = strcspn(user, "/") + 1 >= strlen(user);
    *out = &s->remote.store;
    return RC_OK;
}

const struct store_scheme scheme_rest = {.name = "rest", .form = "rest:URL", .open = rest_open};
