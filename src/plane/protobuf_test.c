/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as Kubernetes' own clients encode them: fuzz/corpus/protobuf. */
#include "plane/protobuf.h"

#include <glob.h>

#include "base/fs.h"
#include "base/mem.h"
#include "plane/protobuf_messages.h"
#include "plane/resource_info.h"
#include "t.h"

static void
same_object(const char *file, const char *want)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(64 * 1024);
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    CLEANUP(mem_free_ptr) char *path = mem_printf(SOURCE_ROOT "/fuzz/corpus/protobuf/%s", file);
    CLEANUP(mem_free_ptr) char *text = NULL;
    struct err e = ERR_INIT;

    T_OK(fs_read_file(path, &body, &e));
    if (protobuf_to_json(buf_str(&body), &obj, &e))
        fail_msg("%s: %s", file, e.msg);
    text = json_to_text(obj, true);
    assert_string_equal(text, want);
    /* Cut anywhere, it is refused or is a part of the object; never read beyond. */
    for (size_t n = 0; n < body.n; n++) {
        CLEANUP(json_free_ptr) struct json *part = NULL;
        char *copy = mem_strndup((const char *)body.p, n); /* of just that size, and an end */

        e = (struct err)ERR_INIT;
        (void)!protobuf_to_json(str_of((const uint8_t *)copy, n), &part, &e);
        mem_free(copy);
    }
}

static void
test_what_clients_send(void **state)
{
    (void)state;
    same_object(
        "secret",
        "{\"apiVersion\":\"v1\",\"data\":{\"RESTIC_PASSWORD\":\"cwD/\"},\"kind\":\"Secret\","
        "\"metadata\":{\"finalizers\":[\"f\"],\"labels\":{\"a\":\"b\"},\"name\":\"repo\","
        "\"namespace\":\"demo\",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"controller\":true,"
        "\"kind\":\"Pod\",\"name\":\"p\",\"uid\":\"u\"}]},\"type\":\"Opaque\"}");
    same_object("configmap",
                "{\"apiVersion\":\"v1\",\"binaryData\":{\"k2\":\"AA==\"},\"data\":{\"k\":\"v\"},"
                "\"immutable\":false,\"kind\":\"ConfigMap\",\"metadata\":{\"creationTimestamp\":"
                "\"2023-11-14T22:13:20Z\",\"name\":\"c\"}}");
    same_object(
        "namespace",
        "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":"
        "\"n\"},\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}}");
    same_object(
        "serviceaccount",
        "{\"apiVersion\":\"v1\",\"automountServiceAccountToken\":false,\"imagePullSecrets\":[{"
        "\"name\":\"y\"}],\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"s\"},"
        "\"secrets\":[{\"name\":\"x\"}]}");
}

/* What JSON writes for "nothing", null and [], means the same as a field that is not there. */
static void
remove_nothing(struct json *j)
{
    struct json_item it = json_first(j);

    for (size_t i = 0; json_kind_of(j) == JSON_IS_ARRAY && i < json_size(j); i++)
        remove_nothing(json_elem(j, i));
    while (json_kind_of(j) == JSON_IS_OBJECT && it.key != NULL) {
        struct json_item next = json_next(j, it);

        if (json_kind_of(it.value) == JSON_IS_NULL ||
            (json_kind_of(it.value) == JSON_IS_ARRAY && json_size(it.value) == 0))
            json_remove(j, it.key);
        else
            remove_nothing(it.value);
        it = next;
    }
}

/* Each file there is an object as its maker writes it in JSON; the one of that name in the corpus is the same in protobuf. */
static void
test_same_as_json(void **state)
{
    static const char folder[] = SOURCE_ROOT "/tests/golden/protobuf/";
    glob_t found;

    (void)state;
    assert_int_equal(glob(SOURCE_ROOT "/tests/golden/protobuf/*.json", 0, NULL, &found), 0);
    assert_true(found.gl_pathc > 30);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        CLEANUP(buf_release) struct buf text = BUF_INIT(256 * 1024);
        CLEANUP(json_free_ptr) struct json *obj = NULL;
        CLEANUP(mem_free_ptr)
        char *want = NULL, *name = mem_strdup(found.gl_pathv[i] + sizeof(folder) - 1);
        struct err e = ERR_INIT;

        T_OK(fs_read_file(found.gl_pathv[i], &text, &e));
        T_OK(json_parse(buf_str(&text), &obj, &e));
        remove_nothing(obj);
        want = json_to_text(obj, true);
        name[strlen(name) - strlen(".json")] = '\0';
        same_object(name, want);
    }
    globfree(&found);
}

/* A field that is not known would be lost; a kind that is not known, too. */
static void
test_nothing_is_lost(void **state)
{
    static const uint8_t
        scale[] = "k8s\0\x0a\x0b\x0a\x02v1\x12\x05Scale\x12\0",
        field[] = "k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x02\x78\x01",
        wire[] = "k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x02\x18\x01",
        volume[] = "k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12\x08\x12\x06\x0a\x04\x12\x02\x1a\0",
        json[] = "{\"kind\":\"Secret\"}";
    struct json *obj = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_RC(protobuf_to_json(str_of(scale, sizeof(scale) - 1), &obj, &e), RC_UNSUPPORTED);
    assert_string_equal(e.msg, "Scale is not known in protobuf: send JSON");
    e = (struct err)ERR_INIT;
    T_RC(protobuf_to_json(str_of(field, sizeof(field) - 1), &obj, &e), RC_UNSUPPORTED);
    assert_string_equal(e.msg, "field 15 of Secret is not known in protobuf: send JSON");
    e = (struct err)ERR_INIT;
    T_RC(protobuf_to_json(str_of(wire, sizeof(wire) - 1), &obj, &e), RC_INVALID);
    e = (struct err)ERR_INIT;
    T_RC(protobuf_to_json(str_of(json, sizeof(json) - 1), &obj, &e), RC_INVALID);
    e = (struct err)ERR_INIT; /* a volume in Google's cloud: field 3 of a VolumeSource */
    T_RC(protobuf_to_json(str_of(volume, sizeof(volume) - 1), &obj, &e), RC_UNSUPPORTED);
    assert_string_equal(e.msg, "field 3 of volumeSource is not known in protobuf: send JSON");
    assert_null(obj);
}

/* All kinds that are served but definitions, of which 415 is said. */
static void
test_every_kind_is_known(void **state)
{
    struct registry *r = registry_new();
    struct resource_info **all;
    size_t n;

    (void)state;
    all = resource_all(r, &n);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++)
        if ((message_of_kind(all[i]->api_version, all[i]->kind) == NULL) !=
            (strcmp(all[i]->kind, "CustomResourceDefinition") == 0))
            fail_msg("%s", all[i]->kind);
    resource_all_free(all, n);
    registry_free(r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_clients_send),
        cmocka_unit_test(test_same_as_json),
        cmocka_unit_test(test_nothing_is_lost),
        cmocka_unit_test(test_every_kind_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
