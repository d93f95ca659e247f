/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFORMANCE_SUITE_INTERNAL_H
#define CONFORMANCE_SUITE_INTERNAL_H

/* conformance/suite_internal -- what the cases of kube_suite.c and ctl_suite.c share. */
#include "base/ctx.h"
#include "conformance/kube_suite.h"
#include "conformance/lossy.h"
#include "json/node.h"

enum { WAIT_MS = 30000 };

struct suite {
    struct ctx *cx;
    struct kube *k;
    struct lossy *net;
    char ns[64];
    struct err e;
    char why[900]; /* of a case that fails */
};

/* The call must return `want`; else the case fails. */
#define GET(want, call)                                                                            \
    do {                                                                                           \
        enum rc rc_ = (call);                                                                      \
        if (rc_ != (want)) {                                                                       \
            (void)snprintf(s->why, sizeof(s->why), "line %d: %s, wanted %s: %s", __LINE__,         \
                           rc_name(rc_), rc_name(want), rc_ != RC_OK ? s->e.msg : "");             \
            return false;                                                                          \
        }                                                                                          \
    } while (0)
#define OK(call) GET(RC_OK, call)
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            (void)snprintf(s->why, sizeof(s->why), "line %d: not %s", __LINE__, #cond);            \
            return false;                                                                          \
        }                                                                                          \
    } while (0)
/* The condition must come true while the server has time to make it so. */
#define UNTIL(cond)                                                                                \
    do {                                                                                           \
        int waited_ = 0;                                                                           \
        while (!(cond))                                                                            \
            if (!suite_wait(s, &waited_, __LINE__, #cond))                                         \
                return false;                                                                      \
    } while (0)

/*
 * Wait a moment for `what`; `*waited` is the ms that it took so far. False: it took WAIT_MS, or
 * the run is over; s->why says so of `line`.
 */
NODISCARD bool suite_wait(struct suite *s, int *waited, int line, const char *what);

/* An object in the namespace of the run with the fields of `more`, JSON with ' for ". */
struct json *suite_make(const struct suite *s, const struct kube_gvr *kind, const char *name,
                        const char *more);

/* ctl_suite.c */
bool case_cache_follows(struct suite *s);
bool case_cache_lists_anew(struct suite *s);
bool case_controller_converges(struct suite *s);
bool case_lease_has_one_holder(struct suite *s);
bool case_lease_is_kept_and_given_back(struct suite *s);
bool case_lease_is_taken_over(struct suite *s);
bool case_lease_is_lost(struct suite *s);
bool case_recorder_counts(struct suite *s);

#endif
