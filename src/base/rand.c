/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/rand.h"

void
rand_bytes(void *p, size_t n)
{
    char *at = p;

    while (n > 0) {
        ssize_t r = getrandom(at, n, 0);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            BUG("no random bytes from the kernel: errno %d", errno);
        at += r;
        n -= (size_t)r;
    }
}

uint64_t
rand_below(uint64_t below)
{
    uint64_t v, fair = UINT64_MAX - UINT64_MAX % below;

    do {
        rand_bytes(&v, sizeof(v));
    } while (v >= fair);
    return v % below;
}
