/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request as a tree. */
#include "json/yaml.h"
#include "plane/core.h"
#include "plane/protobuf.h"

bool
read_body(struct call *c, struct json **out)
{
    CLEANUP(json_free_ptr) struct json *docs = NULL;
    struct str type = c->content_type;
    struct err e = ERR_INIT, not_json = ERR_INIT;
    bool yaml = str_eq(type, STR_LIT("application/yaml")) ||
                str_eq(type, STR_LIT("application/apply-patch+yaml"));

    if (str_eq(type, STR_LIT("application/vnd.kubernetes.protobuf"))) {
        if (protobuf_to_json(c->body, out, &e) == RC_OK)
            return true;
        if (e.code != RC_UNSUPPORTED)
            return answer_error(c, 400, "BadRequest", "%s", e.msg);
        return answer_error(c, 415, "UnsupportedMediaType", "%s", e.msg);
    }
    if (memmem(type.p, type.n, "protobuf", 8) != NULL || memmem(type.p, type.n, "cbor", 4) != NULL)
        return answer_error(c, 415, "UnsupportedMediaType",
                            "the body of the request was in an unknown format - accepted media "
                            "types include: application/json, application/yaml");
    if (!yaml) {
        if (json_parse(c->body, out, &e))
            return answer_error(c, 400, "BadRequest", "the body is not JSON: %s", e.msg);
        return true;
    }
    /* Programs send JSON here, which is YAML too, and much faster to read. */
    if (c->body.n > 0 && c->body.p[0] == '{' && json_parse(c->body, out, &not_json) == RC_OK)
        return true;
    if (yaml_to_json(c->body, &docs, &e))
        return answer_error(c, 400, "BadRequest", "the body is not YAML: %s", e.msg);
    if (json_size(docs) != 1)
        return answer_error(c, 400, "BadRequest", "the body must be one YAML document");
    *out = json_ref(json_elem(docs, 0));
    return true;
}
