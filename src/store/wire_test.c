/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "harness/t_remove.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/mem.h"
#include "base/thread.h"
#include "conformance/store_suite.h"
#include "crypto/sha256.h"
#include "store/local.h"
#include "store/mem.h"
#include "store/wire_internal.h"

#define PLACE "/tmp/cstash-wire-XXXXXX"

/* A store, served by a thread at the other end of a pair of sockets. */
struct far {
    struct wire_link link;
    struct ctx cx;
    struct store *inner;
    struct rd_fd rd;
    struct wr_fd wr;
    int fd[2];
    pthread_t thread;
    char place[sizeof(PLACE)];
    struct err why; /* how the serving ended */
};

static void *
far_serve(void *arg)
{
    struct far *f = arg;
    struct rd_fd rd;
    struct wr_fd wr;

    rd_fd_init(&rd, &f->cx, f->fd[1], "the other side");
    wr_fd_init(&wr, &f->cx, f->fd[1], "the other side");
    if (store_wire_serve(&f->cx, f->inner, &rd.rd, &wr.wr, &f->why) != RC_OK)
        (void)shutdown(f->fd[1], SHUT_RDWR);
    return NULL;
}

static void
far_close(struct wire_link *l)
{
    struct far *f = CONTAINER_OF(l, struct far, link);

    (void)shutdown(f->fd[0], SHUT_WR);
    (void)pthread_join(f->thread, NULL);
    (void)close(f->fd[0]);
    (void)close(f->fd[1]);
}

static struct store *
far_open(struct far *f)
{
    struct store *s = NULL;
    struct err e = ERR_INIT;

    memcpy(f->place, PLACE, sizeof(PLACE));
    assert_non_null(mkdtemp(f->place));
    f->inner = store_local_new(f->place);
    f->link.close = far_close;
    f->why = (struct err)ERR_INIT;
    T_OK(ctx_init(&f->cx, &e));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f->fd), 0);
    rd_fd_init(&f->rd, &f->cx, f->fd[0], "here");
    wr_fd_init(&f->wr, &f->cx, f->fd[0], "here");
    f->link.rd = &f->rd.rd;
    f->link.wr = &f->wr.wr;
    T_OK(thread_start(&f->thread, "far", far_serve, f, &e));
    T_OK(store_wire_open(&f->link, "far", &s, &e));
    return s;
}

static void
far_release(struct far *f, struct store *s)
{
    store_release(s);
    store_release(f->inner);
    ctx_release(&f->cx);
    assert_int_equal(t_remove(f->place), 0);
}

static void
test_wire_passes_the_suite(void **state)
{
    struct far f;
    struct store *s = far_open(&f);

    (void)state;
    store_suite(s);
    far_release(&f, s);
    assert_int_equal(f.why.code, RC_OK);
}

static void
test_errors_come_with_their_words(void **state)
{
    struct store_name name = {.type = STORE_PACK};
    struct err there = ERR_INIT, e = ERR_INIT;
    uint64_t bytes;
    struct far f;
    struct store *s = far_open(&f);

    (void)state;
    sha256_of(STR_LIT("x"), &name.id);
    assert_int_equal(f.inner->ops->stat(&f.cx, f.inner, &name, &bytes, &there), RC_NOT_FOUND);
    T_RC(s->ops->stat(&f.cx, s, &name, &bytes, &e), RC_NOT_FOUND);
    assert_string_equal(e.msg, there.msg);
    far_release(&f, s);
}

static void
far_nothing(struct wire_link *l)
{
    (void)l;
}

/* What an answer says that no store of ours would: an error, and no more questions after it. */
static void
test_a_liar_is_found(void **state)
{
    static const struct {
        struct wire_answer answer;
        const char *words;
    } lies[] = {
        {{.rc = RC_OK, .n = 5}, "gave 5 bytes instead of 4"},
        {{.rc = RC_OK, .n = 4}, "the other side ended"},
        {{.rc = RC_NOT_FOUND, .n = WIRE_WORDS_MAX + 1}, "far"},
    };
    struct store_name name = {.type = STORE_PACK};
    struct ctx cx;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(ctx_init(&cx, &e));
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        uint8_t said[WIRE_HELLO_N + WIRE_ANSWER_N + 3] = WIRE_HELLO, to[4];
        struct wire_link link = {.close = far_nothing};
        struct wr_null out;
        struct rd_mem in;
        struct store *s = NULL;

        wire_answer_store(&lies[i].answer, said + WIRE_HELLO_N);
        rd_mem_init(&in, str_of(said, sizeof(said)), 0);
        wr_null_init(&out);
        link.rd = &in.rd;
        link.wr = &out.wr;
        T_OK(store_wire_open(&link, "far", &s, &e));
        assert_int_not_equal(s->ops->get(&cx, s, &name, 0, to, sizeof(to), &e), RC_OK);
        assert_non_null(strstr(e.msg, lies[i].words));
        out.bytes = 0;
        assert_int_not_equal(s->ops->get(&cx, s, &name, 0, to, sizeof(to), &e), RC_OK);
        assert_int_equal(out.bytes, 0);
        store_release(s);
        e = (struct err)ERR_INIT;
    }
    ctx_release(&cx);
}

static void
test_another_version_is_refused(void **state)
{
    struct rd_mem in;
    struct wr_null out;
    struct wire_link link = {.close = NULL};
    struct store *s = NULL;
    struct err e = ERR_INIT;
    struct ctx cx;

    (void)state;
    T_OK(ctx_init(&cx, &e));
    rd_mem_init(&in, STR_LIT("cstash wire 9\n"), 1);
    wr_null_init(&out);
    link.rd = &in.rd;
    link.wr = &out.wr;
    T_RC(store_wire_open(&link, "far", &s, &e), RC_UNSUPPORTED);
    s = store_mem_new();
    rd_mem_init(&in, STR_LIT("GET / HTTP/1.1\r\n"), 1);
    T_RC(store_wire_serve(&cx, s, &in.rd, &out.wr, &e), RC_UNSUPPORTED);
    store_release(s);
    ctx_release(&cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_passes_the_suite),
        cmocka_unit_test(test_errors_come_with_their_words),
        cmocka_unit_test(test_a_liar_is_found),
        cmocka_unit_test(test_another_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
