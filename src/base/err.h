/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/*
 * base/err -- errors as values that carry a story.
 *
 * Why      the function that fails returns a code and leaves words in an object of the caller, so
 *          that a message reads from what was wanted down to what went wrong, and works without
 *          memory.
 * Shape    err_set where it happened, err_wrap on the way up: "could not X: could not Y: reason".
 *          Lower case, no full stop, no function names, no secrets, no values of the user's data.
 *          Words become one line that changes no terminal (str_one_line), whoever wrote them.
 * Limits   what is too long is cut in its middle: words of one call where they are made, contexts
 *          when they no longer fit before the cause, which is never cut for their sake.
 * Threads  a struct err belongs to one thread at a time. It is plain data and may be copied.
 * Rules    `e` is never NULL and is untouched on success. Outputs are written only on success.
 *          Logged once, where it is handled. Retries ask `retry`; nobody parses text.
 */
#include <stdbool.h>

#include "base/compiler.h"

enum rc {
    RC_OK = 0,
    RC_INVALID,        /* the caller's or the user's input is wrong */
    RC_NOT_FOUND,      /* the thing asked for does not exist */
    RC_EXISTS,         /* the thing to make exists already */
    RC_CONFLICT,       /* somebody else changed it */
    RC_DENIED,         /* not allowed */
    RC_UNSUPPORTED,    /* valid, but not known here */
    RC_LIMIT,          /* larger than a stated limit */
    RC_CORRUPT,        /* bytes are not what their format or checksum says */
    RC_UNAVAILABLE,    /* a peer is away */
    RC_TIMEOUT,        /* a deadline passed */
    RC_CANCELLED,      /* the user or the parent asked to stop */
    RC_IO,             /* the operating system failed a read or a write */
    RC_FULL,           /* there is no room left: a full disk, or a quota */
    RC_INTERNAL,       /* our own mistake, found in time */
    RC_NO_REPOSITORY,  /* there is no repository at the address */
    RC_LOCKED,         /* the repository is locked by somebody */
    RC_USAGE,          /* the command line asks for what cannot be */
    RC_WRONG_PASSWORD, /* no key of the repository opens with the password */
    RC_UNVERIFIED,     /* whether it is what it should be could not be found out */
    RC_ANSWER_NO       /* a question was asked, and answered: no */
};

struct err {
    enum rc code;
    bool retry;        /* set by the edge that saw it: may the same call succeed later? */
    int sys;           /* errno or HTTP status, else 0 */
    unsigned after_ms; /* the peer's Retry-After, else 0 */
    unsigned cause_at; /* in msg: where the words of err_set or err_sys begin */
    char msg[480];     /* contexts, ": ", cause */
    char hint[320];    /* what a person could do; may be empty */
};

#define ERR_INIT                                                                                   \
    {                                                                                              \
        .code = RC_OK                                                                              \
    }

/* Fill `e` afresh (retry, sys, after_ms and hint are cleared) and return `code`. */
enum rc err_set(struct err *e, enum rc code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * As err_set for a failed system call: appends ": " and the text of `sys` (an errno value), and
 * maps it to a code (ENOENT: RC_NOT_FOUND, EACCES, EPERM, EROFS: RC_DENIED, EEXIST: RC_EXISTS,
 * ENOSPC, EDQUOT: RC_FULL, else RC_IO).
 */
enum rc err_sys(struct err *e, int sys, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Put words and ": " before the message in `e`; the rest stays. Returns e->code. */
enum rc err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Put words behind the cause, as far as there is room for them. Returns e->code. */
enum rc err_append(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Say what a person could do about it. Returns e->code. */
enum rc err_hint(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* For err_code. */
void err_is_missing(void);

/*
 * The code of an error that there is: "if (call(&out, e)) return err_code(e);". Compilers and analyzers see what
 * they cannot see in e->code: that it is not RC_OK, so that nobody goes on with an output that was not written.
 * Where e says RC_OK after all, that is our mistake: RC_INTERNAL, and in tests the end.
 */
static inline enum rc
err_code(const struct err *e)
{
    if (LIKELY(e->code != RC_OK))
        return e->code;
    err_is_missing();
    return RC_INTERNAL;
}

/* What these return is seen in the same way. `e` is evaluated twice. */
#define err_set(e, ...) ((void)err_set((e), __VA_ARGS__), err_code(e))
#define err_sys(e, ...) ((void)err_sys((e), __VA_ARGS__), err_code(e))
#define err_wrap(e, ...) ((void)err_wrap((e), __VA_ARGS__), err_code(e))
#define err_append(e, ...) ((void)err_append((e), __VA_ARGS__), err_code(e))
#define err_hint(e, ...) ((void)err_hint((e), __VA_ARGS__), err_code(e))

/* The name of a code, such as "not found"; static. */
const char *rc_name(enum rc code);

/* Our own mistake: print where and what, then abort. Never for input, peers or disk. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
NORETURN void bug_at(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define BUG_ON(cond)                                                                               \
    do {                                                                                           \
        if (UNLIKELY(cond))                                                                        \
            BUG("%s", #cond);                                                                      \
    } while (0)

#endif
