/* SPDX-License-Identifier: Apache-2.0 */
#include "node/due.h"

#include "base/compiler.h"

enum { FIRST_WINDOW_MS = 60 * 1000 };

/* @every counts on from where it was: no search is needed. */
static struct due_slots
due_every(const struct cron *c, int64_t since, int64_t now)
{
    int64_t step = c->every_ms / 1000 * 1000, from = since / 1000 * 1000;
    int64_t n = now < from + step ? 0 : (now - from) / step;

    return (struct due_slots){.last_ms = n == 0 ? 0 : from + n * step,
                              .missed = (int)MIN(n, DUE_SLOTS_MANY + 1)};
}

/* The latest slot up to now, looking back further and further; there is one after `since`. */
static int64_t
due_latest(const struct cron *c, int64_t since, int64_t now)
{
    int64_t window = FIRST_WINDOW_MS, at, last = 0;

    do {
        int64_t from = MAX(since, now - window);
        for (at = cron_next(c, from); at != 0 && at <= now; at = cron_next(c, at))
            last = at;
        window *= 2;
        if (from == since)
            break;
    } while (last == 0);
    return last;
}

struct due_slots
due_slots(const struct cron *c, int64_t since_ms, int64_t now_ms)
{
    struct due_slots due = {.last_ms = 0};

    if (since_ms >= now_ms)
        return due;
    if (c->every_ms > 0)
        return due_every(c, since_ms, now_ms);
    for (int64_t at = cron_next(c, since_ms); at != 0 && at <= now_ms; at = cron_next(c, at)) {
        due.last_ms = at;
        if (++due.missed > DUE_SLOTS_MANY) {
            due.last_ms = due_latest(c, since_ms, now_ms);
            break;
        }
    }
    return due;
}
