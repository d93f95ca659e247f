/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_OAUTH_H
#define STORE_OAUTH_H

/*
 * store/oauth -- bearer tokens: asked for once by many threads, kept until shortly before they end.
 *
 * Why      clouds differ in whom they ask, not in what becomes of the answer.
 * Threads  any number at once; while one asks, the others wait for the same answer.
 * Errors   RC_DENIED: whoever gives out tokens gave none, with its words. What a connection gives.
 * Source   RFC 6749 sections 5.1, 5.2; RFC 6750 section 2.1
 */
#include <pthread.h>

#include "store/remote.h"

struct json;

enum { OAUTH_TOKEN_MAX = 12 * 1024 };

struct oauth_token {
    char *text;        /* owned, wiped; NULL: none */
    struct json *with; /* what came with it, shared: where the service is, ...; NULL: nothing */
    int64_t end_ms;    /* clock_boot_ms: not used from then on; 0: never */
};
void oauth_token_release(struct oauth_token *t);
/* It lasts so long from now on; 0: an hour. */
void oauth_token_lasts(struct oauth_token *t, int64_t seconds);

/* What is set up, and the token that it led to. */
struct oauth {
    struct http *http; /* borrowed */
    char **set;        /* by the caller's numbers; NULL: not set */
    size_t n_set;
    pthread_mutex_t mutex; /* guards the token */
    struct oauth_token token;
};
/* `names`: of environment variables, for `set`. */
void oauth_init(struct oauth *o, const struct store_opts *opts, const char *const *names, size_t n,
                struct http *http);
void oauth_release(struct oauth *o);

/* Get a new one. */
typedef enum rc oauth_ask_fn(struct ctx *cx, void *arg, struct oauth_token *out, struct err *e);
/* A copy, which the caller releases; `ask` only if there is none that still lasts. */
NODISCARD enum rc oauth_get(struct ctx *cx, struct oauth *o, oauth_ask_fn *ask, void *arg,
                            struct oauth_token *out, struct err *e);
/* The same as "Authorization: Bearer ..." of a request. */
NODISCARD enum rc oauth_header(struct ctx *cx, struct oauth *o, oauth_ask_fn *ask, void *arg,
                               struct remote_request *to, struct err *e);
/* The server no longer takes it. */
void oauth_forget(struct oauth *o);
/* The same of one of oauth_get's: if another thread has a newer one already, that stays. */
void oauth_drop(struct oauth *o, const struct oauth_token *t);

/*
 * Send `rq` to who knows who may do what, and parse the JSON of the answer; `out` is what else
 * there is of it, without its body. An answer that allows or forbids (2xx, 400 to 404), but is no
 * JSON and has none of the header fields that `rq` wants, may be a proxy's or cut short: it is
 * asked for again, and believed after STORE_TRIES, with `*j` NULL. Both are the caller's, on success.
 */
NODISCARD enum rc oauth_send(struct ctx *cx, struct http *http, const struct http_request *rq,
                             struct http_response *out, struct json **j, struct err *e);
/*
 * Send `rq` (bounds are set here) to `whom`, as messages call it, and read a token out of its
 * answer: access_token with expires_in or expires_on, or accessToken with expireTime.
 */
NODISCARD enum rc oauth_call(struct ctx *cx, struct http *http, struct http_request *rq,
                             const char *whom, struct oauth_token *out, struct err *e);

/* Append "&name=value", or "name=value" to an empty one: a form, or a query. */
void oauth_field(struct buf *form, const char *name, const char *value);
/* POST it. It holds secrets, and is wiped. */
NODISCARD enum rc oauth_post(struct ctx *cx, struct http *http, const char *url, struct buf *form,
                             const char *whom, struct oauth_token *out, struct err *e);

#endif
