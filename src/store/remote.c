/* SPDX-License-Identifier: Apache-2.0 */
#include "store/remote.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/remote_internal.h"

enum { SKEW_S = 15 * 60, HEADER_MAX = 24 * 1024 };

void
remote_header(struct remote_request *a, const char *fmt, ...)
{
    char text[HEADER_MAX];
    va_list ap;
    int n;

    BUG_ON(a->n_headers == REMOTE_HEADERS);
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    a->over = a->over || n < 0 || (size_t)n >= sizeof(text);
    a->headers[a->n_headers++] = mem_strdup(a->over ? "" : text);
    mem_wipe(text, sizeof(text));
}

static enum rc
remote_get(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t off,
           uint8_t *to, size_t n, struct err *e)
{
    struct remote_op w = {.verb = REMOTE_GET, .name = *name, .off = off, .to = to, .n = n};
    struct http_response r = {.status = 0};

    if (n == 0)
        return ctx_check(cx, e);
    if (remote_exchange(cx, remote_of(s), &w, &r, e))
        return err_code(e);
    http_response_release(&r);
    return RC_OK;
}

static enum rc
remote_get_once(struct ctx *cx, struct store *s, const struct store_name *name, struct buf *out,
                struct err *e)
{
    struct remote_op w = {.verb = REMOTE_GET, .name = *name, .n = out->max - out->n};
    struct http_response r = {.status = 0};
    enum rc rc = remote_exchange(cx, remote_of(s), &w, &r, e);

    if (rc == RC_OK)
        rc = store_check_hash(name, buf_str(&r.body), e);
    if (rc == RC_OK && buf_add_str(out, buf_str(&r.body), e))
        rc = store_too_large(name, r.body.n, e);
    http_response_release(&r);
    return rc;
}

/* What has another hash than its name may have been damaged on its way. */
static enum rc
remote_get_all(struct ctx *cx, struct store *s, const struct store_name *name, struct buf *out,
               struct err *e)
{
    struct retry again = store_retry_damaged(s);
    char text[STORE_NAME_TEXT];
    struct err why = ERR_INIT;
    enum rc rc;

    do {
        rc = remote_get_once(cx, s, name, out, &why);
    } while (rc == RC_CORRUPT && retry_next(cx, &again, &why));
    if (rc == RC_OK)
        return RC_OK;
    *e = why;
    return e->code == RC_CORRUPT
               ? err_wrap(e, "could not read %s at %s", store_name_text(name, text), s->place)
               : err_code(e);
}

/* Ask for an object until the answer tells what is wanted; `read` takes it out of that. */
static enum rc
ask_about(struct ctx *cx, struct store *s, const struct store_name *name,
          bool (*read)(const struct remote *f, const struct http_response *r, void *to), void *to,
          bool *told, struct err *e)
{
    struct remote_op w = {.verb = REMOTE_STAT, .name = *name};
    struct remote *f = remote_of(s);

    *told = false;
    for (int left = STORE_TRIES; left > 0 && !*told; left--) {
        struct http_response r = {.status = 0};
        if (remote_exchange(cx, f, &w, &r, e))
            return err_code(e);
        *told = read(f, &r, to);
        http_response_release(&r);
    }
    return RC_OK;
}

static bool
read_size(const struct remote *f, const struct http_response *r, void *to)
{
    uint64_t *bytes = (uint64_t *)to;

    return f->ops->size != NULL ? f->ops->size(r, bytes)
                                : str_to_u64(str_c(r->got[REMOTE_WANT_SIZE]), bytes);
}

static enum rc
stat_object(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t *bytes,
            struct err *e)
{
    char text[STORE_NAME_TEXT];
    bool told;

    if (ask_about(cx, s, name, read_size, bytes, &told, e))
        return err_code(e);
    if (told)
        return RC_OK;
    return err_set(e, RC_CORRUPT, "could not ask for %s at %s: the answer tells no length",
                   store_name_text(name, text), s->place);
}

bool
remote_date(const char *text, int64_t *ms)
{
    struct tm tm = {.tm_sec = 0};

    if (strptime(text, "%a, %d %b %Y %H:%M:%S", &tm) == NULL)
        return false;
    *ms = (int64_t)timegm(&tm) * 1000;
    return true;
}

static bool
read_age(const struct remote *f, const struct http_response *r, void *to)
{
    struct store_age *age = (struct store_age *)to;
    int64_t now, written;

    if (!remote_date(r->got[REMOTE_WANT_DATE], &now))
        return false;
    age->by_claim = !(f->ops->written != NULL ? f->ops->written(r, &written)
                                              : remote_date(r->got[REMOTE_WANT_WRITTEN], &written));
    age->ms = now - (age->by_claim ? age->claimed : written);
    return true;
}

static enum rc
remote_age(struct ctx *cx, struct store *s, const struct store_name *name, struct store_age *out,
           struct err *e)
{
    bool told;

    if (ask_about(cx, s, name, read_age, out, &told, e))
        return err_code(e);
    return told ? RC_OK : err_set(e, RC_UNSUPPORTED, "%s does not tell what time it is", s->place);
}

static enum rc
remote_del(struct ctx *cx, struct store *s, const struct store_name *name, struct err *e)
{
    struct remote_op w = {.verb = REMOTE_DEL, .name = *name};
    struct http_response r = {.status = 0};
    struct remote *f = remote_of(s);
    struct err mine = ERR_INIT;
    enum rc rc = f->ops->del != NULL ? f->ops->del(cx, f, name, &mine)
                                     : remote_exchange(cx, f, &w, &r, &mine);

    http_response_release(&r);
    if (rc == RC_OK || rc == RC_NOT_FOUND)
        return RC_OK;
    *e = mine;
    return rc;
}

static enum rc
remote_create_place(struct ctx *cx, struct store *s, struct err *e)
{
    struct remote *f = remote_of(s);
    struct err why = ERR_INIT;
    enum rc rc = f->ops->create(cx, f, &why); /* which looks first, and may not find it */

    /* Somebody made it since, or we did and never heard: another look tells whether it is ours. */
    if (rc == RC_CONFLICT)
        rc = f->ops->create(cx, f, &why);
    if (rc != RC_OK)
        *e = why;
    return rc;
}

static void
remote_release_store(struct store *s)
{
    struct remote *f = remote_of(s);

    f->ops->release(f);
}

static const struct store_ops remote_ops_of_store = {
    .create = remote_create_place,
    .put_begin = remote_put_begin,
    .put_write = remote_put_write,
    .put_commit = remote_put_commit,
    .put_abort = remote_put_abort,
    .get = remote_get,
    .get_all = remote_get_all,
    .stat = stat_object,
    .age = remote_age,
    .list = remote_list,
    .del = remote_del,
    .foreign_object = remote_foreign_object,
    .walk = remote_walk,
    .release = remote_release_store,
};

/* What a request may come down to: a slow line, or the user's limits, shared by all connections. */
static unsigned
slowest_rate(const struct store_opts *o, unsigned connections)
{
    enum { SLOW_LINE = 16 * 1024, UNFAIR = 4 };
    uint64_t rate = SLOW_LINE, limits[] = {o->send_rate, o->receive_rate};

    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (limits[i] > 0)
            rate = MIN(rate, limits[i] / (UNFAIR * MAX(connections, 1U)));
    return (unsigned)MAX(rate, (uint64_t)1);
}

enum rc
remote_init(struct remote *f, const struct remote_ops *ops, char *place, const struct store_opts *o,
            struct err *e)
{
    struct http_opts h = {.ca = o->ca,
                          .ca_file = o->ca_file,
                          .cert = o->client_cert,
                          .key = o->client_cert,
                          .insecure = o->insecure_tls,
                          .no_link_local = o->guarded,
                          .http2 = true,
                          .connect_ms = 30000,
                          .connections = o->connections > 0 ? o->connections : STORE_CONNECTIONS,
                          .send_rate = o->send_rate,
                          .receive_rate = o->receive_rate};

    f->store = (struct store){
        .ops = &remote_ops_of_store, .place = place, .remote = true, .connections = h.connections};
    f->ops = ops;
    f->slowest = slowest_rate(o, h.connections);
    f->retry_ms = o->retry_ms == STORE_NO_RETRY ? 0
                  : o->retry_ms > 0             ? o->retry_ms
                                                : REMOTE_RETRY_MS;
    atomic_init(&f->contacted, false);
    (void)pthread_mutex_init(&f->pool.mutex, NULL);
    return http_new(&h, &f->http, e);
}

void
remote_release(struct remote *f)
{
    http_free(f->http);
    upload_pool_release(&f->pool);
    mem_free(f->store.place);
}

enum rc
remote_create(struct ctx *cx, struct remote *f, struct err *e)
{
    struct remote_op look = {.verb = REMOTE_LIST, .name.type = STORE_KEY},
                     make = {.verb = REMOTE_CREATE};
    struct http_response r = {.status = 0};
    enum rc rc = remote_exchange(cx, f, &look, &r, e);

    http_response_release(&r);
    if (rc != RC_NOT_FOUND)
        return rc == RC_DENIED && e->sys == 403 ? RC_OK : rc;
    rc = remote_exchange(cx, f, &make, &r, e);
    http_response_release(&r);
    return rc;
}

bool
remote_clock_is_wrong(const char *date, struct err *e)
{
    int sys = e->sys;
    long long ahead;
    int64_t there;

    if (!remote_date(date, &there))
        return false;
    ahead = (clock_real_ms() - there) / 1000;
    if (llabs(ahead) < SKEW_S)
        return false;
    (void)err_set(e, RC_DENIED, "the clock of this machine is %lld min %s the server's",
                  llabs(ahead) / 60, ahead > 0 ? "ahead of" : "behind");
    e->sys = sys;
    (void)err_hint(e, "set the clock: signatures are good for 15 minutes only");
    return true;
}

void
remote_escape_path(struct buf *to, const char *path)
{
    for (;;) {
        size_t n = strcspn(path, "/");
        char *part = mem_strndup(path, n);
        http_escape(to, part);
        mem_free(part);
        path += n;
        if (*path == '\0')
            return;
        buf_put(to, "/", 1);
        path++;
    }
}

void
remote_path(struct buf *to, const char *prefix, const struct remote_op *w)
{
    char text[STORE_NAME_TEXT];

    remote_escape_path(to, prefix);
    if (prefix[0] != '\0' && prefix[strlen(prefix) - 1] != '/')
        buf_put(to, "/", 1);
    if (w->verb != REMOTE_LIST) {
        buf_putf(to, "%s", store_name_text(&w->name, text));
        return;
    }
    if (w->foreign)
        return;
    *strchr(store_name_text(&w->name, text), '/') = '\0';
    buf_putf(to, "%s/%s", text, w->shard != NULL ? w->shard : "");
}

void
remote_query(struct buf *to, const char *prefix, const struct remote_op *w)
{
    struct buf path = BUF_INIT(16 * 1024);

    remote_path(&path, prefix, w);
    to->over = to->over || path.over;
    for (size_t i = 0; i < path.n; i++) /* it is encoded, but for its slashes */
        buf_putf(to, path.p[i] == '/' ? "%%2F" : "%c", path.p[i]);
    buf_release(&path);
}
