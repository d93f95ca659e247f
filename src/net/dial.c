/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/sock.h"

enum { CONNECT_MS = 10 * 1000 };

static int
connect_ms(const struct sock_opts *opts)
{
    return opts->connect_ms > 0 ? opts->connect_ms : CONNECT_MS;
}

/* A dead peer is noticed within about a minute, even while we only wait. */
static void
dial_tune(int fd, const struct sock_opts *opts)
{
    int one = 1, idle = 30, every = 10, tries = 3;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
    if (opts->rcvbuf > 0) /* before connect: the window scale is agreed there */
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &opts->rcvbuf, sizeof(opts->rcvbuf));
}

/* Connect; errors become an errno value in *sys, RC_OK is returned unless the ctx ended. */
static enum rc
connect_one(struct ctx *cx, int fd, const struct sockaddr *addr, socklen_t n, int ms, int *sys,
            struct err *e)
{
    short ready;
    socklen_t size = sizeof(*sys);

    *sys = 0;
    if (connect(fd, addr, n) == 0)
        return RC_OK;
    if (errno != EINPROGRESS && errno != EINTR) {
        *sys = errno;
        return RC_OK;
    }
    if (ctx_wait(cx, fd, POLLOUT, ms, &ready, e))
        return err_code(e);
    if (ready == 0)
        *sys = ETIMEDOUT;
    else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, sys, &size) != 0)
        *sys = errno;
    return RC_OK;
}

static enum rc
dial_resolve(const char *host, uint16_t port, struct addrinfo **out, struct err *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    char service[8];
    int got;

    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    got = getaddrinfo(host, service, &hints, out);
    if (got == 0)
        return RC_OK;
    (void)err_set(e, RC_UNAVAILABLE, "could not find the address of %s: %s", host,
                  got == EAI_SYSTEM ? "the system's resolver failed" : gai_strerror(got));
    e->retry = got == EAI_AGAIN || got == EAI_SYSTEM;
    return err_hint(e, "check the host name and the name server of this machine");
}

static enum rc
dial_refused(struct err *e, int sys, const char *peer, unsigned tried)
{
    (void)err_sys(e, sys, "could not connect to %s%s", peer,
                  tried > 1 ? " (all of its addresses were tried)" : "");
    e->code = sys == ETIMEDOUT ? RC_TIMEOUT : RC_UNAVAILABLE;
    e->retry = true;
    if (sys == ECONNREFUSED)
        return err_hint(e, "is the server running, and does it listen on this address and port?");
    if (sys == ETIMEDOUT || sys == EHOSTUNREACH || sys == ENETUNREACH)
        return err_hint(e, "is there a firewall or a network policy in between?");
    return err_code(e);
}

static enum rc
dial_list(struct ctx *cx, const struct addrinfo *list, const struct sock_opts *opts, struct sock *s,
          struct err *e)
{
    int sys = EADDRNOTAVAIL;
    unsigned tried = 0;

    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        tried++;
        if (fd < 0) {
            sys = errno;
            continue;
        }
        dial_tune(fd, opts);
        if (connect_one(cx, fd, a->ai_addr, a->ai_addrlen, connect_ms(opts), &sys, e)) {
            (void)close(fd);
            return err_code(e);
        }
        if (sys == 0) {
            s->fd = fd;
            return RC_OK;
        }
        (void)close(fd);
    }
    return dial_refused(e, sys, s->peer, tried);
}

enum rc
sock_dial(struct ctx *cx, const char *host, uint16_t port, const struct sock_opts *opts,
          struct sock *out, struct err *e)
{
    struct sock s = {.fd = -1, .io_ms = opts->io_ms};
    struct addrinfo *list;
    enum rc rc;

    (void)snprintf(s.peer, sizeof(s.peer), strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host,
                   (unsigned)port);
    if (dial_resolve(host, port, &list, e))
        return err_code(e);
    rc = dial_list(cx, list, opts, &s, e);
    freeaddrinfo(list);
    if (rc)
        return rc;
    if (opts->tls != NULL && tls_start(cx, &s, host, opts->tls, connect_ms(opts), e)) {
        sock_close(&s);
        return err_code(e);
    }
    *out = s;
    return RC_OK;
}

enum rc
sock_dial_unix(struct ctx *cx, const char *path, const struct sock_opts *opts, struct sock *out,
               struct err *e)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct sock s = {.io_ms = opts->io_ms};
    int sys;

    if (strlen(path) >= sizeof(addr.sun_path))
        return err_set(e, RC_LIMIT, "the socket path %s is longer than %zu bytes", path,
                       sizeof(addr.sun_path) - 1);
    memcpy(addr.sun_path, path, strlen(path));
    (void)snprintf(s.peer, sizeof(s.peer), "%s", path);
    s.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s.fd < 0)
        return err_sys(e, errno, "could not make a socket");
    if (connect_one(cx, s.fd, (const struct sockaddr *)&addr, sizeof(addr), connect_ms(opts), &sys,
                    e)) {
        sock_close(&s);
        return err_code(e);
    }
    if (sys == 0) {
        *out = s;
        return RC_OK;
    }
    sock_close(&s);
    if (sys == ECONNREFUSED || sys == EAGAIN || sys == ETIMEDOUT)
        return dial_refused(e, sys, path, 1);
    return err_sys(e, sys, "could not connect to %s", path);
}
