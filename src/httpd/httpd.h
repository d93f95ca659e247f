/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_HTTPD_H
#define HTTPD_HTTPD_H

/*
 * httpd/httpd -- answer HTTP requests on one address.
 *
 * Why      one place knows the library behind it.
 * Shape    a handler fills an answer: whole bytes, or a stream that is read while it is sent.
 * Threads  one per connection, so a handler and a stream may block, but must end when the ctx that
 *          the handler got is cancelled. The handler runs on many threads at once.
 * Limits   HTTPD_BODY_MAX bytes of request body (413 beyond), opts.connections_max connections of
 *          those who are known, HTTPD_IDLE_S seconds of silence between requests. Besides,
 *          HTTPD_STRANGERS connections on which nobody known has asked anything yet: whoever comes
 *          makes the one go that has been there longest. TLS 1.2 and later.
 * Errors   of httpd_open: RC_INVALID for the address, RC_UNAVAILABLE when it is taken, RC_INTERNAL.
 */
#include "base/ctx.h"
#include "base/stream.h"

enum {
    HTTPD_BODY_MAX = 16 * 1024 * 1024,
    HTTPD_ANSWER_MAX = 512 * 1024 * 1024,
    HTTPD_HEADERS_MAX = 40,
    HTTPD_IDLE_S = 180,
    HTTPD_STRANGERS = 128
};

/* All borrowed for the call. */
struct httpd_request {
    const char *method;
    const char *uri;                                   /* escaped, with the query */
    const char *content_type, *accept, *authorization; /* NULL: not sent */
    const char *impersonate;                           /* Impersonate-User; NULL */
    const char *upgrade_key, *upgrade_protocols;       /* Sec-WebSocket-Key and -Protocol; NULL */
    struct str body;
    int peer; /* for httpd_peer_is_gone */
};

struct httpd_stream {
    struct rd rd;
    void (*close)(struct httpd_stream *s);
};

/*
 * With status 101 the headers are sent, and then the stream as it is: what the other side sends is passed over, and when the stream
 * ends it is waited until that side hangs up, for a while.
 */
struct httpd_answer {
    int status;
    const char *content_type; /* static */
    struct buf body;
    struct httpd_stream *stream; /* taken; instead of the body */
    struct {
        const char *name; /* static */
        char *value;      /* owned */
    } headers[HTTPD_HEADERS_MAX];
    size_t n_headers;
};

/* `answer` comes with status 200, text/plain and an empty body. */
typedef void httpd_fn(void *arg, struct ctx *cx, const struct httpd_request *rq,
                      struct httpd_answer *answer);

/*
 * Is whoever sends this header Authorization (NULL: none) known? Asked before a body is read: of a
 * stranger nothing is kept, and what the handler answers to `authorization` NULL is what he gets.
 */
typedef bool httpd_knows_fn(void *arg, const char *authorization);

struct httpd_opts {
    const char *listen;             /* "127.0.0.1:8443", "[::1]:0", ":8080" for every address */
    const char *cert_pem, *key_pem; /* both: TLS */
    unsigned connections_max;       /* 0: 256 */
    httpd_knows_fn *knows;          /* NULL: there are no strangers */
    httpd_fn *handler;
    void *arg;
};

struct httpd;

/* Is it an address that could be listened on? RC_INVALID, with what it should be. */
NODISCARD enum rc httpd_check_address(const char *where, struct err *e);
/* Could somebody listen there now? RC_UNAVAILABLE: it is taken. */
NODISCARD enum rc httpd_check_free(const char *where, struct err *e);
NODISCARD enum rc httpd_open(const struct httpd_opts *opts, struct httpd **out, struct err *e);
/* Cancels the handlers' ctx, waits for them all. NULL is fine. */
void httpd_close(struct httpd *h);
/* The port that it got. */
unsigned httpd_port(const struct httpd *h);

/* One header more; past HTTPD_HEADERS_MAX they are dropped. */
void httpd_add_header(struct httpd_answer *a, const char *name, const char *value);

/* Has the other side hung up? For streams that have nothing to send. */
bool httpd_peer_is_gone(int peer);

#endif
