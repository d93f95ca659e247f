/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "redis/replica.h"

#define MARK "0123456789abcdef0123456789abcdef01234567"
#define REPLID "89abcdef0123456789abcdef0123456789abcdef"
/* What a server answers to the six options; the last two are not known to it. */
#define OPTIONS                                                                                    \
    "+OK\r\n+OK\r\n+OK\r\n+OK\r\n-ERR Unrecognized REPLCONF option: rdb-no-compress\r\n"           \
    "-ERR Unrecognized REPLCONF option: version\r\n"
#define FULL "+FULLRESYNC " REPLID " 4711\r\n"

static const char rdb[] = "REDIS0010 bytes that look \n\r\n like an RDB $EOF: " MARK " no end yet";
#define RDB_N (sizeof(rdb) - 1)

/* A server that says all of this and then hangs up. */
static struct conn *
server_says(const char *p, size_t n, int *other)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(write(fds[1], p, n), (ssize_t)n);
    (void)shutdown(fds[1], SHUT_WR);
    *other = fds[1];
    return conn_from_fd(fds[0], "the server");
}

/* Take a snapshot whose RDB has RDB_N bytes, as a parser with reads of `step` would. */
static enum rc
take_as(const char *psync, const char *p, size_t n, size_t step, struct buf *got,
        struct replica_facts *f, struct err *e)
{
    struct replica_opts opts = {.psync = psync};
    struct ctx cx;
    struct replica *r = NULL;
    struct conn *c;
    struct err later = ERR_INIT;
    int other;
    enum rc rc;

    assert_int_equal(ctx_init(&cx, e), RC_OK);
    c = server_says(p, n, &other);
    rc = replica_open(&cx, c, &opts, &r, e);
    if (rc)
        conn_close(c);
    buf_reset(got);
    while (rc == RC_OK && got->n < RDB_N) {
        size_t one;
        assert_int_equal(buf_reserve(got, step, &later), RC_OK);
        rc = rd_read(replica_rd(r), got->p + got->n, step, &one, e);
        if (rc == RC_OK && one == 0)
            rc = err_set(e, RC_CORRUPT, "the snapshot ended early");
        got->n += rc == RC_OK ? one : 0;
    }
    if (rc == RC_OK)
        rc = replica_finish(r, str_of(got->p + RDB_N, got->n - RDB_N), e);
    if (r != NULL)
        *f = replica_facts(r);
    replica_close(r);
    (void)close(other);
    ctx_release(&cx);
    return rc;
}

static enum rc
take(const char *p, size_t n, size_t step, struct buf *got, struct replica_facts *f, struct err *e)
{
    return take_as(NULL, p, n, step, got, f, e);
}

static void
check_whole(const char *p, size_t n, bool diskless)
{
    struct err e = ERR_INIT;

    for (size_t step = 1; step < 200; step = step * 3 + 1) {
        struct buf got = BUF_INIT(4096);
        struct replica_facts f;
        T_OK(take(p, n, step, &got, &f, &e));
        T_STR(str_of(got.p, RDB_N), str_of(rdb, RDB_N));
        assert_int_equal(f.diskless, diskless);
        assert_int_equal(f.offset, 4711);
        assert_string_equal(f.replid, REPLID);
        assert_true(f.rdb_only && !f.no_compress && !f.version_told);
        assert_int_equal(f.length, diskless ? 0 : RDB_N);
        buf_release(&got);
    }
}

static size_t
compose(char *to, const char *before, const char *frame, const char *after)
{
    struct buf b = BUF_INIT(4096);
    size_t n;

    buf_must_printf(&b, "%s%s%s", OPTIONS, before, frame);
    buf_must_add(&b, rdb, RDB_N);
    buf_must_printf(&b, "%s", after);
    n = b.n;
    memcpy(to, b.p, n);
    buf_release(&b);
    return n;
}

static void
test_replica_takes_both_framings(void **state)
{
    char text[4096], length[64];
    size_t n;

    (void)state;
    n = compose(text, FULL, "$EOF:" MARK "\r\n", MARK);
    check_whole(text, n, true);
    n = compose(text, "\n\n\n" FULL, "\n\n$EOF:" MARK "\r\n", MARK);
    check_whole(text, n, true);
    n = compose(text, FULL, "$EOF:" MARK "\r\n", MARK "\n"); /* some 7.0 versions */
    check_whole(text, n, true);
    (void)snprintf(length, sizeof(length), "\n$%zu\r\n", RDB_N);
    n = compose(text, "\n" FULL, length, "");
    check_whole(text, n, false);
    n = compose(text, FULL, length, "*1\r\n$4\r\nPING\r\n"); /* not rdb-only: the stream follows */
    check_whole(text, n, false);
}

static void /* NOLINTNEXTLINE(readability-function-size): every split is loops in loops */
test_replica_cut_at_any_byte_is_an_error(void **state)
{
    char text[4096], length[64];
    struct err e = ERR_INIT;

    (void)state;
    (void)snprintf(length, sizeof(length), "$%zu\r\n", RDB_N);
    for (int form = 0; form < 2; form++) {
        size_t n = compose(text, "\n" FULL, form == 0 ? "$EOF:" MARK "\r\n" : length,
                           form == 0 ? MARK : "");
        for (size_t cut = 0; cut < n; cut++) {
            struct buf got = BUF_INIT(4096);
            struct replica_facts f;
            assert_int_not_equal(take(text, cut, 64, &got, &f, &e), RC_OK);
            assert_int_equal(e.code, RC_UNAVAILABLE);
            assert_false(replica_refused(&e));
            T_CONTAINS(e.msg, "closed the connection");
            buf_release(&got);
        }
    }
}

static void
test_replica_refuses_a_wrong_end(void **state)
{
    char text[4096], length[64];
    struct buf got = BUF_INIT(4096);
    struct replica_facts f;
    struct err e = ERR_INIT;
    size_t n = compose(text, FULL, "$EOF:" MARK "\r\n", MARK);

    (void)state;
    for (size_t i = 0; i < REPLICA_MARK; i++) {
        text[n - REPLICA_MARK + i] ^= 1;
        for (size_t step = 1; step < 200; step = step * 3 + 1)
            T_RC(take(text, n, step, &got, &f, &e), RC_CORRUPT);
        text[n - REPLICA_MARK + i] ^= 1;
    }
    (void)snprintf(length, sizeof(length), "$%zu\r\n", RDB_N + 1); /* longer than the RDB */
    n = compose(text, FULL, length, "x");
    T_RC(take(text, n, 64, &got, &f, &e), RC_CORRUPT);
    buf_release(&got);
}

static void
test_replica_tells_refusals_from_failures(void **state)
{
    static const struct {
        const char *says;
        enum rc rc;
        const char *part;
    } cases[] = {
        {"-ERR unknown command 'PSYNC', with args beginning with: '?' '-1' \r\n", RC_UNSUPPORTED,
         "unknown command"},
        {"-NOPERM this user has no permissions to run the 'psync' command\r\n", RC_DENIED,
         "NOPERM"},
        {"-ERR PSYNC is disabled here\r\n", RC_UNSUPPORTED, "disabled"},
        {"+OK\r\n", RC_UNSUPPORTED, "does not answer"},
        {"+FULLRESYNC short 1\r\n", RC_UNSUPPORTED, "does not answer"},
        {"-ERR BGSAVE failed, replication can't continue\r\n", RC_UNAVAILABLE, "BGSAVE failed"},
        {FULL "-ERR BGSAVE failed, replication can't continue\r\n", RC_UNAVAILABLE,
         "BGSAVE failed"},
        {FULL "$0\r\n", RC_CORRUPT, "no snapshot"},
        {FULL "$EOF:short\r\n", RC_CORRUPT, "no snapshot"},
        {"", RC_UNAVAILABLE, "closed the connection"},
    };
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf got = BUF_INIT(4096);
        struct replica_facts f;
        char text[4096];
        int n = snprintf(text, sizeof(text), "%s%s", OPTIONS, cases[i].says);
        T_RC(take(text, (size_t)n, 64, &got, &f, &e), cases[i].rc);
        T_CONTAINS(e.msg, cases[i].part);
        buf_release(&got);
    }
}

/* Servers print an offset that they do not have, -1, without its sign. */
static void
test_an_offset_below_0_is_not_told(void **state)
{
    struct buf got = BUF_INIT(4096);
    struct replica_facts f;
    struct err e = ERR_INIT;
    char text[4096], frame[20];
    size_t n;

    (void)state;
    (void)snprintf(frame, sizeof(frame), "$%zu\r\n", RDB_N);
    n = compose(text, "+FULLRESYNC " REPLID " 18446744073709551615\r\n", frame, "");
    T_OK(take(text, n, 64, &got, &f, &e));
    assert_int_equal(f.offset, 0);
    assert_string_equal(f.replid, REPLID);
    buf_release(&got);
}

/*
 * Under another name PSYNC answers as SYNC does; SYNC itself takes no arguments. What was not renamed
 * has no business to.
 */
static void
test_replica_takes_the_answer_of_a_renamed_psync(void **state)
{
    static const char *const answers[] = {
        OPTIONS "\n\n", OPTIONS "-ERR wrong number of arguments for 'sync' command\r\n",
        OPTIONS "\n$EOF:" MARK "\r\n"};
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct buf got = BUF_INIT(4096), text = BUF_INIT(4096);
        struct replica_facts f = {.length = 0};
        bool diskless = strstr(answers[i], "EOF") != NULL;

        T_OK(buf_printf(&text, &e, "%s", answers[i]));
        if (!diskless)
            T_OK(buf_printf(&text, &e, "$%zu\r\n", RDB_N));
        T_OK(buf_add(&text, rdb, RDB_N, &e));
        T_OK(buf_add(&text, MARK, diskless ? REPLICA_MARK : 0, &e));
        T_OK(take_as("XPSYNC", (const char *)text.p, text.n, 64, &got, &f, &e));
        assert_memory_equal(got.p, rdb, RDB_N);
        assert_int_equal(f.diskless, diskless);
        assert_string_equal(f.replid, "");
        T_RC(take((const char *)text.p, text.n, 64, &got, &f, &e), RC_UNSUPPORTED);
        buf_release(&got);
        buf_release(&text);
    }
}

/* The consumer sleeps through more than the ring holds: the reserve keeps the server going. */
static void *
dump_reader_much(void *arg)
{
    int fd = *(int *)arg;
    size_t n = 6 * 1024 * 1024;
    char *bytes = mem_zero(1, n);

    for (size_t at = 0; at < n;) {
        ssize_t one = write(fd, bytes + at, n - at);
        if (one <= 0)
            break;
        at += (size_t)one;
    }
    (void)!write(fd, MARK, REPLICA_MARK);
    (void)shutdown(fd, SHUT_WR);
    mem_free(bytes);
    return NULL;
}

static void
test_replica_keeps_what_it_took_during_a_stall(void **state)
{
    struct replica_opts opts = {.trickle_ms = 1};
    static const char head[] = OPTIONS FULL "$EOF:" MARK "\r\n";
    CLEANUP(mem_free_ptr) uint8_t *step = mem_alloc(1024 * 1024);
    struct err e = ERR_INIT;
    struct replica *r;
    pthread_t feeder;
    uint64_t left = 6 * 1024 * 1024;
    struct ctx cx;
    int fds[2];
    size_t got = 0;

    (void)state;
    T_OK(ctx_init(&cx, &e));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(write(fds[1], head, sizeof(head) - 1), (ssize_t)sizeof(head) - 1);
    T_OK(replica_open(&cx, conn_from_fd(fds[0], "the server"), &opts, &r, &e));
    assert_int_equal(pthread_create(&feeder, NULL, dump_reader_much, &fds[1]), 0);
    (void)pthread_join(feeder, NULL); /* ends although nobody reads: all fits ring and reserve */
    while (left != 0) {
        T_OK(rd_read(replica_rd(r), step, (size_t)MIN(left, (uint64_t)1024 * 1024), &got, &e));
        assert_int_not_equal(got, 0);
        left -= got;
    }
    T_OK(replica_finish(r, str_of(step, 0), &e));
    replica_close(r);
    (void)close(fds[1]);
    ctx_release(&cx);
}

static void
test_replica_can_be_closed_at_any_time(void **state)
{
    char text[4096];
    size_t n = compose(text, FULL, "$EOF:" MARK "\r\n", "");
    struct replica_opts opts = {.psync = NULL};
    struct err e = ERR_INIT;
    struct replica *r;
    struct ctx cx;
    int fds[2];

    (void)state;
    T_OK(ctx_init(&cx, &e));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(write(fds[1], text, n), (ssize_t)n);
    T_OK(replica_open(&cx, conn_from_fd(fds[0], "the server"), &opts, &r, &e));
    replica_close(r); /* the server is silent, and its end open */
    (void)close(fds[1]);
    ctx_release(&cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replica_takes_both_framings),
        cmocka_unit_test(test_replica_cut_at_any_byte_is_an_error),
        cmocka_unit_test(test_replica_refuses_a_wrong_end),
        cmocka_unit_test(test_replica_takes_the_answer_of_a_renamed_psync),
        cmocka_unit_test(test_replica_tells_refusals_from_failures),
        cmocka_unit_test(test_replica_keeps_what_it_took_during_a_stall),
        cmocka_unit_test(test_an_offset_below_0_is_not_told),
        cmocka_unit_test(test_replica_can_be_closed_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
