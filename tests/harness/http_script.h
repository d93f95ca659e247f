/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HARNESS_HTTP_SCRIPT_H
#define HARNESS_HTTP_SCRIPT_H

/*
 * harness/http_script -- a server on loopback that answers from a script and keeps what it was
 * asked.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "t.h"

/* A server that answers the n-th request, on any connection, with answers[n], and keeps them.
 */
struct http_script {
    int fd;
    pthread_t thread;
    const char *const *answers; /* ended by NULL; "!": close without an answer; "~": and wait */
    char url[64];
    struct buf seen;
    int connections;
};

/* One request with its body. False: the peer is gone. */
static inline bool
http_script_read(struct http_script *s, int fd)
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

static inline void *
http_script_serve(void *arg)
{
    struct http_script *s = arg;
    const char *const *next = s->answers;
    int fd;

    while (*next != NULL && (fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        s->connections++;
        while (*next != NULL && http_script_read(s, fd)) {
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

/* The URL is known from here on, for answers that name it; nobody answers yet. */
static inline void
http_script_listen(struct http_script *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);

    memset(s, 0, sizeof(*s));
    buf_init(&s->seen, 8 * 1024 * 1024);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(s->fd, 5), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
    (void)snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/x", ntohs(a.sin_port));
}

static inline void
http_script_run(struct http_script *s, const char *const *answers)
{
    s->answers = answers;
    assert_int_equal(pthread_create(&s->thread, NULL, http_script_serve, s), 0);
}

static inline void
http_script_start(struct http_script *s, const char *const *answers)
{
    http_script_listen(s);
    http_script_run(s, answers);
}

/* After this `seen` may be read. */
static inline void
http_script_end(struct http_script *s)
{
    (void)shutdown(s->fd, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->fd);
}

static inline void
http_script_stop(struct http_script *s)
{
    http_script_end(s);
    buf_release(&s->seen);
}

/* A whole answer with its length; mem_free. */
static inline char *
http_script_answer(int status, const char *body)
{
    return mem_printf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\nX-Request: 1\r\n"
                      "Content-Length: %zu\r\n\r\n%s",
                      status, strlen(body), body);
}

/* How often the server was asked so. */
static inline size_t
http_script_count(const char *seen, const char *part)
{
    size_t n = 0;

    for (; (seen = strstr(seen, part)) != NULL; seen++)
        n++;
    return n;
}

/* For store_opts.env: `arg` is a const char ** of name, value, ..., NULL. */
static inline const char *
http_script_env(void *arg, const char *name)
{
    for (const char **at = arg; *at != NULL; at += 2)
        if (strcmp(*at, name) == 0)
            return at[1];
    return NULL;
}

#endif
