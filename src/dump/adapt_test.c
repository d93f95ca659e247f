/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/clock.h"
#include "base/mem.h"
#include "dump/adapt.h"
#include "dump/encode.h"
#include "rdb/payload.h"

/* "A b c" as RESP; "" stands for an empty argument. */
static void
add_words(struct buf *to, const char *words)
{
    struct err e = ERR_INIT;
    unsigned n = 1;

    for (const char *p = words; *p != '\0'; p++)
        n += *p == ' ';
    T_OK(buf_printf(to, &e, "*%u\r\n", n));
    for (const char *p = words; p != NULL; p = strchr(p, ' ')) {
        size_t len;

        p += *p == ' ';
        len = strcspn(p, " ");
        T_OK(buf_printf(to, &e, "$%zu\r\n%.*s\r\n", len, (int)len, p));
    }
}

struct adapted {
    enum adapt_verdict verdict;
    enum adapt_left why;
    struct buf resp;
};

/* What becomes of the only command in `resp`. */
static void
adapt_resp(struct adapt *a, struct str resp, struct adapted *out)
{
    struct resp_reader in;
    struct rd_mem bytes;
    struct err e = ERR_INIT;
    struct str s;
    struct cmd c;
    bool over;

    rd_mem_init(&bytes, resp, 0);
    resp_reader_init(&in, &bytes.rd);
    T_OK(resp_reader_next(&in, &c, &over, &e));
    out->why = ADAPT_N;
    T_OK(adapt_command(a, &c, &out->verdict, &s, &out->why, &e));
    buf_reset(&out->resp);
    T_OK(buf_add_str(&out->resp, s, &e));
    resp_reader_release(&in);
}

static void
test_adapt_says_it_in_older_words(void **state)
{
    static const struct {
        const char *from, *to; /* to NULL: left out */
        enum adapt_left what;
    } cases[] = {
        {"HSET h a 1 b 2", "HMSET h a 1 b 2", ADAPT_N},
        {"HSET h a 1", "HSET h a 1", ADAPT_N},
        {"HMSET h a 1 b 2", "HMSET h a 1 b 2", ADAPT_N},
        {"UNLINK a", "DEL a", ADAPT_N},
        {"XGROUP CREATECONSUMER s g c", "XREADGROUP GROUP g c STREAMS s 0", ADAPT_N},
        {"XGROUP CREATE s g 1-1 ENTRIESREAD 7", "XGROUP CREATE s g 1-1", ADAPT_COUNTS},
        {"XGROUP CREATE s g 1-1", "XGROUP CREATE s g 1-1", ADAPT_N},
        {"XSETID s 5-1 ENTRIESADDED 9 MAXDELETEDID 2-2", "XSETID s 5-1", ADAPT_COUNTS},
        {"XSETID s 5-1", "XSETID s 5-1", ADAPT_N},
        {"SET k v", "SET k v", ADAPT_N},
        {"HPEXPIREAT h 1 FIELDS 2 a b", NULL, ADAPT_FIELD_EXPIRY},
        {"FUNCTION LOAD REPLACE x", NULL, ADAPT_FUNCTIONS},
    };
    struct adapt_target t = adapt_anything();
    struct buf from = BUF_INIT(1 << 16), want = BUF_INIT(1 << 16);
    struct adapted got = {.resp = BUF_INIT(1 << 16)};
    struct adapt *all = adapt_new(&t), *a;
    struct adapt_target old = t;

    (void)state;
    old.absttl = old.create_consumer = old.stream_counts = old.field_expiry = old.functions = false;
    a = adapt_new(&old);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t left = cases[i].what == ADAPT_N ? 0 : adapt_left_out(a)[cases[i].what];

        buf_reset(&from);
        buf_reset(&want);
        add_words(&from, cases[i].from);
        adapt_resp(a, buf_str(&from), &got);
        if (cases[i].to == NULL) {
            assert_int_equal(got.verdict, ADAPT_LEFT_OUT);
            assert_int_equal(got.why, cases[i].what);
        } else {
            add_words(&want, cases[i].to);
            assert_string_equal(buf_c(&got.resp), buf_c(&want));
        }
        if (cases[i].what != ADAPT_N)
            assert_true(adapt_left_out(a)[cases[i].what] > left);
        adapt_resp(all, buf_str(&from), &got);
        assert_int_equal(got.verdict, ADAPT_SAME);
        assert_string_equal(buf_c(&got.resp), buf_c(&from));
    }
    assert_int_equal(adapt_left_out(a)[ADAPT_FIELD_EXPIRY], 2);
    assert_true(adapt_takes_all(&t));
    assert_false(adapt_takes_all(&old));
    adapt_free(a);
    adapt_free(all);
    buf_release(&from);
    buf_release(&want);
    buf_release(&got.resp);
}

/* RESTORE key ttl payload options, of a value of `type`. */
static void
restore(struct buf *to, int64_t ttl, uint8_t type, struct str value, const char *options)
{
    struct ev ev = {.kind = EV_PAYLOAD};
    uint8_t footer[PAYLOAD_FOOTER];
    struct buf payload = BUF_INIT(1 << 16), words = BUF_INIT(1 << 16);
    struct err e = ERR_INIT;
    unsigned n = 4;

    ev.u.payload.rdb_type = type;
    ev.u.payload.value = value;
    ev.u.payload.version = rdb_min_version(type, false);
    payload_footer(&ev, footer);
    for (const char *p = options; *p != '\0'; p++)
        n += *p == ' ';
    buf_reset(to);
    T_OK(buf_printf(to, &e, "*%u\r\n", n));
    T_OK(buf_printf(&words, &e, "RESTORE k %lld", (long long)ttl));
    add_words(&payload, (const char *)buf_c(&words));
    T_OK(buf_add(to, payload.p + 4, payload.n - 4, &e)); /* without its frame */
    T_OK(buf_printf(to, &e, "$%zu\r\n", 1 + value.n + sizeof(footer)));
    T_OK(buf_add(to, &type, 1, &e));
    T_OK(buf_add_str(to, value, &e));
    T_OK(buf_add(to, footer, sizeof(footer), &e));
    T_OK(buf_add(to, "\r\n", 2, &e));
    buf_reset(&payload);
    if (options[0] != '\0') {
        add_words(&payload, options + 1);
        T_OK(buf_add(to, payload.p + 4, payload.n - 4, &e));
    }
    buf_release(&payload);
    buf_release(&words);
}

static void
test_adapt_restores_as_the_version_can(void **state)
{
    struct adapt_target t = adapt_anything();
    struct buf from = BUF_INIT(1 << 16);
    struct adapted got = {.resp = BUF_INIT(1 << 16)};
    struct adapt *a = adapt_new(&t);
    int64_t at;

    (void)state;
    t.absttl = false;
    t.ahead_ms = 5000;
    at = clock_real_ms() + 3600 * 1000;
    restore(&from, at, 0, STR_LIT("\x01v"), " REPLACE ABSTTL IDLETIME 5");
    adapt_resp(a, buf_str(&from), &got);
    assert_int_equal(got.verdict, ADAPT_CHANGED);
    T_CONTAINS(buf_c(&got.resp), "*5\r\n$7\r\nRESTORE\r\n$1\r\nk\r\n$7\r\n359");
    assert_non_null(memmem(got.resp.p, got.resp.n, "REPLACE", 7));
    assert_null(memmem(got.resp.p, got.resp.n, "ABSTTL", 6));
    assert_int_equal(adapt_left_out(a)[ADAPT_USE], 1);
    restore(&from, 1000, 0, STR_LIT("\x01v"), " REPLACE ABSTTL"); /* over long since */
    adapt_resp(a, buf_str(&from), &got);
    T_CONTAINS(buf_c(&got.resp), "$1\r\nk\r\n$1\r\n1\r\n");
    restore(&from, 0, 0, STR_LIT("\x01v"), " REPLACE ABSTTL");
    adapt_resp(a, buf_str(&from), &got);
    T_CONTAINS(buf_c(&got.resp), "$1\r\nk\r\n$1\r\n0\r\n");
    t.replace = false;
    adapt_resp(a, buf_str(&from), &got);
    T_CONTAINS(buf_c(&got.resp), "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n*4\r\n$7\r\nRESTORE\r\n");
    adapt_free(a);
    buf_release(&from);
    buf_release(&got.resp);
}

/* What the target does not know becomes commands; a module's value may end it, and is not sent. */
static void
test_adapt_sends_no_payload_that_is_not_known(void **state)
{
    static const char set[] = "\x0c\x0c\0\0\0\x02\0\x81"
                              "a\x02\x05\x01\xff"; /* a listpack: a, 5 */
    static const char hash[] = "\0\0\0\0\0\0\0\0\x0f\x0f\0\0\0\x03\0\x81"
                               "f\x02\x81v\x02\0\x01\xff"; /* f, v, and 0: no time */
    static const char module[] = "\x07\x81\x4a\x1b\x22\xc1\xe5\xc6\x51\x00\0";
    struct adapt_target t = adapt_anything();
    struct buf from = BUF_INIT(1 << 16);
    struct adapted got = {.resp = BUF_INIT(1 << 16)};
    struct adapt *a = adapt_new(&t);
    char name[PAYLOAD_MODULE_TEXT];
    struct ev ev = {.kind = EV_PAYLOAD};

    (void)state;
    t.rdb[11] = false;
    restore(&from, 4102444800000, 20, str_of(set, sizeof(set) - 1), " REPLACE ABSTTL");
    adapt_resp(a, buf_str(&from), &got);
    assert_int_equal(got.verdict, ADAPT_PLAIN);
    assert_string_equal(
        buf_c(&got.resp),
        "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n*4\r\n$4\r\nSADD\r\n$1\r\nk\r\n$1\r\na\r\n$1\r\n5"
        "\r\n*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nk\r\n$13\r\n4102444800000\r\n");
    t.field_expiry = false; /* and a server may count as far as a type and not know it */
    restore(&from, 0, 25, str_of(hash, sizeof(hash) - 1), " REPLACE ABSTTL");
    adapt_resp(a, buf_str(&from), &got);
    assert_int_equal(got.verdict, ADAPT_PLAIN);
    assert_string_equal(
        buf_c(&got.resp),
        "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n*4\r\n$5\r\nHMSET\r\n$1\r\nk\r\n$1\r\nf\r\n$1\r\nv\r\n");
    ev.u.payload.rdb_type = 7;
    ev.u.payload.value = str_of(module + 1, sizeof(module) - 2);
    assert_int_equal(strlen(payload_module(&ev, name)), 9);
    restore(&from, 0, 7, ev.u.payload.value, " REPLACE ABSTTL");
    adapt_resp(a, buf_str(&from), &got);
    assert_int_equal(got.verdict, ADAPT_SAME);
    t.survives_modules = false;
    adapt_resp(a, buf_str(&from), &got);
    assert_int_equal(got.verdict, ADAPT_LEFT_OUT);
    assert_int_equal(got.why, ADAPT_MODULES);
    (void)snprintf(t.modules, sizeof(t.modules), " other  %.4s ", name);
    adapt_resp(a, buf_str(&from), &got); /* FalkorDB ends on a graph that is there */
    assert_int_equal(got.verdict, ADAPT_CHANGED);
    T_CONTAINS(buf_c(&got.resp), "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n*5\r\n$7\r\nRESTORE\r\n");
    assert_non_null(memmem(got.resp.p, got.resp.n, "ABSTTL", 6));
    assert_null(memmem(got.resp.p, got.resp.n, "REPLACE", 7));
    adapt_free(a);
    buf_release(&from);
    buf_release(&got.resp);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adapt_says_it_in_older_words),
        cmocka_unit_test(test_adapt_restores_as_the_version_can),
        cmocka_unit_test(test_adapt_sends_no_payload_that_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
