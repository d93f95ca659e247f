/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/node_name -- quoted names: what unquotes also quotes, to the same name. */
#include "repo/format/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct buf raw = BUF_INIT(1 << 24), quoted = BUF_INIT(1 << 26), again = BUF_INIT(1 << 24);
    struct err e = ERR_INIT;

    if (n < 1 << 20 && name_unquote(str_of(p, n), &raw, &e) == RC_OK) {
        if (name_quote(buf_str(&raw), &quoted, &e) != RC_OK ||
            name_unquote(buf_str(&quoted), &again, &e) != RC_OK ||
            !str_eq(buf_str(&raw), buf_str(&again)))
            BUG("a name does not survive");
    }
    buf_release(&raw);
    buf_release(&quoted);
    buf_release(&again);
    return 0;
}
