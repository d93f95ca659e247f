/* SPDX-License-Identifier: Apache-2.0 */
#include "http/client_internal.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"

enum {
    CONNECT_MS = 10000,
    IDLE_MAX = 8,
    STEP_MS = 60000,
    TURN_MS = 100,
    BUFFER_BYTES = 256 * 1024,
    NS_PER_MS = 1000000
};

/* Options whose type the library checks; a failure is our mistake or the end of memory. */
#define SET(easy, option, value)                                                                   \
    do {                                                                                           \
        if (curl_easy_setopt(easy, option, value) != CURLE_OK)                                     \
            BUG("the HTTP library does not take %s", #option);                                     \
    } while (0)

static long
status_of(struct transfer *t)
{
    long status = 0;

    (void)curl_easy_getinfo(t->slot->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* All of it is taken; what lies outside of the range is forgotten. */
static void
take_in_place(struct transfer *t, const char *p, size_t n, bool whole)
{
    size_t skip = whole ? (size_t)MIN(t->to_skip, (uint64_t)n) : 0;
    size_t step = MIN(n - skip, t->to_max - t->to_n);

    if (whole)
        t->to_skip -= skip;
    memcpy(t->to + t->to_n, p + skip, step);
    t->to_n += step;
}

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = (struct transfer *)arg;
    struct err ignored = ERR_INIT;

    n *= size;
    if (t->to != NULL && status_of(t) / 100 == 2) {
        take_in_place(t, p, n, status_of(t) != 206);
        return n;
    }
    if (t->pause_bytes > 0 && t->in.n >= t->pause_bytes) {
        t->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (buf_add(&t->in, p, n, &ignored)) {
        t->too_large = true;
        return 0;
    }
    return n;
}

/* The empty line ends the head, unless that was a "100 Continue" or a proxy's. */
static size_t
take_header(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = (struct transfer *)arg;
    long status = 0;

    (void)p;
    if (size * n <= 2) {
        (void)curl_easy_getinfo(t->slot->easy, CURLINFO_RESPONSE_CODE, &status);
        t->head = t->head || status >= 200;
    }
    return size * n;
}

/*
 * Ask for the host that the certificate shall name, but connect to the URL's: the library takes
 * server name and peer name from the URL only.
 */
static enum rc
rename_host(struct transfer *t, CURLU *u, const char *server_name, struct err *e)
{
    char *host = NULL, *port = NULL;
    char *line;
    bool ok = curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
              curl_url_set(u, CURLUPART_HOST, server_name, 0) == CURLUE_OK;

    if (ok) {
        line = mem_printf("Host: %s:%s", host, port);
        t->headers = curl_slist_append(t->headers, line);
        mem_free(line);
        line = mem_printf("%s:%s:%s:%s", server_name, port, host, port);
        t->connect_to = curl_slist_append(NULL, line);
        mem_free(line);
    }
    curl_free(host);
    curl_free(port);
    return ok ? RC_OK : err_set(e, RC_INVALID, "\"%.100s\" is not a server name", server_name);
}

/* Read the URL: what is sent, and host and port for messages. User and password in it are refused. */
static enum rc
read_url(struct transfer *t, const char *url, struct err *e)
{
    CURLU *u = curl_url();
    char *host = NULL, *port = NULL, *scheme = NULL, *text = NULL;
    enum rc rc = RC_OK;

    if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        rc = err_set(e, RC_INVALID, "the address is not an http:// or https:// URL");
    } else {
        (void)snprintf(t->peer, sizeof(t->peer), "%s:%s", host, port);
        if (t->h->o.server_name != NULL && strcmp(scheme, "https") == 0)
            rc = rename_host(t, u, t->h->o.server_name, e);
        if (rc == RC_OK && curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK)
            t->url = mem_strdup(text);
    }
    curl_free(text);
    curl_free(host);
    curl_free(port);
    curl_free(scheme);
    curl_url_cleanup(u);
    return rc;
}

static bool
is_one_line(const char *s)
{
    return strpbrk(s, "\r\n") == NULL;
}

static enum rc
set_headers(struct transfer *t, const struct http_request *rq, struct err *e)
{
    bool typed = false;

    for (const char *const *h = rq->headers; h != NULL && *h != NULL; h++) {
        if (!is_one_line(*h))
            return err_set(e, RC_INVALID, "a header has a line break");
        typed = typed || strncasecmp(*h, "content-type:", 13) == 0;
        t->headers = curl_slist_append(t->headers, *h);
    }
    if (rq->bearer != NULL) {
        char *line;
        if (!is_one_line(rq->bearer))
            return err_set(e, RC_INVALID, "the token has a line break");
        line = mem_printf("Authorization: Bearer %s", rq->bearer);
        t->headers = curl_slist_append(t->headers, line);
        secret_free_text(line);
    }
    t->headers = curl_slist_append(t->headers, "Expect:");
    if (!typed)
        t->headers = curl_slist_append(t->headers, "Content-Type:");
    SET(t->slot->easy, CURLOPT_HTTPHEADER, t->headers);
    return RC_OK;
}

static void
set_blob(CURL *easy, CURLoption option, struct str s)
{
    struct curl_blob blob = {.data = (void *)(uintptr_t)s.p, .len = s.n, .flags = CURL_BLOB_NOCOPY};

    if (s.n > 0)
        SET(easy, option, &blob);
}

static void
set_tls(CURL *easy, const struct http_opts *o)
{
    set_blob(easy, CURLOPT_CAINFO_BLOB, o->ca);
    if (o->ca_file != NULL)
        SET(easy, CURLOPT_CAINFO, o->ca_file);
    set_blob(easy, CURLOPT_SSLCERT_BLOB, o->cert);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, o->key);
    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(easy, CURLOPT_SSL_VERIFYPEER, o->insecure ? 0L : 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, o->insecure ? 0L : 2L);
}

static void
set_request(CURL *easy, const struct http_request *rq, bool stream)
{
    char range[48];

    if (rq->body.n > 0 || (rq->method != NULL && strcmp(rq->method, "POST") == 0)) {
        SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.n);
        if (stream)
            SET(easy, CURLOPT_COPYPOSTFIELDS, rq->body.n > 0 ? (const char *)rq->body.p : "");
        else
            SET(easy, CURLOPT_POSTFIELDS, rq->body.n > 0 ? (const char *)rq->body.p : "");
    }
    if (rq->method != NULL)
        SET(easy, CURLOPT_CUSTOMREQUEST, rq->method);
    if (rq->user != NULL) {
        SET(easy, CURLOPT_USERNAME, rq->user);
        SET(easy, CURLOPT_PASSWORD, rq->password != NULL ? rq->password : "");
    }
    if (rq->method != NULL && strcmp(rq->method, "HEAD") == 0)
        SET(easy, CURLOPT_NOBODY, 1L);
    if (stream)
        return;
    if (rq->to != NULL) {
        (void)snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)rq->to_off,
                       (unsigned long long)(rq->to_off + rq->to_n - 1));
        SET(easy, CURLOPT_RANGE, range);
    } else {
        SET(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    }
    if (rq->timeout_ms > 0)
        SET(easy, CURLOPT_TIMEOUT_MS, (long)rq->timeout_ms);
    if (rq->stall_s > 0) {
        SET(easy, CURLOPT_LOW_SPEED_LIMIT, (long)HTTP_LEAST_RATE);
        SET(easy, CURLOPT_LOW_SPEED_TIME, (long)rq->stall_s);
    }
}

/* ADDRESS/BITS, as bytes in the order of the network. */
struct net {
    uint8_t at[16];
    unsigned bits;
};
/* Where clouds and machines keep services for themselves: identities, tokens, user data. */
static const struct net nets4[] = {
    {{169, 254}, 16},           /* link-local; metadata of most clouds */
    {{100, 100, 100, 200}, 32}, /* metadata of Alibaba Cloud */
    {{168, 63, 129, 16}, 32},   /* the host of a virtual machine of Azure */
};
static const struct net nets6[] = {
    {{0xfe, 0x80}, 10},                                     /* link-local */
    {{0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}, 128}, /* metadata of AWS */
};

static bool
is_within(const uint8_t *at, const struct net *nets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned bytes = nets[i].bits / 8, rest = nets[i].bits % 8;

        if (memcmp(at, nets[i].at, bytes) == 0 &&
            (rest == 0 || ((at[bytes] ^ nets[i].at[bytes]) >> (8 - rest)) == 0))
            return true;
    }
    return false;
}

/* IPv4 in its IPv6 clothes (mapped, compatible, translated by NAT64) counts as what it is. */
static bool
is_link_local(const struct sockaddr *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, compatible[12] = {0},
                         nat64[12] = {0, 0x64, 0xff, 0x9b};
    const uint8_t *at;

    if (a->sa_family == AF_INET)
        return is_within((const uint8_t *)&((const struct sockaddr_in *)(const void *)a)->sin_addr,
                         nets4, ARRAY_LEN(nets4));
    if (a->sa_family != AF_INET6)
        return false;
    at = ((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr;
    if (memcmp(at, mapped, 12) == 0 || memcmp(at, compatible, 12) == 0 ||
        memcmp(at, nat64, 12) == 0)
        return is_within(at + 12, nets4, ARRAY_LEN(nets4));
    return is_within(at, nets6, ARRAY_LEN(nets6));
}

/* What the library opens would stay open in every program that we start. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct transfer *t = (struct transfer *)arg;

    (void)purpose;
    if (t->no_link_local && is_link_local(&a->addr)) {
        t->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static void
set_common(struct transfer *t, const struct http_opts *o)
{
    CURL *easy = t->slot->easy;

    SET(easy, CURLOPT_ERRORBUFFER, t->why);
    SET(easy, CURLOPT_URL, t->url);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_HTTP_VERSION,
        (long)(o->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    /* Only for speed; the library refuses while the handle's last attempt is not quite over. */
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER_BYTES);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(easy, CURLOPT_OPENSOCKETDATA, t);
    SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    SET(easy, CURLOPT_TCP_KEEPINTVL, 10L);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(o->connect_ms > 0 ? o->connect_ms : CONNECT_MS));
    SET(easy, CURLOPT_USERAGENT, o->user_agent);
    if (t->connect_to != NULL)
        SET(easy, CURLOPT_CONNECT_TO, t->connect_to);
    if (o->proxy != NULL)
        SET(easy, CURLOPT_PROXY, o->proxy);
    SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(easy, CURLOPT_WRITEFUNCTION, take_body);
    SET(easy, CURLOPT_WRITEDATA, t);
    SET(easy, CURLOPT_HEADERFUNCTION, take_header);
    SET(easy, CURLOPT_HEADERDATA, t);
}

enum rc
transfer_begin(struct transfer *t, struct ctx *cx, struct http *h, const struct http_request *rq,
               bool stream, struct err *e)
{
    t->h = h;
    t->cx = cx;
    t->to = rq->to;
    t->to_max = rq->to_n;
    t->to_skip = rq->to_off;
    t->no_link_local = h->o.no_link_local && !rq->no_proxy;
    if (ctx_check(cx, e) || slot_take(h, cx, &t->slot, e) || read_url(t, rq->url, e) ||
        set_headers(t, rq, e))
        return err_code(e);
    set_common(t, &h->o);
    set_tls(t->slot->easy, &h->o);
    set_request(t->slot->easy, rq, stream);
    if (rq->no_proxy)
        SET(t->slot->easy, CURLOPT_PROXY, "");
    if (rq->no_proxy && h->o.no_link_local) /* nobody else gets its connection */
        SET(t->slot->easy, CURLOPT_FORBID_REUSE, 1L);
    if (curl_multi_add_handle(t->slot->multi, t->slot->easy) != CURLM_OK)
        BUG("the HTTP library does not take a transfer");
    return RC_OK;
}

void
transfer_only_connect(struct transfer *t)
{
    CURL *easy = t->slot->easy;

    SET(easy, CURLOPT_CONNECT_ONLY, 1L);
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_FRESH_CONNECT, 1L);
    SET(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
}

/* A fair share of what all transfers together may take. */
static void
set_rates(struct transfer *t)
{
    struct http *h = t->h;
    unsigned n;

    if (h->o.send_rate == 0 && h->o.receive_rate == 0)
        return;
    (void)pthread_mutex_lock(&h->lock);
    n = h->n_busy;
    (void)pthread_mutex_unlock(&h->lock);
    SET(t->slot->easy, CURLOPT_LOW_SPEED_LIMIT, 1L); /* the user's own limits may be that low */
    if (h->o.send_rate > 0)
        SET(t->slot->easy, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)MAX(h->o.send_rate / n, 1U));
    if (h->o.receive_rate > 0)
        SET(t->slot->easy, CURLOPT_MAX_RECV_SPEED_LARGE,
            (curl_off_t)MAX(h->o.receive_rate / n, 1U));
}

static void
charge_locked(int64_t *free_ns, uint64_t rate, curl_off_t bytes)
{
    if (rate > 0 && bytes > 0)
        *free_ns = MAX(*free_ns, clock_mono_ns()) + (int64_t)((double)bytes / (double)rate * 1e9);
}

/*
 * The library keeps each transfer to its rate, but only over its own length, and what fits into a socket's buffers comes at
 * once: many short ones know no limit. So all are charged together, and wait until what was moved has taken its time.
 */
static void
transfer_charge(struct transfer *t)
{
    struct http *h = t->h;
    curl_off_t sent = 0, received = 0;

    (void)curl_easy_getinfo(t->slot->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    (void)curl_easy_getinfo(t->slot->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
    (void)pthread_mutex_lock(&h->lock);
    charge_locked(&h->send_free_ns, h->o.send_rate, sent - t->sent);
    charge_locked(&h->receive_free_ns, h->o.receive_rate, received - t->received);
    (void)pthread_mutex_unlock(&h->lock);
    t->sent = sent;
    t->received = received;
}

static enum rc
wait_until_free(struct transfer *t, struct err *e)
{
    struct http *h = t->h;
    int64_t left;

    do {
        (void)pthread_mutex_lock(&h->lock);
        left = MAX(h->send_free_ns, h->receive_free_ns) - clock_mono_ns();
        (void)pthread_mutex_unlock(&h->lock);
        if (left > 0 && ctx_sleep(t->cx, (int)MIN(left / NS_PER_MS + 1, (int64_t)STEP_MS), e))
            return err_code(e);
    } while (left > 0);
    return ctx_check(t->cx, e);
}

/* How long to wait at most: until the ctx is over. */
static int
wait_ms(const struct ctx *cx)
{
    int64_t left;

    if (cx->until == 0)
        return STEP_MS;
    left = cx->until - clock_mono_ms();
    return (int)MAX(MIN(left, STEP_MS), 0);
}

enum rc
transfer_step(struct transfer *t, struct err *e)
{
    struct curl_waitfd fd = {.fd = t->cx->fd, .events = CURL_WAIT_POLLIN};
    size_t before = t->in.n;
    bool head = t->head;
    int running, queued;
    CURLMsg *m;

    if (wait_until_free(t, e))
        return err_code(e);
    if (t->paused) {
        t->paused = false;
        (void)curl_easy_pause(t->slot->easy, CURLPAUSE_CONT); /* a failure ends the transfer */
    }
    set_rates(t);
    if (curl_multi_perform(t->slot->multi, &running) != CURLM_OK)
        return err_set(e, RC_IO, "the HTTP library failed");
    transfer_charge(t);
    while ((m = curl_multi_info_read(t->slot->multi, &queued)) != NULL)
        if (m->msg == CURLMSG_DONE) {
            t->done = true;
            t->result = m->data.result;
        }
    if (t->done || t->in.n != before || t->head != head)
        return RC_OK;
    if (curl_multi_poll(t->slot->multi, &fd, t->cx->fd >= 0 ? 1 : 0, wait_ms(t->cx), NULL) !=
        CURLM_OK)
        return err_set(e, RC_IO, "could not wait for %s", t->peer);
    return ctx_check(t->cx, e);
}

static enum rc
transfer_away(struct transfer *t, enum rc code, struct err *e)
{
    (void)err_set(e, code, "could not reach %s: %s", t->peer,
                  t->why[0] != '\0' ? t->why : curl_easy_strerror(t->result));
    e->retry = true;
    return code;
}

enum rc
transfer_result(struct transfer *t, struct err *e)
{
    switch (t->result) {
    case CURLE_OK:
        return RC_OK;
    case CURLE_WRITE_ERROR:
        if (t->too_large)
            return err_set(e, RC_LIMIT, "the answer of %s is larger than %zu bytes", t->peer,
                           t->in.max);
        return transfer_away(t, RC_UNAVAILABLE, e);
    case CURLE_PEER_FAILED_VERIFICATION:
        (void)err_set(e, RC_DENIED, "the certificate of %s does not verify: %s", t->peer, t->why);
        return err_hint(e, "give the certificate of the authority that signed it");
    case CURLE_SSL_CACERT_BADFILE:
        return err_set(e, RC_INVALID, "the certificates of the authority cannot be read");
    case CURLE_SSL_CERTPROBLEM:
        return err_set(e, RC_INVALID, "the client's certificate or key cannot be used");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return err_set(e, RC_INVALID, "the address of %s is malformed", t->peer);
    case CURLE_OPERATION_TIMEDOUT:
        return transfer_away(t, RC_TIMEOUT, e);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        (void)transfer_away(t, RC_UNAVAILABLE, e);
        return err_hint(e, "is the name right, and is there a network?");
    case CURLE_SSL_CONNECT_ERROR:
        (void)transfer_away(t, RC_UNAVAILABLE, e);
        return err_hint(e, "does the server speak TLS there?");
    case CURLE_COULDNT_CONNECT:
        if (t->refused)
            return err_set(e, RC_DENIED,
                           "%s is a link-local address, which is kept for services of the machine",
                           t->peer);
        (void)transfer_away(t, RC_UNAVAILABLE, e);
        return err_hint(e, "is it running, and is the port right?");
    default:
        return transfer_away(t, RC_UNAVAILABLE, e);
    }
}

/* The value of a header field of the answer; empty: not there, or no name. */
static const char *
transfer_field(const struct transfer *t, const char *name)
{
    struct curl_header *h = NULL;

    return name != NULL &&
                   curl_easy_header(t->slot->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK
               ? h->value
               : "";
}

void
transfer_head(struct transfer *t, const struct http_request *rq, struct http_response *out)
{
    const char *type = NULL;
    curl_off_t after_s = 0;
    long status = 0;

    (void)curl_easy_getinfo(t->slot->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(t->slot->easy, CURLINFO_RETRY_AFTER, &after_s);
    (void)curl_easy_getinfo(t->slot->easy, CURLINFO_CONTENT_TYPE, &type);
    out->status = (int)status;
    out->after_ms = (unsigned)MIN(MAX(after_s, 0), 3600) * 1000;
    (void)snprintf(out->content_type, sizeof(out->content_type), "%s", type != NULL ? type : "");
    out->to_n = t->to_n;
    for (size_t i = 0; i < HTTP_WANT; i++) {
        const char *v = transfer_field(t, rq->want[i]);
        (void)snprintf(out->got[i], HTTP_FIELD, "%s", strlen(v) < HTTP_FIELD ? v : "");
    }
    out->secret = transfer_field(t, rq->want_secret)[0] == '\0'
                      ? NULL
                      : mem_strdup(transfer_field(t, rq->want_secret));
}

void
transfer_end(struct transfer *t)
{
    if (t->slot != NULL) {
        (void)curl_multi_remove_handle(t->slot->multi, t->slot->easy);
        slot_give(t->h, t->slot);
    }
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->connect_to);
    buf_release(&t->in);
    mem_free(t->url);
}
