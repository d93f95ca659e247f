/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RETRY_H
#define BASE_RETRY_H

/*
 * base/retry -- trying again: how often, for how long, with what pauses, and what is said in the end.
 *
 * Shape    struct retry r = retry_begin(policy);
 *          while ((rc = attempt(e)) != RC_OK && is_worth_it(e) && retry_next(cx, &r, e))
 *              ;
 *          Whether an error is worth another attempt is the caller's to say (e->retry, a code).
 * Pauses   double from pause_ms to pause_max_ms, each by itself between half and one and a half of
 *          that, so that those who failed together do not come back together; after what the peer
 *          asked for (e->after_ms), and never longer than what is left of total_ms.
 * Words    the error of the last attempt stays the cause; behind it stands how many there were, in
 *          which time, and how those failed that failed otherwise.
 * Threads  a struct retry belongs to one.
 */
#include <stdint.h>

#include "base/ctx.h"

struct retry_policy {
    unsigned attempts; /* in all; 0: as many as the time allows */
    int total_ms;      /* the last attempt begins before so much has passed; 0: any time later */
    int pause_ms;      /* before the second attempt; 0: none before any */
    int pause_max_ms;  /* 0: each is as long as the first */
    unsigned after_max_ms; /* a peer that asks for a longer pause is given up; 0: for none */
};

enum { RETRY_KEPT = 4, RETRY_WORDS = 80 };

struct retry {
    struct retry_policy policy; /* total_ms may change on the way */
    int64_t since;
    unsigned failed; /* attempts */
    struct retry_kept {
        unsigned times;
        char words[RETRY_WORDS];
    } kept[RETRY_KEPT]; /* of earlier attempts, the oldest first */
};

/* The first attempt begins now. */
struct retry retry_begin(struct retry_policy policy);
/* How much of total_ms is left; INT64_MAX: no limit. */
int64_t retry_left_ms(const struct retry *r);
/* An attempt failed with `e`: how long until the next one begins; -1: there is none. Does not sleep. */
int retry_pause(struct retry *r, const struct err *e);
/* Say in `e`, the error of the last attempt, that there were others. Returns e->code. */
enum rc retry_tell(const struct retry *r, struct err *e);
/*
 * retry_pause, and sleep. True: try again. False: `e` is the error to return, with the words of
 * retry_tell, or RC_CANCELLED.
 */
NODISCARD bool retry_next(struct ctx *cx, struct retry *r, struct err *e);

#endif
