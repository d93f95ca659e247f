/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * base/log -- messages for people, on stderr. Results go to stdout and never through here.
 *
 * Shape    one line per call: "warning: text", "error: text", plain text for info; nothing for
 *          debug unless asked for. As JSON objects after log_set_json(true); what is not UTF-8 becomes U+FFFD there. Behind the text stands
 *          what the thread works on, if it said so: component=, object=, attempt= (struct log_scope).
 * Rules    no secrets and no values of the user's data; key names only through str_show.
 * Threads  any; a line is written whole.
 */
#include "base/compiler.h"
#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines above `level` are dropped. The default is LOG_INFO. */
void log_set_level(enum log_level level);
void log_set_json(bool json);
bool log_is_json(void);
/* This program runs on its own: where stderr is not a terminal, lines begin with the time and the level. */
void log_as_service(void);

/* What a thread works on. Fields that are NULL or 0 are those of the scope around it. */
struct log_scope {
    const char *component; /* "backupsessions", "retention"; borrowed */
    const char *object;    /* "namespace/name"; borrowed */
    unsigned attempt;      /* told from the second on */
    const struct log_scope *outer;
};
/* Until log_scope_leave, which the same thread calls in the opposite order; `s` stays the caller's. */
void log_scope_enter(struct log_scope *s);
void log_scope_leave(const struct log_scope *s);
/* What holds for this thread now: of each field the innermost that is told. Borrowed until a leave. */
struct log_scope log_scope_now(void);

void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* The error chain, then the hint on a line of its own. */
void log_err(const struct err *e);

/*
 * A line that is overwritten by the next one, for a terminal; "" removes it. Other lines are
 * written above it.
 */
void log_status(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
