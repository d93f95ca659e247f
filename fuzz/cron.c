/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules and zone files: what is taken gives times that move forward. */
#include "api/cron.h"
#include "base/mem.h"
#include "base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
schedule(const char *text)
{
    struct cron c;
    struct err e = ERR_INIT;
    int64_t at = 1795359469000, next;

    if (cron_parse(text, NULL, &c, &e))
        return;
    for (int i = 0; i < 5; i++) {
        next = cron_next(&c, at);
        if (next == 0)
            break;
        if (next <= at)
            BUG("%s stands still", text);
        at = next;
    }
    cron_release(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char *text = mem_strndup((const char *)p, n);
    struct zone *z;
    struct err e = ERR_INIT;

    if (n < 200)
        schedule(text);
    if (zone_parse(str_of(p, n), &z, &e) == RC_OK) {
        for (int64_t s = -5000000000; s < 8000000000; s += 977777777)
            (void)zone_offset(z, s);
        zone_free(z);
    }
    mem_free(text);
    return 0;
}
