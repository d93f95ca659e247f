/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAPI v2, as old clients want it: a gnostic Document in protocol buffers, whose definitions say
 * nothing but which kinds there are, so that such a client leaves checking to the server.
 *
 * Source   github.com/google/gnostic-models openapiv2/OpenAPIv2.proto; the field numbers below.
 */
#include "base/mem.h"
#include "plane/core.h"

enum { /* message.field */
       DOCUMENT_SWAGGER = 1,
       DOCUMENT_INFO = 2,
       DOCUMENT_PATHS = 8,
       DOCUMENT_DEFINITIONS = 9,
       INFO_TITLE = 1,
       INFO_VERSION = 2,
       DEFINITIONS_ITEM = 1,
       NAMED_NAME = 1,
       NAMED_VALUE = 2,
       SCHEMA_DESCRIPTION = 4,
       SCHEMA_EXTENSION = 31,
       ANY_YAML = 2
};

static void
put_varint(struct buf *b, uint64_t v)
{
    uint8_t byte;

    do {
        byte = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        buf_must_add(b, &byte, 1);
        v >>= 7;
    } while (v > 0);
}

static void
put_bytes(struct buf *b, unsigned field, struct str s)
{
    put_varint(b, (field << 3) | 2);
    put_varint(b, s.n);
    buf_must_add(b, s.p, s.n);
}

static void
put_definition(struct buf *all, const struct resource_info *k)
{
    CLEANUP(buf_release) struct buf any = BUF_INIT(KUBE_BODY_MAX);
    CLEANUP(buf_release) struct buf extension = BUF_INIT(KUBE_BODY_MAX);
    CLEANUP(buf_release) struct buf schema = BUF_INIT(KUBE_BODY_MAX);
    CLEANUP(buf_release) struct buf named = BUF_INIT(KUBE_BODY_MAX);
    CLEANUP(mem_free_ptr) char *name = mem_printf("%s.%s", k->api_version, k->kind);
    CLEANUP(mem_free_ptr)
    char *yaml =
        mem_printf("- group: \"%s\"\n  kind: %s\n  version: %s\n", k->group, k->kind, k->version);

    for (char *p = name; *p != '\0'; p++)
        if (*p == '/')
            *p = '.';
    put_bytes(&any, ANY_YAML, str_c(yaml));
    put_bytes(&extension, NAMED_NAME, STR_LIT("x-kubernetes-group-version-kind"));
    put_bytes(&extension, NAMED_VALUE, buf_str(&any));
    put_bytes(&schema, SCHEMA_DESCRIPTION, str_c(k->kind));
    put_bytes(&schema, SCHEMA_EXTENSION, buf_str(&extension));
    put_bytes(&named, NAMED_NAME, str_c(name));
    put_bytes(&named, NAMED_VALUE, buf_str(&schema));
    put_bytes(all, DEFINITIONS_ITEM, buf_str(&named));
}

static void
put_document(struct call *c, struct buf *out)
{
    CLEANUP(buf_release) struct buf info = BUF_INIT(1024);
    CLEANUP(buf_release) struct buf definitions = BUF_INIT(KUBE_BODY_MAX);
    struct resource_info **all;
    size_t n;

    put_bytes(&info, INFO_TITLE, STR_LIT("Kubernetes"));
    put_bytes(&info, INFO_VERSION, STR_LIT("v1.31.0"));
    all = resource_all(c->plane->kinds, &n);
    for (size_t i = 0; i < n; i++)
        put_definition(&definitions, all[i]);
    resource_all_free(all, n);
    put_bytes(out, DOCUMENT_SWAGGER, STR_LIT("2.0"));
    put_bytes(out, DOCUMENT_INFO, buf_str(&info));
    put_bytes(out, DOCUMENT_PATHS, STR_LIT(""));
    put_bytes(out, DOCUMENT_DEFINITIONS, buf_str(&definitions));
}

bool
answer_openapi_v2(struct call *c)
{
    CLEANUP(json_free_ptr) struct json *doc = NULL;

    if (c->accept != NULL && strstr(c->accept, "protobuf") != NULL) {
        put_document(c, &c->rp->body);
        c->rp->type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
        return true;
    }
    doc = json_new_object();
    json_set_cstr(doc, "swagger", "2.0");
    json_set_cstr(json_need_object(doc, "info"), "title", "Kubernetes");
    json_set_cstr(json_need_object(doc, "info"), "version", "v1.31.0");
    (void)json_need_object(doc, "paths");
    (void)json_need_object(doc, "definitions");
    reply_json(c->rp, 200, doc);
    return true;
}
