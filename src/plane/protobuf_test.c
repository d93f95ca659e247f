/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as Kubernetes' own clients encode them: fuzz/corpus/protobuf. */
#include "plane/protobuf.h"

#include "base/fs.h"
#include "base/mem.h"
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
    T_OK(protobuf_to_json(buf_str(&body), &obj, &e));
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
    same_object("namespace", "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":"
                             "\"n\"},\"spec\":{\"finalizers\":[\"kubernetes\"]}}");
    same_object(
        "serviceaccount",
        "{\"apiVersion\":\"v1\",\"automountServiceAccountToken\":false,\"imagePullSecrets\":[{"
        "\"name\":\"y\"}],\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"s\"},"
        "\"secrets\":[{\"name\":\"x\"}]}");
}

/* A field that is not known would be lost; a kind that is not known, too. */
static void
test_nothing_is_lost(void **state)
{
    static const uint8_t pod[] = "k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12\0",
                         field[] = "k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x02\x78\x01",
                         wire[] = "k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x02\x18\x01",
                         json[] = "{\"kind\":\"Secret\"}";
    struct json *obj = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_RC(protobuf_to_json(str_of(pod, sizeof(pod) - 1), &obj, &e), RC_UNSUPPORTED);
    assert_string_equal(e.msg, "Pod is not known in protobuf: send JSON");
    e = (struct err)ERR_INIT;
    T_RC(protobuf_to_json(str_of(field, sizeof(field) - 1), &obj, &e), RC_UNSUPPORTED);
    assert_string_equal(e.msg, "field 15 of Secret is not known in protobuf: send JSON");
    e = (struct err)ERR_INIT;
    T_RC(protobuf_to_json(str_of(wire, sizeof(wire) - 1), &obj, &e), RC_INVALID);
    e = (struct err)ERR_INIT;
    T_RC(protobuf_to_json(str_of(json, sizeof(json) - 1), &obj, &e), RC_INVALID);
    assert_null(obj);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_clients_send),
        cmocka_unit_test(test_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
