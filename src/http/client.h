/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

/*
 * http/client -- requests over HTTP and HTTPS that obey a context.
 *
 * Why      one place knows the library behind it: API servers, push gateways, hooks.
 * Shape    a client has a TLS identity and keeps its connections; a call is one request and the
 *          whole answer, a stream is an answer that is read as it comes.
 * Threads  any number of calls at once on one client; a stream belongs to one thread.
 * Errors   RC_UNAVAILABLE with retry: no such host, refused, broken, no answer. RC_DENIED: the
 *          certificate does not verify (with a hint). RC_TIMEOUT with retry: `timeout_ms` passed.
 *          RC_LIMIT: the body is larger than `body_max`. RC_INVALID: the URL or a key is malformed.
 *          RC_CANCELLED. A status of any number is an answer, not an error. Messages name the host,
 *          never headers, bodies or the user part of a URL. Redirects are not followed. HTTP/1.1,
 *          HTTP/2 on request; gzip is understood where the whole answer is read into a buffer.
 * Tests    client_test.c (against a scripted server on loopback)
 */
#include <stdbool.h>

#include "base/ctx.h"
#include "base/stream.h"

struct http;

/* All copied. NULL and {NULL, 0}: not given. */
struct http_opts {
    struct str ca;           /* PEM; in place of the system's authorities */
    const char *ca_file;     /* the same as a path */
    struct str cert, key;    /* PEM: the client's certificate and its key */
    const char *server_name; /* for SNI and verification, in place of the URL's host */
    const char *proxy;       /* URL; NULL: that of the environment */
    const char *user_agent;  /* NULL: "cstash/VERSION" */
    bool insecure;           /* do not verify the server */
    bool no_link_local;   /* RC_DENIED for addresses of the machine's own services (169.254.0.0/16,
                              * fe80::/10, ...), however they are named; requests with no_proxy may */
    bool http2;           /* over TLS, from a server that offers it; not for http_dial */
    int connect_ms;       /* 0: 10 s */
    unsigned connections; /* so many transfers at once, the others wait; 0: any number */
    uint64_t send_rate, receive_rate; /* bytes a second of all together; 0: no limit */
};

/* `o` may be NULL. RC_INVALID: the proxy is not a URL. */
NODISCARD enum rc http_new(const struct http_opts *o, struct http **out, struct err *e);
/* No call may be under way and no stream open. */
void http_free(struct http *h);

enum { HTTP_WANT = 6, HTTP_FIELD = 256, HTTP_LEAST_RATE = 100 /* bytes a second */ };

/* Borrowed for the call. */
struct http_request {
    const char *method; /* NULL: GET, or POST with a body */
    const char *url;
    const char *const *headers;  /* "Name: value", ended by NULL; NULL: none */
    const char *bearer;          /* token for Authorization; NULL: none */
    const char *user, *password; /* basic authentication; NULL: none */
    struct str body;
    int timeout_ms;  /* for the whole of it; 0: none but the ctx's. Not for streams. */
    int stall_s;     /* RC_TIMEOUT when less than HTTP_LEAST_RATE moves for so long; 0: never. Not
                      * for streams. */
    size_t body_max; /* of the answer; 0: 64 MiB */
    /* Ask for to_n bytes from to_off on, and put them here in place of out->body. A server that
     * does not know ranges sends all: what was not asked for is passed over. NULL: no range. */
    uint8_t *to;
    size_t to_n;
    uint64_t to_off;
    const char *want[HTTP_WANT]; /* names of header fields that the caller asks for */
    const char *want_secret;     /* one more, of any length: a token */
    bool no_proxy;               /* whatever the environment says: the place is this machine's */
};

struct http_response {
    int status;
    unsigned after_ms; /* Retry-After, 0: none */
    char content_type[128];
    char got[HTTP_WANT][HTTP_FIELD]; /* as asked for; empty: not there, or longer than that */
    char *secret;                    /* the value of want_secret; NULL: not there. Owned, wiped */
    size_t to_n;                     /* bytes that went to the request's `to` */
    struct buf body;                 /* the caller releases it (also of a zeroed response) */
};

NODISCARD enum rc http_call(struct ctx *cx, struct http *h, const struct http_request *rq,
                            struct http_response *out, struct err *e);
void http_response_release(struct http_response *r);

/*
 * Send the request and wait for the head of the answer: `out` has all but the body. The body comes
 * through http_stream_rd. `cx` must stay until http_close; cancelling it ends a read.
 */
struct http_stream;
NODISCARD enum rc http_open(struct ctx *cx, struct http *h, const struct http_request *rq,
                            struct http_response *out, struct http_stream **stream, struct err *e);
struct rd *http_stream_rd(struct http_stream *s);
void http_close(struct http_stream *s);

/*
 * Only connect to the URL's host (over TLS for https, through the proxy if there is one): the bytes
 * are the caller's, both ways. `cx` must stay until http_hang_up; cancelling it ends a read and a
 * write. For protocols that begin as HTTP/1.1 and go on as something else.
 */
struct http_link {
    struct rd rd;
    struct wr wr;
};
NODISCARD enum rc http_dial(struct ctx *cx, struct http *h, const char *url, struct http_link **out,
                            struct err *e);
void http_hang_up(struct http_link *pub);

/* Append `s` percent-encoded, by buf_put: all but letters, digits and "-._~" (RFC 3986 section 2.3). */
void http_escape(struct buf *to, const char *s);

#endif
