/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/websocket.h"

#include <ctype.h>
#include <strings.h>

#include "base/b64.h"
#include "base/endian.h"
#include "base/rand.h"

enum { KEY_BYTES = 16, SHA1_BYTES = 20, CONTROL_MAX = 125, MASK_BYTES = 4, HEADER_MAX = 14 };
enum { OP_MORE = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

void
ws_init(struct ws *w, struct rd *rd, struct wr *wr)
{
    *w = (struct ws){.wr = wr};
    lookahead_init(&w->in, rd, WS_MESSAGE_MAX);
    buf_init(&w->message, WS_MESSAGE_MAX);
}

void
ws_release(struct ws *w)
{
    lookahead_release(&w->in);
    buf_release(&w->message);
}

static uint32_t
websocket_rotate(uint32_t v, int bits)
{
    return v << bits | v >> (32 - bits);
}

static void
sha1_block(uint32_t h[5], const uint8_t *p)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], f = h[4];

    for (int i = 0; i < 16; i++)
        w[i] = be32_load(p + 4 * i);
    for (int i = 16; i < 80; i++)
        w[i] = websocket_rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t mix = i < 20   ? ((b & c) | (~b & d)) + 0x5A827999U
                       : i < 40 ? (b ^ c ^ d) + 0x6ED9EBA1U
                       : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDCU
                                : (b ^ c ^ d) + 0xCA62C1D6U;
        uint32_t next = websocket_rotate(a, 5) + mix + f + w[i];
        f = d;
        d = c;
        c = websocket_rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += f;
}

/* SHA-1 of at most 119 bytes: the handshake's check, which protects nothing. */
static void
sha1_short(struct str s, uint8_t to[static SHA1_BYTES])
{
    uint32_t h[5] = {0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U, 0xC3D2E1F0U};
    uint8_t block[128] = {0};
    size_t n = s.n < 56 ? 64 : 128;

    memcpy(block, s.p, s.n);
    block[s.n] = 0x80;
    be64_store(block + n - 8, (uint64_t)s.n * 8);
    for (size_t at = 0; at < n; at += 64)
        sha1_block(h, block + at);
    for (int i = 0; i < SHA1_BYTES; i++)
        to[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

void
ws_accept(const char *key, struct buf *out)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(119);
    struct err ignored = ERR_INIT;
    uint8_t hash[SHA1_BYTES];

    buf_must_printf(&text, "%s" GUID, key);
    sha1_short(buf_str(&text), hash);
    if (b64_encode(str_of(hash, sizeof(hash)), out, &ignored))
        BUG("a hash does not fit");
}

/* One line of the head without its end; valid until the next one. */
static enum rc
take_line(struct ws *w, size_t *left, struct str *line, struct err *e)
{
    for (size_t n = 1;; n++) {
        const uint8_t *p;
        if (n > *left)
            return err_set(e, RC_LIMIT, "the head of the answer is larger than %d bytes",
                           WS_HEAD_MAX);
        if (lookahead_need(&w->in, n, e))
            return err_code(e);
        p = w->in.p + w->in.pos;
        if (p[n - 1] != '\n')
            continue;
        *left -= n;
        (void)lookahead_take(&w->in, n);
        *line = str_of(p, n > 1 && p[n - 2] == '\r' ? n - 2 : n - 1);
        return RC_OK;
    }
}

struct head {
    int status;
    bool upgrade, accepted;
    int64_t length; /* of the body, -1: unknown */
};

/* The value of a header of that (lower case) name; false: it is another. */
static bool
is_header(struct str line, const char *name, struct str *value)
{
    size_t n = strlen(name);

    if (line.n <= n || strncasecmp((const char *)line.p, name, n) != 0 || line.p[n] != ':')
        return false;
    *value = str_of(line.p + n + 1, line.n - n - 1);
    while (value->n > 0 && isspace(value->p[0]))
        *value = str_of(value->p + 1, value->n - 1);
    while (value->n > 0 && isspace(value->p[value->n - 1]))
        value->n--;
    return true;
}

static void
read_header(struct ws *w, struct str line, struct str accept, struct head *h)
{
    struct str v;

    if (is_header(line, "upgrade", &v))
        h->upgrade = str_is_word(v, "WEBSOCKET");
    else if (is_header(line, "sec-websocket-accept", &v))
        h->accepted = str_eq(v, accept);
    else if (is_header(line, "sec-websocket-protocol", &v) && v.n < WS_PROTOCOL)
        (void)snprintf(w->protocol, sizeof(w->protocol), "%.*s", (int)v.n, (const char *)v.p);
    else if (is_header(line, "content-length", &v) && !str_to_i64(v, &h->length))
        h->length = -1;
}

static enum rc
read_head(struct ws *w, struct str accept, struct head *h, struct err *e)
{
    size_t left = WS_HEAD_MAX;
    struct str line = {.p = NULL};

    if (take_line(w, &left, &line, e))
        return err_code(e);
    if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0 || line.p[8] != ' ')
        return err_set(e, RC_CORRUPT, "the answer is not HTTP/1.1");
    for (int i = 9; i < 12; i++) {
        if (!isdigit(line.p[i]))
            return err_set(e, RC_CORRUPT, "the answer has no HTTP status");
        h->status = h->status * 10 + (line.p[i] - '0');
    }
    for (;;) {
        if (take_line(w, &left, &line, e))
            return err_code(e);
        if (line.n == 0)
            return RC_OK;
        read_header(w, line, accept, h);
    }
}

enum rc
ws_open(struct ws *w, const struct ws_request *rq, int *status, struct buf *body, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(1024 * 1024);
    CLEANUP(buf_release) struct buf key = BUF_INIT(64);
    CLEANUP(buf_release) struct buf accept = BUF_INIT(64);
    struct head h = {.length = -1};
    uint8_t random[KEY_BYTES];

    rand_bytes(random, sizeof(random));
    if (b64_encode(str_of(random, sizeof(random)), &key, e))
        return err_code(e);
    ws_accept(buf_c(&key), &accept);
    if (buf_printf(&text, e,
                   "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: cstash/" CSTASH_VERSION "\r\n"
                   "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
                   "Sec-WebSocket-Protocol: %s\r\n",
                   rq->path, rq->host, buf_c(&key), rq->protocols))
        return err_code(e);
    for (size_t i = 0; rq->headers != NULL && rq->headers[i] != NULL; i++)
        if (buf_printf(&text, e, "%s\r\n", rq->headers[i]))
            return err_code(e);
    if ((rq->authorization != NULL &&
         buf_printf(&text, e, "Authorization: %s\r\n", rq->authorization)) ||
        buf_add(&text, "\r\n", 2, e) || wr_write(w->wr, text.p, text.n, e) ||
        read_head(w, buf_str(&accept), &h, e))
        return err_code(e);
    if (h.status == 101 && (!h.upgrade || !h.accepted))
        return err_set(e, RC_CORRUPT, "the answer does not fit the WebSocket request");
    *status = h.status;
    if (h.status == 101 || h.length <= 0 || h.length > WS_BODY_MAX)
        return RC_OK;
    if (lookahead_need(&w->in, (size_t)h.length, e))
        return err_code(e);
    return buf_add(body, lookahead_take(&w->in, (size_t)h.length), (size_t)h.length, e);
}

/* A frame of our own, masked as clients must. */
static enum rc
send_frame(struct ws *w, uint8_t op, struct str s, struct err *e)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(WS_MESSAGE_MAX + HEADER_MAX);
    uint8_t head[HEADER_MAX] = {(uint8_t)(0x80 | op)}, *mask, *to;
    size_t n = 2;

    if (s.n <= CONTROL_MAX) {
        head[1] = (uint8_t)(0x80 | s.n);
    } else if (s.n <= UINT16_MAX) {
        head[1] = 0x80 | 126;
        head[2] = (uint8_t)(s.n >> 8);
        head[3] = (uint8_t)s.n;
        n = 4;
    } else {
        head[1] = 0x80 | 127;
        be64_store(head + 2, s.n);
        n = 10;
    }
    mask = head + n;
    rand_bytes(mask, MASK_BYTES);
    if (buf_add(&out, head, n + MASK_BYTES, e) || buf_add_str(&out, s, e))
        return err_code(e);
    to = out.p + n + MASK_BYTES;
    for (size_t i = 0; i < s.n; i++)
        to[i] ^= mask[i % MASK_BYTES];
    return wr_write(w->wr, out.p, out.n, e);
}

struct frame {
    bool last;
    uint8_t op;
    struct str data; /* valid until the next frame */
};

static enum rc
read_frame(struct ws *w, struct frame *f, struct err *e)
{
    const uint8_t *p;
    uint64_t n;
    size_t more;

    if (lookahead_need(&w->in, 2, e))
        return err_code(e);
    p = lookahead_take(&w->in, 2);
    *f = (struct frame){.last = (p[0] & 0x80) != 0, .op = p[0] & 0x0F};
    n = p[1] & 0x7F;
    if ((p[0] & 0x70) != 0 || (p[1] & 0x80) != 0 || (f->op > OP_BINARY && f->op < OP_CLOSE) ||
        f->op > OP_PONG)
        return err_set(e, RC_CORRUPT, "a WebSocket frame is malformed");
    if (f->op >= OP_CLOSE && (!f->last || n > CONTROL_MAX))
        return err_set(e, RC_CORRUPT, "a WebSocket control frame is too long or cut");
    more = n == 126 ? 2 : n == 127 ? 8 : 0;
    if (more > 0) {
        if (lookahead_need(&w->in, more, e))
            return err_code(e);
        p = lookahead_take(&w->in, more);
        n = more == 2 ? (uint64_t)p[0] << 8 | p[1] : be64_load(p);
    }
    if (n > WS_MESSAGE_MAX)
        return err_set(e, RC_LIMIT, "a WebSocket frame is larger than %d bytes", WS_MESSAGE_MAX);
    if (lookahead_need(&w->in, (size_t)n, e))
        return err_code(e);
    f->data = str_of(lookahead_take(&w->in, (size_t)n), (size_t)n);
    return RC_OK;
}

/* Did the peer close? */
static enum rc
websocket_control(struct ws *w, const struct frame *f, bool *over, struct err *e)
{
    if (f->op == OP_PING)
        return send_frame(w, OP_PONG, f->data, e);
    if (f->op != OP_CLOSE)
        return RC_OK;
    *over = true;
    if (w->closed)
        return RC_OK;
    w->closed = true;
    return send_frame(w, OP_CLOSE, str_of(f->data.p, MIN(f->data.n, 2)), e);
}

enum rc
ws_read(struct ws *w, struct str *message, bool *over, struct err *e)
{
    bool begun = false;

    buf_reset(&w->message);
    *over = false;
    for (;;) {
        struct frame f;
        if (read_frame(w, &f, e))
            return err_code(e);
        if (f.op >= OP_CLOSE) {
            if (websocket_control(w, &f, over, e))
                return err_code(e);
            if (*over)
                return RC_OK;
            continue;
        }
        if ((f.op == OP_MORE) != begun)
            return err_set(e, RC_CORRUPT, "the fragments of a WebSocket message are mixed up");
        begun = true;
        if (buf_add_str(&w->message, f.data, e))
            return err_code(e);
        if (f.last) {
            *message = buf_str(&w->message);
            return RC_OK;
        }
    }
}

enum rc
ws_write(struct ws *w, struct str message, struct err *e)
{
    return send_frame(w, OP_BINARY, message, e);
}

enum rc
ws_close(struct ws *w, struct err *e)
{
    static const uint8_t normal[2] = {1000 >> 8, 1000 & 0xFF};

    if (w->closed)
        return RC_OK;
    w->closed = true;
    return send_frame(w, OP_CLOSE, str_of(normal, sizeof(normal)), e);
}
