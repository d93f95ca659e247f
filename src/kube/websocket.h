/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_WEBSOCKET_H
#define KUBE_WEBSOCKET_H

/*
 * kube/websocket -- the client's side of a WebSocket over any two streams.
 *
 * Shape    ws_open sends the request and reads the answer's head; then messages, whole ones:
 *          fragments are joined, pings answered, pongs passed over.
 * Limits   WS_HEAD_MAX for the head of the answer, WS_MESSAGE_MAX for a message, with RC_LIMIT.
 * Errors   RC_CORRUPT: the peer breaks the protocol or ends in the middle; else the streams'.
 * Threads  one at a time.
 * Source   RFC 6455.
 * Tests    websocket_test.c
 */
#include "base/stream.h"
#include "base/lookahead.h"

enum {
    WS_HEAD_MAX = 64 * 1024,
    WS_BODY_MAX = 64 * 1024,
    WS_MESSAGE_MAX = 16 * 1024 * 1024,
    WS_PROTOCOL = 64
};

struct ws {
    struct wr *wr;
    struct lookahead in;
    struct buf message;
    char protocol[WS_PROTOCOL]; /* that the server chose, "" for none */
    bool closed;                /* a close frame came or went */
};

/* The streams are borrowed until ws_release. */
void ws_init(struct ws *w, struct rd *rd, struct wr *wr);
void ws_release(struct ws *w);

struct ws_request {
    const char *host, *path;
    const char *authorization;  /* NULL: none */
    const char *const *headers; /* more lines, "Name: value"; NULL ends. NULL: none */
    const char *protocols;      /* "a, b": what we speak, the best first */
};
/*
 * `*status` is 101 when it is open. Any other: the server refused; as much of the answer's body as
 * it gave with a length is in `body`.
 */
NODISCARD enum rc ws_open(struct ws *w, const struct ws_request *rq, int *status, struct buf *body,
                          struct err *e);

/* What a server must answer to the key of a request (at most 64 characters), appended. */
void ws_accept(const char *key, struct buf *out);

/* The next message, text or binary; valid until the next call. `*over`: the peer closed. */
NODISCARD enum rc ws_read(struct ws *w, struct str *message, bool *over, struct err *e);
/* One binary message. */
NODISCARD enum rc ws_write(struct ws *w, struct str message, struct err *e);
/* Say that we are done. The answer is not waited for. */
NODISCARD enum rc ws_close(struct ws *w, struct err *e);

#endif
