/* SPDX-License-Identifier: Apache-2.0 */
/* A connection without a request on it. */
#include <poll.h>

#include "base/mem.h"
#include "http/client_internal.h"

struct link {
    struct http_link pub;
    struct transfer t;
    curl_socket_t fd;
};

/* Wait for the socket; a deadline or a cancelled ctx is an error. */
static enum rc
wait_for(struct link *l, short events, struct err *e)
{
    short ready;

    return ctx_wait(l->t.cx, l->fd, events, -1, &ready, e);
}

static enum rc
link_broken(const struct link *l, CURLcode why, struct err *e)
{
    (void)err_set(e, RC_UNAVAILABLE, "the connection to %s broke: %s", l->t.peer,
                  curl_easy_strerror(why));
    e->retry = true;
    return err_code(e);
}

static enum rc
link_read(struct rd *r, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct link *l = CONTAINER_OF(CONTAINER_OF(r, struct http_link, rd), struct link, pub);

    for (;;) {
        CURLcode rc;
        if (ctx_check(l->t.cx, e))
            return err_code(e);
        rc = curl_easy_recv(l->t.slot->easy, p, n, got);
        if (rc == CURLE_OK)
            return RC_OK;
        if (rc != CURLE_AGAIN)
            return link_broken(l, rc, e);
        if (wait_for(l, POLLIN, e))
            return err_code(e);
    }
}

static enum rc
link_write(struct wr *w, const uint8_t *p, size_t n, struct err *e)
{
    struct link *l = CONTAINER_OF(CONTAINER_OF(w, struct http_link, wr), struct link, pub);

    while (n > 0) {
        size_t sent = 0;
        CURLcode rc;
        if (ctx_check(l->t.cx, e))
            return err_code(e);
        rc = curl_easy_send(l->t.slot->easy, p, n, &sent);
        if (rc == CURLE_AGAIN) {
            if (wait_for(l, POLLOUT, e))
                return err_code(e);
            continue;
        }
        if (rc != CURLE_OK)
            return link_broken(l, rc, e);
        p += sent;
        n -= sent;
    }
    return RC_OK;
}

enum rc
http_dial(struct ctx *cx, struct http *h, const char *url, struct http_link **out, struct err *e)
{
    struct http_request rq = {.url = url};
    struct link *l = MEM_NEW(struct link);
    enum rc rc;

    l->pub.rd.read = link_read;
    l->pub.wr.write = link_write;
    buf_init(&l->t.in, 0);
    rc = transfer_begin(&l->t, cx, h, &rq, true, e);
    if (rc == RC_OK)
        transfer_only_connect(&l->t);
    while (rc == RC_OK && !l->t.done)
        rc = transfer_step(&l->t, e);
    if (rc == RC_OK)
        rc = transfer_result(&l->t, e);
    if (rc == RC_OK &&
        (curl_easy_getinfo(l->t.slot->easy, CURLINFO_ACTIVESOCKET, &l->fd) != CURLE_OK ||
         l->fd == CURL_SOCKET_BAD))
        rc = err_set(e, RC_UNAVAILABLE, "could not connect to %s", l->t.peer);
    if (rc != RC_OK) {
        http_hang_up(&l->pub);
        return rc;
    }
    *out = &l->pub;
    return RC_OK;
}

void
http_hang_up(struct http_link *pub)
{
    struct link *l;

    if (pub == NULL)
        return;
    l = CONTAINER_OF(pub, struct link, pub);
    transfer_end(&l->t);
    mem_free(l);
}
