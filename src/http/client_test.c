/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/fs.h"
#include "base/mem.h"
#include "http/client.h"

/* A server that answers the n-th request, on any connection, with answers[n], and keeps them. */
struct server {
    int fd;
    pthread_t thread;
    const char *const *answers; /* ended by NULL; "!": close without an answer; "~": and wait */
    char url[64];
    struct buf seen;
    int connections;
};

/* One request with its body. False: the peer is gone. */
static bool
read_request(struct server *s, int fd)
{
    size_t begin = s->seen.n, length = 0;
    const char *end = NULL;
    struct err e = ERR_INIT;

    for (;;) {
        ssize_t n;
        assert_int_equal(buf_reserve(&s->seen, 4096, &e), RC_OK);
        if (end == NULL && s->seen.n > begin) {
            const char *text = buf_c(&s->seen) + begin, *field;
            end = strstr(text, "\r\n\r\n");
            field = end == NULL ? NULL : strcasestr(text, "content-length: ");
            if (field != NULL)
                length = strtoul(field + 16, NULL, 10);
        }
        end = s->seen.n == begin ? NULL : strstr(buf_c(&s->seen) + begin, "\r\n\r\n");
        if (end != NULL && s->seen.n >= (size_t)(end + 4 - (const char *)s->seen.p) + length)
            return true;
        n = read(fd, s->seen.p + s->seen.n, 4096);
        if (n <= 0)
            return false;
        s->seen.n += (size_t)n;
    }
}

static void *
serve(void *arg)
{
    struct server *s = arg;
    const char *const *next = s->answers;
    int fd;

    while (*next != NULL && (fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        s->connections++;
        while (*next != NULL && read_request(s, fd)) {
            const char *answer = *next++;
            struct err e = ERR_INIT;
            char c;
            bool hold = answer[strlen(answer) - 1] == '~';
            if (answer[0] == '!')
                break;
            if (fs_write_all(fd, answer, strlen(answer) - (hold ? 1 : 0), "peer", &e))
                break;
            if (hold) {
                (void)!read(fd, &c, 1);
                break;
            }
        }
        (void)close(fd);
    }
    return NULL;
}

static void
start(struct server *s, const char *const *answers)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);

    memset(s, 0, sizeof(*s));
    s->answers = answers;
    buf_init(&s->seen, 8 * 1024 * 1024);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(s->fd, 5), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
    (void)snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/x", ntohs(a.sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

/* After this `seen` may be read. */
static void
end(struct server *s)
{
    (void)shutdown(s->fd, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->fd);
}

static void
stop(struct server *s)
{
    end(s);
    buf_release(&s->seen);
}

/* A program that is started now would get none of our sockets. */
static void
assert_no_socket_is_inherited(void)
{
    for (int fd = 3; fd < 100; fd++) {
        struct sockaddr_in a = {0};
        socklen_t n = sizeof(a);

        if (getpeername(fd, (struct sockaddr *)&a, &n) == 0 && a.sin_family == AF_INET)
            assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    }
}

static void
test_http_call_and_reuse(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello",
        "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}", NULL};
    static const char *const headers[] = {"X-A: b", "Content-Type: application/json", NULL};
    struct http_response r = {.status = 0};
    struct http *h = NULL;
    struct server s;
    struct ctx cx;
    struct err e = ERR_INIT;

    (void)state;
    start(&s, answers);
    T_OK(ctx_init(&cx, &e));
    T_OK(http_new(NULL, &h, &e));
    T_OK(http_call(&cx, h,
                   &(struct http_request){.url = s.url,
                                          .bearer = "tok",
                                          .headers = headers,
                                          .method = "PATCH",
                                          .body = STR_LIT("{\"a\":1}")},
                   &r, &e));
    assert_int_equal(r.status, 200);
    assert_string_equal(r.content_type, "text/plain");
    T_STR(buf_str(&r.body), STR_LIT("hello"));
    http_response_release(&r);
    assert_no_socket_is_inherited();
    T_OK(http_call(&cx, h, &(struct http_request){.url = s.url, .method = "DELETE"}, &r, &e));
    assert_int_equal(r.status, 429);
    assert_int_equal(r.after_ms, 7000);
    http_response_release(&r);
    http_free(h);
    end(&s);
    assert_int_equal(s.connections, 1);
    T_CONTAINS(buf_c(&s.seen), "PATCH /x HTTP/1.1\r\n");
    T_CONTAINS(buf_c(&s.seen), "Authorization: Bearer tok\r\n");
    T_CONTAINS(buf_c(&s.seen), "X-A: b\r\n");
    T_CONTAINS(buf_c(&s.seen), "Content-Type: application/json\r\n");
    T_CONTAINS(buf_c(&s.seen), "{\"a\":1}DELETE /x HTTP/1.1\r\n");
    buf_release(&s.seen);
    ctx_release(&cx);
}

static void
test_http_errors(void **state)
{
    static const char *const answers[] = {
        "!", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n0123456789", "HTTP/1.1 200 OK\r\n\r\n~",
        NULL};
    struct http_response r = {.status = 0};
    struct http *h = NULL;
    struct server s;
    struct ctx cx;
    struct err e = ERR_INIT;

    (void)state;
    start(&s, answers);
    T_OK(ctx_init(&cx, &e));
    T_OK(http_new(NULL, &h, &e));
    T_RC(http_call(&cx, h, &(struct http_request){.url = s.url}, &r, &e), RC_UNAVAILABLE);
    assert_true(e.retry);
    T_RC(http_call(&cx, h, &(struct http_request){.url = s.url, .body_max = 5}, &r, &e), RC_LIMIT);
    T_RC(http_call(&cx, h, &(struct http_request){.url = s.url, .timeout_ms = 50}, &r, &e),
         RC_TIMEOUT);
    T_RC(http_call(&cx, h, &(struct http_request){.url = "ftp://h/x"}, &r, &e), RC_INVALID);
    T_RC(http_call(&cx, h, &(struct http_request){.url = s.url, .bearer = "a\r\nb"}, &r, &e),
         RC_INVALID);
    stop(&s);
    T_RC(http_call(&cx, h, &(struct http_request){.url = s.url, .bearer = "hunter2"}, &r, &e),
         RC_UNAVAILABLE);
    assert_null(strstr(e.msg, "hunter2"));
    assert_true(e.retry && e.hint[0] != '\0');
    ctx_cancel(&cx);
    T_RC(http_call(&cx, h, &(struct http_request){.url = s.url}, &r, &e), RC_CANCELLED);
    http_free(h);
    ctx_release(&cx);
}

static void *
cancel_soon(void *arg)
{
    (void)usleep(20000);
    ctx_cancel(arg);
    return NULL;
}

static void
test_http_stream_until_cancelled(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n~", NULL};
    struct http_response r = {.status = 0};
    struct http_stream *st = NULL;
    struct http *h = NULL;
    struct server s;
    struct ctx cx;
    struct err e = ERR_INIT;
    uint8_t text[10];
    pthread_t other;
    size_t got;

    (void)state;
    start(&s, answers);
    T_OK(ctx_init(&cx, &e));
    T_OK(http_new(NULL, &h, &e));
    T_OK(http_open(&cx, h, &(struct http_request){.url = s.url}, &r, &st, &e));
    assert_int_equal(r.status, 404);
    T_OK(rd_full(http_stream_rd(st), text, 10, &got, &e));
    assert_int_equal(got, 3);
    http_close(st);
    T_OK(http_open(&cx, h, &(struct http_request){.url = s.url}, &r, &st, &e));
    assert_int_equal(r.status, 200);
    T_OK(rd_full(http_stream_rd(st), text, 5, &got, &e));
    T_STR(str_of(text, got), STR_LIT("abcde"));
    assert_int_equal(pthread_create(&other, NULL, cancel_soon, &cx), 0);
    T_RC(rd_read(http_stream_rd(st), text, 10, &got, &e), RC_CANCELLED);
    (void)pthread_join(other, NULL);
    http_close(st);
    stop(&s);
    http_free(h);
    ctx_release(&cx);
}

/* More than a stream holds: the sender waits, and nothing is lost. */
static void
test_http_stream_is_pulled(void **state)
{
    enum { BYTES = 3 * 1000 * 1000 };
    char *answer = mem_zero(BYTES + 100, 1);
    const char *answers[] = {answer, NULL};
    int head = snprintf(answer, 100, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BYTES);
    struct http_response r = {.status = 0};
    struct http_stream *st = NULL;
    struct http *h = NULL;
    struct server s;
    struct ctx cx;
    struct err e = ERR_INIT;
    size_t got, total = 0;
    uint8_t p[5000];

    (void)state;
    for (int i = 0; i < BYTES; i++)
        answer[head + i] = (char)('a' + i % 23);
    start(&s, answers);
    T_OK(ctx_init(&cx, &e));
    T_OK(http_new(NULL, &h, &e));
    T_OK(http_open(&cx, h, &(struct http_request){.url = s.url}, &r, &st, &e));
    do {
        T_OK(rd_read(http_stream_rd(st), p, sizeof(p), &got, &e));
        for (size_t i = 0; i < got; i++)
            if (p[i] != 'a' + (total + i) % 23)
                fail_msg("byte %zu is wrong", total + i);
        total += got;
    } while (got > 0);
    assert_int_equal(total, BYTES);
    http_close(st);
    stop(&s);
    http_free(h);
    ctx_release(&cx);
    mem_free(answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_call_and_reuse),
        cmocka_unit_test(test_http_errors),
        cmocka_unit_test(test_http_stream_until_cancelled),
        cmocka_unit_test(test_http_stream_is_pulled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
