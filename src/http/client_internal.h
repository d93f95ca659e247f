/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_CLIENT_INTERNAL_H
#define HTTP_CLIENT_INTERNAL_H

/*
 * http/client_internal -- one transfer, which a call runs to its end and a stream in steps.
 */
#include <curl/curl.h>
#include <pthread.h>

#include "http/client.h"

/* A connection's place: used by one transfer at a time, kept with its open connections. */
struct slot {
    struct slot *next;
    CURLM *multi;
    CURL *easy;
};

struct http {
    struct http_opts o;   /* its strings are ours */
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t freed; /* a slot was given back; on the monotonic clock */
    struct slot *idle;
    unsigned n_idle, n_busy;
    int64_t send_free_ns,
        receive_free_ns; /* when what was moved so far has taken its time, at the rates of o */
};

/* One that is idle, or a new one; waits when too many are busy. */
NODISCARD enum rc slot_take(struct http *h, struct ctx *cx, struct slot **out, struct err *e);
void slot_give(struct http *h, struct slot *s);
void slot_free(struct slot *s);

struct transfer {
    struct http *h;
    struct ctx *cx;
    struct slot *slot;
    struct curl_slist *headers, *connect_to;
    char *url;      /* as it is sent; the host may be another than the request's */
    char peer[264]; /* host:port, for messages */
    struct buf in;  /* of the body, not yet taken */
    uint8_t *to;    /* the body of a good answer, in place of `in`; may be NULL */
    size_t to_n, to_max;
    uint64_t to_skip;   /* bytes that come before, if the server sends all */
    size_t pause_bytes; /* hold the sender back when so many wait; 0: never */
    bool paused, head, done, too_large;
    bool no_link_local, refused; /* to be checked; an address was not connected to */
    CURLcode result;             /* once done */
    curl_off_t sent, received;   /* that the rates were charged for */
    char why[CURL_ERROR_SIZE];
};

/* Begin; after a failure only transfer_end. */
NODISCARD enum rc transfer_begin(struct transfer *t, struct ctx *cx, struct http *h,
                                 const struct http_request *rq, bool stream, struct err *e);
/* Before the first step: connect and no more. */
void transfer_only_connect(struct transfer *t);
/* Let it go on until something happened. RC_CANCELLED, RC_TIMEOUT of the ctx, RC_IO. */
NODISCARD enum rc transfer_step(struct transfer *t, struct err *e);
/* What the library's result means. */
NODISCARD enum rc transfer_result(struct transfer *t, struct err *e);
/* Status, header fields and what went to `to`. */
void transfer_head(struct transfer *t, const struct http_request *rq, struct http_response *out);
void transfer_end(struct transfer *t);

#endif
