/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/t.h"

#include "base/mem.h"
#include "kube/podexec.h"
#include "kube/websocket.h"

enum { SENT_MAX = 1024 * 1024 };

/* A peer that answers the handshake, then says what it was told to, `step` bytes at a time. */
struct peer {
    struct kube_transport t;
    struct kube_duplex d;
    struct buf sent, says;
    size_t at, step;
    const char *head; /* in place of the right one */
    bool answered;
};

static void
answer_head(struct peer *p)
{
    static const char key_name[] = "Sec-WebSocket-Key: ";
    CLEANUP(buf_release) struct buf accept = BUF_INIT(100);
    struct buf all = BUF_INIT(SENT_MAX);
    char key[65] = "";
    const char *at = strstr(buf_c(&p->sent), key_name);

    assert_non_null(at);
    assert_non_null(strstr(buf_c(&p->sent), "\r\nUser-Agent: cstash/"));
    at += strlen(key_name);
    memcpy(key, at, strcspn(at, "\r"));
    ws_accept(key, &accept);
    if (p->head != NULL)
        buf_must_printf(&all, "%s", p->head);
    else
        buf_must_printf(&all,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                        "Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n",
                        buf_c(&accept));
    buf_must_add(&all, p->says.p, p->says.n);
    buf_release(&p->says);
    p->says = all;
    p->answered = true;
}

static enum rc
peer_read(struct rd *r, uint8_t *to, size_t n, size_t *got, struct err *e)
{
    struct peer *p = CONTAINER_OF(CONTAINER_OF(r, struct kube_duplex, rd), struct peer, d);

    (void)e;
    if (!p->answered)
        answer_head(p);
    *got = MIN(MIN(n, p->step), p->says.n - p->at);
    memcpy(to, p->says.p + p->at, *got);
    p->at += *got;
    return RC_OK;
}

static enum rc
peer_write(struct wr *w, const uint8_t *b, size_t n, struct err *e)
{
    struct peer *p = CONTAINER_OF(CONTAINER_OF(w, struct kube_duplex, wr), struct peer, d);

    return buf_add(&p->sent, b, n, e);
}

static const char *const more[] = {"Impersonate-User: ada", "Impersonate-Group: g", NULL};

static enum rc
peer_upgrade(struct kube_transport *t, struct ctx *cx, struct kube_duplex **out, struct err *e)
{
    struct peer *p = CONTAINER_OF(t, struct peer, t);

    (void)cx;
    (void)e;
    p->d.host = "host:1";
    p->d.prefix = "/prefix";
    p->d.authorization = "Bearer secret";
    p->d.headers = more;
    *out = &p->d;
    return RC_OK;
}

static void
peer_close(struct kube_duplex *d)
{
    (void)d;
}

static void
peer_free(struct kube_transport *t)
{
    (void)t;
}

static void
peer_init(struct peer *p, struct str says, size_t step)
{
    *p = (struct peer){.step = step};
    p->t.upgrade = peer_upgrade;
    p->t.close_duplex = peer_close;
    p->t.free = peer_free;
    p->d.rd.read = peer_read;
    p->d.wr.write = peer_write;
    buf_init(&p->sent, SENT_MAX);
    buf_init(&p->says, SENT_MAX);
    buf_must_add(&p->says, says.p, says.n);
}

static void
peer_release(struct peer *p)
{
    buf_release(&p->sent);
    buf_release(&p->says);
}

static void
frame(struct buf *to, uint8_t first, struct str data)
{
    uint8_t head[4] = {first, (uint8_t)data.n};

    if (data.n > 125) {
        head[1] = 126;
        head[2] = (uint8_t)(data.n >> 8);
        head[3] = (uint8_t)data.n;
    }
    buf_must_add(to, head, data.n > 125 ? 4 : 2);
    buf_must_add(to, data.p, data.n);
}

static enum rc
execute(struct peer *p, struct kube_pod_exec_result *r, struct err *e)
{
    static const char *const argv[] = {"sh", "-c", "a b&c", NULL};
    struct kube_pod_exec_opts o = {.container = "main", .argv = argv};
    struct kube *k = kube_new(&p->t, NULL);
    struct ctx cx = {.fd = -1};
    enum rc rc = kube_pod_exec(&cx, k, "demo", "pod", &o, r, e);

    kube_free(k);
    return rc;
}

#define FAILED_7                                                                                   \
    "\3{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"message\":\"exit code 7\","        \
    "\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"7\"}]}}"
#define DENIED "\3{\"status\":\"Failure\",\"code\":403,\"message\":\"not you\"}"

/* A command's output over several frames, with a ping between fragments. */
static void
conversation(struct buf *to, const char *status)
{
    char large[301];

    memset(large, 'x', sizeof(large) - 1);
    large[0] = 1;
    large[300] = '\0';
    frame(to, 0x82, str_of("\1", 1)); /* an empty one opens each channel */
    frame(to, 0x82, str_c("\1one "));
    frame(to, 0x02, str_c("\2tw"));
    frame(to, 0x89, str_c("ping"));
    frame(to, 0x00, str_c("o"));
    frame(to, 0x8A, str_c("pong"));
    frame(to, 0x80, str_c(" "));
    frame(to, 0x82, str_c(large));
    frame(to, 0x82, str_c(status));
    frame(to, 0x88, str_of("\3\350", 2));
}

static void
test_exec_every_split(void **state)
{
    CLEANUP(buf_release) struct buf says = BUF_INIT(SENT_MAX);

    (void)state;
    conversation(&says, FAILED_7);
    for (size_t step = 1; step < says.n + 300; step++) {
        struct kube_pod_exec_result r = {.output = BUF_INIT(1000), .exit_code = -1};
        struct err e = ERR_INIT;
        struct peer p;
        peer_init(&p, buf_str(&says), step);
        T_OK(execute(&p, &r, &e));
        assert_int_equal(r.exit_code, 7);
        assert_int_equal(r.output.n, 8 + 299);
        assert_memory_equal(r.output.p, "one two x", 9);
        T_CONTAINS(buf_c(&p.sent),
                   "GET /prefix/api/v1/namespaces/demo/pods/pod/exec?command=sh&command=-c&command="
                   "a%20b%26c&container=main&stdout=true&stderr=true HTTP/1.1\r\nHost: host:1\r\n");
        T_CONTAINS(buf_c(&p.sent), "\r\nAuthorization: Bearer secret\r\n");
        T_CONTAINS(buf_c(&p.sent), "\r\nImpersonate-User: ada\r\nImpersonate-Group: g\r\n");
        buf_release(&r.output);
        peer_release(&p);
    }
}

static void
test_exec_output_is_cut(void **state)
{
    struct kube_pod_exec_result r = {.output = BUF_INIT(6), .exit_code = -1};
    CLEANUP(buf_release) struct buf says = BUF_INIT(SENT_MAX);
    struct err e = ERR_INIT;
    struct peer p;

    (void)state;
    conversation(&says, "\3{\"status\":\"Success\"}");
    peer_init(&p, buf_str(&says), 10000);
    T_OK(execute(&p, &r, &e));
    assert_int_equal(r.exit_code, 0);
    T_STR(buf_str(&r.output), str_c("one tw"));
    buf_release(&r.output);
    peer_release(&p);
}

/* Every prefix of a conversation is an error, never an exit code. */
static void
test_exec_every_prefix(void **state)
{
    CLEANUP(buf_release) struct buf says = BUF_INIT(SENT_MAX);
    size_t whole;

    (void)state;
    conversation(&says, FAILED_7);
    whole = says.n - 4; /* the close frame is not waited for */
    for (size_t n = 0; n < whole; n++) {
        struct kube_pod_exec_result r = {.output = BUF_INIT(1000), .exit_code = -1};
        struct err e = ERR_INIT;
        struct peer p;
        peer_init(&p, str_of(says.p, n), 10000);
        T_RC(execute(&p, &r, &e), RC_CORRUPT);
        assert_int_equal(r.exit_code, -1);
        buf_release(&r.output);
        peer_release(&p);
    }
}

static void
check_bad(const char *head, struct str says, enum rc want, const char *message)
{
    struct kube_pod_exec_result r = {.output = BUF_INIT(1000), .exit_code = -1};
    struct err e = ERR_INIT;
    struct peer p;

    peer_init(&p, says, 10000);
    p.head = head;
    T_RC(execute(&p, &r, &e), want);
    T_CONTAINS(e.msg, message);
    buf_release(&r.output);
    peer_release(&p);
}

#define BYTES(s) str_of(s, sizeof(s) - 1)

static void
test_exec_refusals(void **state)
{
    CLEANUP(buf_release) struct buf denied = BUF_INIT(SENT_MAX);

    (void)state;
    frame(&denied, 0x82, str_c(DENIED));
    check_bad(NULL, buf_str(&denied), RC_DENIED, "not you");
    check_bad("HTTP/1.1 404 Not Found\r\nContent-Length: 31\r\n\r\n"
              "{\"message\":\"pods \\\"x\\\" not found\"}",
              BYTES(""), RC_NOT_FOUND, "");
    check_bad("HTTP/1.1 403 Forbidden\r\n\r\n", BYTES(""), RC_DENIED, "HTTP 403");
    check_bad("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: no\r\n\r\n", BYTES(""),
              RC_CORRUPT, "does not fit");
    check_bad("SSH-2.0-OpenSSH_9\r\n", BYTES(""), RC_CORRUPT, "not HTTP");
    check_bad(NULL, BYTES("\x82\x81xxxxx"), RC_CORRUPT, "malformed"); /* masked */
    check_bad(NULL, BYTES("\xC2\x01x"), RC_CORRUPT, "malformed");     /* a reserved bit */
    check_bad(NULL, BYTES("\x83\x01x"), RC_CORRUPT, "malformed");     /* no such kind */
    check_bad(NULL, BYTES("\x09\x01x"), RC_CORRUPT, "control");       /* a ping in parts */
    check_bad(NULL, BYTES("\x89\x7E\0\1x"), RC_CORRUPT, "control");   /* a long ping */
    check_bad(NULL, BYTES("\x80\x01x"), RC_CORRUPT, "mixed up");      /* nothing to go on with */
    check_bad(NULL, BYTES("\x02\x01x\x82\x01x"), RC_CORRUPT, "mixed up"); /* one inside another */
    check_bad(NULL, BYTES("\x82\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), RC_LIMIT, "larger");
    check_bad(NULL, BYTES("\x88\x00"), RC_UNAVAILABLE, "did not say");
}

static void
test_websocket_frames_we_send(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 65535, 65536};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        CLEANUP(buf_release) struct buf data = BUF_INIT(SENT_MAX);
        size_t n = sizes[i], head = n < 126 ? 2 : n < 65536 ? 4 : 10;
        struct err e = ERR_INIT;
        struct peer p;
        struct ws w;
        for (size_t k = 0; k < n; k++)
            buf_must_add(&data, &"abcdefg"[k % 7], 1);
        peer_init(&p, BYTES(""), 1);
        ws_init(&w, &p.d.rd, &p.d.wr);
        T_OK(ws_write(&w, buf_str(&data), &e));
        assert_int_equal(p.sent.n, head + 4 + n);
        assert_int_equal(p.sent.p[0], 0x82);
        assert_int_equal(p.sent.p[1], 0x80 | (head == 2 ? n : head == 4 ? 126 : 127));
        for (size_t k = 0; k < n; k++)
            p.sent.p[head + 4 + k] ^= p.sent.p[head + k % 4];
        if (n > 0)
            assert_memory_equal(p.sent.p + head + 4, data.p, n);
        ws_release(&w);
        peer_release(&p);
    }
}

static void
test_websocket_accept(void **state)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(100);

    (void)state;
    ws_accept("dGhlIHNhbXBsZSBub25jZQ==", &out); /* the example of RFC 6455 */
    assert_string_equal(buf_c(&out), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void
test_exec_needs_a_transport_for_it(void **state)
{
    struct kube_pod_exec_result r = {.output = BUF_INIT(1000)};
    struct err e = ERR_INIT;
    struct peer p;

    (void)state;
    peer_init(&p, BYTES(""), 1);
    p.t.upgrade = NULL;
    T_RC(execute(&p, &r, &e), RC_UNSUPPORTED);
    peer_release(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_websocket_accept),
        cmocka_unit_test(test_websocket_frames_we_send),
        cmocka_unit_test(test_exec_every_split),
        cmocka_unit_test(test_exec_every_prefix),
        cmocka_unit_test(test_exec_output_is_cut),
        cmocka_unit_test(test_exec_refusals),
        cmocka_unit_test(test_exec_needs_a_transport_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
