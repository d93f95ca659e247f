/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_UP_H
#define CLI_UP_H

/*
 * cli/up -- the parts that live together in `cstash up`: API server, its controllers, the operator,
 * and a Pushgateway beside them.
 *
 * Shape    one thread per part; when one ends with an error, all end and it is the error.
 */
#include "base/ctx.h"

struct up_opts {
    const char *dir, *listen;
    const char *metrics_listen;     /* of the operator; NULL: none */
    const char *pushgateway_listen; /* of the child; "" for none */
    const char *pushgateway_url;    /* one that runs elsewhere; NULL: the child */
};

/* Until `cx` is over. */
NODISCARD enum rc up_run(struct ctx *cx, const struct up_opts *o, struct err *e);

/* A child process that is started again when it ends, and ends with us. */
struct child;
/* `argv` is copied. RC_NOT_FOUND: no such program. */
NODISCARD enum rc child_start(const char *const *argv, const char *log_path, struct child **out,
                              struct err *e);
/* NULL is a no-op. */
void child_stop(struct child *c);

#endif
