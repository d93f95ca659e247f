/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of clients in protobuf: any bytes are taken or refused, and what is taken is JSON. */
#include "plane/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct buf text = BUF_INIT(256 * 1024 * 1024);
    struct json *obj = NULL, *again = NULL;
    struct err e = ERR_INIT;

    if (protobuf_to_json(str_of(p, n), &obj, &e))
        return 0;
    if (json_print(obj, &text, &e) || json_parse(buf_str(&text), &again, &e))
        BUG("what was taken is no JSON: %s", e.msg);
    if (!json_same(obj, again))
        BUG("it is another one when it is read again: %s", buf_c(&text));
    json_free(again);
    json_free(obj);
    buf_release(&text);
    return 0;
}
