/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum log_level max_level = LOG_INFO; /* guarded by lock, as those below */
static bool as_json, stamped;
static _Thread_local const struct log_scope *scope;
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

bool
log_is_json(void)
{
    bool yes;

    (void)pthread_mutex_lock(&lock);
    yes = as_json;
    (void)pthread_mutex_unlock(&lock);
    return yes;
}

void
log_as_service(void)
{
    (void)pthread_mutex_lock(&lock);
    stamped = isatty(STDERR_FILENO) != 1;
    (void)pthread_mutex_unlock(&lock);
}

void
log_scope_enter(struct log_scope *s)
{
    s->outer = scope;
    scope = s;
}

void
log_scope_leave(const struct log_scope *s)
{
    BUG_ON(scope != s);
    scope = s->outer;
}

struct log_scope
log_scope_now(void)
{
    struct log_scope all = {NULL, NULL, 0, NULL};

    for (const struct log_scope *s = scope; s != NULL; s = s->outer) {
        all.component = all.component != NULL ? all.component : s->component;
        all.object = all.object != NULL ? all.object : s->object;
        all.attempt = all.attempt != 0 ? all.attempt : s->attempt;
    }
    return all;
}

/* How many bytes the character at `s` has; 0: it is not UTF-8 (RFC 3629), or it was cut. */
static size_t
log_utf8(const unsigned char *s)
{
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;

    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

/* Readers of JSON refuse a line for one byte that is not UTF-8: it becomes U+FFFD. */
static void
put_json_string(const char *text)
{
    (void)fputc('"', stderr);
    for (const unsigned char *s = (const unsigned char *)text; *s != '\0';) {
        size_t n = log_utf8(s);

        if (n == 0)
            (void)fputs("\\ufffd", stderr);
        else if (*s == '"' || *s == '\\')
            (void)fprintf(stderr, "\\%c", *s);
        else if (*s < 0x20)
            (void)fprintf(stderr, "\\u%04x", *s);
        else
            (void)fwrite(s, 1, n, stderr);
        s += MAX(n, (size_t)1);
    }
    (void)fputc('"', stderr);
}

/* To the millisecond. */
static const char *
log_time(char to[static INSTANT_TEXT])
{
    struct instant now = instant_now();

    now.nsec -= now.nsec % 1000000;
    return instant_format(now, to);
}

static void
put_json_line(const char *level, const char *text, const char *hint)
{
    const struct log_scope s = log_scope_now();
    const char *const fields[][2] = {
        {"msg", text}, {"hint", hint}, {"component", s.component}, {"object", s.object}};
    char when[INSTANT_TEXT];

    (void)fprintf(stderr, "{\"time\":\"%s\",\"level\":\"%s\"", instant_format(instant_now(), when),
                  level);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i][1] != NULL && (i == 0 || fields[i][1][0] != '\0')) {
            (void)fprintf(stderr, ",\"%s\":", fields[i][0]);
            put_json_string(fields[i][1]);
        }
    if (s.attempt > 1)
        (void)fprintf(stderr, ",\"attempt\":%u", s.attempt);
    (void)fputs("}\n", stderr);
}

static void
put_text_line(enum log_level level, const char *word, const char *text, const char *hint)
{
    const struct log_scope s = log_scope_now();
    char when[INSTANT_TEXT];

    if (stamped)
        (void)fprintf(stderr, "%s ", log_time(when));
    (void)fprintf(stderr, "%s%s%s", level == LOG_INFO && !stamped ? "" : word,
                  level == LOG_INFO && !stamped ? "" : ": ", text);
    if (stamped && hint[0] != '\0')
        (void)fprintf(stderr, " (%s)", hint);
    if (s.component != NULL)
        (void)fprintf(stderr, " component=%s", s.component);
    if (s.object != NULL)
        (void)fprintf(stderr, " object=%s", s.object);
    if (s.attempt > 1)
        (void)fprintf(stderr, " attempt=%u", s.attempt);
    if (!stamped && hint[0] != '\0')
        (void)fprintf(stderr, "\nhint: %s", hint);
    (void)fputc('\n', stderr);
}

/* `hint` may be empty. */
static void
put_line(enum log_level level, const char *text, const char *hint)
{
    static const char *const words[] = {"error", "warning", "info", "debug"};

    (void)pthread_mutex_lock(&lock);
    if (level <= max_level) {
        if (status[0] != '\0')
            (void)fputs("\r\033[K", stderr);
        if (as_json)
            put_json_line(words[level], text, hint);
        else
            put_text_line(level, words[level], text, hint);
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
