/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum log_level max_level = LOG_INFO; /* guarded by lock, as the two below */
static bool as_json;
static char status[160];

void
log_set_level(enum log_level level)
{
    (void)pthread_mutex_lock(&lock);
    max_level = level;
    (void)pthread_mutex_unlock(&lock);
}

void
log_set_json(bool json)
{
    (void)pthread_mutex_lock(&lock);
    as_json = json;
    (void)pthread_mutex_unlock(&lock);
}

static void
put_json_string(const char *s)
{
    (void)fputc('"', stderr);
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            (void)fprintf(stderr, "\\%c", *s);
        else if ((unsigned char)*s < 0x20)
            (void)fprintf(stderr, "\\u%04x", (unsigned char)*s);
        else
            (void)fputc(*s, stderr);
    }
    (void)fputc('"', stderr);
}

/* `hint` may be empty. */
static void
put_line(enum log_level level, const char *text, const char *hint)
{
    static const char *const words[] = {"error", "warning", "info", "debug"};
    char when[INSTANT_TEXT];

    (void)pthread_mutex_lock(&lock);
    if (level <= max_level) {
        if (status[0] != '\0')
            (void)fputs("\r\033[K", stderr);
        if (as_json) {
            (void)fprintf(stderr, "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":",
                          instant_format(instant_now(), when), words[level]);
            put_json_string(text);
            if (hint[0] != '\0') {
                (void)fputs(",\"hint\":", stderr);
                put_json_string(hint);
            }
            (void)fputs("}\n", stderr);
        } else {
            (void)fprintf(stderr, "%s%s%s\n", level == LOG_INFO ? "" : words[level],
                          level == LOG_INFO ? "" : ": ", text);
            if (hint[0] != '\0')
                (void)fprintf(stderr, "hint: %s\n", hint);
        }
        if (status[0] != '\0')
            (void)fputs(status, stderr);
    }
    (void)pthread_mutex_unlock(&lock);
}

PRINTF_LIKE(2, 0)
static void
put_words(enum log_level level, const char *fmt, va_list ap)
{
    char text[1024];

    (void)vsnprintf(text, sizeof(text), fmt, ap);
    put_line(level, str_one_line(text), "");
}

#define DEFINE_LOG(name, level)                                                                    \
    void name(const char *fmt, ...)                                                                \
    {                                                                                              \
        va_list ap;                                                                                \
        va_start(ap, fmt);                                                                         \
        put_words(level, fmt, ap);                                                                 \
        va_end(ap);                                                                                \
    }

DEFINE_LOG(log_error, LOG_ERROR)
DEFINE_LOG(log_warn, LOG_WARN)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_debug, LOG_DEBUG)

void
log_err(const struct err *e)
{
    put_line(LOG_ERROR, e->msg, e->hint);
}

void
log_status(const char *fmt, ...)
{
    va_list ap;

    (void)pthread_mutex_lock(&lock);
    if (status[0] != '\0')
        (void)fputs("\r\033[K", stderr);
    va_start(ap, fmt);
    (void)vsnprintf(status, sizeof(status), fmt, ap);
    va_end(ap);
    (void)fputs(status, stderr);
    (void)fflush(stderr);
    (void)pthread_mutex_unlock(&lock);
}
