/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#undef err_set
#undef err_sys
#undef err_wrap
#undef err_append
#undef err_hint

enum {
    WORDS_MAX = 4096, /* of one call, before they are cut to fit */
    CAUSE_MAX = 360   /* so that some context fits before it */
};

static const char cut_mark[] = "...";

static bool
is_inside_char(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80; /* of UTF-8 */
}

/* Make `s`, of n bytes, at most `max` bytes long: the middle goes, the ends stay. */
static size_t
cut_middle(char *s, size_t n, size_t max)
{
    size_t mark = sizeof(cut_mark) - 1, head, tail;

    if (n <= max)
        return n;
    if (max <= mark) {
        s[max] = '\0';
        return max;
    }
    head = (max - mark) / 2;
    tail = n - (max - mark - head);
    while (head > 0 && is_inside_char(s[head]))
        head--;
    while (tail < n && is_inside_char(s[tail]))
        tail++;
    memcpy(s + head, cut_mark, mark);
    memmove(s + head + mark, s + tail, n - tail + 1);
    return head + mark + (n - tail);
}

/* The words of a call, with room for `rest` more bytes behind them. Returns their length. */
static size_t __attribute__((format(printf, 4, 0)))
put_words(char *to, size_t size, size_t rest, const char *fmt, va_list ap)
{
    char words[WORDS_MAX];
    int n = vsnprintf(words, sizeof(words), fmt, ap);
    size_t len = n < 0 ? 0 : MIN((size_t)n, sizeof(words) - 1);

    words[len] = '\0';
    (void)str_one_line(words);
    len = cut_middle(words, len, size - 1 - MIN(rest, size - 1));
    memcpy(to, words, len + 1);
    return len;
}

enum rc
err_set(struct err *e, enum rc code, const char *fmt, ...)
{
    va_list ap;

    memset(e, 0, sizeof(*e));
    e->code = code;
    va_start(ap, fmt);
    (void)put_words(e->msg, CAUSE_MAX + 1, 0, fmt, ap);
    va_end(ap);
    return code;
}

static enum rc
rc_from_errno(int sys)
{
    switch (sys) {
    case ENOENT:
    case ENOTDIR:
        return RC_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return RC_DENIED;
    case EEXIST:
        return RC_EXISTS;
    case ETIMEDOUT:
        return RC_TIMEOUT;
    case ENOSPC:
    case EDQUOT:
        return RC_FULL;
    default:
        return RC_IO;
    }
}

void
err_is_missing(void)
{
#ifdef CSTASH_TEST_SWITCHES
    BUG("%s", "a call failed and left no error");
#endif
}

enum rc
err_sys(struct err *e, int sys, const char *fmt, ...)
{
    char buf[128];
    const char *why = strerror_r(sys, buf, sizeof(buf));
    size_t used;
    va_list ap;

    memset(e, 0, sizeof(*e));
    e->code = rc_from_errno(sys);
    e->sys = sys;
    va_start(ap, fmt);
    used = put_words(e->msg, CAUSE_MAX + 1, strlen(why) + 2, fmt, ap);
    va_end(ap);
    (void)snprintf(e->msg + used, sizeof(e->msg) - used, ": %s", why);
    return e->code;
}

enum rc
err_wrap(struct err *e, const char *fmt, ...)
{
    char text[WORDS_MAX + sizeof(e->msg)], cause[sizeof(e->msg)];
    size_t n_cause, used, room;
    va_list ap;

    n_cause = (size_t)snprintf(cause, sizeof(cause), "%s", e->msg + e->cause_at);
    va_start(ap, fmt);
    used = put_words(text, WORDS_MAX, 0, fmt, ap);
    va_end(ap);
    used += (size_t)snprintf(text + used, sizeof(text) - used, ": %.*s", (int)e->cause_at, e->msg);
    /* What stands before the cause ends with ": ", which a cut in the middle leaves there. */
    room = sizeof(e->msg) - 1 - n_cause;
    used = cut_middle(text, used, room);
    memcpy(e->msg, text, used);
    memcpy(e->msg + used, cause, n_cause + 1);
    e->cause_at = (unsigned)used;
    return e->code;
}

enum rc
err_append(struct err *e, const char *fmt, ...)
{
    size_t n = strlen(e->msg);
    va_list ap;

    va_start(ap, fmt);
    (void)put_words(e->msg + n, sizeof(e->msg) - n, 0, fmt, ap);
    va_end(ap);
    return e->code;
}

enum rc
err_hint(struct err *e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)put_words(e->hint, sizeof(e->hint), 0, fmt, ap);
    va_end(ap);
    return e->code;
}

const char *
rc_name(enum rc code)
{
    static const char *const names[] = {
        [RC_OK] = "ok",
        [RC_INVALID] = "invalid",
        [RC_NOT_FOUND] = "not found",
        [RC_EXISTS] = "exists",
        [RC_CONFLICT] = "conflict",
        [RC_DENIED] = "denied",
        [RC_UNSUPPORTED] = "unsupported",
        [RC_LIMIT] = "limit",
        [RC_CORRUPT] = "corrupt",
        [RC_UNAVAILABLE] = "unavailable",
        [RC_TIMEOUT] = "timeout",
        [RC_CANCELLED] = "cancelled",
        [RC_IO] = "i/o",
        [RC_FULL] = "full",
        [RC_INTERNAL] = "internal",
        [RC_NO_REPOSITORY] = "no repository",
        [RC_LOCKED] = "locked",
        [RC_WRONG_PASSWORD] = "wrong password",
        [RC_USAGE] = "usage",
        [RC_UNVERIFIED] = "not verifiable",
        [RC_ANSWER_NO] = "no",
    };

    if ((size_t)code >= ARRAY_LEN(names))
        return "unknown";
    return names[code];
}

void
bug_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    (void)fprintf(stderr, "bug at %s:%d: ", file, line);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    abort();
}
