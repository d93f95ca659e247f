/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "kube/object.h"
#include "kube/selector.h"

static struct json *
pod(void)
{
    struct json *obj = kube_object_new(&KUBE_POD, "ns", "one");

    kube_set_label(obj, "app", "redis");
    kube_set_label(obj, "tier", "db");
    kube_set_label(obj, "size", "5");
    json_set_cstr(json_need_object(obj, "status"), "phase", "Running");
    json_set_bool(json_need_object(obj, "spec"), "unschedulable", true);
    return obj;
}

static void
test_selector_labels(void **state)
{
    static const struct {
        const char *text;
        bool matches;
    } cases[] = {
        {NULL, true},
        {"", true},
        {"app=redis", true},
        {"app == redis , tier=db", true},
        {"app=redis,tier=web", false},
        {"app!=redis", false},
        {"none!=redis", true},
        {"app", true},
        {"!app", false},
        {"none", false},
        {"!none", true},
        {"app in (redis, valkey)", true},
        {"app in (valkey)", false},
        {"app notin (valkey),tier in (db)", true},
        {"none notin (x)", true},
        {"size>4", true},
        {"size<4", false},
        {"app>4", false},
        {"app=", false},
        {"example.com/x-y_z!=a", true},
    };
    struct json *obj = pod();
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kube_selector *s = NULL;
        T_OK(kube_selector_labels(cases[i].text, &s, &e));
        if (kube_selector_match(s, obj) != cases[i].matches)
            fail_msg("%s", cases[i].text);
        kube_selector_free(s);
    }
    json_free(obj);
}

static void
test_selector_refuses(void **state)
{
    static const char *const labels[] = {"=x",  "a=b,", "a in b", "a in (b", "a in", "a b",
                                         "a!b", "(a)",  "a=b c",  "a=\"b\"", ","};
    static const char *const fields[] = {"a", "=b", "a!b", "a=b\\", "a=b\\x", ",a=b"};
    struct kube_selector *s = NULL;
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        T_RC(kube_selector_labels(labels[i], &s, &e), RC_INVALID);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        T_RC(kube_selector_fields(fields[i], &s, &e), RC_INVALID);
}

static void
test_selector_fields(void **state)
{
    static const struct {
        const char *text;
        bool matches;
    } cases[] = {
        {"metadata.name=one", true},
        {"metadata.name==one,metadata.namespace=ns", true},
        {"metadata.name=two", false},
        {"status.phase!=Running", false},
        {"status.phase!=Failed,status.phase!=Succeeded", true},
        {"spec.nodeName=", true},
        {"spec.nodeName!=", false},
        {"spec.unschedulable=true", true},
        {"metadata.name=o\\,ne", false},
    };
    struct json *obj = pod();
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kube_selector *s = NULL;
        T_OK(kube_selector_fields(cases[i].text, &s, &e));
        if (kube_selector_match(s, obj) != cases[i].matches)
            fail_msg("%s", cases[i].text);
        kube_selector_free(s);
    }
    json_free(obj);
}

static void
test_selector_json(void **state)
{
    static const char json[] =
        "{\"matchLabels\":{\"app\":\"redis\"},\"matchExpressions\":["
        "{\"key\":\"tier\",\"operator\":\"In\",\"values\":[\"db\",\"x\"]},"
        "{\"key\":\"size\",\"operator\":\"Exists\"},{\"key\":\"no\",\"operator\":\"DoesNotExist\"},"
        "{\"key\":\"q\",\"operator\":\"NotIn\",\"values\":[\"z\"]}]}";
    static const char *const bad[] = {
        "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Is\"}]}",
        "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}",
        "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":[\"x\"]}]}",
    };
    struct json *obj = pod(), *j = NULL;
    struct kube_selector *s = NULL;
    struct err e = ERR_INIT;
    char *text = NULL;

    (void)state;
    T_OK(json_parse(str_c(json), &j, &e));
    T_OK(kube_selector_json(j, &s, &e));
    assert_true(kube_selector_match(s, obj));
    kube_set_label(obj, "tier", "y");
    assert_false(kube_selector_match(s, obj));
    T_OK(kube_selector_text(j, &text, &e));
    assert_string_equal(text, "app in (redis),tier in (db,x),size,!no,q notin (z)");
    mem_free(text);
    kube_selector_free(s);
    json_free(j);
    json_free(obj);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        T_OK(json_parse(str_c(bad[i]), &j, &e));
        T_RC(kube_selector_json(j, &s, &e), RC_INVALID);
        json_free(j);
    }
}

static void
test_object_metadata(void **state)
{
    struct json *owner = kube_object_new(&KUBE_JOB, "ns", "job"), *obj = pod(), *ref;

    (void)state;
    json_set_cstr(kube_meta(owner), "uid", "u-1");
    assert_true(kube_set_owner(obj, owner, true));
    assert_false(kube_set_owner(obj, owner, true));
    assert_true(kube_set_owner(obj, owner, false));
    assert_null(kube_controller_of(obj));
    assert_true(kube_set_owner(obj, owner, true));
    assert_string_equal(json_text(json_field(kube_controller_of(obj), "name")), "job");
    assert_true(kube_is_owned_by(obj, "u-1"));
    assert_false(kube_is_owned_by(obj, "u-2"));
    assert_true(kube_add_finalizer(obj, "a/b"));
    assert_false(kube_add_finalizer(obj, "a/b"));
    assert_true(kube_has_finalizer(obj, "a/b"));
    assert_true(kube_remove_finalizer(obj, "a/b"));
    assert_false(kube_remove_finalizer(obj, "a/b"));
    assert_true(kube_is_kind(owner, &KUBE_JOB));
    assert_false(kube_is_kind(owner, &KUBE_POD));
    json_set_cstr(kube_meta(obj), "creationTimestamp", "2026-11-22T00:00:01Z");
    assert_int_equal(kube_created_ms(obj), 1795305601000);
    ref = kube_reference(obj);
    assert_string_equal(json_text(json_field(ref, "namespace")), "ns");
    assert_null(kube_name(NULL));
    assert_false(kube_is_deleting(NULL));
    json_free(ref);
    json_free(obj);
    json_free(owner);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selector_labels), cmocka_unit_test(test_selector_refuses),
        cmocka_unit_test(test_selector_fields), cmocka_unit_test(test_selector_json),
        cmocka_unit_test(test_object_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
