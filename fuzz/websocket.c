/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket frames: whatever a server sends is taken or refused; what is taken stays within the
 * limit, and is the same however the bytes come in.
 */
#include "kube/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct heard {
    size_t messages, bytes;
    bool over;
    enum rc rc;
};

static struct heard
hear(struct str bytes, size_t step)
{
    struct heard h = {.rc = RC_OK};
    struct wr_null out = {.bytes = 0};
    struct err e = ERR_INIT;
    struct rd_mem in;
    struct ws w;

    rd_mem_init(&in, bytes, step);
    wr_null_init(&out);
    ws_init(&w, &in.rd, &out.wr);
    while (h.rc == RC_OK && !h.over) {
        struct str message = {.p = NULL};

        h.rc = ws_read(&w, &message, &h.over, &e);
        h.messages += h.rc == RC_OK && !h.over;
        h.bytes += message.n;
        if (message.n > WS_MESSAGE_MAX)
            BUG("a message of %zu bytes", message.n);
    }
    if (out.bytes > 3 * bytes.n) /* an answer has four bytes more, the least frame two */
        BUG("%llu bytes of answers", (unsigned long long)out.bytes);
    ws_release(&w);
    return h;
}

static void
open_it(struct str bytes)
{
    struct ws_request rq = {.host = "host:1", .path = "/", .protocols = "a, b"};
    struct buf body = BUF_INIT(WS_BODY_MAX);
    struct wr_null out = {.bytes = 0};
    struct err e = ERR_INIT;
    struct rd_mem in;
    struct ws w;
    int status = 0;

    rd_mem_init(&in, bytes, 0);
    wr_null_init(&out);
    ws_init(&w, &in.rd, &out.wr);
    if (ws_open(&w, &rq, &status, &body, &e) == RC_OK && status == 101)
        BUG("nobody knows the answer to a key that is new each time");
    ws_release(&w);
    buf_release(&body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct heard all = hear(str_of(p, n), 0), pieces = hear(str_of(p, n), 1);

    if (all.messages != pieces.messages || all.bytes != pieces.bytes || all.over != pieces.over ||
        all.rc != pieces.rc)
        BUG("the pieces in which bytes come change their meaning");
    open_it(str_of(p, n));
    return 0;
}
