/* SPDX-License-Identifier: Apache-2.0 */
#include "api/blueprint.h"
#include "base/mem.h"
#include "t.h"

static const char binding[] =
    "{\"apiVersion\":\"appcatalog.appscode.com/"
    "v1alpha1\",\"kind\":\"AppBinding\",\"metadata\":{\"name\":\"sample.redis\","
    "\"namespace\":\"demo\",\"annotations\":{\"stash.appscode.com/backup-blueprint\":\" all, "
    "nightly,,all\","
    "\"stash.appscode.com/schedule\":\"*/3 * * * *\",\"params.stash.appscode.com/args\":\"-db "
    "0\"}},"
    "\"spec\":{\"type\":\"kubedb.com/"
    "redis\",\"version\":\"6.2.5\",\"clientConfig\":{\"url\":\"redis://a\"}}}";
static const char blueprint[] =
    "{\"metadata\":{\"name\":\"all\"},\"spec\":{\"backend\":{\"s3\":{\"endpoint\":\"e\",\"bucket\":"
    "\"b\",\"prefix\":"
    "\"/${TARGET_NAMESPACE}/${TARGET_APP_GROUP}/${TARGET_APP_RESOURCE}/${TARGET_KIND}/"
    "${TARGET_RESOURCE}/${TARGET_NAME}\"},"
    "\"storageSecretName\":\"s\"},\"wipeOut\":true,\"schedule\":\"0 1 * * *\",\"task\":{\"name\":"
    "\"redis-backup-${TARGET_APP_VERSION}\",\"params\":[{\"name\":\"args\",\"value\":\"x\"},{"
    "\"name\":\"waitTimeout\","
    "\"value\":\"9\"}]},\"retentionPolicy\":{\"name\":\"k\",\"keepLast\":5,\"prune\":true},"
    "\"timeOut\":\"1h\"}}";

static struct json *
parsed(const char *text)
{
    struct json *j = NULL;
    struct err e = ERR_INIT;

    T_OK(json_parse(str_c(text), &j, &e));
    return j;
}

static char *
text_at(const struct json *j)
{
    return json_to_text(j, true);
}

static void
test_the_names_of_an_annotation(void **state)
{
    struct json *app = parsed(binding), *names = blueprints_of(app);

    (void)state;
    assert_int_equal(json_size(names), 2);
    assert_string_equal(json_text(json_elem(names, 0)), "all");
    assert_string_equal(json_text(json_elem(names, 1)), "nightly");
    json_free(names);
    json_free(app);
}

static void
test_what_is_made(void **state)
{
    struct json *app = parsed(binding), *bp = parsed(blueprint);
    struct blueprint_made made;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(blueprint_make(bp, app, true, &made, &e));
    assert_string_equal(json_text(json_dig(made.repository, "metadata", "name")),
                        "app-sample.redis");
    assert_string_equal(json_text(json_dig(made.repository, "metadata", "namespace")), "demo");
    assert_string_equal(json_text(json_dig(made.repository, "spec", "backend", "s3", "prefix")),
                        "/demo/kubedb.com/redis/AppBinding/appbindings/sample.redis");
    assert_true(json_is_true(json_dig(made.repository, "spec", "wipeOut")));
    CLEANUP(mem_free_ptr) char *spec = text_at(json_field(made.configuration, "spec"));
    assert_string_equal(
        spec,
        "{\"repository\":{\"name\":\"app-sample.redis\"},\"retentionPolicy\":{\"keepLast\":5,"
        "\"name\":\"k\","
        "\"prune\":true},\"schedule\":\"*/3 * * * *\",\"target\":{\"ref\":{\"apiVersion\":"
        "\"appcatalog.appscode.com/v1alpha1\",\"kind\":\"AppBinding\",\"name\":\"sample.redis\"}},"
        "\"task\":{\"name\":\"redis-backup-6.2.5\",\"params\":[{\"name\":\"waitTimeout\",\"value\":"
        "\"9\"},"
        "{\"name\":\"args\",\"value\":\"-db 0\"}]},\"timeOut\":\"1h\"}");
    assert_string_equal(blueprint_of(made.configuration), "all");
    assert_string_equal(blueprint_target(made.repository), "demo/sample.redis");
    blueprint_made_release(&made);
    json_free(app);
    json_free(bp);
}

static void
test_other_namespaces_and_further_blueprints(void **state)
{
    struct json *app = parsed(binding), *bp = parsed(blueprint);
    struct json *spec = json_field(bp, "spec");
    struct blueprint_made made;
    struct err e = ERR_INIT;

    (void)state;
    json_set_cstr(spec, "repoNamespace", "stores");
    T_OK(blueprint_make(bp, app, false, &made, &e));
    assert_string_equal(json_text(json_dig(made.repository, "metadata", "name")),
                        "demo-app-sample.redis-all");
    assert_string_equal(json_text(json_dig(made.configuration, "metadata", "name")),
                        "app-sample.redis-all");
    assert_string_equal(json_text(json_dig(made.configuration, "spec", "repository", "namespace")),
                        "stores");
    assert_null(json_dig(made.configuration, "spec", "target", "ref", "namespace"));
    blueprint_made_release(&made);
    json_set_cstr(spec, "backupNamespace", "backups");
    json_remove(spec, "repoNamespace");
    T_OK(blueprint_make(bp, app, true, &made, &e));
    assert_string_equal(json_text(json_dig(made.repository, "metadata", "namespace")), "backups");
    assert_string_equal(json_text(json_dig(made.configuration, "metadata", "name")),
                        "demo-app-sample.redis");
    assert_string_equal(
        json_text(json_dig(made.configuration, "spec", "target", "ref", "namespace")), "demo");
    assert_null(json_dig(made.configuration, "spec", "repository", "namespace"));
    blueprint_made_release(&made);
    json_free(app);
    json_free(bp);
}

/* The owner of an AppBinding chooses its type: it must not lead into another one's folder. */
static void
test_what_cannot_be_made(void **state)
{
    static const struct {
        const char *type, *version, *prefix, *says;
    } bad[] = {
        {"../other", "1", "x", "spec.type"},
        {"kubedb.com/..", "1", "x", "spec.type"},
        {"a/b/c", "1", "x", "spec.type"},
        {"/redis", "1", "x", "spec.type"},
        {"redis", "7.0; rm", "x", "spec.version"},
        {"redis", "1", "${TARGET_NOBODY}", "TARGET_NOBODY"},
        {"", "1", "${TARGET_APP_RESOURCE}", "TARGET_APP_RESOURCE"},
        {"redis", "1", "${TARGET_APP_GROUP}", "TARGET_APP_GROUP"},
        {"redis", "", "x", "TARGET_APP_VERSION"},
        {"redis", "1", "${TARGET_NAME", "not closed"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct json *app = parsed(binding), *bp = parsed(blueprint);
        struct blueprint_made made;
        struct err e = ERR_INIT;

        json_set_cstr(json_field(app, "spec"), "type", bad[i].type);
        json_set_cstr(json_field(app, "spec"), "version", bad[i].version);
        json_set_cstr(json_dig(bp, "spec", "backend", "s3"), "prefix", bad[i].prefix);
        assert_int_equal(blueprint_make(bp, app, true, &made, &e), RC_INVALID);
        assert_non_null(strstr(e.msg, bad[i].says));
        blueprint_made_release(&made);
        json_free(app);
        json_free(bp);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_names_of_an_annotation),
        cmocka_unit_test(test_what_is_made),
        cmocka_unit_test(test_other_namespaces_and_further_blueprints),
        cmocka_unit_test(test_what_cannot_be_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
