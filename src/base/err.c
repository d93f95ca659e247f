/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum rc
err_set(struct err *e, enum rc code, const char *fmt, ...)
{
    va_list ap;

    memset(e, 0, sizeof(*e));
    e->code = code;
    va_start(ap, fmt);
    (void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
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
    default:
        return RC_IO;
    }
}

enum rc
err_sys(struct err *e, int sys, const char *fmt, ...)
{
    char why[128];
    size_t used;
    va_list ap;

    memset(e, 0, sizeof(*e));
    e->code = rc_from_errno(sys);
    e->sys = sys;
    va_start(ap, fmt);
    (void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
    va_end(ap);
    used = strlen(e->msg);
    (void)snprintf(e->msg + used, sizeof(e->msg) - used, ": %s", strerror_r(sys, why, sizeof(why)));
    return e->code;
}

enum rc
err_wrap(struct err *e, const char *fmt, ...)
{
    char old[sizeof(e->msg)];
    size_t used;
    va_list ap;

    memcpy(old, e->msg, sizeof(old));
    va_start(ap, fmt);
    (void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
    va_end(ap);
    used = strlen(e->msg);
    (void)snprintf(e->msg + used, sizeof(e->msg) - used, ": %s", old);
    return e->code;
}

enum rc
err_hint(struct err *e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
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
        [RC_INTERNAL] = "internal",
        [RC_NO_REPOSITORY] = "no repository",
        [RC_LOCKED] = "locked",
        [RC_WRONG_PASSWORD] = "wrong password",
        [RC_USAGE] = "usage",
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
