/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_DURATION_H
#define API_DURATION_H

/*
 * api/duration -- Go's durations, and sizes and times the way Stash writes them.
 *
 * Units    milliseconds inside.
 * Source   Go time.ParseDuration and Duration.String; Stash's size formats.
 */
#include "base/err.h"
#include "base/str.h"

/* "1h30m", "2.5s", "-1ms", "0". RC_INVALID. */
NODISCARD enum rc duration_parse(struct str text, int64_t *ms, struct err *e);

enum { DURATION_TEXT = 48 };

/* As Go prints it: "1m12s", "4.123s", "0s". Returns `to`. */
const char *duration_format(int64_t ms, char to[static DURATION_TEXT]);
/* The same, rounded to whole seconds. */
const char *duration_format_s(int64_t ms, char to[static DURATION_TEXT]);
/* "0:03", "1:02:03". */
const char *duration_clock(int64_t ms, char to[static DURATION_TEXT]);

/* "1.234 KiB"; below or equal to one KiB "1024 B". */
const char *size_format(uint64_t bytes, char to[static DURATION_TEXT]);
/* The other way, for what older runs left in a status. RC_INVALID. */
NODISCARD enum rc size_parse(struct str text, uint64_t *bytes, struct err *e);

#endif
