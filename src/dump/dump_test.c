/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "t.h"

#include "harness/read_back.h"

#include "base/clock.h"
#include "base/mem.h"
#include "dump/resp_reader.h"
#include "dump/encode.h"
#include "dump/filter.h"
#include "dump/dataset_digest.h"
#include "dump/dump_decode.h"

static void
test_glob_matches_as_redis_does(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool want;
    } cases[] = {
        {"*", "", true},
        {"*", "anything", true},
        {"user:*", "user:17", true},
        {"user:*", "users", false},
        {"h?llo", "hello", true},
        {"h?llo", "hllo", false},
        {"h[ae]llo", "hallo", true},
        {"h[^e]llo", "hello", false},
        {"h[a-c]llo", "hbllo", true},
        {"h[c-a]llo", "hbllo", true},
        {"a\\*b", "a*b", true},
        {"a\\*b", "axb", false},
        {"*a*b*c*", "xxaxxbxxcxx", true},
        {"*a*b*c*", "xxaxxcxxbxx", false},
        {"[abc", "c", true},
        {"a[", "a[", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (glob_match(str_c(cases[i].pattern), str_c(cases[i].name)) != cases[i].want)
            fail_msg("%s against %s", cases[i].pattern, cases[i].name);
}

/* A pattern that makes naive matchers take forever. */
static void
test_glob_is_not_exponential(void **state)
{
    char name[2001];

    (void)state;
    memset(name, 'a', 2000);
    name[2000] = '\0';
    assert_false(glob_match(STR_LIT("*a*a*a*a*a*a*a*a*a*a*a*a*a*b"), str_c(name)));
}

/* --- a dataset of every type, as events ------------------------------------------------------- */

struct maker {
    ev_fn *on;
    void *arg;
    struct err *e;
    struct ev_key key;
};

static void
send(struct maker *m, const struct ev *ev)
{
    if (m->on(m->arg, ev, m->e))
        fail_msg("%s", m->e->msg);
}

static void
begin(struct maker *m, const char *name, enum kv_type type, int64_t expires_at)
{
    struct ev ev = {.kind = EV_KEY};

    m->key = (struct ev_key){
        .name = str_c(name), .type = type, .expires_at = expires_at, .idle_s = -1, .freq = -1};
    ev.u.key = m->key;
    send(m, &ev);
}

static void
end(struct maker *m)
{
    struct ev ev = {.kind = EV_KEY_END};

    ev.u.key = m->key;
    send(m, &ev);
}

static void
piece(struct maker *m, enum ev_kind kind, struct str s)
{
    struct ev ev = {.kind = kind};

    /* long ones in pieces, as readers do */
    for (size_t off = 0, n; off < s.n || off == 0; off += n) {
        n = s.n > EV_WHOLE_MAX ? MIN(s.n - off, (size_t)100000) : s.n;
        ev.u.piece = (struct ev_piece){.p = str_of(s.p + off, n), .off = off, .total = s.n};
        send(m, &ev);
        if (s.n == 0)
            break;
    }
}

static void
field(struct maker *m, const char *name, struct str value, int64_t expires_at)
{
    struct ev ev = {.kind = EV_FIELD};

    ev.u.field.name = str_c(name);
    ev.u.field.expires_at = expires_at;
    ev.u.field.value = ev_whole(value);
    send(m, &ev);
}

static void
make_stream(struct maker *m)
{
    struct str pairs[] = {STR_LIT("f"), STR_LIT("v"), STR_LIT("g"), STR_LIT("")};
    struct ev ev = {.kind = EV_ENTRY};

    begin(m, "stream", KV_STREAM, EV_NO_EXPIRY);
    for (uint64_t i = 1; i <= 3; i++) {
        ev.u.entry.id = (struct stream_id){i, 7};
        ev.u.entry.pairs = pairs;
        ev.u.entry.n = 2;
        send(m, &ev);
    }
    ev = (struct ev){.kind = EV_STREAM};
    ev.u.stream.length = 3;
    ev.u.stream.last = (struct stream_id){9, 9};
    ev.u.stream.max_deleted = (struct stream_id){5, 5};
    ev.u.stream.added = 12;
    ev.u.stream.modern = true;
    send(m, &ev);
    ev = (struct ev){.kind = EV_GROUP};
    ev.u.group.name = STR_LIT("workers");
    ev.u.group.last = (struct stream_id){2, 7};
    ev.u.group.entries_read = 2;
    ev.u.group.modern = true;
    send(m, &ev);
    ev = (struct ev){.kind = EV_CONSUMER};
    ev.u.consumer.group = STR_LIT("workers");
    ev.u.consumer.name = STR_LIT("w1");
    send(m, &ev);
    ev = (struct ev){.kind = EV_PENDING};
    ev.u.pending.group = STR_LIT("workers");
    ev.u.pending.consumer = STR_LIT("w1");
    for (uint64_t i = 1; i <= 2; i++) {
        ev.u.pending.id = (struct stream_id){i, 7};
        ev.u.pending.delivered_at = 1700000000000;
        ev.u.pending.count = i;
        send(m, &ev);
    }
    end(m);
    begin(m, "empty stream", KV_STREAM, EV_NO_EXPIRY);
    ev = (struct ev){.kind = EV_STREAM};
    ev.u.stream.modern = true;
    send(m, &ev);
    end(m);
}

static void
make_dataset(struct maker *m, struct str huge)
{
    static const double scores[] = {1.5,    -INFINITY,          INFINITY, 0.1,
                                    1e-300, 9007199254740993.0, -0.0};
    struct ev ev = {.kind = EV_DB};
    char name[32];

    ev.u.db.n = 0;
    ev.u.db.keys = ev.u.db.expires = EV_UNKNOWN;
    send(m, &ev);
    ev = (struct ev){.kind = EV_FUNCTION};
    ev.u.code = STR_LIT("#!lua name=x\n");
    send(m, &ev);
    begin(m, "string", KV_STRING, 4102444800123);
    piece(m, EV_STRING, STR_LIT("\r\n$3\r\nbin\0ary"));
    end(m);
    begin(m, "", KV_STRING, EV_NO_EXPIRY);
    piece(m, EV_STRING, STR_LIT(""));
    end(m);
    begin(m, "huge", KV_STRING, EV_NO_EXPIRY);
    piece(m, EV_STRING, huge);
    end(m);
    begin(m, "list", KV_LIST, 1);
    for (int i = 0; i < 1500; i++) {
        (void)snprintf(name, sizeof(name), "element %d", i);
        piece(m, EV_ELEM, str_c(name));
        if (i == 700)
            piece(m, EV_ELEM, huge);
    }
    end(m);
    ev = (struct ev){.kind = EV_DB};
    ev.u.db.n = 15;
    ev.u.db.keys = ev.u.db.expires = EV_UNKNOWN;
    send(m, &ev);
    begin(m, "set", KV_SET, EV_NO_EXPIRY);
    piece(m, EV_ELEM, STR_LIT("a"));
    piece(m, EV_ELEM, STR_LIT(""));
    end(m);
    begin(m, "zset", KV_ZSET, EV_NO_EXPIRY);
    for (size_t i = 0; i < ARRAY_LEN(scores); i++) {
        ev = (struct ev){.kind = EV_ZELEM};
        (void)snprintf(name, sizeof(name), "member %zu", i);
        ev.u.zelem.member = str_c(name);
        ev.u.zelem.score = scores[i];
        send(m, &ev);
    }
    end(m);
    begin(m, "hash", KV_HASH, EV_NO_EXPIRY);
    for (int i = 0; i < 1100; i++) {
        (void)snprintf(name, sizeof(name), "field %d", i);
        field(m, name, STR_LIT("value"), i % 3 == 0 ? 4102444800000 + i % 2 : EV_NO_EXPIRY);
    }
    field(m, "long", str_of(huge.p, 200000), 4102444800000);
    end(m);
    make_stream(m);
}

static struct str
huge_string(struct buf *b)
{
    struct err e = ERR_INIT;

    T_OK(buf_reserve(b, 3 * 1024 * 1024, &e));
    for (b->n = 0; b->n < 3 * 1024 * 1024; b->n++)
        b->p[b->n] = (uint8_t)(b->n * 31 + b->n / 255);
    return buf_str(b);
}

/* Encode the dataset; count it on the way. */
static void
encode_dataset(struct buf *out, struct dataset_digest *t)
{
    struct buf huge = BUF_INIT(1 << 24);
    struct err e = ERR_INIT;
    struct wr_buf to;
    struct encoder *enc;
    struct maker m = {.on = encoder_on, .e = &e};

    wr_buf_init(&to, out);
    enc = encoder_new(&to.wr, DUMP_COMMANDS);
    m.arg = enc;
    T_OK(encoder_begin(enc, PART_WHOLE, &e));
    make_dataset(&m, huge_string(&huge));
    T_OK(encoder_end(enc, NULL, &e));
    encoder_free(enc);
    m.on = dataset_digest_on;
    m.arg = t;
    make_dataset(&m, buf_str(&huge));
    buf_release(&huge);
}

static void
test_dump_reads_back_as_what_was_written(void **state)
{
    static const size_t steps[] = {0, 1000003, 65536, 4099, 1021, 7};
    struct buf dump = BUF_INIT(1 << 26);
    struct dataset_digest *want = dataset_digest_new();
    struct dump_decode_facts facts;
    struct err e = ERR_INIT;
    struct dataset_digest_sum sum;

    (void)state;
    encode_dataset(&dump, want);
    sum = dataset_digest_whole(want);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct dataset_digest *got = dataset_digest_new();
        T_OK(read_back(buf_str(&dump), steps[i], got, &facts, &e));
        assert_true(facts.ours && facts.exact);
        assert_int_equal(dataset_digest_keys(got), dataset_digest_keys(want));
        assert_memory_equal(&(struct dataset_digest_sum[]){dataset_digest_whole(got)}, &sum,
                            sizeof(sum));
        dataset_digest_free(got);
    }
    dataset_digest_free(want);
    buf_release(&dump);
}

/* A dump that is cut anywhere is never taken for a whole one. */
static void
test_dump_that_is_cut_is_refused(void **state)
{
    struct buf dump = BUF_INIT(1 << 26);
    struct dataset_digest *t = dataset_digest_new();
    struct err e = ERR_INIT;

    (void)state;
    encode_dataset(&dump, t);
    for (size_t n = 40; n < dump.n; n += n < 2000 || dump.n - n < 2000 ? 1 : 300007)
        T_RC(read_back(str_of(dump.p, n), 0, NULL, NULL, &e), RC_CORRUPT);
    dataset_digest_free(t);
    buf_release(&dump);
}

/*
 * Commands lost from the middle, at command boundaries, and bits flipped in values: the trailer
 * knows.
 */
static void
test_dump_that_is_altered_is_refused(void **state)
{
    struct buf dump = BUF_INIT(1 << 26);
    struct dataset_digest *t = dataset_digest_new();
    struct err e = ERR_INIT;
    uint8_t *cmd;

    (void)state;
    encode_dataset(&dump, t);
    cmd = memmem(dump.p, dump.n, "*2\r\n$6\r\nSELECT", 14);
    assert_non_null(cmd);
    memmove(cmd, cmd + 23, (size_t)(dump.p + dump.n - cmd) - 23); /* SELECT 0 */
    T_RC(read_back(str_of(dump.p, dump.n - 23), 0, NULL, NULL, &e), RC_CORRUPT);
    buf_reset(&dump);
    dataset_digest_free(t);
    t = dataset_digest_new();
    encode_dataset(&dump, t);
    cmd = memmem(dump.p, dump.n, "element 3", 9);
    cmd[8] = '4';
    T_RC(read_back(buf_str(&dump), 0, NULL, NULL, &e), RC_CORRUPT);
    T_CONTAINS(e.msg, "checksum");
    dataset_digest_free(t);
    buf_release(&dump);
}

static void
test_dump_of_stash_is_understood(void **state)
{
    static const char stash[] =
        "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
        "*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\nx\r\n*3\r\n$8\r\nEXPIREAT\r\n$1\r\na\r\n$"
        "10\r\n4102444800\r\n"
        "*3\r\n$3\r\nSET\r\n$22\r\n__redisdump_total_keys\r\n$1\r\n3\r\n";
    struct dump_decode_facts facts;
    struct err e = ERR_INIT;
    struct dataset_digest *t = dataset_digest_new();

    (void)state;
    T_OK(read_back(str_of(stash, sizeof(stash) - 1), 1, t, &facts, &e));
    assert_true(facts.has_marker && !facts.ours && !facts.exact);
    assert_int_equal(facts.marker_keys, 3);
    dataset_digest_free(t);
}

/* ---- several shards ---- */

/* The keys k0 .. k9 from `first` on, every `step`-th, and a library. */
static void
some_keys(struct dataset_digest *t, int first, int step, const char *code)
{
    struct err e = ERR_INIT;
    struct maker m = {.on = dataset_digest_on, .arg = t, .e = &e};
    int64_t now = clock_real_ms();

    if (code != NULL)
        send(&m, &(struct ev){.kind = EV_FUNCTION, .u.code = str_c(code)});
    send(&m, &(struct ev){.kind = EV_DB, .u.db = {.n = 0, .keys = 5, .expires = EV_UNKNOWN}});
    for (int i = first; i < 10; i += step) {
        char name[] = {'k', (char)('0' + i), '\0'};

        begin(&m, name, KV_STRING, i % 2 == 0 ? now + 1000000 : EV_NO_EXPIRY);
        send(&m, &(struct ev){.kind = EV_STRING, .u.piece = ev_whole(str_c(name))});
        end(&m);
    }
}

static void
test_digests_of_shards_add_up(void **state)
{
    struct dataset_digest *whole = dataset_digest_new(), *even = dataset_digest_new(),
                          *odd = dataset_digest_new(), *other = dataset_digest_new();
    const struct dataset_digest_db *dbs;
    struct dataset_digest_sum a, b;
    struct err e = ERR_INIT;
    size_t n;

    (void)state;
    some_keys(whole, 0, 1, "lib");
    some_keys(even, 0, 2, "lib");
    some_keys(odd, 1, 2, "lib");
    T_OK(dataset_digest_add(even, odd, false, &e));
    assert_int_equal(dataset_digest_keys(even), 10);
    /* The expiries differ by what passed between them: what has none, and how many have one, does not. */
    assert_int_equal(dataset_digest_functions(even, &a), 1);
    assert_int_equal(dataset_digest_functions(whole, &b), 1);
    assert_memory_equal(&a, &b, sizeof(a));
    dbs = dataset_digest_dbs(even, &n);
    assert_int_equal(n, 1);
    assert_int_equal(dbs[0].said_keys, 10);
    assert_int_equal(dataset_digest_db_total(&dbs[0]).expiring, 5);
    assert_int_equal(soon_count(&dbs[0].soon, clock_real_ms() + 5000000), 5);
    T_OK(dataset_digest_add(other, odd, true, &e));
    assert_int_equal(dataset_digest_functions(other, &a), 1);
    assert_int_equal(dataset_digest_keys(other), 5);
    dataset_digest_free(whole);
    dataset_digest_free(even);
    dataset_digest_free(odd);
    dataset_digest_free(other);
}

static void
test_a_shard_gives_its_own_slots(void **state)
{
    uint8_t slots[16384 / 8] = {0};
    struct filter f = {.slots = slots};

    (void)state;
    slots[12182 / 8] = 1 << 12182 % 8; /* of "foo" */
    assert_true(filter_is_all(&f));
    assert_true(filter_wants(&f, 0, STR_LIT("foo")) && filter_wants(&f, 0, STR_LIT("x{foo}")));
    assert_false(filter_wants(&f, 0, STR_LIT("bar")));
    assert_true(filter_wants_keyless(&f));
    f.node = "10.0.0.1:7000";
    assert_false(filter_is_all(&f));
    assert_true(filter_wants_keyless(&f));
    f.match = (struct globs){{"x*"}, 1};
    assert_false(filter_wants(&f, 0, STR_LIT("foo")));
    assert_true(filter_owns(&f, STR_LIT("foo")));
}

/* ---- several parts ---- */

enum { PARTS = 3 };

/* Part `i` of PARTS: one key of its own. */
static void
encode_part(struct buf *out, uint32_t i, struct trailer *t)
{
    struct err e = ERR_INIT;
    struct wr_buf to;
    struct encoder *enc;
    struct maker m = {.on = encoder_on, .e = &e};
    struct ev ev = {.kind = EV_STRING, .u.piece = ev_whole(STR_LIT("value"))};
    char name[] = {'k', (char)('0' + i), '\0'};

    wr_buf_init(&to, out);
    enc = encoder_new(&to.wr, DUMP_COMMANDS);
    m.arg = enc;
    T_OK(encoder_begin(enc, (struct part){i, PARTS}, &e));
    send(&m,
         &(struct ev){.kind = EV_DB, .u.db = {.n = 0, .keys = EV_UNKNOWN, .expires = EV_UNKNOWN}});
    begin(&m, name, KV_STRING, EV_NO_EXPIRY);
    send(&m, &ev);
    end(&m);
    T_OK(encoder_end(enc, t, &e));
    encoder_free(enc);
}

/* Where each part begins, and its end. */
struct parts {
    struct buf dump;
    size_t at[PARTS + 1];
    struct trailer trailers[PARTS];
};

static void
parts_make(struct parts *p)
{
    struct err e = ERR_INIT;
    struct wr_buf to;

    buf_init(&p->dump, 1 << 20);
    wr_buf_init(&to, &p->dump);
    T_OK(parts_begin(&to.wr, &e));
    for (uint32_t i = 0; i < PARTS; i++) {
        p->at[i] = p->dump.n;
        encode_part(&p->dump, i + 1, &p->trailers[i]);
    }
    p->at[PARTS] = p->dump.n;
    T_OK(parts_end(&to.wr, p->trailers, PARTS, &e));
}

static void
test_parts_read_back_as_one(void **state)
{
    struct parts p;
    struct dataset_digest *t = dataset_digest_new();
    struct dump_decode_facts facts;
    struct err e = ERR_INIT;

    (void)state;
    parts_make(&p);
    for (size_t step = 0; step < 50; step += 7) {
        struct dataset_digest *again = dataset_digest_new();

        T_OK(read_back(buf_str(&p.dump), step, step == 0 ? t : again, &facts, &e));
        assert_true(facts.ours && facts.exact);
        assert_int_equal(facts.parts, PARTS);
        dataset_digest_free(again);
    }
    assert_int_equal(dataset_digest_keys(t), PARTS);
    dataset_digest_free(t);
    buf_release(&p.dump);
}

/* Cut anywhere, between parts as well; with a part left out, twice there, or in another place. */
static void
test_parts_must_all_be_there(void **state)
{
    struct parts p;
    struct err e = ERR_INIT;

    (void)state;
    parts_make(&p);
    for (size_t n = 40; n < p.dump.n; n++)
        T_RC(read_back(str_of(p.dump.p, n), 0, NULL, NULL, &e), RC_CORRUPT);
    for (int how = 0; how < 4; how++) {
        static const int order[][PARTS + 1] = {{0, 2, -1}, {0, 0, 1, 2}, {1, 0, 2, -1}, {0, 1, -1}};
        struct buf other = BUF_INIT(1 << 20);

        buf_must_add(&other, p.dump.p, p.at[0]);
        for (int k = 0; k <= PARTS && order[how][k] >= 0; k++)
            buf_must_add(&other, p.dump.p + p.at[order[how][k]],
                         p.at[order[how][k] + 1] - p.at[order[how][k]]);
        buf_must_add(&other, p.dump.p + p.at[PARTS], p.dump.n - p.at[PARTS]);
        T_RC(read_back(buf_str(&other), 0, NULL, NULL, &e), RC_CORRUPT);
        buf_release(&other);
    }
    for (size_t at = p.at[0]; at < p.dump.n; at++) { /* any byte that is another one */
        enum rc rc;

        p.dump.p[at] ^= 1;
        rc = read_back(buf_str(&p.dump), 0, NULL, NULL, &e);
        p.dump.p[at] ^= 1;
        assert_int_not_equal(rc, RC_OK);
        e = (struct err)ERR_INIT;
    }
    buf_release(&p.dump);
}

/* What stands before the parts is what a reader of format 1 alone takes for a second dump. */
static void
test_parts_begin_as_no_dump_of_format_1_does(void **state)
{
    static const char first[] = "*2\r\n$4\r\nECHO\r\n$22\r\ncstash-dump 1 commands\r\n"
                                "*2\r\n$4\r\nECHO\r\n$21\r\ncstash-dump 1 restore\r\n";
    struct buf twice = BUF_INIT(1 << 16);
    struct parts p;
    struct err e = ERR_INIT;

    (void)state;
    parts_make(&p);
    assert_int_equal(p.at[0], sizeof(first) - 1);
    assert_memory_equal(p.dump.p, first, sizeof(first) - 1);
    buf_must_add(&twice, first, sizeof(first) - 1);
    buf_must_add(&twice, first, sizeof(first) - 1);
    T_RC(read_back(buf_str(&twice), 0, NULL, NULL, &e), RC_CORRUPT);
    T_CONTAINS(e.msg, "a second dump starts at byte");
    buf_release(&twice);
    buf_release(&p.dump);
}

/* A set field expires behind its HSET; a hash goes with the last of its fields. */
static void
test_tally_knows_what_has_expired(void **state)
{
    struct dataset_digest *t = dataset_digest_new();
    struct err e = ERR_INIT;
    struct maker m = {.on = dataset_digest_on, .arg = t, .e = &e};
    int64_t now = clock_real_ms();
    const struct dataset_digest_db *db;
    size_t n;
    struct ev ev = {.kind = EV_ZELEM, .u.zelem = {.member = STR_LIT("m"), .score = 1}};

    (void)state;
    for (int i = 0; i < 4; i++) { /* over, in 1,000 s, in ten hours, never */
        static const int64_t in[] = {-5000, 1000000, 36000000, 0};
        begin(&m, (const char *[]){"a", "b", "c", "d"}[i], KV_ZSET,
              i == 3 ? EV_NO_EXPIRY : now + in[i]);
        send(&m, &ev);
        end(&m);
    }
    for (int i = 0; i < 2; i++) { /* one of two fields expires; both do */
        struct ev field = {.kind = EV_FIELD};

        begin(&m, i == 0 ? "e" : "f", KV_HASH, EV_NO_EXPIRY);
        field.u.field.value = ev_whole(STR_LIT("v"));
        for (int k = 0; k < 2; k++) {
            field.u.field.name = k == 0 ? STR_LIT("x") : STR_LIT("y");
            field.u.field.expires_at = k > i ? EV_NO_EXPIRY : now - 1000;
            send(&m, &field);
        }
        end(&m);
    }
    db = dataset_digest_dbs(t, &n);
    now = clock_real_ms(); /* not before the first was counted, however slow this machine is */
    assert_int_equal(soon_count(&db->soon, now), 2);
    assert_int_equal(soon_count(&db->soon, now + 2000000), 3);
    assert_int_equal(soon_count(&db->soon, now + 72000000), 4);
    dataset_digest_free(t);
}

/* Several share the memory; what finds no place is counted apart, and so nobody takes it for lasting. */
static void
test_expiries_share_a_bounded_memory(void **state)
{
    struct soon all[3] = {{.n = 0}};
    int64_t now = clock_real_ms();
    size_t used = 0;
    uint64_t unplaced = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        for (int64_t day = 0; day < 10; day++)
            soon_add(&all[i], now + day * 86400000, &used);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        unplaced += all[i].unplaced;
        assert_int_equal(soon_count(&all[i], INT64_MAX / 2) + all[i].unplaced, 10);
        soon_release(&all[i]);
    }
    assert_true(used <= SOON_MAX_S + 1);
    assert_true(unplaced > 0);
}

/* What expires soon is left out: whether it is there, was never there, or is told late. */
static void
test_tally_leaves_out_what_expires(void **state)
{
    struct err e = ERR_INIT;
    struct dataset_digest_sum sums[3];

    (void)state;
    for (int way = 0; way < 3; way++) { /* without, with the expiry, with the expiry told behind */
        struct dataset_digest *t = dataset_digest_new();
        struct maker m = {.on = dataset_digest_on, .arg = t, .e = &e};
        struct ev ev = {.kind = EV_FIELD};

        dataset_digest_leave_out(t, 1000);
        ev.u.field.value = ev_whole(STR_LIT("v"));
        begin(&m, "h", KV_HASH, EV_NO_EXPIRY);
        for (int f = way == 0 ? 2 : 0; f < 4; f++) {
            static const int64_t at[] = {900, 1000, 1001, EV_NO_EXPIRY};
            ev.kind = EV_FIELD;
            ev.u.field.name = str_c((const char *[]){"a", "b", "c", "d"}[f]);
            ev.u.field.expires_at = way == 1 ? at[f] : EV_NO_EXPIRY;
            send(&m, &ev);
        }
        ev.kind = EV_FIELD_EXPIRY;
        for (int f = 2; way != 1 && f >= (way == 0 ? 2 : 0); f--) {
            ev.u.field.name = str_c((const char *[]){"a", "b", "c"}[f]);
            ev.u.field.expires_at = (const int64_t[]){900, 1000, 1001}[f];
            send(&m, &ev);
        }
        end(&m);
        if (way != 0) {
            begin(&m, "gone", KV_HASH, 900);
            ev.kind = EV_FIELD;
            ev.u.field.expires_at = EV_NO_EXPIRY;
            send(&m, &ev);
            end(&m);
        }
        assert_int_equal(dataset_digest_keys(t), 1);
        assert_int_equal(dataset_digest_left_out(t), way == 0 ? 0 : 3);
        sums[way] = dataset_digest_whole(t);
        dataset_digest_free(t);
    }
    assert_memory_equal(&sums[0], &sums[1], sizeof(sums[0]));
    assert_memory_equal(&sums[0], &sums[2], sizeof(sums[0]));
}

static void
test_cmd_refuses_what_is_not_resp(void **state)
{
    static const char *const bad[] = {
        "SET a 1\r\n",          "*1\r\n+OK\r\n", "*x\r\n",
        "*1\r\n$3\r\nabcd\r\n", "*0\r\n",        "*-1\r\n",
        "*2\r\n$4\r\nECHO\r\n", "*1\n$1\na\n",   "*1\r\n$99999999999999999999\r\n",
    };
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (read_back(str_c(bad[i]), 0, NULL, NULL, &e) != RC_CORRUPT)
            fail_msg("%s", bad[i]);
}

/* The same data in another order has the same digest; any difference in it another one. */
static void
digest_of(const char *members, int64_t expires_at, enum kv_type type,
          struct dataset_digest_sum *out)
{
    struct err e = ERR_INIT;
    struct dataset_digest *t = dataset_digest_new();
    struct maker m = {.on = dataset_digest_on, .arg = t, .e = &e};

    begin(&m, "k", type, expires_at);
    for (const char *c = members; *c != '\0'; c++)
        piece(&m, EV_ELEM, str_of(c, 1));
    end(&m);
    *out = dataset_digest_whole(t);
    dataset_digest_free(t);
}

static void
test_tally_digests_content_and_nothing_else(void **state)
{
    struct dataset_digest_sum a, b;

    (void)state;
    digest_of("abc", EV_NO_EXPIRY, KV_SET, &a);
    digest_of("cab", EV_NO_EXPIRY, KV_SET, &b);
    assert_memory_equal(&a, &b, sizeof(a));
    digest_of("abd", EV_NO_EXPIRY, KV_SET, &b);
    assert_memory_not_equal(&a, &b, sizeof(a));
    digest_of("abc", 1, KV_SET, &b);
    assert_memory_not_equal(&a, &b, sizeof(a));
    digest_of("abc", EV_NO_EXPIRY, KV_LIST, &b);
    assert_memory_not_equal(&a, &b, sizeof(a));
    digest_of("abc", EV_NO_EXPIRY, KV_LIST, &a);
    digest_of("cab", EV_NO_EXPIRY, KV_LIST, &b);
    assert_memory_not_equal(&a, &b, sizeof(a));
}

static void
test_a_set_of_databases_is_in_order_and_has_each_once(void **state)
{
    struct db_set s = {.n = 0};

    (void)state;
    assert_true(db_set_has(&s, 7) && !db_set_is(&s, 0));
    assert_true(db_set_add(&s, 7) && db_set_is(&s, 7) && !db_set_has(&s, 0));
    assert_true(db_set_add(&s, 0) && db_set_add(&s, 3) && db_set_add(&s, 3) && db_set_add(&s, 0));
    assert_true(s.n == 3 && s.v[0] == 0 && s.v[1] == 3 && s.v[2] == 7);
    assert_true(db_set_has(&s, 3) && !db_set_has(&s, 4) && db_set_highest(&s) == 7);
    assert_false(db_set_add(&s, (uint64_t)DB_NUMBER_MAX + 1));
    for (uint64_t i = 100; s.n < DB_SET_MAX; i++)
        assert_true(db_set_add(&s, i));
    assert_true(db_set_add(&s, 100) && !db_set_add(&s, 99));
}

static void
test_a_filter_says_what_it_wants(void **state)
{
    static const struct {
        struct filter f;
        const char *text;
        bool by_name, keyless, a0, b3;
    } cases[] = {
        {FILTER_ALL, NULL, false, true, true, true},
        {{.dbs = {{3}, 1}}, "--db 3", false, false, false, true},
        {{.match = {{"a*"}, 1}}, "--match 'a*'", true, false, true, false},
        {{.dbs = {{0}, 1}, .match = {{"[ab]"}, 1}},
         "--db 0 --match '[ab]'",
         true,
         false,
         true,
         false},
        {{.match = {{"x", "b", "a"}, 3}, .exclude = {{"b*"}, 1}},
         "--match 'x' --match 'b' --match 'a' --exclude 'b*'",
         true,
         false,
         true,
         false},
        {{.dbs = {{1, 3, 5}, 3}}, "--db 1 --db 3 --db 5", false, false, false, true},
        {{.exclude = {{"a"}, 1}}, "--exclude 'a'", true, false, false, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct filter *f = &cases[i].f;
        char *text = filter_text(f);

        assert_true(cases[i].text == NULL ? text == NULL : strcmp(text, cases[i].text) == 0);
        assert_int_equal(filter_is_all(f), cases[i].text == NULL);
        assert_int_equal(filter_by_name(f), cases[i].by_name);
        assert_int_equal(filter_wants_keyless(f), cases[i].keyless);
        assert_int_equal(filter_wants(f, 0, STR_LIT("a")), cases[i].a0);
        assert_int_equal(filter_wants(f, 3, STR_LIT("b")), cases[i].b3);
        mem_free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_glob_matches_as_redis_does),
        cmocka_unit_test(test_a_set_of_databases_is_in_order_and_has_each_once),
        cmocka_unit_test(test_a_filter_says_what_it_wants),
        cmocka_unit_test(test_glob_is_not_exponential),
        cmocka_unit_test(test_dump_reads_back_as_what_was_written),
        cmocka_unit_test(test_dump_that_is_cut_is_refused),
        cmocka_unit_test(test_dump_that_is_altered_is_refused),
        cmocka_unit_test(test_dump_of_stash_is_understood),
        cmocka_unit_test(test_digests_of_shards_add_up),
        cmocka_unit_test(test_a_shard_gives_its_own_slots),
        cmocka_unit_test(test_parts_read_back_as_one),
        cmocka_unit_test(test_parts_must_all_be_there),
        cmocka_unit_test(test_parts_begin_as_no_dump_of_format_1_does),
        cmocka_unit_test(test_tally_knows_what_has_expired),
        cmocka_unit_test(test_tally_leaves_out_what_expires),
        cmocka_unit_test(test_cmd_refuses_what_is_not_resp),
        cmocka_unit_test(test_tally_digests_content_and_nothing_else),
        cmocka_unit_test(test_expiries_share_a_bounded_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
