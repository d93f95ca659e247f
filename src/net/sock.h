/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_SOCK_H
#define NET_SOCK_H

/*
 * net/sock -- a connected stream: TCP or a Unix socket, with or without TLS.
 *
 * Shape    the descriptor never blocks. sock_read and sock_write_all wait for it and obey the ctx
 *          and io_ms; sock_try_* with sock_wait let a caller read and write at the same time.
 * Ending   `over` (or *got = 0 from sock_read) says that the peer closed. A missing close_notify is
 *          not told from it: what runs above must know by itself where its data ends.
 * Errors   RC_UNAVAILABLE with `retry` for a peer that is away or a connection that broke;
 *          RC_TIMEOUT; RC_CANCELLED. Messages name the peer as host:port or path.
 * Threads  one at a time, but sock_interrupt may come from any.
 */
#include <stddef.h>

#include "base/ctx.h"
#include "net/tls.h"

enum { SOCK_READ = 1, SOCK_WRITE = 2, SOCK_PEER_MAX = 300 };

struct sock_opts {
    const struct tls_opts *tls; /* NULL: no TLS */
    int connect_ms;             /* per address, and for the TLS handshake; 0: 10 s */
    int io_ms;                  /* longest silence that a blocking call bears; 0: no limit */
    int rcvbuf;                 /* SO_RCVBUF; 0: left to the kernel, which adapts it */
};

struct sock {
    int fd;             /* -1 when closed */
    struct ssl_st *ssl; /* NULL without TLS */
    struct ssl_ctx_st *ssl_cx;
    int io_ms;
    bool dry; /* TLS: the last read found nothing, so poll tells the truth */
    bool read_wants_write, write_wants_read; /* TLS: what the last call waits for instead */
    char peer[SOCK_PEER_MAX];
};

/* Try every address of `host` (a name or IP literal) in the resolver's order. */
NODISCARD enum rc sock_dial(struct ctx *cx, const char *host, uint16_t port,
                            const struct sock_opts *opts, struct sock *out, struct err *e);
NODISCARD enum rc sock_dial_unix(struct ctx *cx, const char *path, const struct sock_opts *opts,
                                 struct sock *out, struct err *e);
/* Take a connected descriptor (made non-blocking); `peer` names it in messages. */
void sock_from_fd(struct sock *out, int fd, const char *peer);
/* No-op on a closed or zeroed-with-fd -1 socket. */
void sock_close(struct sock *s);
/* Make every blocked and later call fail or see the end. For another thread that wants this one to
 * stop. */
void sock_interrupt(struct sock *s);

/* Read 1..n bytes; *got = 0 only when the peer closed. */
NODISCARD enum rc sock_read(struct ctx *cx, struct sock *s, void *p, size_t n, size_t *got,
                            struct err *e);
NODISCARD enum rc sock_write_all(struct ctx *cx, struct sock *s, const void *p, size_t n,
                                 struct err *e);

/* What can be had at once; *got = 0 with *over false: nothing now. */
NODISCARD enum rc sock_try_read(struct sock *s, void *p, size_t n, size_t *got, bool *over,
                                struct err *e);
/* What is taken at once; *put = 0: nothing now. */
NODISCARD enum rc sock_try_write(struct sock *s, const void *p, size_t n, size_t *put,
                                 struct err *e);
/*
 * Wait until a try of one of `want` (SOCK_READ, SOCK_WRITE) may get on, at most timeout_ms (-1: no
 * limit). *ready is 0 after the timeout.
 */
NODISCARD enum rc sock_wait(struct ctx *cx, struct sock *s, unsigned want, int timeout_ms,
                            unsigned *ready, struct err *e);

#endif
