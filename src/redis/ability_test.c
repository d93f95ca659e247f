/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <sys/socket.h>
#include <unistd.h>

#include "redis/ability.h"

#define UNKNOWN "-ERR unknown command\r\n"
#define NO_KEY "-ERR no such key\r\n"
#define BAD "-ERR Bad data format\r\n"
#define TOO_NEW "-ERR DUMP payload version or checksum are wrong\r\n"
#define DENIED "-NOPERM this user has no permissions\r\n"
#define TIMES_3(x) x x x
#define TIMES_15(x) TIMES_3(x) TIMES_3(x) TIMES_3(x) TIMES_3(x) TIMES_3(x)
#define NO_MODULES "*0\r\n"
#define TIME "*2\r\n$1\r\n5\r\n$1\r\n7\r\n"

static struct adapt_target
ask(const char *answers)
{
    struct adapt_target t;
    struct err e = ERR_INIT;
    struct conn *c;
    struct ctx cx;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(write(fds[1], answers, strlen(answers)), (ssize_t)strlen(answers));
    T_OK(ctx_init(&cx, &e));
    c = conn_from_fd(fds[0], "the server");
    T_OK(ability_ask(&cx, c, "none", &t, &e));
    conn_close(c);
    (void)close(fds[1]);
    ctx_release(&cx);
    return t;
}

/* REPLACE, ABSTTL, XLEN, CREATECONSUMER, XSETID, ENTRIESREAD, FUNCTION, HPEXPIREAT, GETEX; payloads. */
static void
test_ability_is_what_is_not_refused(void **state)
{
    struct adapt_target t;

    (void)state;
    t = ask(TOO_NEW TOO_NEW ":0\r\n" NO_KEY NO_KEY NO_KEY "-ERR Missing library metadata\r\n"
                            "*1\r\n:-2\r\n$-1\r\n" TIMES_15(BAD) BAD NO_MODULES TIME);
    assert_true(adapt_takes_all(&t));
    assert_true(t.ahead_ms < -1000000);
    /* Redis 6.0, which looks for the key of XGROUP first */
    t = ask(TOO_NEW TOO_NEW
            ":0\r\n" NO_KEY "-ERR wrong number of arguments for 'xsetid' command\r\n" NO_KEY UNKNOWN
                UNKNOWN UNKNOWN TIMES_3(BAD) TIMES_3(BAD) TIMES_3(BAD) TIMES_3(TOO_NEW)
                    TIMES_3(TOO_NEW) TOO_NEW
            "*2\r\n*4\r\n$4\r\nname\r\n$6\r\nReJSON\r\n$3\r\nver\r\n:1\r\n"
            "*4\r\n$4\r\nname\r\n$2\r\nbf\r\n$3\r\nver\r\n:1\r\n" TIME);
    assert_true(t.replace && t.absttl && t.streams && t.rdb[9]);
    assert_false(t.create_consumer || t.stream_counts || t.functions || t.field_expiry ||
                 t.survives_modules || t.rdb[10] || t.rdb[ADAPT_RDB_SLOTS - 1]);
    assert_string_equal(t.modules, " ReJSON bf ");
    /* a proxy that says what it likes of its version and refuses ENTRIESREAD */
    t = ask(TOO_NEW "-ERR syntax error\r\n:0\r\n" NO_KEY NO_KEY
                    "-ERR Unknown subcommand or wrong number of arguments for 'CREATE'.\r\n"
                    "-ERR Missing library metadata\r\n"
                    "*1\r\n:-2\r\n$-1\r\n" TIMES_15(BAD) BAD NO_MODULES TIME);
    assert_true(t.replace && t.streams && t.create_consumer && t.functions && t.field_expiry);
    assert_false(t.absttl || t.stream_counts);
    /* Valkey refuses what Redis added since they parted */
    t = ask(TOO_NEW TOO_NEW ":0\r\n" NO_KEY NO_KEY NO_KEY NO_KEY "*1\r\n:-2\r\n$-1\r\n" TIMES_3(BAD)
                TIMES_3(BAD) TIMES_3(BAD) BAD BAD
            "-ERR Unsupported foreign data type: 250\r\n"
            "-ERR Unsupported foreign data type: 250\r\n"
            "-ERR Unsupported foreign data type: 250\r\n"
            "-ERR Unsupported foreign data type: 250\r\n" BAD NO_MODULES TIME);
    assert_true(t.rdb[11] && t.rdb[ADAPT_RDB_SLOTS - 1]);
    assert_false(t.rdb[12]);
}

static void
test_ability_of_whoever_may_not_try_is_believed(void **state)
{
    struct adapt_target t;

    (void)state;
    t = ask(TIMES_3(DENIED) TIMES_3(DENIED) TIMES_3(DENIED) TIMES_15(DENIED) DENIED DENIED DENIED);
    assert_true(adapt_takes_all(&t));
    assert_int_equal(t.ahead_ms, 0);
    assert_string_equal(t.modules, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ability_is_what_is_not_refused),
        cmocka_unit_test(test_ability_of_whoever_may_not_try_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
