/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_CONN_H
#define REDIS_CONN_H

/*
 * redis/conn -- one connection to a Redis server that is ready for work.
 *
 * Shape    conn_open dials, starts TLS, authenticates and waits until the server has loaded its
 *          data. conn_call is one command and its reply; c->out, conn_flush and conn_recv are a
 *          pipeline: append any number of commands to c->out, flush, receive as many replies in order.
 * Database conn_open selects none: the address' database is for the caller to use.
 * Ownership  a reply is valid until the next call on the connection.
 * Errors   an error reply is a reply, not an error of conn_call and conn_recv. After any error of theirs
 *          but RC_INVALID the connection must be closed.
 * Threads  one at a time.
 */
#include "net/sock.h"
#include "redis/info.h"
#include "redis/reply.h"
#include "redis/resp.h"
#include "redis/url.h"

enum { CONN_WAIT_MS = 300 * 1000, CONN_REPLY_MS = 300 * 1000, CONN_PREPARE_MS = 6 * 3600 * 1000 };

struct conn_opts {
    struct tls_opts tls;          /* looked at when the address wants TLS */
    struct tls_opts sentinel_tls; /* the same of its Sentinels */
    int connect_ms;               /* 0: 10 s */
    int reply_ms;                 /* longest silence of the server; 0: CONN_REPLY_MS */
    int prepare_ms;               /* longest preparation of a snapshot; 0: CONN_PREPARE_MS */
    int wait_ms; /* how long to wait while it loads or is busy; 0: CONN_WAIT_MS, < 0: not */
    int rcvbuf;  /* see sock_opts */
};

struct conn {
    struct sock sock;
    struct reply_reader in;
    struct buf out; /* commands to be flushed */
    int wait_ms, prepare_ms;
    int64_t db;        /* selected by conn_select; 0 at first */
    bool without_user; /* logged in with the password alone (redis_addr.user_unsure) */
};

/*
 * RC_DENIED: authentication or ACL or protected mode; RC_UNAVAILABLE, RC_TIMEOUT: not there or not
 * ready in time; RC_UNSUPPORTED: user names on a server before 6.0; RC_CORRUPT: not a Redis server.
 */
NODISCARD enum rc conn_open(struct ctx *cx, const struct redis_addr *addr,
                            const struct conn_opts *opts, struct conn **out, struct err *e);
/* Not connected yet: for conn_open. */
struct conn *conn_new(void);
/* Wrap a connected descriptor, nothing sent: for tests. Takes fd. */
struct conn *conn_from_fd(int fd, const char *peer);
/* NULL is a no-op. */
void conn_close(struct conn *c);
const char *
conn_peer(const struct conn *c); /* host:port, for messages; as long as the connection */

/* Send one command, receive one reply. */
NODISCARD enum rc conn_call(struct ctx *cx, struct conn *c, const struct str *argv, size_t argc,
                            struct reply *out, struct err *e);
#define CONN_CALL(cx, c, out, e, ...)                                                              \
    conn_call((cx), (c), (const struct str[]){__VA_ARGS__},                                        \
              sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str), (out), (e))

/* Send what is in c->out; replies that come meanwhile are taken in, so neither side waits for ever.
 */
NODISCARD enum rc conn_flush(struct ctx *cx, struct conn *c, struct err *e);
NODISCARD enum rc conn_recv(struct ctx *cx, struct conn *c, struct reply *out, struct err *e);

/* What servers send is slower than any line in use below this, in bytes a second. */
enum { CONN_LEAST_RATE = 100 };

/* An error in `e` for an error reply: code by its first word, its text, a hint. `what` failed. */
enum rc conn_fail(const struct conn *c, const struct reply *r, const char *what, struct err *e);

/* SELECT unless it is selected already. RC_NOT_FOUND: the server has fewer databases. */
NODISCARD enum rc conn_select(struct ctx *cx, struct conn *c, uint64_t db, struct err *e);

/* INFO. RC_DENIED when it is not to be had: the user may not, or it is switched off. The caller releases `out`. */
NODISCARD enum rc conn_info(struct ctx *cx, struct conn *c, struct conn_info *out, struct err *e);

/*
 * The longest argument that the server takes (proto-max-bulk-len), or CONN_BULK_DEFAULT with
 * *known = false where it does not say.
 */
#define CONN_BULK_DEFAULT (UINT64_C(512) * 1024 * 1024)
NODISCARD enum rc conn_max_bulk(struct ctx *cx, struct conn *c, uint64_t *out, bool *known,
                                struct err *e);

/* Is it one of the answers that pass with time: LOADING, BUSY, MASTERDOWN, ...? */
bool conn_is_transient(const struct reply *r);

/*
 * Repeat a command while its answer is transient, until wait_ms have passed since *since (0: start
 * now); logs one line when it starts to wait. *again = true: slept, call again.
 */
NODISCARD enum rc conn_wait(struct ctx *cx, struct conn *c, const struct reply *r, int64_t *since,
                            bool *again, struct err *e);

#endif
