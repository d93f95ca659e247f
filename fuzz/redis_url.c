/* SPDX-License-Identifier: Apache-2.0 */
/* Redis addresses: any text is taken or refused, and what is taken has a text that is taken again.
 */
#include "redis/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool
same(const char *a, const char *b)
{
    return a == NULL ? b == NULL : b != NULL && strcmp(a, b) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct redis_addr a, b;
    struct err e = ERR_INIT;

    if (redis_addr_parse(str_of(p, n), NULL, &a, &e))
        return 0;
    if (a.path == NULL && strlen(redis_addr_text(&a)) + 1 < REDIS_ADDR_TEXT) {
        if (redis_addr_parse(str_c(redis_addr_text(&a)), NULL, &b, &e))
            BUG("%s is not taken again: %s", redis_addr_text(&a), e.msg);
        if (b.port != a.port || !same(a.host, b.host) || !same(a.master, b.master) ||
            a.n_seeds != b.n_seeds || a.db != b.db || a.tls != b.tls)
            BUG("%s is another address", redis_addr_text(&a));
        redis_addr_release(&b);
    }
    redis_addr_release(&a);
    return 0;
}
