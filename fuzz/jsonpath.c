/* SPDX-License-Identifier: Apache-2.0 */
/* kubectl's templates: any text is printed or refused, within the buffer. */
#include "cli/jsonpath.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char on[] = "{\"kind\":\"List\",\"items\":["
                         "{\"metadata\":{\"name\":\"a\",\"labels\":{\"x.y/z\":\"1\"}},"
                         "\"status\":{\"n\":1,\"f\":1.5,\"ok\":true,\"conditions\":["
                         "{\"type\":\"Ready\",\"status\":\"True\"},{\"type\":\"Old\"}]}},"
                         "{\"metadata\":{\"name\":\"b\"},\"status\":null,\"deep\":[[1,[2,[3]]]]}]}";

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct buf text = BUF_INIT(4096), out = BUF_INIT(1 << 16);
    struct err e = ERR_INIT;
    struct json *j = NULL;

    if (n > 1000 || memchr(p, '\0', n) != NULL)
        return 0;
    if (json_parse(str_c(on), &j, &e))
        BUG("%s", e.msg);
    buf_must_add(&text, p, n);
    if (jsonpath_print(buf_c(&text), j, &out, &e) && e.code != RC_INVALID && e.code != RC_LIMIT)
        BUG("%s: %s", rc_name(e.code), e.msg);
    buf_release(&text);
    buf_release(&out);
    json_free(j);
    return 0;
}
