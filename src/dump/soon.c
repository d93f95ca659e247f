/* SPDX-License-Identifier: Apache-2.0 */
#include "dump/soon.h"

#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"

/* `many` of them. */
static void
soon_put(struct soon *s, int64_t at_ms, uint32_t many, size_t *used)
{
    int64_t second = at_ms <= s->from ? 0 : (at_ms - s->from) / 1000 + 1;

    if (second > SOON_MAX_S)
        return;
    if ((size_t)second >= s->n) {
        size_t free = SOON_MAX_S + 1 - *used, least = (size_t)second + 1 - s->n,
               n = s->n + MIN(MAX(least, s->n), free);

        if (least > free) {
            s->unplaced += many;
            return;
        }
        *used += n - s->n;
        s->seconds = mem_grow(s->seconds, n, sizeof(*s->seconds));
        memset(s->seconds + s->n, 0, (n - s->n) * sizeof(*s->seconds));
        s->n = n;
    }
    s->seconds[second] += many;
}

void
soon_add(struct soon *s, int64_t at_ms, size_t *used)
{
    if (s->from == 0)
        s->from = clock_real_ms();
    soon_put(s, at_ms, 1, used);
}

void
soon_join(struct soon *s, const struct soon *from, size_t *used)
{
    if (s->from == 0)
        s->from = from->from;
    /* A second of theirs ends within one of ours: rounded up, as each was. */
    for (size_t i = 0; i < from->n; i++)
        if (from->seconds[i] != 0)
            soon_put(s, from->from + (int64_t)i * 1000, from->seconds[i], used);
    s->unplaced += from->unplaced;
}

uint64_t
soon_count(const struct soon *s, int64_t now_ms)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < s->n && s->from + (int64_t)(i == 0 ? 0 : i - 1) * 1000 <= now_ms; i++)
        sum += s->seconds[i];
    return sum;
}

void
soon_release(struct soon *s)
{
    mem_free(s->seconds);
}
