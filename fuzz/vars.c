/* SPDX-License-Identifier: Apache-2.0 */
/* Variables: any text expands or is refused; what names no variable comes out as it went in. */
#include "api/vars.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct vars *v = vars_new();
    struct buf out = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;

    vars_set(v, "A", "value");
    vars_set(v, "PATH", "/a/b.c");
    vars_set(v, "EMPTY", "");
    if (n < 4096 && vars_expand(v, str_of(p, n), &out, &e) == RC_OK && memchr(p, '$', n) == NULL &&
        !str_eq(buf_str(&out), str_of(p, n)))
        BUG("text without variables changed");
    buf_release(&out);
    vars_free(v);
    return 0;
}
