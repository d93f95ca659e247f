/* SPDX-License-Identifier: Apache-2.0 */
/* RDBs that servers load, whatever they say of themselves. */
#include "t.h"

#include "harness/read_back.h"

#include "base/mem.h"
#include "dump/convert.h"
#include "dump/dump_decode.h"

static void
convert_bytes(const char *p, size_t n, enum dump_format format, struct buf *dump,
              struct convert_facts *f, struct dataset_digest *t)
{
    struct convert_opts opts = {.format = format, .filter = FILTER_ALL};
    struct wr_buf to;
    struct rd_mem in;
    struct encoder *x;
    struct ctx cx;
    struct rdb *r;
    struct err e = ERR_INIT;

    T_OK(ctx_init(&cx, &e));
    rd_mem_init(&in, str_of(p, n), 0);
    buf_reset(dump);
    wr_buf_init(&to, dump);
    r = rdb_new(&in.rd);
    x = encoder_new(&to.wr, format);
    T_OK(encoder_begin(x, PART_WHOLE, &e));
    T_OK(convert_rdb(&cx, r, &opts, x, t, f, &e));
    T_OK(encoder_end(x, NULL, &e));
    encoder_free(x);
    rdb_free(r);
    ctx_release(&cx);
}

/*
 * Of the nine keys that the counts announce two are there: one that holds something, and an empty
 * set, which no server keeps and no RESTORE takes. The last AUX field says that a member of the set
 * would expire (KeyDB).
 */
static void
test_convert_takes_what_servers_load(void **state)
{
    static const char bytes[] = "REDIS0009\xfe\x00\xfb\x09\x03\x00\x01k\x01v\x02\x01s\x00"
                                "\xfa\x13keydb-subexpire-key\x01m"
                                "\xfa\x14keydb-subexpire-when\x01\x39\xff\0\0\0\0\0\0\0\0";
    struct buf dump = BUF_INIT(1 << 16);
    struct convert_facts f;

    (void)state;
    for (unsigned format = DUMP_COMMANDS; format <= DUMP_RESTORE; format++) {
        struct dataset_digest *t = dataset_digest_new();

        convert_bytes(bytes, sizeof(bytes) - 1, (enum dump_format)format, &dump, &f, t);
        assert_int_equal(dataset_digest_keys(t), 1);
        assert_false(f.announced);
        assert_int_equal(f.member_expiries, 1);
        assert_non_null(memmem(dump.p, dump.n, " keys=1 ", 8));
        assert_null(memmem(dump.p, dump.n, "\r\ns\r\n", 5));
        dataset_digest_free(t);
    }
    buf_release(&dump);
}

/* As servers have it: they refuse such a file, and a count of two for one key is not a count. */
static void
test_convert_refuses_a_key_that_comes_twice(void **state)
{
    static const char twice[] = "REDIS0009\xfe\x00\x00\x01k\x01v\x00\x01l\x01v"
                                "\xfe\x01\x00\x01k\x01v\xfe\x00\x00\x01k\x01w\xff\0\0\0\0\0\0\0\0";
    struct convert_opts opts = {.format = DUMP_COMMANDS, .filter = FILTER_ALL};
    struct dataset_digest *t = dataset_digest_new();
    struct convert_facts f;
    struct rd_mem in;
    struct ctx cx;
    struct rdb *r;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(ctx_init(&cx, &e));
    rd_mem_init(&in, str_of(twice, sizeof(twice) - 1), 0);
    r = rdb_new(&in.rd);
    assert_int_equal(convert_rdb(&cx, r, &opts, NULL, t, &f, &e), RC_CORRUPT);
    assert_non_null(strstr(e.msg, "key \"k\" is there twice in database 0"));
    assert_int_equal(dataset_digest_keys(t), 3);
    rdb_free(r);
    dataset_digest_free(t);
    ctx_release(&cx);
}

/* A stream that miscounts itself is written as commands, since not every server takes its payload. */
static void
test_convert_writes_no_odd_payload(void **state)
{
    static const char bytes[] = "REDIS0009\xfe\x00\xfb\x01\x00\x0f\x01s\x01\x10"
                                "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01"
                                "\x1d\x1d\0\0\0\x0a\0"
                                "\x01\x01\0\x01\x01\x01\x81"
                                "f\x02\0\x01\x02\x01\0\x01\0\x01\x81"
                                "v\x02\x04\x01\xff\x05\x01\x01\0\xff\0\0\0\0\0\0\0\0";
    struct buf dump = BUF_INIT(1 << 16);
    struct dataset_digest *t = dataset_digest_new();
    struct convert_facts f;

    (void)state;
    convert_bytes(bytes, sizeof(bytes) - 1, DUMP_RESTORE, &dump, &f, t);
    assert_true(f.announced);
    assert_int_equal(dataset_digest_keys(t), 1);
    T_CONTAINS(buf_c(&dump), "\r\nXADD\r\n$1\r\ns\r\n$3\r\n1-1\r\n");
    assert_null(memmem(dump.p, dump.n, "RESTORE", 7));
    dataset_digest_free(t);
    buf_release(&dump);
}

static void
add_id(struct buf *to, uint8_t ms)
{
    uint8_t id[16] = {[7] = ms, [15] = 1};
    struct err e = ERR_INIT;

    T_OK(buf_add(to, id, sizeof(id), &e));
}

/* A stream of 2-1 and 4-1, of whose entries g's c has 1-1, 3-1, 4-1 and 5-1 pending. */
static void
make_stream_with_deleted(struct buf *to)
{
    static const char nodes[] = "\x28\x28\0\0\0\x0f\0\x02\x01\0\x01\x01\x01\x81"
                                "f\x02\0\x01\x02\x01\0\x01\0\x01\x81"
                                "v\x02\x04\x01\x02\x01\x02\x01\0\x01\x81"
                                "w\x02\x04\x01\xff\x02\x05\x01\x01\x01g\x05\x01\x04";
    static const char seen[8], end[9] = "\xff";
    static const uint8_t pending[] = {1, 3, 4, 5};
    struct err e = ERR_INIT;

    T_OK(buf_add(to, "REDIS0009\xfe\x00\x0f\x01s\x01\x10", 16, &e));
    add_id(to, 2);
    T_OK(buf_add(to, nodes, sizeof(nodes) - 1, &e));
    for (size_t i = 0; i < sizeof(pending); i++) {
        add_id(to, pending[i]);
        T_OK(buf_add(to, "\xe8\x03\0\0\0\0\0\0\x01", 9, &e));
    }
    T_OK(buf_add(to,
                 "\x01\x01"
                 "c",
                 3, &e));
    T_OK(buf_add(to, seen, sizeof(seen), &e));
    T_OK(buf_add(to, "\x04", 1, &e));
    for (size_t i = 0; i < sizeof(pending); i++)
        add_id(to, pending[i]);
    T_OK(buf_add(to, end, sizeof(end), &e));
}

/* The words of a dump in a row, without frames. */
static void
words_of(struct str dump, struct buf *out)
{
    struct resp_reader r;
    struct rd_mem in;
    struct err e = ERR_INIT;
    struct cmd c;
    bool over;

    rd_mem_init(&in, dump, 0);
    resp_reader_init(&r, &in.rd);
    buf_reset(out);
    for (;;) {
        T_OK(resp_reader_next(&r, &c, &over, &e));
        if (over)
            break;
        for (uint32_t i = 0; i < c.n && c.argv[0].p[0] != 'E'; i++)
            T_OK(buf_printf(out, &e, "%.*s%s", (int)c.argv[i].n, (const char *)c.argv[i].p,
                            i + 1 == c.n ? "; " : " "));
    }
    resp_reader_release(&r);
}

static void
test_convert_keeps_what_is_pending_of_deleted_entries(void **state)
{
    struct buf rdb = BUF_INIT(1 << 16), dump = BUF_INIT(1 << 16), words = BUF_INIT(1 << 16);
    struct convert_facts f;
    struct dump_decode_facts facts;
    struct err e = ERR_INIT;

    (void)state;
    make_stream_with_deleted(&rdb);
    for (unsigned format = DUMP_COMMANDS; format <= DUMP_RESTORE; format++) {
        struct dataset_digest *want = dataset_digest_new(), *got = dataset_digest_new();
        struct dataset_digest_sum sum;

        convert_bytes((const char *)rdb.p, rdb.n, (enum dump_format)format, &dump, &f, want);
        words_of(buf_str(&dump), &words);
        assert_string_equal(
            buf_c(&words),
            "SELECT 0; DEL s; XADD s MAXLEN 9223372036854775807 1-1 cstash deleted; XADD s 2-1 f "
            "v; "
            "XADD s MAXLEN 9223372036854775807 3-1 cstash deleted; XADD s 4-1 f w; "
            "XADD s MAXLEN 9223372036854775807 5-1 cstash deleted; XGROUP CREATE s g 5-1; "
            "XREADGROUP GROUP g c STREAMS s 0; "
            "XCLAIM s g c 0 1-1 3-1 4-1 5-1 TIME 1000 RETRYCOUNT 1 JUSTID FORCE; "
            "XDEL s 3-1 5-1; XTRIM s MAXLEN 2; ");
        T_OK(read_back(buf_str(&dump), 0, got, &facts, &e));
        assert_true(facts.ours && facts.exact);
        sum = dataset_digest_whole(want);
        assert_memory_equal(&(struct dataset_digest_sum[]){dataset_digest_whole(got)}, &sum,
                            sizeof(sum));
        dataset_digest_free(want);
        dataset_digest_free(got);
    }
    buf_release(&rdb);
    buf_release(&dump);
    buf_release(&words);
}

/* A server before ABSTTL, or REPLACE, gets what it takes. */
static void
test_convert_restores_as_the_source_can(void **state)
{
    static const char *const versions[] = {"REDIS0006", "REDIS0008", "REDIS0009"};
    static const char rest[] = "\xfe\x00\xfc\x00\xd8\xc3\x2c\xbb\x03\x00\x00"
                               "\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0";
    struct buf dump = BUF_INIT(1 << 16), words = BUF_INIT(1 << 16);
    struct dump_decode_facts facts;
    struct convert_facts f;
    struct err e = ERR_INIT;
    char bytes[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct dataset_digest *made = dataset_digest_new(), *got = dataset_digest_new();
        struct dataset_digest_sum sum;

        memcpy(bytes, versions[i], 9);
        memcpy(bytes + 9, rest, sizeof(rest) - 1);
        convert_bytes(bytes, 9 + sizeof(rest) - 1, DUMP_RESTORE, &dump, &f, made);
        T_OK(read_back(buf_str(&dump), 0, got, &facts, &e));
        assert_true(facts.exact);
        sum = dataset_digest_whole(made);
        assert_memory_equal(&(struct dataset_digest_sum[]){dataset_digest_whole(got)}, &sum,
                            sizeof(sum));
        words_of(buf_str(&dump), &words);
        assert_int_equal(memmem(words.p, words.n, "PEXPIREAT k 4102444800000; ", 27) != NULL,
                         i < 2);
        assert_int_equal(memmem(words.p, words.n, "DEL k; ", 7) != NULL, i == 0);
        assert_int_equal(memmem(words.p, words.n, " REPLACE", 8) != NULL, i > 0);
        assert_int_equal(memmem(words.p, words.n, " ABSTTL", 7) != NULL, i == 2);
        dataset_digest_free(made);
        dataset_digest_free(got);
    }
    buf_release(&dump);
    buf_release(&words);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert_takes_what_servers_load),
        cmocka_unit_test(test_convert_keeps_what_is_pending_of_deleted_entries),
        cmocka_unit_test(test_convert_refuses_a_key_that_comes_twice),
        cmocka_unit_test(test_convert_writes_no_odd_payload),
        cmocka_unit_test(test_convert_restores_as_the_source_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
