/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

/*
 * cli/out -- how results look: sizes, rates, tables, and the line that shows progress.
 */
#include <stdatomic.h>

#include "base/ctx.h"
#include "json/write.h"

enum { OUT_TEXT = 32 };

/* "1.234 GiB", "17 B"; as restic prints sizes. Returns `to`. */
const char *out_bytes(uint64_t n, char to[static OUT_TEXT]);
/* "1.2 s", "3:05". */
const char *out_duration(int64_t ms, char to[static OUT_TEXT]);

/* "2026-11-29T03:00:17+01:00": what clocks show here, with the offset of that day. Returns `to`. */
struct instant;
enum { OUT_TIME = 32, OUT_TIME_COLUMNS = 25 };
const char *out_time(struct instant t, char to[static OUT_TIME]);

/* "4f97cbfd (2026-11-29 02:00 UTC)" */
struct snapshot;
enum { OUT_SNAPSHOT = 48 };
const char *out_snapshot(const struct snapshot *s, char to[static OUT_SNAPSHOT]);

/* Print words from outside in at least so many columns, as one line that changes no terminal; NULL is "". */
void out_words(const char *s, int columns);

/* A question on the terminal, answered by a line of standard input. Anything but "y" or "yes" is a no. */
enum out_answer { OUT_ANSWER_NONE /* the input is at its end */, OUT_ANSWER_NO, OUT_ANSWER_YES };
enum out_answer out_ask_for(const char *question);
static inline bool
out_ask(const char *question)
{
    return out_ask_for(question) == OUT_ANSWER_YES;
}

/* RC_IO: what was printed on stdout did not arrive, so that there is no use in going on. */
NODISCARD enum rc out_check(struct err *e);

/* One JSON document on stdout: begin, write to w, end. */
struct out_json {
    struct jw w;
    struct buf text;
};
void out_json_begin(struct out_json *j);
void out_json_end(struct out_json *j);

/* Shows counters on a terminal a few times a second; on anything else it does nothing. */
struct progress {
    atomic_uint_fast64_t bytes, keys;
    const char *what;
    int64_t started_ms;
    struct progress_thread *thread;
};
void progress_start(struct progress *p, const char *what, bool quiet);
void progress_stop(struct progress *p);

#endif
