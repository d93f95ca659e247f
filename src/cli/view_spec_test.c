/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/t.h"
#include "harness/t_json.h"

#include "api/kinds.h"
#include "cli/view_spec.h"

static struct look_args
args_new(void)
{
    return (struct look_args){.top = 100,
                              .keys = FILTER_ALL,
                              .repo = {.limit_upload = OPT_UNSET, .limit_download = OPT_UNSET}};
}

static void
word(struct opt_list *to, const char *text)
{
    to->v[to->n++] = text;
}

/* What an API server would keep of it. */
static void
assert_is_kind(const struct json *spec)
{
    struct err e = ERR_INIT;
    CLEANUP(json_free_ptr)
    struct json *obj = t_json("{\"spec\":{\"repository\":{\"name\":\"r\"}}}");

    json_merge_fields(json_field(obj, "spec"), spec);
    T_OK(kind_validate(&kind_snapshotview, obj, &e));
}

static void
test_view_spec_there_and_back(void **state)
{
    struct err e = ERR_INIT;
    CLEANUP(buf_release) struct buf key = BUF_INIT(1000);
    CLEANUP(json_free_ptr) struct json *spec = NULL;
    CLEANUP(json_free_ptr) struct json *again = NULL;
    struct look_args a = args_new(), b;
    enum look which;

    (void)state;
    word(&a.app.words, "latest:1");
    word(&a.snapshot.hosts, "--host");
    word(&a.snapshot.tags, "a,b");
    a.snapshot.target = "t";
    a.snapshot.path = "/dumpfile.resp";
    a.keys.match.v[a.keys.match.n++] = "--exclude=*";
    a.keys.exclude.v[a.keys.exclude.n++] = "$(X)";
    a.keys.types = 1U << KV_HASH | 1U << KV_STRING;
    assert_true(db_set_add(&a.keys.dbs, 3) && db_set_add(&a.keys.dbs, 0));
    a.sort = BY_SIZE;
    a.top = 7;
    a.app.json = true;
    a.repo.no_lock = true;
    T_OK(view_spec_encode(LOOK_KEYS, &a, &spec, &e));
    assert_is_kind(spec);
    T_OK(view_spec_decode(spec, &which, &b, &key, &e));
    assert_int_equal(which, LOOK_KEYS);
    assert_int_equal(b.keys.types, a.keys.types);
    assert_string_equal(b.keys.match.v[0], "--exclude=*");
    b.repo.limit_upload = b.repo.limit_download = OPT_UNSET;
    T_OK(view_spec_encode(which, &b, &again, &e));
    assert_true(json_same(spec, again));
}

static void
check_key(const char *name, const char *field)
{
    struct err e = ERR_INIT;
    CLEANUP(buf_release) struct buf key = BUF_INIT(1000);
    CLEANUP(json_free_ptr) struct json *spec = NULL;
    struct look_args a = args_new(), b;
    enum look which;

    word(&a.app.words, "latest");
    word(&a.app.words, name);
    a.db = 2;
    T_OK(view_spec_encode(LOOK_GET, &a, &spec, &e));
    assert_is_kind(spec);
    assert_non_null(json_field(spec, field));
    T_OK(view_spec_decode(spec, &which, &b, &key, &e));
    assert_int_equal(which, LOOK_GET);
    assert_int_equal(b.db, 2);
    assert_int_equal(b.app.words.n, 2);
    assert_string_equal(b.app.words.v[1], name);
}

static void
test_view_spec_keys_of_any_bytes(void **state)
{
    (void)state;
    check_key("--resp", "key");
    check_key("gr\xc3\xbcn \"x\"\n", "key");
    check_key("\xff\x01k", "keyBase64");
    check_key("", "keyBase64");
}

static void
test_view_spec_has_no_place_for(void **state)
{
    struct err e = ERR_INIT;
    CLEANUP(json_free_ptr) struct json *spec = NULL;
    struct look_args a = args_new();

    (void)state;
    word(&a.app.words, "latest");
    T_RC(view_spec_encode(LOOK_DIFF, &a, &spec, &e), RC_USAGE);
    word(&a.app.words, "redis://127.0.0.1");
    T_RC(view_spec_encode(LOOK_DIFF, &a, &spec, &e), RC_USAGE);
    a.app.words.n = 0;
    a.keys.match.v[a.keys.match.n++] = "\xff";
    T_RC(view_spec_encode(LOOK_KEYS, &a, &spec, &e), RC_USAGE);
    a.keys.match.n = 0;
    a.repo.insecure_tls = true;
    T_RC(view_spec_encode(LOOK_KEYS, &a, &spec, &e), RC_USAGE);
    assert_null(spec);
}

/* Objects come from whoever may make them, past any schema. */
static void
test_view_spec_hostile(void **state)
{
    struct err e = ERR_INIT;
    static const char *const bad[] = {
        "[]",
        "{}",
        "{\"command\":7}",
        "{\"command\":\"restore\"}",
        "{\"command\":\"keys\",\"snapshots\":[\"a\",\"b\"]}",
        "{\"command\":\"keys\",\"snapshots\":[7]}",
        "{\"command\":\"keys\",\"snapshots\":[\"--repo=/x\"]}",
        "{\"command\":\"keys\",\"snapshots\":[\"../../etc\"]}",
        "{\"command\":\"diff\",\"snapshots\":[\"latest\"]}",
        "{\"command\":\"diff\",\"snapshots\":[\"latest\",\"redis://h\"]}",
        "{\"command\":\"diff\",\"snapshots\":[\"latest\",\"latest:1\"],\"before\":\"2026-01-01T00:"
        "00:00Z\"}",
        "{\"command\":\"get\"}",
        "{\"command\":\"get\",\"key\":\"a\",\"keyBase64\":\"YQ==\"}",
        "{\"command\":\"get\",\"keyBase64\":\"!\"}",
        "{\"command\":\"get\",\"keyBase64\":\"AGE=\"}",
        "{\"command\":\"get\",\"key\":\"a\",\"db\":-1}",
        "{\"command\":\"keys\",\"databases\":[0,-1]}",
        "{\"command\":\"keys\",\"db\":1}",
        "{\"command\":\"get\",\"key\":\"a\",\"databases\":[1]}",
        "{\"command\":\"keys\",\"databases\":[\"0\"]}",
        "{\"command\":\"keys\",\"top\":0}",
        "{\"command\":\"keys\",\"top\":100001}",
        "{\"command\":\"keys\",\"types\":[\"nothing\"]}",
        "{\"command\":\"keys\",\"before\":\"yesterday\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_release) struct buf key = BUF_INIT(1000);
        CLEANUP(json_free_ptr) struct json *spec = t_json(bad[i]);
        struct look_args a;
        enum look which;

        if (view_spec_decode(spec, &which, &a, &key, &e) == RC_OK)
            fail_msg("taken: %s", bad[i]);
    }
}

static void
test_view_spec_lists_have_ends(void **state)
{
    struct err e = ERR_INIT;
    CLEANUP(buf_release) struct buf key = BUF_INIT(1000);
    CLEANUP(json_free_ptr) struct json *spec = t_json("{\"command\":\"keys\"}");
    struct look_args a;
    enum look which;

    (void)state;
    for (int i = 0; i <= FILTER_GLOBS_MAX; i++)
        json_push_cstr(json_need_array(spec, "match"), "x");
    T_RC(view_spec_decode(spec, &which, &a, &key, &e), RC_USAGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_spec_there_and_back),
        cmocka_unit_test(test_view_spec_keys_of_any_bytes),
        cmocka_unit_test(test_view_spec_has_no_place_for),
        cmocka_unit_test(test_view_spec_hostile),
        cmocka_unit_test(test_view_spec_lists_have_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
