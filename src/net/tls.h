/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_TLS_H
#define NET_TLS_H

/*
 * net/tls -- what a person may say about TLS.
 *
 * Rules    TLS 1.2 or newer. The certificate is verified against the system's store, or only
 *          against cacert and cacert_dir when one is given, and must be for the host's name or IP
 *          address. SNI is sent for every name.
 * Side     the first TLS connection makes the process ignore SIGPIPE, since OpenSSL writes with
 *          write(2).
 */
#include <stdbool.h>

#include "base/err.h"

struct tls_opts {
    const char *cacert,
        *cacert_dir;        /* PEM file; directory of hashed names; NULL: the system's store */
    const char *cert, *key; /* the client's own, PEM; NULL: none. key NULL: it is in cert */
    const char *sni;        /* name to send and to verify; NULL: the host's */
    bool insecure;          /* verify nothing; logs one warning per connection */
};

struct ctx;
struct sock;

/*
 * Can the files of `opts` be used? Waiting mends none of them, so who waits for a server asks first.
 * RC_NOT_FOUND, RC_DENIED, RC_INVALID: one of them, by its path.
 */
NODISCARD enum rc tls_check_files(const struct tls_opts *opts, struct err *e);

/*
 * Put TLS on a connected socket (used by sock_dial). `host` is what was dialled: a name or an IP
 * literal. RC_NOT_FOUND, RC_INVALID: a file of `opts`; RC_DENIED: the certificate, or ours was
 * refused.
 */
NODISCARD enum rc tls_start(struct ctx *cx, struct sock *s, const char *host,
                            const struct tls_opts *opts, int timeout_ms, struct err *e);
void tls_end(struct sock *s);

/* As sock_try_read and sock_try_write, on a socket with TLS. */
NODISCARD enum rc tls_try_read(struct sock *s, void *p, size_t n, size_t *got, bool *over,
                               struct err *e);
NODISCARD enum rc tls_try_write(struct sock *s, const void *p, size_t n, size_t *put,
                                struct err *e);

#endif
