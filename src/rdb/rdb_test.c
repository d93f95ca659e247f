/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/endian.h"
#include "base/hex.h"
#include "base/mem.h"
#include "codec/crc64.h"
#include "rdb/packed.h"
#include "rdb/payload.h"
#include "rdb/rdb.h"
#include "rdb/rdb_internal.h"

/*
 * db 0: "a" = "1" expiring at 4102444800000, hash h {f: v}; db 3: set s {a}. As Redis 5.0, 7.0, 8.6
 * and Valkey 9.1 wrote it.
 */
static const char *const files[] = {
    "524544495330303039fa0972656469732d76657206352e302e3134fa0a72656469732d62697473c040fa05637469"
    "6d65c202bd026bfa08757365642d6d656dc268ea0d00fa0c616f662d707265616d626c65c000fe00fb0201fc00d8"
    "c32cbb030000000161c0010d016811110000000d0000000200000166030176fffe03fb0100020173010161fffd4f"
    "2db37feb9842",
    "524544495330303130fa0972656469732d76657206372e302e3135fa0a72656469732d62697473c040fa05637469"
    "6d65c202bd026bfa08757365642d6d656dc238ba1100fa08616f662d62617365c000fe00fb02011001680d0d0000"
    "000200816602817602fffc00d8c32cbb030000000161c001fe03fb0100020173010161ff2566c59955d57fb6",
    "524544495330303133fa0972656469732d76657205382e362e33fa0a72656469732d62697473c040fa056374696d"
    "65c202bd026bfa08757365642d6d656dc288350f00fa08616f662d62617365c000fe00fb02011001680d0d000000"
    "0200816602817602fffc00d8c32cbb030000000161c001fe03fb01001401730a0a0000000100816102ffff5e4280"
    "10512e03f1",
    "56414c4b4559303830fa0a76616c6b65792d76657205392e312e32fa0a72656469732d62697473c040fa05637469"
    "6d65c202bd026bfa08757365642d6d656dc2304d1300fa08616f662d62617365c000fe00fb0201fc00d8c32cbb03"
    "0000000161c0011001680d0d0000000200816602817602fffe03fb01001401730a0a0000000100816102ffffcc5b"
    "c88da0472541",
};

/* What the files say, as text, by the order of their keys. */
static const char want_a[] =
    "db0(2,1) key a string @4102444800000 [1] key h hash [f=v] db3(1,0) key s set [a] ";
static const char want_h[] =
    "db0(2,1) key h hash [f=v] key a string @4102444800000 [1] db3(1,0) key s set [a] ";

static struct str
unhex(const char *hex, struct buf *to)
{
    size_t n = strlen(hex) / 2;
    struct err e = ERR_INIT;

    buf_reset(to);
    T_OK(buf_reserve(to, n, &e));
    assert_true(hex_decode(str_c(hex), to->p, n));
    to->n = n;
    return buf_str(to);
}

/* Events as text. */
static enum rc
write_event(void *arg, const struct ev *ev, struct err *e)
{
    struct buf *out = arg;

    switch (ev->kind) {
    case EV_STRING:
    case EV_ELEM:
        return buf_printf(out, e, "[%.*s] ", (int)ev->u.piece.p.n, (const char *)ev->u.piece.p.p);
    case EV_ZELEM:
        return buf_printf(out, e, "[%.*s=%.17g] ", (int)ev->u.zelem.member.n,
                          (const char *)ev->u.zelem.member.p, ev->u.zelem.score);
    case EV_FIELD:
        if (buf_printf(out, e, "[%.*s=%.*s", (int)ev->u.field.name.n,
                       (const char *)ev->u.field.name.p, (int)ev->u.field.value.p.n,
                       (const char *)ev->u.field.value.p.p))
            return err_code(e);
        return ev->u.field.expires_at == EV_NO_EXPIRY
                   ? buf_printf(out, e, "] ")
                   : buf_printf(out, e, "@%lld] ", (long long)ev->u.field.expires_at);
    case EV_ENTRY:
        return buf_printf(out, e, "%llu-%llu:%zu ", (unsigned long long)ev->u.entry.id.ms,
                          (unsigned long long)ev->u.entry.id.seq, ev->u.entry.n);
    case EV_STREAM:
        return buf_printf(out, e, "len=%llu last=%llu added=%llu ",
                          (unsigned long long)ev->u.stream.length,
                          (unsigned long long)ev->u.stream.last.ms,
                          (unsigned long long)(ev->u.stream.modern ? ev->u.stream.added : 0));
    case EV_GROUP:
        return buf_printf(out, e, "group %.*s ", (int)ev->u.group.name.n,
                          (const char *)ev->u.group.name.p);
    case EV_PENDING:
        return buf_printf(
            out, e, "%.*s:%llu-%llu x%llu ", (int)ev->u.pending.consumer.n,
            (const char *)ev->u.pending.consumer.p, (unsigned long long)ev->u.pending.id.ms,
            (unsigned long long)ev->u.pending.id.seq, (unsigned long long)ev->u.pending.count);
    default:
        return RC_OK;
    }
}

static enum rc
write_items(struct rdb *r, struct buf *out, struct err *e)
{
    struct rdb_item it = {.kind = RDB_AUX};

    while (it.kind != RDB_END) {
        if (rdb_next(r, &it, e))
            return err_code(e);
        if (it.kind == RDB_DB &&
            buf_printf(out, e, "db%llu(%llu,%llu) ", (unsigned long long)it.db.n,
                       (unsigned long long)it.db.keys, (unsigned long long)it.db.expires))
            return err_code(e);
        if (it.kind != RDB_KEY)
            continue;
        if (buf_printf(out, e, "key %.*s %s ", (int)it.key.name.n, (const char *)it.key.name.p,
                       kv_info[it.key.type].name) ||
            (it.key.expires_at != EV_NO_EXPIRY &&
             buf_printf(out, e, "@%lld ", (long long)it.key.expires_at)) ||
            rdb_value(r, write_event, out, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
read_all(struct str bytes, size_t step, struct buf *out, struct err *e)
{
    struct rd_mem in;
    struct rdb *r;
    enum rc rc;

    rd_mem_init(&in, bytes, step);
    r = rdb_new(&in.rd);
    buf_reset(out);
    rc = write_items(r, out, e);
    rdb_free(r);
    return rc;
}

static void
test_rdb_reads_the_same_at_every_split(void **state)
{
    struct buf file = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        for (size_t step = 1; step < 40; step++) {
            T_OK(read_all(unhex(files[i], &file), step, &out, &e));
            if (strcmp(buf_c(&out), want_a) != 0)
                assert_string_equal(buf_c(&out), want_h);
        }
    buf_release(&file);
    buf_release(&out);
}

static void
test_rdb_refuses_every_prefix(void **state)
{
    struct buf file = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct str all = unhex(files[i], &file);
        for (size_t n = 0; n < all.n; n++)
            T_RC(read_all(str_of(all.p, n), 0, &out, &e), RC_CORRUPT);
    }
    buf_release(&file);
    buf_release(&out);
}

/* Whatever byte is wrong, the checksum at the end tells, if the parser did not stumble before. */
static void
test_rdb_notices_every_flipped_bit(void **state)
{
    struct buf file = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct str all = unhex(files[i], &file);
        for (size_t bit = 0; bit < 8 * all.n; bit++) {
            file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            /* Versions below 5 have no checksum: a version digit can hide it. */
            if (read_all(all, 0, &out, &e) == RC_OK && memcmp(file.p + 5, "0005", 4) >= 0)
                fail_msg("file %zu: bit %zu of byte %zu", i, bit % 8, bit / 8);
            file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    buf_release(&file);
    buf_release(&out);
}

static void
test_rdb_leaves_what_stands_behind_it(void **state)
{
    struct buf file = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;
    struct rd_mem in;
    struct rdb *r;
    size_t n;

    (void)state;
    n = unhex(files[1], &file).n;
    T_OK(buf_add(&file, "the mark", 8, &e));
    rd_mem_init(&in, buf_str(&file), 0);
    r = rdb_new(&in.rd);
    T_OK(write_items(r, &out, &e));
    assert_int_equal(rdb_at(r), n);
    T_STR(rdb_leftover(r), STR_LIT("the mark"));
    rdb_free(r);
    buf_release(&file);
    buf_release(&out);
}

/* DUMP payloads of real servers (reference redis-dump section 22), and what they hold. */
static const struct {
    const char *hex, *text;
} payloads[] = {
    {"0001610900"
     "6f0cbe57dbb01e05",
     "[a] "},
    {"0001610a00"
     "bffeef9b8f367db4",
     "[a] "},
    {"00016150"
     "0070d4260a11641a40",
     "[a] "},
    {"00000a00"
     "5d9b5c400f7fa2da",
     "[] "},
    {"00c0ff0a00"
     "0c937e2485089dc5",
     "[-1] "},
    {"00c139300a00"
     "9d94ea2793fc08b9",
     "[12345] "},
    {"00c26079feff0a00"
     "a1ca8470cc216d9d",
     "[-100000] "},
    {"00033030370a00"
     "7258e27b4c69bad9",
     "[007] "},
    {"0e0113130000000f000000030000016103f202fefbff0900"
     "c3f48271c8c81397",
     "[a] [1] [-5] "},
    {"1201020f0f00000003008161020101dffb02ff0a00"
     "af37403b85fe5539",
     "[a] [1] [-5] "},
    {"0b1404000000030000000100000002000000701101000a00"
     "85d5c1065b1dd055",
     "[1] [2] [70000] "},
    {"020101610900"
     "b264b8b2105479dc",
     "[a] "},
    {"140a0a0000000100816102ff0d00"
     "3ca94b1b63c5e53d",
     "[a] "},
    {"0c1c1c00000016000000040000016203042d696e660601610303312e35ff0900"
     "d8165e2c8fab3f5c",
     "[b=-inf] [a=1.5] "},
    {"1118180000000400816202842d696e660581610283312e3504ff0a00"
     "6283bc627bc94781",
     "[b=-inf] [a=1.5] "},
    {"0d11110000000d0000000200000166030176ff0900"
     "d0e7c38cbb022b78",
     "[f=v] "},
    {"100d0d0000000200816602817602ff0a00"
     "20f13d442354089d",
     "[f=v] "},
    {"1900d8c32cbb0300001f1f0000000600816602817602f400d8c32cbb030000098167028177020001ff0d00"
     "ede964fb75990510",
     "[f=v@4102444800000] [g=w] "},
    {"16020166017600d8c32cbb03000001670177ffffffffffffffff5000"
     "e60a2f75e1b45a59",
     "[f=v@4102444800000] [g=w] "},
    {"0f0110000000000000000100000000000000011d1d0000000a0001010001010181660200010201000100018176020"
     "401ff0101"
     "01010167010101000000000000000100000000000000012adfb102a201000001010163"
     "2adfb102a2010000"
     "0100000000000000010000000000000001"
     "0900"
     "18b0ef05d69d1df5",
     "1-1:1 len=1 last=1 added=0 group g c:1-1 x1 "},
};

static void
test_payload_decodes_what_real_servers_dump(void **state)
{
    struct payload_decoder *d = payload_decoder_new();
    struct buf raw = BUF_INIT(1 << 16), out = BUF_INIT(1 << 16);
    struct err e = ERR_INIT;
    struct ev ev;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
        T_OK(payload_split(unhex(payloads[i].hex, &raw), &ev, &e));
        buf_reset(&out);
        T_OK(payload_decode(d, &ev, write_event, &out, &e));
        assert_string_equal(buf_c(&out), payloads[i].text);
    }
    payload_decoder_free(d);
    buf_release(&raw);
    buf_release(&out);
}

/* A payload that is stamped anew differs in version and checksum only, and is whole by itself. */
static void
test_payload_footer_makes_a_whole_payload(void **state)
{
    struct buf raw = BUF_INIT(1 << 16), again = BUF_INIT(1 << 16);
    struct err e = ERR_INIT;
    uint8_t footer[PAYLOAD_FOOTER];
    struct ev ev, back;

    (void)state;
    T_OK(payload_split(unhex(payloads[2].hex, &raw), &ev, &e)); /* a string of Valkey 9.1 */
    payload_footer(&ev, footer);
    assert_int_equal(le16_load(footer), 6); /* strings are as old as RDB */
    T_OK(buf_add(&again, &ev.u.payload.rdb_type, 1, &e));
    T_OK(buf_add_str(&again, ev.u.payload.value, &e));
    T_OK(buf_add(&again, footer, sizeof(footer), &e));
    T_OK(payload_split(buf_str(&again), &back, &e));
    again.p[1] ^= 1;
    T_RC(payload_split(buf_str(&again), &back, &e), RC_CORRUPT);
    buf_release(&raw);
    buf_release(&again);
}

/* Sizes at which the back-length of a listpack entry grows by a byte; 16383 is where others err. */
static void
test_blob_walks_listpacks_at_the_size_steps(void **state)
{
    static const size_t sizes[] = {126, 127, 128, 16379, 16380, 16381, 16382, 16383, 16384, 70000};
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        size_t n = sizes[i], head = n < 4096 ? 2 : 5, size = head + n;
        size_t back = size <= 127 ? 1 : size < 16383 ? 2 : 3, total = 6 + size + back + 2 + 1;
        uint8_t *lp = mem_zero(1, total), *p = lp + 6;
        struct packed_entry x;
        struct packed b;
        bool over;

        le32_store(lp, (uint32_t)total);
        le16_store(lp + 4, 2);
        if (head == 2) {
            p[0] = (uint8_t)(0xe0 | n >> 8);
            p[1] = (uint8_t)n;
        } else {
            p[0] = 0xf0;
            le32_store(p + 1, (uint32_t)n);
        }
        p += size + back; /* the back-length's content is not looked at, only its width */
        p[0] = 7;
        p[1] = 1;
        p[2] = 0xff;
        T_OK(packed_open(&b, BLOB_LISTPACK, str_of(lp, total), &e));
        T_OK(packed_next(&b, &x, &over, &e));
        assert_int_equal(x.s.n, n);
        T_OK(packed_next(&b, &x, &over, &e));
        assert_true(x.is_int && x.v == 7);
        T_OK(packed_next(&b, &x, &over, &e));
        assert_true(over);
        mem_free(lp);
    }
}

/* A string that is too long to be whole comes in pieces, LZF undone, with little memory. */
struct pieces {
    uint64_t bytes, total;
    uint64_t crc;
};

static enum rc
add_piece(void *arg, const struct ev *ev, struct err *e)
{
    struct pieces *s = arg;

    (void)e;
    assert_int_equal(ev->u.piece.off, s->bytes);
    s->bytes += ev->u.piece.p.n;
    s->total = ev->u.piece.total;
    s->crc = crc64(s->crc, ev->u.piece.p.p, ev->u.piece.p.n);
    return RC_OK;
}

static void
test_rdb_streams_long_strings(void **state)
{
    enum { RUNS = 40000, RUN = 264, TOTAL = 3 + RUNS * RUN };
    struct buf file = BUF_INIT(1 << 24);
    struct err e = ERR_INIT;
    struct rdb_item it;
    struct pieces got = {0};
    uint8_t len[10] = {0x80}, *plain = mem_alloc(TOTAL);
    struct rd_mem in;
    struct rdb *r;

    (void)state;
    buf_must_add(&file, "REDIS0011\xfe\x00\x00\x01k\xc3", 15);
    len[1] = 0; /* compressed: 4 literal bytes, then 3 a run */
    len[2] = (uint8_t)((4 + 3 * RUNS) >> 16);
    len[3] = (uint8_t)((4 + 3 * RUNS) >> 8);
    len[4] = (uint8_t)(4 + 3 * RUNS);
    len[5] = 0x80;
    len[6] = (uint8_t)(TOTAL >> 24);
    len[7] = (uint8_t)(TOTAL >> 16);
    len[8] = (uint8_t)(TOTAL >> 8);
    len[9] = (uint8_t)TOTAL;
    buf_must_add(&file, len, sizeof(len));
    buf_must_add(&file, "\x02xyz", 4);
    for (size_t i = 0; i < RUNS; i++)
        buf_must_add(&file, "\xe0\xff\x02", 3); /* 264 bytes from three back */
    buf_must_add(&file, "\xff\0\0\0\0\0\0\0\0", 9);
    for (size_t i = 0; i < TOTAL; i++)
        plain[i] = (uint8_t) "xyz"[i % 3];
    rd_mem_init(&in, buf_str(&file), 1000);
    r = rdb_new(&in.rd);
    T_OK(rdb_next(r, &it, &e));
    T_OK(rdb_next(r, &it, &e));
    T_OK(rdb_value(r, add_piece, &got, &e));
    assert_int_equal(got.bytes, TOTAL);
    assert_int_equal(got.total, TOTAL);
    assert_true(got.crc == crc64(0, plain, TOTAL));
    T_OK(rdb_next(r, &it, &e));
    assert_int_equal(it.kind, RDB_END);
    rdb_free(r);
    mem_free(plain);
    buf_release(&file);
}

/* The template types of Redis 8.10, and what came before listpacks. */
static void
test_rdb_reads_rare_types(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *text;
    } rare[] = {
#define RARE(bytes, text) {bytes, sizeof(bytes) - 1, text}
        /* zipmap: one pair, one unused byte */
        RARE("REDIS0003\xfe\x00\x09\x01h\x0a\x01\x01"
             "f\x03\x01val_\xff\xff",
             "db0(18446744073709551615,18446744073709551615) key h hash [f=val] "),
        /* old sorted set with text scores and infinities */
        RARE("REDIS0006\xfe\x00\x03\x01z\x03\x01"
             "a\x03"
             "1.5\x01"
             "b\xff\x01"
             "c\xfe\xff\0\0\0\0\0\0\0\0",
             "db0(18446744073709551615,18446744073709551615) key z zset [a=1.5] [b=-inf] [c=inf] "),
        /* template 5 {x, y}; key by listpack 5 1 2, key by array */
        RARE("REDIS0015\xf2\x05\x02\x01x\x01y\xfe\x00\xfb\x02\x00"
             "\x1e\x01p\x0d\x0d\0\0\0\x03\0\x05\x01\x01\x01\x02\x01\xff"
             "\x20\x01q\x05\x01u\x01v\xff\0\0\0\0\0\0\0\0",
             "db0(2,0) key p hash [x=1] [y=2] key q hash [x=u] [y=v] "),
        /* templates 9 {z}, 5 {y}, and again 5 {x}, which counts */
        RARE("REDIS0015\xf2\x09\x01\x01z\xf2\x05\x01\x01y\xf2\x05\x01\x01x\xfe\x00\xfb\x02\x00"
             "\x20\x01p\x05\x01u\x20\x01q\x09\x01v\xff\0\0\0\0\0\0\0\0",
             "db0(2,0) key p hash [x=u] key q hash [z=v] "),
        /* KeyDB: an AUX field between an expiry and its key; it is not for the key behind */
        RARE("REDIS0009\xfe\x00\xfb\x02\x01\xfc\x00\xd8\xc3\x2c\xbb\x03\x00\x00"
             "\xfa\x0bmvcc-tstamp\x01"
             "5\x00\x01k\x01v\x00\x01l\x01w\xff\0\0\0\0\0\0\0\0",
             "db0(2,1) key k string @4102444800000 [v] key l string [w] "),
    };
    struct buf out = BUF_INIT(1 << 16);
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rare); i++) {
        T_OK(read_all(str_of(rare[i].bytes, rare[i].n), 1, &out, &e));
        assert_string_equal(buf_c(&out), rare[i].text);
    }
    buf_release(&out);
}

/* A stream of one entry, whose own count and whose node's count are wrong: servers load it. */
static void
test_rdb_counts_the_entries_of_a_stream_itself(void **state)
{
    static const char bytes[] = "REDIS0009\xfe\x00\x0f\x01s\x01\x10"
                                "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01"
                                "\x1d\x1d\0\0\0\x0a\0"
                                "\x03\x01\0\x01\x01\x01\x81"
                                "f\x02\0\x01\x02\x01\0\x01\0\x01\x81"
                                "v\x02\x04\x01\xff\x05\x01\x01\0\xff\0\0\0\0\0\0\0\0";
    enum { NODE_COUNT = 39, STREAM_COUNT = 62 };
    struct buf out = BUF_INIT(1 << 16);
    char odd[sizeof(bytes)];
    struct err e = ERR_INIT;

    (void)state;
    memcpy(odd, bytes, sizeof(bytes));
    assert_int_equal(odd[NODE_COUNT], 3);
    assert_int_equal(odd[STREAM_COUNT], 5);
    for (unsigned i = 0; i < 3; i++) {
        odd[NODE_COUNT] = i == 1 ? 1 : 3;
        odd[STREAM_COUNT] = i == 2 ? 1 : 5;
        T_OK(read_all(str_of(odd, sizeof(odd) - 1), 1, &out, &e));
        assert_string_equal(buf_c(&out), "db0(18446744073709551615,18446744073709551615) key s "
                                         "stream 1-1:1 len=1 last=1 added=0 ");
    }
    buf_release(&out);
}

/* A key every so often, or an end: what a server sends besides would else never be done. */
static void
test_rdb_ends_what_goes_on_without_a_key(void **state)
{
    enum { ROUNDS = 64, LIBRARY = 1000 };
    static const uint8_t key[] = {0, 1, 'k', 1, 'v'};
    uint8_t library[3 + LIBRARY] = {0xf5, 0x40 | LIBRARY >> 8, LIBRARY & 0xff};

    (void)state;
    for (int with_keys = 0; with_keys < 2; with_keys++) {
        struct buf bytes = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;
        struct rdb_item it = {.kind = RDB_AUX};
        struct rd_mem in;
        struct rdb *r;
        unsigned libraries = 0;
        enum rc rc = RC_OK;

        buf_must_add(&bytes, "REDIS0011", 9);
        for (int i = 0; i < ROUNDS; i++) {
            buf_must_add(&bytes, library, sizeof(library));
            if (with_keys)
                buf_must_add(&bytes, key, sizeof(key));
        }
        buf_must_add(&bytes, "\xff\0\0\0\0\0\0\0\0", 9);
        rd_mem_init(&in, buf_str(&bytes), 0);
        r = rdb_new(&in.rd);
        r->keyless_max = 10 * LIBRARY;
        while (rc == RC_OK && it.kind != RDB_END) {
            rc = rdb_next(r, &it, &e);
            libraries += rc == RC_OK && it.kind == RDB_FUNCTION;
        }
        assert_int_equal(rc, with_keys ? RC_OK : RC_CORRUPT);
        assert_int_equal(libraries, with_keys ? ROUNDS : 9);
        if (!with_keys)
            T_CONTAINS(e.msg, "bytes of functions and fields without a key");
        rdb_free(r);
        buf_release(&bytes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rdb_reads_the_same_at_every_split),
        cmocka_unit_test(test_rdb_refuses_every_prefix),
        cmocka_unit_test(test_rdb_notices_every_flipped_bit),
        cmocka_unit_test(test_rdb_leaves_what_stands_behind_it),
        cmocka_unit_test(test_payload_decodes_what_real_servers_dump),
        cmocka_unit_test(test_payload_footer_makes_a_whole_payload),
        cmocka_unit_test(test_blob_walks_listpacks_at_the_size_steps),
        cmocka_unit_test(test_rdb_streams_long_strings),
        cmocka_unit_test(test_rdb_reads_rare_types),
        cmocka_unit_test(test_rdb_ends_what_goes_on_without_a_key),
        cmocka_unit_test(test_rdb_counts_the_entries_of_a_stream_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
