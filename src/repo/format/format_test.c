/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/mem.h"
#include "repo/format/config.h"
#include "repo/format/index_json.h"
#include "repo/format/key_file.h"
#include "repo/format/lock_json.h"
#include "repo/format/name.h"
#include "repo/format/pack.h"
#include "repo/format/snapshot_json.h"
#include "repo/format/tree.h"

static struct id
some_id(uint8_t fill)
{
    struct id id;

    memset(id.b, fill, sizeof(id.b));
    return id;
}

static void
test_pack_header_goes_both_ways(void **state)
{
    struct pack_entry blobs[3] = {
        {.id = some_id(1), .type = BLOB_DATA, .offset = 0, .sealed = 100, .plain = 0},
        {.id = some_id(2), .type = BLOB_TREE, .offset = 100, .sealed = 50, .plain = 70},
        {.id = some_id(3), .type = BLOB_DATA, .offset = 150, .sealed = 32, .plain = 9},
    };
    struct buf header = BUF_INIT(1000);
    struct pack_entry *got = NULL;
    struct err e = ERR_INIT;
    size_t n = 0;

    (void)state;
    pack_header_encode(blobs, 3, &header);
    assert_int_equal(header.n, 37 + 41 + 41);
    assert_int_equal(pack_file_bytes(blobs, 3), 182 + header.n + 36);
    T_OK(pack_header_decode(buf_str(&header), 182, 2, &got, &n, &e));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(id_eq(&got[i].id, &blobs[i].id) && got[i].type == blobs[i].type &&
                    got[i].offset == blobs[i].offset && got[i].sealed == blobs[i].sealed &&
                    got[i].plain == blobs[i].plain);
    mem_free(got);
    T_RC(pack_header_decode(buf_str(&header), 182, 1, &got, &n, &e), RC_CORRUPT);
    T_RC(pack_header_decode(buf_str(&header), 183, 2, &got, &n, &e), RC_CORRUPT);
    for (size_t cut = 1; cut < header.n; cut++)
        T_RC(pack_header_decode(str_of(header.p, cut), 182, 2, &got, &n, &e), RC_CORRUPT);
    header.p[0] = 4;
    T_RC(pack_header_decode(buf_str(&header), 182, 2, &got, &n, &e), RC_CORRUPT);
    buf_release(&header);
}

struct seen_pack {
    size_t packs, blobs;
    struct pack_entry last;
};

static enum rc
see_pack(void *arg, const struct index_pack *pack, struct err *e)
{
    struct seen_pack *s = arg;

    (void)e;
    s->packs++;
    s->blobs += pack->n;
    if (pack->n != 0)
        s->last = pack->blobs[pack->n - 1];
    return RC_OK;
}

static enum rc
decode_index(struct str text, unsigned version, size_t step, struct seen_pack *seen, struct err *e)
{
    struct rd_mem m;

    *seen = (struct seen_pack){.packs = 0};
    rd_mem_init(&m, text, step);
    return index_decode(&m.rd, version, see_pack, seen, e);
}

static void
test_index_goes_both_ways(void **state)
{
    struct pack_entry blobs[2] = {
        {.id = some_id(1), .type = BLOB_DATA, .offset = 0, .sealed = 53, .plain = 12},
        {.id = some_id(0xab), .type = BLOB_TREE, .offset = 53, .sealed = 100, .plain = 0}};
    struct index_pack packs[2] = {{.id = some_id(7), .blobs = blobs, .n = 2},
                                  {.id = some_id(8), .blobs = blobs, .n = 1}};
    struct buf text = BUF_INIT(10000);
    struct err e = ERR_INIT;
    struct seen_pack seen;

    (void)state;
    T_OK(index_encode(packs, 2, &text, &e));
    T_CONTAINS(buf_c(&text),
               "\"type\":\"data\",\"offset\":0,\"length\":53,\"uncompressed_length\":12}");
    for (size_t step = 0; step < 50; step++) {
        T_OK(decode_index(buf_str(&text), 2, step, &seen, &e));
        assert_int_equal(seen.packs, 2);
        assert_int_equal(seen.blobs, 3);
    }
    assert_true(id_eq(&seen.last.id, &blobs[0].id) && seen.last.plain == 12);
    T_RC(decode_index(buf_str(&text), 1, 0, &seen, &e), RC_CORRUPT);
    for (size_t cut = 0; cut + 1 < text.n; cut++)
        T_RC(decode_index(str_of(text.p, cut), 2, 0, &seen, &e), RC_CORRUPT);
    T_OK(decode_index(STR_LIT("{\"supersedes\":[\"x\"],\"packs\":null,\"more\":{}}"), 2, 0, &seen,
                      &e));
    T_RC(decode_index(STR_LIT("{\"packs\":[{\"blobs\":[]}]}"), 2, 0, &seen, &e), RC_CORRUPT);
    T_RC(decode_index(STR_LIT("[]"), 2, 0, &seen, &e), RC_CORRUPT);
    buf_release(&text);
}

static void
test_names_are_quoted_as_go_does(void **state)
{
    static const char *const pairs[][2] = {
        {"a\"q", "a\\\"q"},
        {"b\\s", "b\\\\s"},
        {"x\ny", "x\\ny"},
        {"\xff", "\\xff"},
        {"\xc2\xa0", "\\u00a0"},
        {"\xef\xbb\xbf", "\\ufeff"},
        {"\xf3\xa0\x80\x81", "\\U000e0001"},
        {"\xc3\xbcn\xc3\xaf", "\xc3\xbcn\xc3\xaf"},
        {"\x01\x7f\a\v", "\\x01\\x7f\\a\\v"},
        {"it's", "it's"},
        {"<lt>&", "<lt>&"},
    };
    static const char *const bad[] = {"\"",    "\\",          "\\'", "\\x4",
                                      "\\u12", "\\Uffffffff", "\\q", "a\nb"};
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        CLEANUP(buf_release) struct buf q = BUF_INIT(100), raw = BUF_INIT(100);
        T_OK(name_quote(str_c(pairs[i][0]), &q, &e));
        T_STR(buf_str(&q), str_c(pairs[i][1]));
        T_OK(name_unquote(buf_str(&q), &raw, &e));
        T_STR(buf_str(&raw), str_c(pairs[i][0]));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_release) struct buf raw = BUF_INIT(100);
        T_RC(name_unquote(str_c(bad[i]), &raw, &e), RC_CORRUPT);
    }
}

static enum rc
keep_node(void *arg, const struct tree_node *node, struct err *e)
{
    struct buf *to = arg;

    (void)e;
    buf_must_add(to, node->name.p, node->name.n);
    buf_must_printf(to, ":%d:%llu:%zu ", (int)node->type, (unsigned long long)node->size,
                    node->n_content);
    return RC_OK;
}

static enum rc
decode_tree(struct str text, struct buf *seen, struct err *e)
{
    struct rd_mem m;

    seen->n = 0;
    rd_mem_init(&m, text, 7);
    return tree_decode(&m.rd, keep_node, seen, e);
}

static void
test_tree_has_the_bytes_that_restic_writes(void **state)
{
    struct id content;
    struct tree_node node = {.name = STR_LIT("dump.rdb"),
                             .type = NODE_FILE,
                             .mode = NODE_MODE_FILE,
                             .size = 12,
                             .content = &content,
                             .n_content = 1};
    struct buf out = BUF_INIT(10000), seen = BUF_INIT(1000);
    struct err e = ERR_INIT;

    (void)state;
    assert_true(id_from_hex(
        STR_LIT("a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447"), &content));
    T_OK(instant_parse(STR_LIT("2024-01-02T03:04:05Z"), &node.time, &e));
    T_OK(tree_encode(&node, 1, &out, &e));
    T_STR(buf_str(&out),
          STR_LIT("{\"nodes\":[{\"name\":\"dump.rdb\",\"type\":\"file\",\"mode\":420,\"mtime\":"
                  "\"2024-01-02T03:04:05Z\",\"atime\":\"2024-01-02T03:04:05Z\",\"ctime\":"
                  "\"2024-01-02T03:04:05Z\",\"uid\":0,\"gid\":0,\"size\":12,\"content\":[\"a948904f"
                  "2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447\"]}]}\n"));
    T_OK(decode_tree(buf_str(&out), &seen, &e));
    T_STR(buf_str(&seen), STR_LIT("dump.rdb:0:12:1 "));
    for (size_t cut = 0; cut + 1 < out.n; cut++)
        T_RC(decode_tree(str_of(out.p, cut), &seen, &e), RC_CORRUPT);
    out.n = 0;
    T_OK(tree_encode(NULL, 0, &out, &e));
    T_STR(buf_str(&out), STR_LIT("{\"nodes\":[]}\n"));
    buf_release(&out);
    buf_release(&seen);
}

static void
test_tree_refuses_what_cannot_be(void **state)
{
    static const char *const bad[] = {
        "{\"nodes\":[{\"name\":\"a\",\"type\":\"file\",\"content\":null}]}",
        "{\"nodes\":[{\"name\":\"a\",\"type\":\"dir\"}]}",
        "{\"nodes\":[{\"name\":\"..\",\"type\":\"fifo\"}]}",
        "{\"nodes\":[{\"name\":\"a/b\",\"type\":\"fifo\"}]}",
        "{\"nodes\":[{\"name\":\"\",\"type\":\"fifo\"}]}",
        "{\"nodes\":[{\"name\":\"a\\\\\\\"\",\"type\":1}]}",
        "{\"nodes\":[{\"type\":\"fifo\"}]}",
        "{\"nodes\":[{\"name\":\"a\",\"type\":\"file\",\"content\":[\"12\"]}]}",
        "{}",
    };
    struct buf seen = BUF_INIT(1000);
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        T_RC(decode_tree(str_c(bad[i]), &seen, &e), RC_CORRUPT);
    T_OK(decode_tree(STR_LIT("{\"nodes\":[{\"name\":\"p\",\"type\":\"fifo\",\"inode\":"
                             "18446744073709551615,\"extended_attributes\":[{\"name\":\"x\"}]}]}"),
                     &seen, &e));
    T_STR(buf_str(&seen), STR_LIT("p:2:0:0 "));
    buf_release(&seen);
}

static void
test_snapshot_goes_both_ways(void **state)
{
    static const char text[] =
        "{\"time\":\"2024-01-02T03:04:05.5+01:00\",\"parent\":"
        "\"0101010101010101010101010101010101010101010101010101010101010101\",\"tree\":"
        "\"0202020202020202020202020202020202020202020202020202020202020202\",\"paths\":[\"/a\"],"
        "\"hostname\":\"h\",\"username\":\"u\",\"uid\":7,\"gid\":8,\"excludes\":[\"*.o\"],\"tags\":"
        "[\"x\",\"y\"],\"original\":"
        "\"0303030303030303030303030303030303030303030303030303030303030303\",\"program_version\":"
        "\"restic 0.19.1\",\"summary\":{\"backup_start\":\"2024-01-02T03:04:05Z\",\"backup_end\":"
        "\"2024-01-02T03:04:06Z\",\"files_new\":1,\"files_changed\":2,\"files_unmodified\":3,"
        "\"dirs_new\":4,\"dirs_changed\":5,\"dirs_unmodified\":6,\"data_blobs\":7,\"tree_blobs\":8,"
        "\"data_added\":9,\"data_added_packed\":10,\"total_files_processed\":11,"
        "\"total_bytes_processed\":12}}";
    struct buf out = BUF_INIT(10000);
    struct snapshot s;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(snapshot_decode(str_c(text), &s, &e));
    assert_int_equal(s.summary.total_bytes_processed, 12);
    T_OK(snapshot_encode(&s, &out, &e));
    T_STR(buf_str(&out), str_c(text));
    snapshot_release(&s);
    T_RC(snapshot_decode(STR_LIT("{\"time\":\"2024-01-02T03:04:05Z\",\"paths\":[]}"), &s, &e),
         RC_CORRUPT);
    T_CONTAINS(e.msg, "\"tree\"");
    T_RC(snapshot_decode(STR_LIT("[]"), &s, &e), RC_CORRUPT);
    buf_release(&out);
}

/* What is wrong with the brief does not hide the snapshot; and none is saved that nobody can read. */
static void
test_a_broken_brief_hides_no_snapshot(void **state)
{
    static const char head[] =
        "{\"time\":\"2024-01-02T03:04:05Z\",\"tree\":"
        "\"0202020202020202020202020202020202020202020202020202020202020202\",\"paths\":[\"/a\"],"
        "\"hostname\":\"h\",\"cstash\":";
    static const char *const briefs[][2] = {
        {"{\"keys\":3,\"source\":{\"dataset_memory\":18446744073699256640}}",
         "{\"keys\":3,\"source\":{\"dataset_memory\":null}}"},
        {"{\"keys\":18446744073709551615}", "{\"keys\":null}"},
        {"[1]", "[1]"},
        {"\"x\"", "\"x\""},
    };
    struct buf out = BUF_INIT(10000);
    struct snapshot s;
    struct err e = ERR_INIT;
    char text[1000];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(briefs); i++) {
        (void)snprintf(text, sizeof(text), "%s%s}", head, briefs[i][0]);
        T_OK(snapshot_decode(str_c(text), &s, &e));
        assert_string_equal(s.brief, briefs[i][1]);
        assert_string_equal(s.hostname, "h");
        assert_true(s.keys == (i == 0 ? 3U : 0U) && s.counted == (i == 0));
        out.n = 0;
        T_OK(snapshot_encode(&s, &out, &e));
        mem_free(s.brief);
        s.brief = mem_strdup("{\"keys\":18446744073709551615}");
        out.n = 0;
        T_RC(snapshot_encode(&s, &out, &e), RC_CORRUPT);
        T_CONTAINS(e.msg, "could not be read again");
        snapshot_release(&s);
    }
    buf_release(&out);
}

static void
test_config_and_lock_go_both_ways(void **state)
{
    struct config c = {.version = 2, .id = some_id(0xab), .polynomial = 0x3da3358b4dc173}, c2;
    struct lock_info l = {.time = {.sec = 1700000000},
                          .exclusive = true,
                          .hostname = "h",
                          .username = "u",
                          .pid = 12},
                     l2;
    struct buf out = BUF_INIT(10000);
    struct err e = ERR_INIT;

    (void)state;
    T_OK(config_encode(&c, &out, &e));
    assert_int_equal(out.n, 123);
    T_OK(config_decode(buf_str(&out), &c2, &e));
    assert_true(c2.version == 2 && c2.polynomial == c.polynomial && id_eq(&c2.id, &c.id));
    T_RC(config_decode(STR_LIT("{\"version\":3,\"id\":\"\",\"chunker_polynomial\":\"\"}"), &c2, &e),
         RC_UNSUPPORTED);
    out.n = 0;
    T_OK(lock_encode(&l, &out, &e));
    T_STR(buf_str(&out),
          STR_LIT("{\"time\":\"2023-11-14T22:13:20Z\",\"exclusive\":true,\"hostname\":"
                  "\"h\",\"username\":\"u\",\"pid\":12}"));
    T_OK(lock_decode(buf_str(&out), &l2, &e));
    assert_true(l2.exclusive && l2.pid == 12 && l2.time.sec == l.time.sec);
    buf_release(&out);
}

static void
test_key_file_opens_with_its_password_only(void **state)
{
    struct key_file *k = MEM_NEW(struct key_file), *back = MEM_NEW(struct key_file);
    struct seal_key master, got;
    struct buf out = BUF_INIT(10000);
    struct err e = ERR_INIT;

    (void)state;
    memset(&master, 0x5a, sizeof(master));
    k->params = (struct scrypt_params){2, 8, 1};
    T_OK(key_file_seal(k, STR_LIT("secret"), &master, &e));
    T_OK(key_file_encode(k, &out, &e));
    T_OK(key_file_decode(buf_str(&out), back, &e));
    T_OK(key_file_open(back, STR_LIT("secret"), &got, &e));
    assert_memory_equal(&got, &master, sizeof(got));
    T_RC(key_file_open(back, STR_LIT("Secret"), &got, &e), RC_WRONG_PASSWORD);
    T_RC(
        key_file_decode(STR_LIT("{\"kdf\":\"argon\",\"N\":2,\"r\":8,\"p\":1,\"salt\":\"\",\"data\":"
                                "\"\"}"),
                        back, &e),
        RC_CORRUPT);
    mem_free(k);
    mem_free(back);
    buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pack_header_goes_both_ways),
        cmocka_unit_test(test_index_goes_both_ways),
        cmocka_unit_test(test_names_are_quoted_as_go_does),
        cmocka_unit_test(test_tree_has_the_bytes_that_restic_writes),
        cmocka_unit_test(test_tree_refuses_what_cannot_be),
        cmocka_unit_test(test_snapshot_goes_both_ways),
        cmocka_unit_test(test_a_broken_brief_hides_no_snapshot),
        cmocka_unit_test(test_config_and_lock_go_both_ways),
        cmocka_unit_test(test_key_file_opens_with_its_password_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
