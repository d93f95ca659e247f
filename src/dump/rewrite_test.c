/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/t.h"

#include "base/mem.h"
#include "dump/dataset_digest.h"
#include "dump/dump_decode.h"
#include "dump/encode.h"
#include "dump/rewrite.h"

/* A key with one value. */
static void
put_key(struct encoder *x, const char *name, enum kv_type type, int64_t at, const struct ev *value)
{
    struct err e = ERR_INIT;
    struct ev ev = {.kind = EV_KEY};

    ev.u.key = (struct ev_key){
        .name = str_c(name), .type = type, .expires_at = at, .idle_s = -1, .freq = -1};
    T_OK(encoder_on(x, &ev, &e));
    T_OK(encoder_on(x, value, &e));
    ev.kind = EV_KEY_END;
    T_OK(encoder_on(x, &ev, &e));
}

static void
put_db(struct encoder *x, uint64_t n)
{
    struct ev ev = {.kind = EV_DB, .u.db = {.n = n}};
    struct err e = ERR_INIT;

    T_OK(encoder_on(x, &ev, &e));
}

static struct ev
piece(enum ev_kind kind, const char *text)
{
    return (struct ev){.kind = kind, .u.piece = ev_whole(str_c(text))};
}

/* Two databases; as one part, or as two. */
static void
make_dump(struct buf *out, bool parts)
{
    struct ev s = piece(EV_STRING, "value"), l = piece(EV_ELEM, "element");
    struct trailer t[2];
    struct wr_buf to;
    struct err e = ERR_INIT;

    wr_buf_init(&to, out);
    if (parts)
        T_OK(parts_begin(&to.wr, &e));
    for (uint32_t i = 0; i < (parts ? 2U : 1U); i++) {
        struct encoder *x = encoder_new(&to.wr, DUMP_COMMANDS);

        T_OK(encoder_begin(x, parts ? (struct part){i + 1, 2} : PART_WHOLE, &e));
        put_db(x, 0);
        if (i == 0) {
            put_key(x, "a:string", KV_STRING, 5000, &s);
            put_key(x, "a:list", KV_LIST, EV_NO_EXPIRY, &l);
        }
        if (!parts)
            put_db(x, 2);
        if (!parts || i == 1)
            put_key(x, "b:string", KV_STRING, EV_NO_EXPIRY, &s);
        T_OK(encoder_end(x, &t[i], &e));
        encoder_free(x);
    }
    if (parts)
        T_OK(parts_end(&to.wr, t, 2, &e));
}

/* `dump`, rewritten; read in steps of so many bytes. */
static enum rc
rewritten(struct str dump, size_t step, const struct change *c, const struct filter *f,
          struct buf *out, struct err *e)
{
    struct rd_mem in;
    struct rewrite *r;
    struct wr_buf to;
    enum rc rc;

    buf_reset(out);
    rd_mem_init(&in, dump, step);
    r = rewrite_new(&in.rd, &(struct rewrite_opts){.change = c, .filter = f});
    wr_buf_init(&to, out);
    rc = stream_copy(rewrite_rd(r), &to.wr, NULL, e);
    rewrite_free(r);
    return rc;
}

/* What a dump says, a line each; it must be whole. */
static enum rc
note(void *arg, const struct ev *ev, struct err *e)
{
    struct buf *to = arg;

    (void)e;
    if (ev->kind == EV_DB)
        buf_putf(to, "db %llu\n", (unsigned long long)ev->u.db.n);
    else if (ev->kind == EV_STRING || ev->kind == EV_ELEM)
        buf_putf(to, "  %.*s\n", (int)ev->u.piece.p.n, (const char *)ev->u.piece.p.p);
    else if (ev->kind == EV_KEY_END)
        buf_putf(to, "%.*s %lld\n", (int)ev->u.key.name.n, (const char *)ev->u.key.name.p,
                 ev->u.key.expires_at == EV_NO_EXPIRY ? 0LL : (long long)ev->u.key.expires_at);
    return RC_OK;
}

static void
says(const struct buf *dump, const char *text)
{
    struct buf is = BUF_INIT(SIZE_MAX / 2);
    struct dump_decode *u = dump_decode_new(note, &is);
    struct command_class k;
    struct resp_reader r;
    struct rd_mem in;
    struct err e = ERR_INIT;
    struct cmd c;
    bool over;

    rd_mem_init(&in, buf_str(dump), 0);
    resp_reader_init(&r, &in.rd);
    for (;;) {
        T_OK(resp_reader_next(&r, &c, &over, &e));
        if (over)
            break;
        T_OK(dump_decode_cmd(u, &c, &k, &e));
    }
    T_OK(dump_decode_end(u, &e));
    assert_true(dump_decode_facts(u).ours && dump_decode_facts(u).exact);
    assert_string_equal(buf_c(&is), text);
    resp_reader_release(&r);
    dump_decode_free(u);
    buf_release(&is);
}

static void
test_rewrite(void **state)
{
    struct buf dump = BUF_INIT(SIZE_MAX / 2), out = BUF_INIT(SIZE_MAX / 2);
    struct filter all = FILTER_ALL, lists = {.types = 1U << KV_LIST}, one = {.dbs = {{2}, 1}};
    struct change none = {.ttl = CHANGE_TTL_KEEP}, some = {.ttl = CHANGE_TTL_SHIFT, .shift_ms = 7},
                  masked = {.ttl = CHANGE_TTL_DROP};
    struct err e = ERR_INIT;

    (void)state;
    T_OK(change_add_rename(&some.rename, "a:=new:", &e));
    T_OK(change_add_db(&some.dbs, "2=5", &e));
    T_OK(change_add_mask(&masked.masks, "b:*=drop", &e));
    T_OK(change_add_mask(&masked.masks, "a:*=fixed", &e));
    make_dump(&dump, false);
    for (size_t step = 1; step <= dump.n; step += step < 40 ? 1 : 37) {
        T_OK(rewritten(buf_str(&dump), step, &none, &all, &out, &e));
        says(&out,
             "db 0\n  value\na:string 5000\n  element\na:list 0\ndb 2\n  value\nb:string 0\n");
        T_OK(rewritten(buf_str(&dump), step, &some, &all, &out, &e));
        says(&out,
             "db 0\n  value\nnew:string 5007\n  element\nnew:list 0\ndb 5\n  value\nb:string 0\n");
        T_OK(rewritten(buf_str(&dump), step, &masked, &all, &out, &e));
        says(&out, "db 0\n  masked\na:string 0\n  masked\na:list 0\n");
        T_OK(rewritten(buf_str(&dump), step, NULL, &lists, &out, &e));
        says(&out, "db 0\n  element\na:list 0\n");
        T_OK(rewritten(buf_str(&dump), step, &some, &one, &out, &e));
        says(&out, "db 5\n  value\nb:string 0\n");
    }
    buf_reset(&dump);
    make_dump(&dump, true);
    T_OK(rewritten(buf_str(&dump), 0, &some, &all, &out, &e));
    says(&out, "db 0\n  value\nnew:string 5007\n  element\nnew:list 0\n  value\nb:string 0\n");
    buf_release(&dump);
    buf_release(&out);
}

/* A dump that is cut anywhere is refused, whatever is done to it. */
static void
test_rewrite_of_a_cut_dump(void **state)
{
    struct buf dump = BUF_INIT(SIZE_MAX / 2), out = BUF_INIT(SIZE_MAX / 2);
    struct filter all = FILTER_ALL;
    struct change some = {.ttl = CHANGE_TTL_DROP};

    (void)state;
    make_dump(&dump, false);
    for (size_t n = 50; n < dump.n; n++) {
        struct err e = ERR_INIT;

        T_RC(rewritten(str_of(dump.p, n), 0, &some, &all, &out, &e), RC_CORRUPT);
    }
    buf_release(&dump);
    buf_release(&out);
}

static void
test_rewrite_refuses(void **state)
{
    struct buf dump = BUF_INIT(SIZE_MAX / 2), out = BUF_INIT(SIZE_MAX / 2);
    struct filter all = FILTER_ALL;
    struct change one = {.ttl = CHANGE_TTL_KEEP}, dbs = one;
    struct err e = ERR_INIT;

    (void)state;
    make_dump(&dump, false);
    T_OK(change_add_rename(&one.rename, "a:string=a:list", &e));
    T_RC(rewritten(buf_str(&dump), 0, &one, &all, &out, &e), RC_EXISTS);
    e = (struct err)ERR_INIT;
    T_OK(change_add_db(&dbs.dbs, "2=0", &e));
    T_OK(change_add_rename(&dbs.rename, "b:=a:", &e));
    T_RC(rewritten(buf_str(&dump), 0, &dbs, &all, &out, &e), RC_EXISTS);
    assert_non_null(strstr(e.msg, "would become \"a:string\" of database 0"));
    e = (struct err)ERR_INIT;
    T_RC(rewritten(STR_LIT("*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n"), 0,
                   &one, &all, &out, &e),
         RC_UNSUPPORTED);
    /* A time that comes in pieces. */
    dbs = (struct change){.ttl = CHANGE_TTL_SHIFT};
    buf_reset(&dump);
    buf_putf(&dump, "*3\r\n$9\r\nPEXPIREAT\r\n$1\r\na\r\n$%d\r\n", 2 * CMD_WHOLE_MAX);
    for (int i = 0; i < 2 * CMD_WHOLE_MAX; i++)
        buf_put(&dump, "7", 1);
    buf_put(&dump, "\r\n", 2);
    e = (struct err)ERR_INIT;
    T_RC(rewritten(buf_str(&dump), 0, &dbs, &all, &out, &e), RC_UNSUPPORTED);
    assert_non_null(strstr(e.msg, "its time to expire cannot be moved"));
    buf_release(&dump);
    buf_release(&out);
}

static void
test_change_words(void **state)
{
    static const char *const wrong[] = {"", "x", "=drop", "x=", "x=nothing", "x->y=drop"};
    struct change c = {.ttl = CHANGE_TTL_DROP};
    struct err e = ERR_INIT;
    char *text;

    (void)state;
    assert_true(change_is_none(NULL) && !change_is_none(&c));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        e = (struct err)ERR_INIT;
        T_RC(change_add_mask(&c.masks, wrong[i], &e), RC_USAGE);
    }
    e = (struct err)ERR_INIT;
    T_RC(change_add_rename(&c.rename, "=", &e), RC_USAGE);
    e = (struct err)ERR_INIT;
    T_RC(change_add_db(&c.dbs, "1=x", &e), RC_USAGE);
    e = (struct err)ERR_INIT;
    T_OK(change_add_db(&c.dbs, "1=2", &e));
    T_RC(change_add_db(&c.dbs, "1=3", &e), RC_USAGE);
    e = (struct err)ERR_INIT;
    T_OK(change_add_rename(&c.rename, "=p:", &e));
    T_OK(change_add_mask(&c.masks, "a->b->f*=hash", &e));
    assert_int_equal(change_mask(&c, STR_LIT("a->b")), 0);
    assert_true(change_masks_field(&c, 0, STR_LIT("f1")) &&
                !change_masks_field(&c, 0, STR_LIT("g")));
    text = change_text(&c);
    assert_string_equal(text,
                        "--rename-prefix '=p:' --db-map 1=2 --ttl drop --mask 'a->b->f*=hash'");
    mem_free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rewrite),
        cmocka_unit_test(test_rewrite_of_a_cut_dump),
        cmocka_unit_test(test_rewrite_refuses),
        cmocka_unit_test(test_change_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
