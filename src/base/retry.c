/* SPDX-License-Identifier: Apache-2.0 */
#include "base/retry.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/str.h"

enum { DOUBLINGS_MAX = 20 };
#define AFTER_MAX_MS 3600000U

struct retry
retry_begin(struct retry_policy policy)
{
    return (struct retry){.policy = policy, .since = clock_mono_ms()};
}

int64_t
retry_left_ms(const struct retry *r)
{
    return r->policy.total_ms == 0 ? INT64_MAX : r->since + r->policy.total_ms - clock_mono_ms();
}

/* What was said `times` goes into the place of its like, or into a free one. */
static void
retry_keep(struct retry *r, const struct err *e)
{
    char words[RETRY_WORDS];

    (void)str_cut(str_c(e->msg + e->cause_at), words, sizeof(words));
    for (size_t i = 0; i < RETRY_KEPT; i++) {
        struct retry_kept *k = &r->kept[i];
        if (k->times > 0 && strcmp(k->words, words) != 0)
            continue;
        memcpy(k->words, words, sizeof(words));
        k->times++;
        return;
    }
}

static int
retry_back_off(const struct retry *r)
{
    const struct retry_policy *p = &r->policy;
    int64_t ms = p->pause_ms;

    if (p->pause_max_ms > 0)
        ms = MIN(ms << MIN(r->failed - 1, (unsigned)DOUBLINGS_MAX), (int64_t)p->pause_max_ms);
    return ms == 0 ? 0 : (int)(ms / 2 + (int64_t)rand_below((uint64_t)ms + 1));
}

int
retry_pause(struct retry *r, const struct err *e)
{
    const struct retry_policy *p = &r->policy;
    int64_t left = retry_left_ms(r);

    r->failed++;
    retry_keep(r, e);
    if ((p->attempts != 0 && r->failed >= p->attempts) || left <= 0 ||
        (p->after_max_ms != 0 && e->after_ms > p->after_max_ms))
        return -1;
    return (int)MIN(retry_back_off(r) + (int64_t)MIN(e->after_ms, AFTER_MAX_MS), left);
}

enum rc
retry_tell(const struct retry *r, struct err *e)
{
    char last[RETRY_WORDS], others[RETRY_KEPT * (RETRY_WORDS + 16) + 16] = "";
    unsigned known = 0;
    size_t n = 0;

    if (r->failed < 2)
        return err_code(e);
    (void)str_cut(str_c(e->msg + e->cause_at), last, sizeof(last));
    for (size_t i = 0; i < RETRY_KEPT && r->kept[i].times > 0; i++) {
        const struct retry_kept *k = &r->kept[i];

        known += k->times;
        if (strcmp(k->words, last) == 0)
            continue;
        n += (size_t)snprintf(others + n, sizeof(others) - n, "%s\"%s\"",
                              n > 0 ? ", " : "; earlier answers: ", k->words);
        if (k->times > 1)
            n += (size_t)snprintf(others + n, sizeof(others) - n, " (%u times)", k->times);
    }
    if (known < r->failed && n > 0)
        (void)snprintf(others + n, sizeof(others) - n, ", ...");
    return err_append(e, " (%u attempts in %.1f s%s)", r->failed,
                      (double)(clock_mono_ms() - r->since) / 1000, others);
}

bool
retry_next(struct ctx *cx, struct retry *r, struct err *e)
{
    int ms = retry_pause(r, e);

    if (ms < 0)
        (void)retry_tell(r, e);
    return ms >= 0 && (ms == 0 ? ctx_check(cx, e) : ctx_sleep(cx, ms, e)) == RC_OK;
}
