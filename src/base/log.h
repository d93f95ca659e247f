/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * base/log -- messages for people, on stderr. Results go to stdout and never through here.
 *
 * Shape    one line per call: "warning: text", "error: text", plain text for info; nothing for
 *          debug unless asked for. As JSON objects after log_set_json(true).
 * Rules    no secrets and no values of the user's data; key names only through str_show.
 * Threads  any; a line is written whole.
 */
#include "base/compiler.h"
#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines above `level` are dropped. The default is LOG_INFO. */
void log_set_level(enum log_level level);
void log_set_json(bool json);

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
