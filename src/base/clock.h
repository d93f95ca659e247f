/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/*
 * base/clock -- what time it is, and how times are written.
 *
 * Units    _ms since some start (mono) or since 1970 UTC (real); _ns nanoseconds.
 * Source   RFC 3339 for text; restic writes up to nine fraction digits and any zone.
 */
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

int64_t clock_mono_ms(void);
int64_t clock_mono_ns(void);
int64_t clock_real_ms(void);
/* As mono, but it goes on while the machine is suspended. */
int64_t clock_boot_ms(void);

/* A point in time as restic keeps it: with nanoseconds and with the writer's offset from UTC. */
struct instant {
    int64_t sec; /* unix seconds */
    int32_t nsec;
    int32_t zone; /* seconds east of UTC */
};

enum { INSTANT_TEXT = 40 };

struct instant instant_now(void);
static inline int64_t
instant_ms(struct instant t)
{
    return t.sec * 1000 + t.nsec / 1000000;
}
/* <0, 0, >0 as a is before, at, after b; the zone plays no part. */
int instant_cmp(struct instant a, struct instant b);

/* RFC 3339, fraction without trailing zeros, "Z" for offset 0. Returns `to`. */
const char *instant_format(struct instant t, char to[static INSTANT_TEXT]);
/* The same in UTC with six digits of the fraction, always: what Kubernetes calls a MicroTime. */
const char *instant_format_micro(struct instant t, char to[static INSTANT_TEXT]);
/* RC_INVALID on anything but an RFC 3339 time. More than nine fraction digits are cut. */
NODISCARD enum rc instant_parse(struct str text, struct instant *out, struct err *e);

#endif
