/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/http_script.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "http/client.h"

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
    struct http_script s;
    struct ctx cx;
    struct err e = ERR_INIT;

    (void)state;
    http_script_start(&s, answers);
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
    http_script_end(&s);
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
    struct http_script s;
    struct ctx cx;
    struct err e = ERR_INIT;

    (void)state;
    http_script_start(&s, answers);
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
    http_script_stop(&s);
    T_RC(http_call(&cx, h, &(struct http_request){.url = s.url, .bearer = "hunter2"}, &r, &e),
         RC_UNAVAILABLE);
    assert_null(strstr(e.msg, "hunter2"));
    *strrchr(s.url, '/') = '\0'; /* host and port */
    T_CONTAINS(e.msg, s.url + strlen("http://"));
    assert_true(e.retry && e.hint[0] != '\0');
    ctx_cancel(&cx);
    T_RC(http_call(&cx, h, &(struct http_request){.url = s.url}, &r, &e), RC_CANCELLED);
    http_free(h);
    ctx_release(&cx);
}

static void
test_http_past_the_proxy(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", NULL};
    struct http_response r = {.status = 0};
    struct http *h = NULL;
    struct http_script s;
    struct ctx cx;
    struct err e = ERR_INIT;

    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    http_script_start(&s, answers);
    T_OK(ctx_init(&cx, &e));
    T_OK(http_new(&(struct http_opts){.connections = 1}, &h, &e));
    T_RC(http_call(&cx, h, &(struct http_request){.url = s.url}, &r, &e), RC_UNAVAILABLE);
    T_OK(http_call(&cx, h, &(struct http_request){.url = s.url, .no_proxy = true}, &r, &e));
    T_STR(buf_str(&r.body), STR_LIT("hi"));
    http_response_release(&r);
    http_script_end(&s);
    buf_release(&s.seen);
    assert_int_equal(unsetenv("http_proxy"), 0);
    http_free(h);
    ctx_release(&cx);
}

/* A body straight into the caller's memory, and what the answer said besides. */
static void
test_http_body_in_place(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 206 Part\r\nContent-Length: 5\r\nX-Id: 7\r\n\r\nhello",
        "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\ngone",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab-hello-",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", NULL};
    struct http_response r = {.status = 0};
    struct http *h = NULL;
    struct http_script s;
    struct ctx cx;
    struct err e = ERR_INIT;
    uint8_t to[5];
    struct http_request rq = {
        .to = to, .to_n = 5, .want = {"x-id", "X-Other"}, .want_secret = "x-ID"};

    (void)state;
    http_script_start(&s, answers);
    rq.url = s.url;
    T_OK(ctx_init(&cx, &e));
    T_OK(http_new(&(struct http_opts){.connections = 1}, &h, &e));
    T_OK(http_call(&cx, h, &rq, &r, &e));
    T_STR(str_of(to, r.to_n), STR_LIT("hello"));
    assert_int_equal(r.body.n, 0);
    assert_string_equal(r.got[0], "7");
    assert_string_equal(r.got[1], "");
    assert_string_equal(r.secret, "7");
    http_response_release(&r);
    assert_null(r.secret);
    T_OK(http_call(&cx, h, &rq, &r, &e));
    assert_int_equal(r.to_n, 0);
    T_STR(buf_str(&r.body), STR_LIT("gone"));
    http_response_release(&r);
    rq.to_off = 3;
    memset(to, 0, sizeof(to));
    T_OK(http_call(&cx, h, &rq, &r, &e));
    T_STR(str_of(to, r.to_n), STR_LIT("hello"));
    http_response_release(&r);
    rq.stall_s = 1;
    T_RC(http_call(&cx, h, &rq, &r, &e), RC_UNAVAILABLE);
    assert_true(e.retry);
    http_script_end(&s);
    T_CONTAINS(buf_c(&s.seen), "Range: bytes=0-4\r\n");
    T_CONTAINS(buf_c(&s.seen), "Range: bytes=3-7\r\n");
    buf_release(&s.seen);
    http_free(h);
    ctx_release(&cx);
}

/* Short answers know no limit of their own: the wait is for what all of them have taken. It cannot be less. */
static void
test_http_rates_hold_for_short_answers(void **state)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
                                 "0123456789012345678901234567890123456789012345678901234567890123"
                                 "456789012345678901234567890123456789";
    static const char *const answers[] = {answer, answer, answer, answer, answer, NULL};
    struct http_opts limited = {.receive_rate = 1000};
    struct http_response r = {.status = 0};
    struct http *h = NULL;
    struct http_script s;
    struct ctx cx;
    struct err e = ERR_INIT;
    int64_t began;

    (void)state;
    http_script_start(&s, answers);
    T_OK(ctx_init(&cx, &e));
    T_OK(http_new(&limited, &h, &e));
    began = clock_mono_ms();
    for (int i = 0; i < 5; i++) {
        T_OK(http_call(&cx, h, &(struct http_request){.url = s.url}, &r, &e));
        assert_int_equal(r.body.n, 100);
        http_response_release(&r);
    }
    assert_true(clock_mono_ms() - began >= 4 * 100); /* the fifth is at rest when it has come */
    http_free(h);
    http_script_end(&s);
    buf_release(&s.seen);
    ctx_release(&cx);
}

/* Two at once where one is allowed: the second waits, or gives up when its ctx ends. */
static void
test_http_waits_for_its_turn(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n~",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL};
    struct http_response r = {.status = 0};
    struct http_stream *st = NULL;
    struct http *h = NULL;
    struct http_script s;
    struct ctx cx, soon;
    struct err e = ERR_INIT;

    (void)state;
    http_script_start(&s, answers);
    T_OK(ctx_init(&cx, &e));
    T_OK(ctx_init(&soon, &e));
    soon.until = clock_mono_ms() + 20;
    T_OK(http_new(&(struct http_opts){.connections = 1}, &h, &e));
    T_OK(http_open(&cx, h, &(struct http_request){.url = s.url}, &r, &st, &e));
    T_RC(http_call(&soon, h, &(struct http_request){.url = s.url}, &r, &e), RC_TIMEOUT);
    http_close(st);
    T_OK(http_call(&cx, h, &(struct http_request){.url = s.url}, &r, &e));
    http_response_release(&r);
    http_script_stop(&s);
    http_free(h);
    ctx_release(&cx);
    ctx_release(&soon);
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
    struct http_script s;
    struct ctx cx;
    struct err e = ERR_INIT;
    uint8_t text[10];
    pthread_t other;
    size_t got;

    (void)state;
    http_script_start(&s, answers);
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
    http_script_stop(&s);
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
    struct http_script s;
    struct ctx cx;
    struct err e = ERR_INIT;
    size_t got, total = 0;
    uint8_t p[5000];

    (void)state;
    for (int i = 0; i < BYTES; i++)
        answer[head + i] = (char)('a' + i % 23);
    http_script_start(&s, answers);
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
    http_script_stop(&s);
    http_free(h);
    ctx_release(&cx);
    mem_free(answer);
}

static void
test_http_no_link_local(void **state)
{
    static const char *const refused[] = {"http://169.254.169.254/latest/meta-data/",
                                          "http://169.254.170.2:80/v2",
                                          "http://2852039166/",
                                          "http://0xa9fea9fe/",
                                          "http://0251.0376.0251.0376/",
                                          "http://100.100.100.200/",
                                          "http://168.63.129.16/",
                                          "http://[fe80::1]/",
                                          "http://[febf::1]/",
                                          "http://[fd00:ec2::254]/",
                                          "http://[::ffff:169.254.169.254]/",
                                          "http://[::169.254.169.254]/",
                                          "http://[64:ff9b::169.254.169.254]/"};
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL};
    struct http_response r = {.status = 0};
    struct http *h = NULL;
    struct http_script s;
    struct ctx cx;
    struct err e = ERR_INIT;

    (void)state;
    http_script_start(&s, answers);
    T_OK(ctx_init(&cx, &e));
    T_OK(http_new(&(struct http_opts){.no_link_local = true}, &h, &e));
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        e = (struct err)ERR_INIT;
        T_RC(http_call(&cx, h, &(struct http_request){.url = refused[i], .timeout_ms = 9000}, &r,
                       &e),
             RC_DENIED);
        T_CONTAINS(e.msg, "link-local");
        assert_false(e.retry);
    }
    T_OK(http_call(&cx, h, &(struct http_request){.url = s.url}, &r, &e));
    assert_int_equal(r.status, 200);
    http_response_release(&r);
    http_free(h);
    http_script_stop(&s);
    ctx_release(&cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_call_and_reuse),
        cmocka_unit_test(test_http_errors),
        cmocka_unit_test(test_http_body_in_place),
        cmocka_unit_test(test_http_past_the_proxy),
        cmocka_unit_test(test_http_rates_hold_for_short_answers),
        cmocka_unit_test(test_http_waits_for_its_turn),
        cmocka_unit_test(test_http_stream_until_cancelled),
        cmocka_unit_test(test_http_stream_is_pulled),
        cmocka_unit_test(test_http_no_link_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
