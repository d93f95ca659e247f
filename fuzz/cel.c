/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/cel -- rules of definitions: parse anything, evaluate what parses, within bounds. */
#include "base/mem.h"
#include "validation/cel.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char object[] = "{\"a\":1,\"b\":[1,2,\"x\"],\"c\":{\"d\":true},\"e\":null}";
    CLEANUP(mem_free_ptr) char *text = mem_strndup((const char *)p, n);
    CLEANUP(json_free_ptr) struct json *self = NULL;
    struct json *v = NULL;
    struct cel *c = NULL;
    struct err e = ERR_INIT;

    if (json_parse(str_c(object), &self, &e))
        BUG("%s", e.msg);
    if (cel_parse(text, &c, &e))
        return 0;
    if (cel_eval(c, self, self, &v, &e) == RC_OK)
        json_free(v);
    cel_free(c);
    return 0;
}
