/* SPDX-License-Identifier: Apache-2.0 */
/* Dry runs: a dump in one stream, and its parts side by side. */
#include "t.h"

#include "base/mem.h"
#include "dump/dataset_digest.h"
#include "dump/encode.h"
#include "redis/load.h"

enum { PARTS = LOAD_LANES + 2, STREAMS = PARTS + 2, DUMP_MAX = 32 * 1024 * 1024 };

/* ---- a dump of PARTS ---- */

struct maker {
    struct encoder *enc;
    struct err *e;
};

static void
make(struct maker *m, const struct ev *ev)
{
    if (encoder_on(m->enc, ev, m->e))
        fail_msg("%s", m->e->msg);
}

static void
make_key(struct maker *m, enum ev_kind kind, enum kv_type type, const char *name)
{
    struct ev ev = {.kind = kind};

    ev.u.key = (struct ev_key){
        .name = str_c(name), .type = type, .expires_at = EV_NO_EXPIRY, .idle_s = -1, .freq = -1};
    make(m, &ev);
}

/* Strings, in the middle a list of many commands, and one of a single long element: longer than a lane's turn. */
static void
make_part(struct maker *m, uint32_t i, size_t keys)
{
    static char big[2 * CMD_WHOLE_MAX];
    struct ev piece = {.kind = EV_ELEM, .u.piece = ev_whole(str_of((uint8_t *)big, 1000))};
    char name[64];

    memset(big, 'x', sizeof(big));
    make(m, &(struct ev){.kind = EV_DB, .u.db = {.keys = EV_UNKNOWN, .expires = EV_UNKNOWN}});
    for (size_t k = 0; k < keys; k++) {
        (void)snprintf(name, sizeof(name), "%u:%zu", i, k);
        make_key(m, EV_KEY, KV_STRING, name);
        piece.kind = EV_STRING;
        make(m, &piece);
        make_key(m, EV_KEY_END, KV_STRING, name);
        if (k != keys / 2 || keys < 10)
            continue;
        (void)snprintf(name, sizeof(name), "%u:list", i);
        make_key(m, EV_KEY, KV_LIST, name);
        piece.kind = EV_ELEM;
        for (size_t n = 0; n < 1000; n++)
            make(m, &piece);
        piece.u.piece = ev_whole(str_of((uint8_t *)big, sizeof(big)));
        make(m, &piece);
        piece.u.piece = ev_whole(str_of((uint8_t *)big, 1000));
        make_key(m, EV_KEY_END, KV_LIST, name);
    }
}

/* The streams of a dump, as a manifest says where they are: in it, or wherever a test says. */
struct streams {
    struct load_parts parts;
    struct buf dump;
    struct str at[STREAMS];
    struct rd_mem rd[STREAMS];
    bool open[STREAMS];
    size_t step;
    unsigned most; /* that were open at once */
};

static enum rc
streams_open(struct load_parts *parts, uint32_t i, struct rd **out, struct err *e)
{
    struct streams *s = CONTAINER_OF(parts, struct streams, parts);
    unsigned n = 0;

    (void)e;
    assert_true(i < STREAMS && !s->open[i]);
    s->open[i] = true;
    for (size_t k = 0; k < STREAMS; k++)
        n += s->open[k];
    s->most = MAX(s->most, n);
    rd_mem_init(&s->rd[i], s->at[i], s->step);
    *out = &s->rd[i].rd;
    return RC_OK;
}

static void
streams_close(struct load_parts *parts, uint32_t i)
{
    struct streams *s = CONTAINER_OF(parts, struct streams, parts);

    assert_true(s->open[i]);
    s->open[i] = false;
}

static void
streams_make(struct streams *s, size_t keys)
{
    size_t ends[STREAMS], start = 0;
    struct trailer trailers[PARTS];
    struct err e = ERR_INIT;
    struct maker m = {.e = &e};
    struct wr_buf to;

    *s = (struct streams){.parts = {.n = PARTS, .open = streams_open, .close = streams_close}};
    buf_init(&s->dump, DUMP_MAX);
    wr_buf_init(&to, &s->dump);
    T_OK(parts_begin(&to.wr, &e));
    ends[0] = s->dump.n;
    for (uint32_t i = 1; i <= PARTS; i++) {
        m.enc = encoder_new(&to.wr, DUMP_COMMANDS);
        T_OK(encoder_begin(m.enc, (struct part){i, PARTS}, &e));
        make_part(&m, i, keys * i);
        T_OK(encoder_end(m.enc, &trailers[i - 1], &e));
        encoder_free(m.enc);
        ends[i] = s->dump.n;
    }
    T_OK(parts_end(&to.wr, trailers, PARTS, &e));
    ends[PARTS + 1] = s->dump.n;
    for (size_t i = 0; i < STREAMS; i++) {
        s->at[i] = str_of(s->dump.p + start, ends[i] - start);
        start = ends[i];
    }
}

/* ---- what a load says of it ---- */

struct seen {
    struct dataset_digest *t;
    bool in_key;
    char part; /* of the key before */
    uint64_t turns;
};

/* Nothing comes between the events of a key. */
static enum rc
seen_on(void *arg, const struct ev *ev, struct err *e)
{
    struct seen *s = arg;

    if (ev->kind == EV_KEY) {
        assert_false(s->in_key);
        s->turns += s->part != (char)ev->u.key.name.p[0];
        s->part = (char)ev->u.key.name.p[0];
    }
    if (ev->kind == EV_KEY || ev->kind == EV_KEY_END)
        s->in_key = ev->kind == EV_KEY;
    else
        assert_int_equal(s->in_key, ev->kind != EV_DB);
    if (ev->kind == EV_KEY_END)
        assert_int_equal(s->part, ev->u.key.name.p[0]);
    return dataset_digest_on(s->t, ev, e);
}

/* `s` in one stream, or in its parts. */
static enum rc
load_dry(struct streams *s, bool parts, struct load_result *r, struct dataset_digest_sum *sum,
         uint64_t *turns, struct err *e)
{
    struct seen seen = {.t = dataset_digest_new()};
    struct load_opts opts = {.filter = FILTER_ALL, .dry_run = true, .on = seen_on, .on_arg = &seen};
    struct ctx cx = {.fd = -1, .until = INT64_MAX};
    struct rd_mem all;
    enum rc rc;

    *e = (struct err)ERR_INIT;
    opts.parts = parts ? &s->parts : NULL;
    rd_mem_init(&all, buf_str(&s->dump), s->step);
    rc = load_run(&cx, NULL, parts ? NULL : &all.rd, &opts, r, e);
    *sum = dataset_digest_whole(seen.t);
    *turns = seen.turns;
    dataset_digest_free(seen.t);
    for (size_t i = 0; i < STREAMS; i++)
        assert_false(s->open[i]);
    return rc;
}

static void
test_parts_side_by_side_are_the_same_dump(void **state)
{
    struct dataset_digest_sum want, got;
    struct load_result a, b;
    struct err e = ERR_INIT;
    struct streams s;
    uint64_t turns;

    (void)state;
    streams_make(&s, 300);
    T_OK(load_dry(&s, false, &a, &want, &turns, &e));
    assert_int_equal(turns, PARTS);
    for (s.step = 0; s.step < 100000; s.step += 33331) {
        T_OK(load_dry(&s, true, &b, &got, &turns, &e));
        assert_memory_equal(&want, &got, sizeof(want));
        assert_true(turns > 2 * PARTS);
        assert_int_equal(s.most, LOAD_LANES);
        assert_int_equal(a.keys, b.keys);
        assert_int_equal(a.bytes, b.bytes);
        assert_int_equal(a.facts.commands, b.facts.commands);
        assert_int_equal(a.facts.verbs, b.facts.verbs);
        assert_int_equal(a.facts.longest, b.facts.longest);
        assert_int_equal(a.facts.parts, b.facts.parts);
        assert_true(b.facts.ours && b.facts.exact && !b.facts.removes);
    }
    buf_release(&s.dump);
}

static void
refused(struct streams *s, const char *what, size_t i)
{
    struct dataset_digest_sum sum;
    struct load_result r;
    struct err e = ERR_INIT;
    uint64_t turns;
    enum rc rc = load_dry(s, true, &r, &sum, &turns, &e);

    if (rc != RC_CORRUPT)
        fail_msg("%s %zu: %s %s", what, i, rc_name(rc), e.msg);
}

/* What is one part is cut, is missing, stands twice there, or is another one. */
static void
test_streams_that_are_not_the_parts_are_refused(void **state)
{
    struct streams s, good;

    (void)state;
    streams_make(&good, 2);
    s = good;
    for (size_t i = 0; i < STREAMS; i++) {
        for (size_t cut = 1; cut <= good.at[i].n; cut += cut < 130 ? 9 : 1397, s = good) {
            s.at[i].n -= cut;
            refused(&s, "cut at its end", i);
        }
        for (size_t cut = 1; cut < good.at[i].n; cut += cut < 130 ? 9 : 1397, s = good) {
            s.at[i].p += cut;
            s.at[i].n -= cut;
            refused(&s, "cut at its beginning", i);
        }
        for (size_t k = 0; k < STREAMS; k++, s = good) {
            if (k == i)
                continue;
            s.at[i] = good.at[k];
            refused(&s, "another one in place of", i);
            s.at[k] = good.at[i];
            refused(&s, "exchanged", i);
        }
    }
    for (size_t i = 0; i + 1 < STREAMS; i++, s = good) { /* the border is not where it should be */
        s.at[i].n += good.at[i + 1].n;
        refused(&s, "the next one in it, too:", i);
        s.at[i + 1].n = 0;
        refused(&s, "the next one in it alone:", i);
    }
    for (uint32_t n = 1; n < PARTS;
         n++, s = good) { /* fewer, and what is left is the end, or not */
        s.parts.n = n;
        refused(&s, "so many parts:", n);
        s.at[n + 1] = good.at[STREAMS - 1];
        refused(&s, "so many parts, and the end:", n);
    }
    buf_release(&good.dump);
}

static void
test_any_other_byte_in_a_part_is_refused(void **state)
{
    struct dataset_digest_sum sum;
    struct load_result r;
    struct err e = ERR_INIT;
    struct streams s;
    uint64_t turns;

    (void)state;
    streams_make(&s, 1);
    for (size_t at = 0; at < s.dump.n; at += 37) {
        s.dump.p[at] ^= 1;
        assert_int_not_equal(load_dry(&s, true, &r, &sum, &turns, &e), RC_OK);
        s.dump.p[at] ^= 1;
    }
    T_OK(load_dry(&s, true, &r, &sum, &turns, &e));
    buf_release(&s.dump);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_side_by_side_are_the_same_dump),
        cmocka_unit_test(test_streams_that_are_not_the_parts_are_refused),
        cmocka_unit_test(test_any_other_byte_in_a_part_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
