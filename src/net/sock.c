/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sock.h"

void
sock_from_fd(struct sock *out, int fd, const char *peer)
{
    int flags = fcntl(fd, F_GETFL);

    *out = (struct sock){.fd = fd};
    (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    (void)snprintf(out->peer, sizeof(out->peer), "%s", peer);
}

void
sock_close(struct sock *s)
{
    if (s->fd < 0)
        return;
    tls_end(s);
    (void)close(s->fd);
    s->fd = -1;
}

void
sock_interrupt(struct sock *s)
{
    (void)shutdown(s->fd, SHUT_RDWR);
}

static enum rc
sock_lost(struct sock *s, int sys, struct err *e)
{
    (void)err_sys(e, sys, "the connection to %s broke", s->peer);
    e->code = RC_UNAVAILABLE;
    e->retry = true;
    return err_code(e);
}

enum rc
sock_try_read(struct sock *s, void *p, size_t n, size_t *got, bool *over, struct err *e)
{
    ssize_t one;

    if (s->ssl != NULL)
        return tls_try_read(s, p, n, got, over, e);
    do {
        one = recv(s->fd, p, n, 0);
    } while (one < 0 && errno == EINTR);
    if (one < 0 && errno != EAGAIN)
        return sock_lost(s, errno, e);
    *over = one == 0;
    *got = one < 0 ? 0 : (size_t)one;
    return RC_OK;
}

enum rc
sock_try_write(struct sock *s, const void *p, size_t n, size_t *put, struct err *e)
{
    ssize_t one;

    if (s->ssl != NULL)
        return tls_try_write(s, p, n, put, e);
    do {
        one = send(s->fd, p, n, MSG_NOSIGNAL);
    } while (one < 0 && errno == EINTR);
    if (one < 0 && errno != EAGAIN)
        return sock_lost(s, errno, e);
    *put = one < 0 ? 0 : (size_t)one;
    return RC_OK;
}

static enum rc
wait_for(struct ctx *cx, struct sock *s, unsigned want, struct err *e)
{
    unsigned ready;

    if (sock_wait(cx, s, want, s->io_ms > 0 ? s->io_ms : -1, &ready, e))
        return err_code(e);
    if (ready == 0) {
        (void)err_set(e, RC_TIMEOUT, "%s %s for %d seconds", s->peer,
                      want == SOCK_READ ? "sent nothing" : "took nothing", s->io_ms / 1000);
        e->retry = true;
        return err_code(e);
    }
    return RC_OK;
}

enum rc
sock_read(struct ctx *cx, struct sock *s, void *p, size_t n, size_t *got, struct err *e)
{
    bool over;

    for (;;) {
        if (sock_try_read(s, p, n, got, &over, e))
            return err_code(e);
        if (over || *got != 0)
            return RC_OK;
        if (wait_for(cx, s, SOCK_READ, e))
            return err_code(e);
    }
}

enum rc
sock_write_all(struct ctx *cx, struct sock *s, const void *p, size_t n, struct err *e)
{
    const uint8_t *at = p;
    size_t put;

    while (n != 0) {
        if (sock_try_write(s, at, n, &put, e))
            return err_code(e);
        at += put;
        n -= put;
        if (put == 0 && wait_for(cx, s, SOCK_WRITE, e))
            return err_code(e);
    }
    return RC_OK;
}
