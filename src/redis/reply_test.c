/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/mem.h"
#include "redis/info.h"
#include "redis/reply.h"
#include "redis/resp.h"

static const char all[] = "+OK\r\n"
                          "-ERR no such key\r\n"
                          ":-42\r\n"
                          "$5\r\na\r\nbc\r\n"
                          "$0\r\n\r\n"
                          "$-1\r\n"
                          "*-1\r\n"
                          "*0\r\n"
                          "*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*1\r\n+y\r\n$-1\r\n";

static void
feed(struct reply_reader *r, const char *p, size_t n)
{
    struct err e = ERR_INIT;
    uint8_t *to;
    size_t cap;

    if (n == 0)
        return;
    T_OK(reply_room(r, n, &to, &cap, &e));
    assert_true(cap >= n);
    memcpy(to, p, n);
    reply_fed(r, n);
}

/* Append a reply in one form, to compare. */
static void
print(struct buf *to, const struct reply *r)
{
    char shown[80];

    switch (r->type) {
    case REPLY_INT:
        buf_must_printf(to, "int(%lld)", (long long)r->integer);
        break;
    case REPLY_NIL:
        buf_must_printf(to, "nil");
        break;
    case REPLY_ARRAY:
        buf_must_printf(to, "[");
        for (size_t i = 0; i < r->n; i++)
            print(to, &r->items[i]);
        buf_must_printf(to, "]");
        break;
    default:
        buf_must_printf(to, "%d(%s)", (int)r->type, str_show(r->s, shown, sizeof(shown)));
        break;
    }
}

static const char want[] = "0(OK)1(ERR no such key)int(-42)3(a\\x0d\\x0abc)3()nilnil[]"
                           "[int(1)[3(x)[0(y)]]nil]";

/* Take out all that is whole. */
static enum rc
drain(struct reply_reader *r, struct buf *to, struct err *e)
{
    struct reply one;
    bool whole = true;

    while (whole) {
        if (reply_next(r, &one, &whole, e))
            return err_code(e);
        if (whole)
            print(to, &one);
    }
    return RC_OK;
}

static void /* NOLINTNEXTLINE(readability-function-size): every split is loops in loops */
test_reply_is_the_same_at_every_split(void **state)
{
    size_t n = sizeof(all) - 1;
    struct err e = ERR_INIT;

    (void)state;
    for (size_t a = 0; a <= n; a++) {
        for (size_t b = a; b <= n; b += 3) {
            struct buf got = BUF_INIT(4096);
            struct reply_reader r;
            reply_reader_init(&r);
            feed(&r, all, a);
            T_OK(drain(&r, &got, &e));
            feed(&r, all + a, b - a);
            T_OK(drain(&r, &got, &e));
            feed(&r, all + b, n - b);
            T_OK(drain(&r, &got, &e));
            T_STR(buf_str(&got), str_c(want));
            assert_int_equal(reply_rest(&r).n, 0);
            reply_reader_release(&r);
            buf_release(&got);
        }
    }
}

static void
test_reply_byte_by_byte_and_no_prefix_is_whole(void **state)
{
    static const char one[] = "*2\r\n$3\r\nabc\r\n*1\r\n:7\r\n";
    struct err e = ERR_INIT;
    struct reply_reader r;
    struct reply out;
    bool whole;

    (void)state;
    reply_reader_init(&r);
    for (size_t i = 0; i < sizeof(one) - 1; i++) {
        T_OK(reply_next(&r, &out, &whole, &e));
        assert_false(whole);
        feed(&r, one + i, 1);
    }
    T_OK(reply_next(&r, &out, &whole, &e));
    assert_true(whole);
    assert_int_equal(out.items[1].items[0].integer, 7);
    reply_reader_release(&r);
}

static void
test_reply_refuses_what_is_not_resp(void **state)
{
    static const struct {
        const char *bytes;
        enum rc rc;
    } bad[] = {
        {"HTTP/1.1 400 Bad Request\r\n", RC_CORRUPT},
        {"\r\n", RC_CORRUPT},
        {":\r\n", RC_CORRUPT},
        {":12x\r\n", RC_CORRUPT},
        {":99999999999999999999\r\n", RC_CORRUPT},
        {"$\r\n", RC_CORRUPT},
        {"$-2\r\n", RC_CORRUPT},
        {"$1\r\nabc", RC_CORRUPT},
        {"*-2\r\n", RC_CORRUPT},
        {"+a\rb\r\n", RC_CORRUPT},
        {"%1\r\n+a\r\n+b\r\n", RC_CORRUPT},
        {"$9999999999\r\n", RC_LIMIT},
        {"*9999999999\r\n", RC_LIMIT},
        {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*"
         "1\r\n"
         "*1\r\n*1\r\n*1\r\n:1\r\n",
         RC_LIMIT},
    };
    struct err e = ERR_INIT;
    struct reply out;
    bool whole;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct reply_reader r;
        reply_reader_init(&r);
        feed(&r, bad[i].bytes, strlen(bad[i].bytes));
        T_RC(reply_next(&r, &out, &whole, &e), bad[i].rc);
        reply_reader_release(&r);
    }
}

static void
test_reply_gives_back_the_memory_of_a_giant(void **state)
{
    size_t big = 20 * 1024 * 1024;
    CLEANUP(mem_free_ptr) char *bytes = mem_zero(1, big);
    struct err e = ERR_INIT;
    struct reply_reader r;
    struct reply out;
    bool whole;

    (void)state;
    reply_reader_init(&r);
    feed(&r, "$20971520\r\n", 11);
    feed(&r, bytes, big);
    feed(&r, "\r\n+OK\r\n", 7);
    T_OK(reply_next(&r, &out, &whole, &e));
    assert_true(whole && out.s.n == big);
    feed(&r, ":1\r\n", 4);
    assert_true(r.in.cap < big / 2);
    T_OK(reply_next(&r, &out, &whole, &e));
    assert_true(whole && reply_is_status(&out, "OK"));
    T_OK(reply_next(&r, &out, &whole, &e));
    assert_true(whole && out.integer == 1);
    reply_reader_release(&r);
}

static void
test_reply_error_text_hides_arguments(void **state)
{
    struct reply r = {
        .type = REPLY_ERROR,
        .s = STR_LIT("ERR unknown command 'X', with args beginning with: 'k' 's3cret'")};
    char to[100];

    (void)state;
    assert_string_equal(reply_error_text(&r, to, sizeof(to)), "ERR unknown command 'X'");
    assert_true(reply_is_error(&r, "ERR"));
    assert_false(reply_is_error(&r, "ER"));
}

static void
test_resp_writes_binary_arguments(void **state)
{
    struct buf b = BUF_INIT(1000);

    (void)state;
    RESP_CMD(&b, STR_LIT("SET"), STR_LIT("a\r\n"), str_of(NULL, 0));
    resp_arg_u64(&b, UINT64_MAX);
    T_STR(buf_str(&b), STR_LIT("*3\r\n$3\r\nSET\r\n$3\r\na\r\n\r\n$0\r\n\r\n"
                               "$20\r\n18446744073709551615\r\n"));
    buf_release(&b);
}

static void
test_info_reads_what_matters(void **state)
{
    static const char text[] = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\n"
                               "valkey_version:8.1.1\r\nrole:slave\r\nmaster_link_status:up\r\n"
                               "master_repl_offset:77\r\ncluster_enabled:1\r\nloading:0\r\n"
                               "db0:keys=5,expires=2,avg_ttl=0\r\ndb9:keys=1,expires=0\r\n"
                               "dbx:keys=1\r\nnonsense\r\n:\r\n";
    struct conn_info i;
    struct err e = ERR_INIT;
    char name[60];

    (void)state;
    T_OK(info_parse(str_of(text, sizeof(text) - 1), &i, &e));
    assert_string_equal(info_name(&i, name, sizeof(name)), "Valkey 8.1.1");
    assert_int_equal(i.redis_version, 70204);
    assert_int_equal(i.kind_version, 80101);
    assert_true(i.cluster_enabled && i.link_up && !i.loading);
    assert_int_equal(i.offset, 77);
    assert_int_equal(i.n_dbs, 2);
    assert_int_equal(i.dbs[0].expires, 2);
    assert_int_equal(i.dbs[1].n, 9);
    conn_info_release(&i);
}

static void
test_info_of_numbers_below_0_is_not_told(void **state)
{
    static const char text[] =
        "redis_version:7.0.15\r\nused_memory_dataset:18446744073699256640\r\n"
        "used_memory:9223372036854775807\r\nmaxmemory:9223372036854775808\r\n"
        "master_repl_offset:18446744073709551615\r\nmaster_link_down_since_seconds:-1\r\n"
        "db0:keys=5,expires=18446744073709551615,avg_ttl=0\r\ndb1:keys=18446744073709551615\r\n";
    struct conn_info i;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(info_parse(str_of(text, sizeof(text) - 1), &i, &e));
    assert_true(i.dataset_memory == 0 && i.maxmemory == 0 && i.offset == 0 && i.link_never_up);
    assert_true(i.used_memory == INT64_MAX);
    assert_int_equal(i.n_dbs, 1);
    assert_true(i.dbs[0].keys == 5 && i.dbs[0].expires == 0);
    conn_info_release(&i);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_is_the_same_at_every_split),
        cmocka_unit_test(test_reply_byte_by_byte_and_no_prefix_is_whole),
        cmocka_unit_test(test_reply_refuses_what_is_not_resp),
        cmocka_unit_test(test_reply_gives_back_the_memory_of_a_giant),
        cmocka_unit_test(test_reply_error_text_hides_arguments),
        cmocka_unit_test(test_resp_writes_binary_arguments),
        cmocka_unit_test(test_info_reads_what_matters),
        cmocka_unit_test(test_info_of_numbers_below_0_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
