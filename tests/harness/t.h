/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HARNESS_T_H
#define HARNESS_T_H

/*
 * harness/t -- what every unit test includes: cmocka with the headers it wants first, and checks
 * that print the error chain when a call of ours fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

/* The call must succeed. Uses a `struct err e` in scope. */
#define T_OK(call)                                                                                 \
    do {                                                                                           \
        enum rc rc_ = (call);                                                                      \
        if (rc_ != RC_OK)                                                                          \
            fail_msg("%s: %s (%s)", #call, e.msg, rc_name(rc_));                                   \
    } while (0)

/* The call must fail with exactly this code and leave a message. */
#define T_RC(call, want)                                                                           \
    do {                                                                                           \
        enum rc rc_ = (call);                                                                      \
        if (rc_ != (want))                                                                         \
            fail_msg("%s: got %s, wanted %s: %s", #call, rc_name(rc_), rc_name(want), e.msg);      \
        if (rc_ != RC_OK && (e.code != rc_ || e.msg[0] == '\0'))                                   \
            fail_msg("%s: no message, or code %s in it", #call, rc_name(e.code));                  \
    } while (0)

/* Two runs of bytes must be equal. */
#define T_STR(got, want)                                                                           \
    do {                                                                                           \
        struct str got_ = (got), want_ = (want);                                                   \
        char a_[200], b_[200];                                                                     \
        if (!str_eq(got_, want_))                                                                  \
            fail_msg("got %zu bytes \"%s\", wanted %zu \"%s\"", got_.n,                            \
                     str_show(got_, a_, sizeof(a_)), want_.n, str_show(want_, b_, sizeof(b_)));    \
    } while (0)

#define T_CONTAINS(text, part)                                                                     \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL)                                                        \
            fail_msg("\"%s\" does not contain \"%s\"", (text), (part));                            \
    } while (0)

/* The rest of a main whose tests share the context `cx`. */
#define T_RUN(tests, cx)                                                                           \
    do {                                                                                           \
        struct err e_ = ERR_INIT;                                                                  \
        int failed_;                                                                               \
        if (ctx_init(&(cx), &e_))                                                                  \
            return 1;                                                                              \
        failed_ = cmocka_run_group_tests((tests), NULL, NULL);                                     \
        ctx_release(&(cx));                                                                        \
        return failed_;                                                                            \
    } while (0)

#endif
