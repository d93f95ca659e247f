/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "json/json.h"
#include "json/write.h"
#include "repo/format/config.h"
#include "repo/format/poly.h"

enum rc
config_encode(const struct config *c, struct buf *out, struct err *e)
{
    char hex[ID_TEXT], poly[24];
    struct jw w;

    (void)snprintf(poly, sizeof(poly), "%" PRIx64, c->polynomial);
    jw_init(&w, out);
    jw_open_object(&w);
    jw_key(&w, "version");
    jw_u64(&w, c->version);
    jw_key(&w, "id");
    jw_cstr(&w, id_hex(&c->id, hex));
    jw_key(&w, "chunker_polynomial");
    jw_cstr(&w, poly);
    jw_close_object(&w);
    return jw_end(&w, e);
}

enum rc
config_decode(struct str json, struct config *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *root = NULL;
    struct config c = {.version = 0};
    struct str id = {0}, poly = {0};
    uint64_t version = 0;

    if (json_parse(json, &root, e) || json_get_u64(root, "version", &version, e) ||
        json_get_str(root, "id", &id, e) || json_get_str(root, "chunker_polynomial", &poly, e))
        return err_code(e);
    if (version != 1 && version != 2)
        return err_set(e, RC_UNSUPPORTED, "the repository has version %" PRIu64 ", not 1 or 2",
                       version);
    if (!id_from_hex(id, &c.id))
        return err_set(e, RC_CORRUPT, "the field \"id\" is not an ID");
    if (poly_parse(poly, &c.polynomial, e))
        return err_code(e);
    c.version = (unsigned)version;
    *out = c;
    return RC_OK;
}
