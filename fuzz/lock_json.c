/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/lock_json -- lock files: what was read is written and read again as the same; names that are
 * no UTF-8 may change. */
#include "repo/format/lock_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 16);
    struct lock_info a, b;
    struct err e = ERR_INIT;

    if (lock_decode(str_of(p, n), &a, &e))
        return 0;
    if (memchr(a.hostname, 0, LOCK_NAME_MAX) == NULL ||
        memchr(a.username, 0, LOCK_NAME_MAX) == NULL)
        BUG("a name without end");
    if (lock_encode(&a, &text, &e) || lock_decode(buf_str(&text), &b, &e) ||
        b.exclusive != a.exclusive || b.pid != a.pid || b.uid != a.uid || b.gid != a.gid ||
        instant_cmp(a.time, b.time) != 0)
        BUG("it is read as something else: %s", e.msg);
    return 0;
}
