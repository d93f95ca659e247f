/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

enum {
    CHUNK = 64 * 1024,
    STACK = 1024 * 1024,
    BACKLOG = 128,
    UPGRADED_MS = 200, /* how often a connection looks whether the server ends */
    UPGRADED_END_MS = 10 * 1000
};

/* A connection on which nobody known has asked anything yet. */
struct guest {
    struct guest *next; /* who came later */
    int fd;
    bool listed; /* false: known by now, or told to go */
};

struct httpd {
    struct MHD_Daemon *daemon;
    struct ctx cx;
    httpd_knows_fn *knows;
    httpd_fn *handler;
    void *arg;
    unsigned port;
    pthread_mutex_t mutex; /* guards the guests and n_upgraded */
    struct guest *first;
    size_t n_guests;
    size_t n_upgraded; /* connections with a thread of ours */
    pthread_cond_t fewer;
};

/* ---- who is there ---- */

static void
guest_drop_locked(struct httpd *h, struct guest *g)
{
    struct guest **at = &h->first;

    if (!g->listed)
        return;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    g->listed = false;
    h->n_guests--;
}

static void
guest_add_locked(struct httpd *h, struct guest *g)
{
    struct guest **at = &h->first;

    while (*at != NULL)
        at = &(*at)->next;
    *at = g;
    g->listed = true;
    h->n_guests++;
}

static void
on_connection(void *arg, struct MHD_Connection *c, void **at,
              enum MHD_ConnectionNotificationCode code)
{
    struct httpd *h = (struct httpd *)arg;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct guest *g = (struct guest *)*at;

    (void)pthread_mutex_lock(&h->mutex);
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (g != NULL)
            guest_drop_locked(h, g);
        mem_free(g);
        *at = NULL;
    } else if (info != NULL) {
        g = MEM_NEW(struct guest);
        g->fd = info->connect_fd;
        *at = g;
        guest_add_locked(h, g);
        if (h->n_guests > HTTPD_STRANGERS) {
            struct guest *oldest = h->first;

            guest_drop_locked(h, oldest);
            (void)shutdown(oldest->fd, SHUT_RDWR); /* its thread closes it */
        }
    }
    (void)pthread_mutex_unlock(&h->mutex);
}

/* Who asks on this connection is known: it stays. */
static void
httpd_welcome(struct httpd *h, struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct guest *g = info != NULL ? (struct guest *)info->socket_context : NULL;

    (void)pthread_mutex_lock(&h->mutex);
    if (g != NULL)
        guest_drop_locked(h, g);
    (void)pthread_mutex_unlock(&h->mutex);
}

/* ---- requests ---- */

/* One request while its body arrives. */
struct call {
    char *uri;
    struct buf body;
    bool started, known, too_large;
    struct httpd_stream
        *upgraded; /* that an upgraded connection will send; NULL: none, or it does */
};

static void *
on_uri(void *arg, const char *uri, struct MHD_Connection *c)
{
    struct call *call = MEM_NEW(struct call);

    (void)arg;
    (void)c;
    call->uri = mem_strdup(uri);
    buf_init(&call->body, HTTPD_BODY_MAX);
    return call;
}

static void
on_done(void *arg, struct MHD_Connection *c, void **at, enum MHD_RequestTerminationCode why)
{
    struct call *call = (struct call *)*at;

    (void)arg;
    (void)c;
    (void)why;
    *at = NULL;
    if (call == NULL)
        return;
    if (call->upgraded != NULL)
        call->upgraded->close(call->upgraded);
    mem_free(call->uri);
    buf_release(&call->body);
    mem_free(call);
}

static ssize_t
on_read(void *arg, uint64_t pos, char *to, size_t n)
{
    struct httpd_stream *s = (struct httpd_stream *)arg;
    struct err e = ERR_INIT;
    size_t got = 0;

    (void)pos;
    if (rd_read(&s->rd, (uint8_t *)to, n, &got, &e))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    return got == 0 ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)got;
}

static void
on_close(void *arg)
{
    struct httpd_stream *s = (struct httpd_stream *)arg;

    s->close(s);
}

static void
on_free(void *p)
{
    mem_free(p);
}

/* ---- connections that go on as something else ---- */

static bool
httpd_ends(const struct httpd *h)
{
    return atomic_load(&h->cx.cancelled);
}

struct upgraded {
    struct httpd *h;
    struct httpd_stream *stream;
    struct MHD_UpgradeResponseHandle *handle;
    int fd;
};

static bool
upgraded_send(const struct upgraded *u, const char *p, size_t n)
{
    while (n > 0) {
        struct pollfd ready = {.fd = u->fd, .events = POLLOUT};
        ssize_t done = send(u->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (done < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (done < 0 && (poll(&ready, 1, UPGRADED_MS) < 0 || httpd_ends(u->h)))
            return false;
        p += MAX(done, 0);
        n -= (size_t)MAX(done, 0);
    }
    return true;
}

/* What was sent may still be on its way: until the other side hangs up. */
static void
upgraded_linger(const struct upgraded *u)
{
    for (int waited = 0; waited < UPGRADED_END_MS && !httpd_ends(u->h);) {
        struct pollfd ready = {.fd = u->fd, .events = POLLIN};
        char some[4096];
        int n = poll(&ready, 1, UPGRADED_MS);

        if (n == 0)
            waited += UPGRADED_MS;
        else if (n < 0 || recv(u->fd, some, sizeof(some), MSG_DONTWAIT) == 0)
            return;
    }
}

static void *
upgraded_main(void *arg)
{
    struct upgraded *u = (struct upgraded *)arg;
    struct httpd *h = u->h;
    char *some = mem_alloc(CHUNK);
    ssize_t n;

    while ((n = on_read(u->stream, 0, some, CHUNK)) > 0 && upgraded_send(u, some, (size_t)n))
        ;
    upgraded_linger(u);
    u->stream->close(u->stream);
    (void)MHD_upgrade_action(u->handle, MHD_UPGRADE_ACTION_CLOSE);
    mem_free(some);
    mem_free(u);
    (void)pthread_mutex_lock(&h->mutex);
    h->n_upgraded--;
    (void)pthread_cond_signal(&h->fewer);
    (void)pthread_mutex_unlock(&h->mutex);
    return NULL;
}

/* One more thread of ours, unless the server ends. */
static bool
upgraded_begin(struct httpd *h)
{
    bool ends;

    (void)pthread_mutex_lock(&h->mutex);
    ends = httpd_ends(h);
    h->n_upgraded += !ends;
    (void)pthread_mutex_unlock(&h->mutex);
    return !ends;
}

static void
on_upgrade(void *arg, struct MHD_Connection *c, void *at, const char *extra, size_t n_extra,
           MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
    struct httpd *h = (struct httpd *)arg;
    struct call *call = (struct call *)at;
    struct upgraded *u;
    struct err e = ERR_INIT;
    pthread_t thread;

    (void)c;
    (void)extra;
    (void)n_extra;
    if (call == NULL || call->upgraded == NULL || !upgraded_begin(h)) {
        (void)MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
        return;
    }
    u = MEM_NEW(struct upgraded);
    *u = (struct upgraded){.h = h, .stream = TAKE(call->upgraded), .handle = handle, .fd = fd};
    if (thread_start(&thread, "upgraded", upgraded_main, u, &e)) {
        log_err(&e);
        (void)shutdown(fd, SHUT_RDWR);
        (void)upgraded_main(u);
        return;
    }
    (void)pthread_detach(thread);
}

static enum MHD_Result
queue_answer(struct httpd *h, struct MHD_Connection *c, struct call *call, struct httpd_answer *a)
{
    struct MHD_Response *r;
    enum MHD_Result done;

    if (a->stream != NULL && a->status == MHD_HTTP_SWITCHING_PROTOCOLS) {
        call->upgraded = a->stream;
        r = MHD_create_response_for_upgrade(on_upgrade, h);
    } else if (a->stream != NULL) {
        (void)MHD_set_connection_option(c, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
        r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK, on_read, a->stream,
                                              on_close);
        if (r == NULL)
            a->stream->close(a->stream);
    } else if (a->body.n == 0) {
        r = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
        buf_release(&a->body);
    } else {
        r = MHD_create_response_from_buffer_with_free_callback(a->body.n, a->body.p, on_free);
        if (r == NULL)
            buf_release(&a->body);
    }
    if (r != NULL) {
        if (call == NULL || call->upgraded == NULL)
            (void)MHD_add_response_header(r, "Content-Type", a->content_type);
        for (size_t i = 0; i < a->n_headers; i++)
            (void)MHD_add_response_header(r, a->headers[i].name, a->headers[i].value);
    }
    for (size_t i = 0; i < a->n_headers; i++)
        mem_free(a->headers[i].value);
    if (r == NULL)
        return MHD_NO;
    done = MHD_queue_response(c, (unsigned)a->status, r);
    MHD_destroy_response(r);
    return done;
}

static enum MHD_Result
/* NOLINTNEXTLINE(readability-function-size): the library's signature */
on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
           const char *version, const char *data, size_t *n, void **at)
{
    struct httpd *h = (struct httpd *)arg;
    struct call *call = (struct call *)*at;
    struct httpd_answer answer = {.status = 200, .content_type = "text/plain; charset=utf-8"};
    struct httpd_request rq;
    const union MHD_ConnectionInfo *info;
    struct err e = ERR_INIT;

    (void)url;
    (void)version;
    if (call == NULL)
        return MHD_NO;
    if (!call->started) {
        call->started = true;
        call->known =
            h->knows == NULL ||
            h->knows(h->arg, MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization"));
        if (call->known) {
            httpd_welcome(h, c);
            return MHD_YES;
        }
        *n = 0; /* answered at once: the library closes the connection, body and all */
    }
    if (*n > 0) {
        call->too_large = call->too_large || buf_add(&call->body, data, *n, &e) != RC_OK;
        *n = 0;
        return MHD_YES;
    }
    buf_init(&answer.body, HTTPD_ANSWER_MAX);
    if (call->too_large) {
        answer.status = 413;
        buf_must_printf(&answer.body, "the body is larger than %d bytes\n", HTTPD_BODY_MAX);
        return queue_answer(h, c, call, &answer);
    }
    info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    rq = (struct httpd_request){
        .method = method,
        .uri = call->uri,
        .content_type = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Type"),
        .accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept"),
        .impersonate = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Impersonate-User"),
        .authorization =
            call->known ? MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization") : NULL,
        .upgrade_key = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Sec-WebSocket-Key"),
        .upgrade_protocols =
            MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Sec-WebSocket-Protocol"),
        .body = buf_str(&call->body),
        .peer = info != NULL ? info->connect_fd : -1,
    };
    h->handler(h->arg, &h->cx, &rq, &answer);
    return queue_answer(h, c, call, &answer);
}

PRINTF_LIKE(2, 0)
static void
on_log(void *arg, const char *fmt, va_list ap)
{
    char line[400];

    (void)arg;
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    line[strcspn(line, "\n")] = '\0';
    log_debug("http server: %s", line);
}

enum { HOST_MAX = 128, PORT_DIGITS = 5, PORT_MAX = 65535 };

/* "host:port" taken apart: the host without its brackets. */
static enum rc
split_address(const char *where, char host[static HOST_MAX], const char **port, struct err *e)
{
    const char *colon = strrchr(where, ':');
    size_t n, digits;

    if (colon == NULL || (n = (size_t)(colon - where)) >= HOST_MAX)
        return err_set(e, RC_INVALID, "%s is not an address to listen on, such as 127.0.0.1:8080",
                       where);
    digits = strspn(colon + 1, "0123456789");
    /* The resolver would take what is left of a larger one. */
    if (digits == 0 || digits > PORT_DIGITS || colon[1 + digits] != '\0' ||
        strtol(colon + 1, NULL, 10) > PORT_MAX)
        return err_set(e, RC_INVALID, "%s: the port must be a number from 0 to %d", where,
                       PORT_MAX);
    memcpy(host, where, n);
    host[n] = '\0';
    if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
        memmove(host, host + 1, n - 2);
        host[n - 2] = '\0';
    }
    if (strcmp(host, "localhost") == 0)
        memcpy(host, "127.0.0.1", sizeof("127.0.0.1"));
    *port = colon + 1;
    return RC_OK;
}

static enum rc
resolve_address(const char *where, struct addrinfo **out, struct err *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST};
    char host[HOST_MAX];
    const char *port;

    if (split_address(where, host, &port, e))
        return err_code(e);
    if (getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, out) != 0)
        return err_set(e, RC_INVALID, "%s is not an address to listen on, such as 127.0.0.1:8080",
                       where);
    return RC_OK;
}

enum rc
httpd_check_address(const char *where, struct err *e)
{
    struct addrinfo *list = NULL;

    if (resolve_address(where, &list, e))
        return err_code(e);
    freeaddrinfo(list);
    return RC_OK;
}

/* A bound, listening socket for "host:port". */
static enum rc
listen_on(const char *where, int *out, unsigned *port, struct err *e)
{
    struct addrinfo *list = NULL;
    struct sockaddr_in6 got = {0}; /* the port of IPv4 is at the same place */
    socklen_t len = sizeof(got);
    int fd, one = 1;

    if (resolve_address(where, &list, e))
        return err_code(e);
    fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, list->ai_addr, list->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&got, &len) != 0) {
        (void)err_sys(e, errno, "could not listen on %s", where);
        e->code = RC_UNAVAILABLE;
        if (fd >= 0)
            (void)close(fd);
        freeaddrinfo(list);
        return err_code(e);
    }
    freeaddrinfo(list);
    *port = ntohs(got.sin6_port);
    *out = fd;
    return RC_OK;
}

enum rc
httpd_check_free(const char *where, struct err *e)
{
    unsigned port;
    int fd;

    if (listen_on(where, &fd, &port, e))
        return err_code(e);
    (void)close(fd);
    return RC_OK;
}

enum rc
httpd_open(const struct httpd_opts *o, struct httpd **out, struct err *e)
{
    struct httpd *h = MEM_NEW(struct httpd);
    bool tls = o->cert_pem != NULL && o->key_pem != NULL;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                     MHD_USE_POLL | MHD_USE_ERROR_LOG | MHD_USE_ITC | MHD_ALLOW_UPGRADE |
                     (tls ? MHD_USE_TLS : 0U);
    struct MHD_OptionItem more[] = {
        {tls ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, 0, (void *)(uintptr_t)o->key_pem},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->cert_pem},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    int fd = -1;

    (void)pthread_mutex_init(&h->mutex, NULL);
    (void)pthread_cond_init(&h->fewer, NULL);
    h->knows = o->knows;
    h->handler = o->handler;
    h->arg = o->arg;
    h->cx.fd = -1;
    if (listen_on(o->listen, &fd, &h->port, e)) {
        mem_free(h);
        return err_code(e);
    }
    if (ctx_init(&h->cx, e)) {
        (void)close(fd);
        mem_free(h);
        return err_code(e);
    }
    h->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
        MHD_OPTION_CONNECTION_LIMIT,
        /* Twice the guests: those that were told to go take a moment. */
        (o->connections_max != 0 ? o->connections_max : 256U) + 2 * HTTPD_STRANGERS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTPD_IDLE_S, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)STACK, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(128 * 1024), MHD_OPTION_ARRAY,
        more, MHD_OPTION_END);
    if (h->daemon == NULL) {
        (void)close(fd);
        ctx_release(&h->cx);
        mem_free(h);
        return err_set(e, RC_INTERNAL, "could not start the HTTP server on %s", o->listen);
    }
    *out = h;
    return RC_OK;
}

void
httpd_close(struct httpd *h)
{
    if (h == NULL)
        return;
    ctx_cancel(&h->cx);
    (void)pthread_mutex_lock(&h->mutex);
    while (h->n_upgraded > 0)
        (void)pthread_cond_wait(&h->fewer, &h->mutex);
    (void)pthread_mutex_unlock(&h->mutex);
    MHD_stop_daemon(h->daemon);
    ctx_release(&h->cx);
    (void)pthread_cond_destroy(&h->fewer);
    (void)pthread_mutex_destroy(&h->mutex);
    mem_free(h);
}

unsigned
httpd_port(const struct httpd *h)
{
    return h->port;
}

void
httpd_add_header(struct httpd_answer *a, const char *name, const char *value)
{
    if (a->n_headers == HTTPD_HEADERS_MAX)
        return;
    a->headers[a->n_headers].name = name;
    a->headers[a->n_headers++].value = mem_strdup(value);
}

bool
httpd_peer_is_gone(int peer)
{
    struct pollfd p = {.fd = peer, .events = POLLRDHUP};

    return peer >= 0 && poll(&p, 1, 0) == 1;
}
