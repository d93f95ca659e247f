/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "httpd/httpd.h"

/* A stream that gives three pieces and then waits for the end of the server. */
struct slow {
    struct httpd_stream pub;
    struct ctx *cx;
    int n;
};

static enum rc
slow_read(struct rd *rd, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct slow *s = CONTAINER_OF(rd, struct slow, pub.rd);

    static const char piece[6] = {'p', 'i', 'e', 'c', 'e', ';'};

    (void)n;
    if (s->n++ < 3) {
        memcpy(p, piece, sizeof(piece));
        *got = sizeof(piece);
        return RC_OK;
    }
    return ctx_sleep(s->cx, 60000, e);
}

static void
slow_close(struct httpd_stream *s)
{
    mem_free(CONTAINER_OF(s, struct slow, pub));
}

static void
on_request(void *arg, struct ctx *cx, const struct httpd_request *rq, struct httpd_answer *a)
{
    (void)arg;
    if (strcmp(rq->uri, "/slow") == 0) {
        struct slow *s = MEM_NEW(struct slow);
        s->pub.rd.read = slow_read;
        s->pub.close = slow_close;
        s->cx = cx;
        a->stream = &s->pub;
        return;
    }
    a->status = 201;
    httpd_add_header(a, "X-One", "two");
    buf_must_printf(&a->body, "%s %s %s %zu", rq->method, rq->uri,
                    rq->authorization != NULL ? rq->authorization : "-", rq->body.n);
}

static int
dial(const struct httpd *h)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)httpd_port(h))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Send, and read until `until` was seen or the end. */
static char *
talk(int fd, const char *text, const char *until)
{
    static char got[8192];
    size_t n = 0;
    ssize_t some;

    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    do {
        some = read(fd, got + n, sizeof(got) - 1 - n);
        n += some > 0 ? (size_t)some : 0;
        got[n] = '\0';
    } while (some > 0 && strstr(got, until) == NULL);
    return got;
}

static struct httpd *
start(void)
{
    struct httpd_opts o = {.listen = "127.0.0.1:0", .handler = on_request};
    struct httpd *h = NULL;
    struct err e = ERR_INIT;

    T_OK(httpd_open(&o, &h, &e));
    return h;
}

static void
test_a_request_and_its_answer(void **state)
{
    struct httpd *h = start();
    int fd = dial(h);
    char *got = talk(fd,
                     "POST /a%20b?c=d HTTP/1.1\r\nHost: x\r\nAuthorization: me\r\n"
                     "Content-Length: 4\r\n\r\nbody",
                     "me 4");

    (void)state;
    T_CONTAINS(got, "HTTP/1.1 201");
    T_CONTAINS(got, "X-One: two");
    T_CONTAINS(got, "POST /a%20b?c=d me 4");
    (void)close(fd);
    httpd_close(h);
}

static void
test_a_stream_starves_nobody_and_ends_with_the_server(void **state)
{
    struct httpd *h = start();
    int a = dial(h), b = dial(h);

    (void)state;
    T_CONTAINS(talk(a, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", "piece;"), "chunked");
    T_CONTAINS(talk(b, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "- 0"), "GET / - 0");
    httpd_close(h); /* must not wait for the minute */
    (void)close(a);
    (void)close(b);
}

static bool
knows_me(void *arg, const char *authorization)
{
    (void)arg;
    return authorization != NULL && strcmp(authorization, "me") == 0;
}

/* Nothing of a stranger's body is waited for, and any number of strangers leave room. */
static void
test_strangers(void **state)
{
    enum { MANY = 3 * HTTPD_STRANGERS };
    struct httpd_opts o = {
        .listen = "127.0.0.1:0", .connections_max = 8, .knows = knows_me, .handler = on_request};
    struct httpd *h = NULL;
    struct err e = ERR_INIT;
    int fd, kept, all[MANY];
    char *got;

    (void)state;
    T_OK(httpd_open(&o, &h, &e));
    fd = dial(h);
    got = talk(fd, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", "- 0");
    T_CONTAINS(got, "POST /a - 0");
    (void)close(fd);
    kept = dial(h);
    T_CONTAINS(talk(kept, "GET /b HTTP/1.1\r\nHost: x\r\nAuthorization: me\r\n\r\n", "me 0"),
               "GET /b me 0");
    for (size_t i = 0; i < MANY; i++)
        all[i] = dial(h);
    fd = dial(h);
    T_CONTAINS(talk(fd, "GET /c HTTP/1.1\r\nHost: x\r\nAuthorization: me\r\n\r\n", "me 0"),
               "GET /c me 0");
    T_CONTAINS(talk(kept, "GET /d HTTP/1.1\r\nHost: x\r\nAuthorization: me\r\n\r\n", "me 0"),
               "GET /d me 0");
    for (size_t i = 0; i < MANY; i++)
        (void)close(all[i]);
    (void)close(fd);
    (void)close(kept);
    httpd_close(h);
}

static void
test_addresses(void **state)
{
    static const char *const bad[] = {"", "127.0.0.1", "nowhere.example:1", "127.0.0.1:x"};
    struct httpd *h = start(), *other = NULL;
    char *taken = mem_printf("127.0.0.1:%u", httpd_port(h));
    struct httpd_opts o = {.listen = taken, .handler = on_request};
    struct err e = ERR_INIT;

    (void)state;
    T_RC(httpd_open(&o, &other, &e), RC_UNAVAILABLE);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        o.listen = bad[i];
        T_RC(httpd_open(&o, &other, &e), RC_INVALID);
    }
    mem_free(taken);
    httpd_close(h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_and_its_answer),
        cmocka_unit_test(test_a_stream_starves_nobody_and_ends_with_the_server),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
