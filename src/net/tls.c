/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/roots.h"
#include "net/sock.h"

enum { READ_AHEAD = 256 * 1024 };

#define PLAIN_PORT                                                                                 \
    "for a port without TLS use redis://; in a Task, neither --tls in args nor a caBundle in the " \
    "AppBinding"

static void
ignore_sigpipe(void)
{
    struct sigaction old;

    if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
        (void)signal(SIGPIPE, SIG_IGN);
}

/* Never ask on the terminal for the password of a key. */
static int
no_password(char *to, int size, int writing, void *arg)
{
    (void)to;
    (void)size;
    (void)writing;
    (void)arg;
    return 0;
}

/* The last word of OpenSSL's error queue, which is emptied. */
static const char *
openssl_reason(char *to, size_t n)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = ERR_reason_error_string(code);

    ERR_clear_error();
    if (text != NULL)
        (void)snprintf(to, n, "%s", text);
    else if (ERR_SYSTEM_ERROR(code))
        (void)snprintf(to, n, "%s", "the system refused it");
    else
        (void)snprintf(to, n, "error %lu", code);
    return to;
}

static enum rc
bad_file(struct err *e, const char *what, const char *path)
{
    unsigned long code = ERR_peek_error();
    char why[160];

    if (ERR_SYSTEM_ERROR(code)) {
        ERR_clear_error();
        return err_sys(e, ERR_GET_REASON(code), "could not read the %s %s", what, path);
    }
    return err_set(e, RC_INVALID, "could not use the %s %s: %s", what, path,
                   openssl_reason(why, sizeof(why)));
}

/* OpenSSL looks into it when it has a certificate to verify, and takes a missing one for an empty one. */
static enum rc
check_dir(const char *path, struct err *e)
{
    DIR *d = opendir(path);

    if (d == NULL)
        return err_sys(e, errno, "could not read the directory of CA certificates %s", path);
    (void)closedir(d);
    return RC_OK;
}

/* Those of the library's own place are read one by one as they are needed; a file elsewhere is read whole. */
static enum rc
load_roots(SSL_CTX *ctx, struct err *e)
{
    const char *file = roots_file();

    (void)SSL_CTX_set_default_verify_paths(ctx);
    if (file == NULL || access(X509_get_default_cert_dir(), R_OK) == 0)
        return RC_OK;
    return SSL_CTX_load_verify_file(ctx, file) == 1 ? RC_OK : bad_file(e, "CA certificate", file);
}

static enum rc
load_files(SSL_CTX *ctx, const struct tls_opts *o, struct err *e)
{
    const char *key = o->key != NULL ? o->key : o->cert;

    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    if (o->cacert != NULL && SSL_CTX_load_verify_file(ctx, o->cacert) != 1)
        return bad_file(e, "CA certificate", o->cacert);
    if (o->cacert_dir != NULL && check_dir(o->cacert_dir, e))
        return err_code(e);
    if (o->cacert_dir != NULL && SSL_CTX_load_verify_dir(ctx, o->cacert_dir) != 1)
        return bad_file(e, "directory of CA certificates", o->cacert_dir);
    if (o->cacert == NULL && o->cacert_dir == NULL && load_roots(ctx, e))
        return err_code(e);
    if (o->key != NULL && o->cert == NULL)
        return err_set(e, RC_INVALID, "a client key was given without its certificate");
    if (o->cert == NULL)
        return RC_OK;
    if (SSL_CTX_use_certificate_chain_file(ctx, o->cert) != 1)
        return bad_file(e, "client certificate", o->cert);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
        (void)bad_file(e, "client key", key);
        return err_hint(e, "the key must be PEM, not encrypted, and belong to the certificate");
    }
    return RC_OK;
}

static SSL_CTX *
new_ctx(const struct tls_opts *o, struct err *e)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL) {
        (void)err_set(e, RC_INTERNAL, "OpenSSL gives no TLS context");
        return NULL;
    }
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_mode(ctx,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1); /* one read(2) for many records */
    SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD);
    SSL_CTX_set_verify(ctx, o->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (load_files(ctx, o, e)) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

enum rc
tls_check_files(const struct tls_opts *opts, struct err *e)
{
    SSL_CTX *ctx = new_ctx(opts, e);

    if (ctx == NULL)
        return err_code(e);
    SSL_CTX_free(ctx);
    return RC_OK;
}

static bool
is_ip(const char *host)
{
    uint8_t to[16];

    return inet_pton(AF_INET, host, to) == 1 || inet_pton(AF_INET6, host, to) == 1;
}

static bool
set_name(SSL *ssl, const char *name)
{
    /* OpenSSL's macro wants to drop the const; it copies the name. */
    CLEANUP(mem_free_ptr) char *copy = mem_strdup(name);

    if (is_ip(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, copy) == 1;
}

static enum rc
bad_certificate(struct sock *s, const char *name, long verdict, struct err *e)
{
    ERR_clear_error();
    switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        (void)err_set(e, RC_DENIED, "the certificate of %s is not for %s", s->peer, name);
        return err_hint(e,
                        "dial the server by a name in its certificate, or give that name as --sni");
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return err_set(e, RC_DENIED, "the certificate of %s has expired", s->peer);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        (void)err_set(e, RC_DENIED, "the certificate of %s is not valid yet", s->peer);
        return err_hint(e, "is the clock of this machine right?");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        (void)err_set(e, RC_DENIED, "the certificate of %s is signed by an unknown authority (%s)",
                      s->peer, X509_verify_cert_error_string(verdict));
        return err_hint(e, "give the authority's certificate with --cacert");
    default:
        return err_set(e, RC_DENIED, "the certificate of %s is not valid: %s", s->peer,
                       X509_verify_cert_error_string(verdict));
    }
}

/* A TLS failure that the error queue explains: an alert of the peer, or bytes that are not TLS. */
static enum rc
bad_tls(struct sock *s, struct err *e)
{
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    char why[160];

    switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        (void)err_set(e, RC_DENIED, "%s refused the TLS connection: %s", s->peer,
                      openssl_reason(why, sizeof(why)));
        return err_hint(e, "the server may want a client certificate: --cert and --key");
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_HTTP_REQUEST:
        ERR_clear_error();
        (void)err_set(e, RC_UNSUPPORTED, "%s does not speak TLS", s->peer);
        return err_hint(e, PLAIN_PORT);
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        ERR_clear_error();
        return err_set(e, RC_UNSUPPORTED, "%s speaks no TLS version from 1.2 on", s->peer);
    default:
        (void)err_set(e, RC_UNAVAILABLE, "TLS with %s failed: %s", s->peer,
                      openssl_reason(why, sizeof(why)));
        e->retry = true;
        return err_code(e);
    }
}

static enum rc
tls_broke(struct sock *s, int sys, struct err *e)
{
    ERR_clear_error();
    (void)err_sys(e, sys != 0 ? sys : ECONNRESET, "the connection to %s broke", s->peer);
    e->code = RC_UNAVAILABLE;
    e->retry = true;
    return err_code(e);
}

static enum rc
tls_handshake(struct ctx *cx, struct sock *s, const char *name, int timeout_ms, struct err *e)
{
    int64_t end = clock_mono_ms() + timeout_ms;

    for (;;) {
        int got, why;
        int64_t left = end - clock_mono_ms();
        unsigned ready = 0;

        errno = 0;
        got = SSL_connect(s->ssl);
        if (got == 1)
            return RC_OK;
        why = SSL_get_error(s->ssl, got);
        if (why == SSL_ERROR_SYSCALL || why == SSL_ERROR_ZERO_RETURN) {
            (void)tls_broke(s, errno, e);
            (void)err_wrap(e, "the TLS handshake did not finish");
            return err_hint(e, PLAIN_PORT);
        }
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            long verdict = SSL_get_verify_result(s->ssl);
            if (verdict != X509_V_OK)
                return bad_certificate(s, name, verdict, e);
            return bad_tls(s, e);
        }
        s->dry = true;
        s->read_wants_write = why == SSL_ERROR_WANT_WRITE;
        if (left > 0 && sock_wait(cx, s, SOCK_READ, (int)left, &ready, e))
            return err_code(e);
        if (ready == 0) {
            (void)err_set(e, RC_TIMEOUT, "%s did not finish the TLS handshake in %d seconds",
                          s->peer, timeout_ms / 1000);
            return err_hint(e, PLAIN_PORT);
        }
    }
}

enum rc
tls_start(struct ctx *cx, struct sock *s, const char *host, const struct tls_opts *opts,
          int timeout_ms, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *name = opts->sni != NULL ? opts->sni : host;

    (void)pthread_once(&once, ignore_sigpipe);
    ERR_clear_error();
    s->ssl_cx = new_ctx(opts, e);
    if (s->ssl_cx == NULL)
        return err_code(e);
    s->ssl = SSL_new(s->ssl_cx);
    if (s->ssl == NULL || SSL_set_fd(s->ssl, s->fd) != 1)
        return err_set(e, RC_INTERNAL, "OpenSSL gives no TLS connection");
    if (!set_name(s->ssl, name))
        return err_set(e, RC_INVALID, "%s is not a host name or IP address", name);
    if (tls_handshake(cx, s, name, timeout_ms, e))
        return err_code(e);
    if (opts->insecure)
        log_warn("the certificate of %s is not verified: anybody could have answered", s->peer);
    s->dry = s->read_wants_write = false;
    return RC_OK;
}

void
tls_end(struct sock *s)
{
    if (s->ssl != NULL) {
        (void)SSL_shutdown(s->ssl); /* says good-bye; does not wait for an answer */
        ERR_clear_error();
    }
    SSL_free(s->ssl);
    SSL_CTX_free(s->ssl_cx);
    s->ssl = NULL;
    s->ssl_cx = NULL;
}

enum rc
tls_try_read(struct sock *s, void *p, size_t n, size_t *got, bool *over, struct err *e)
{
    int why;

    *got = 0;
    *over = false;
    s->read_wants_write = false;
    errno = 0;
    if (SSL_read_ex(s->ssl, p, n, got) == 1) {
        s->dry = false;
        return RC_OK;
    }
    why = SSL_get_error(s->ssl, 0);
    *got = 0;
    switch (why) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        s->dry = true;
        s->read_wants_write = why == SSL_ERROR_WANT_WRITE;
        return RC_OK;
    case SSL_ERROR_ZERO_RETURN:
        *over = true;
        return RC_OK;
    case SSL_ERROR_SYSCALL:
        return tls_broke(s, errno, e);
    default:
        return bad_tls(s, e);
    }
}

/* The write failed since the peer is gone; the alert it may have sent before says why. */
static enum rc
hung_up(struct sock *s, int sys, struct err *e)
{
    uint8_t byte;
    size_t got;

    ERR_clear_error();
    if (SSL_read_ex(s->ssl, &byte, 1, &got) != 1 && SSL_get_error(s->ssl, 0) == SSL_ERROR_SSL)
        return bad_tls(s, e);
    return tls_broke(s, sys, e);
}

enum rc
tls_try_write(struct sock *s, const void *p, size_t n, size_t *put, struct err *e)
{
    int why;

    *put = 0;
    s->write_wants_read = false;
    if (n == 0)
        return RC_OK;
    errno = 0;
    if (SSL_write_ex(s->ssl, p, n, put) == 1)
        return RC_OK;
    why = SSL_get_error(s->ssl, 0);
    *put = 0;
    switch (why) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        s->write_wants_read = why == SSL_ERROR_WANT_READ;
        return RC_OK;
    case SSL_ERROR_SYSCALL:
    case SSL_ERROR_ZERO_RETURN:
        return hung_up(s, errno, e);
    default:
        return bad_tls(s, e);
    }
}
