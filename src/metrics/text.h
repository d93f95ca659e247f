/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRICS_TEXT_H
#define METRICS_TEXT_H

/*
 * metrics/text -- Prometheus' text format, written line by line; and pushing it.
 *
 * Shape    metrics_begin names a metric, metrics_sample adds one line with labels. All samples of a
 *          metric stand together, as the format wants it.
 * Source   Prometheus exposition format 0.0.4; Pushgateway API (POST keeps metrics of other names).
 * Ownership  a struct metrics owns its buffer: metrics_release.
 */
#include "http/client.h"

enum { METRICS_TEXT_MAX = 256 * 1024 * 1024 };

struct metrics {
    struct buf text;
    struct str common; /* labels of every sample, from metrics_labels; borrowed */
    const char *name;  /* of the metric that is open; borrowed */
    bool full;         /* samples that did not fit were left out */
};

#define METRICS_INIT                                                                               \
    {                                                                                              \
        .text = BUF_INIT(METRICS_TEXT_MAX)                                                         \
    }

void metrics_release(struct metrics *m);
/* `type` is "gauge" or "counter". `name` is borrowed until the next one. */
void metrics_begin(struct metrics *m, const char *name, const char *type, const char *help);

/* What another one holds, behind what is here. */
void metrics_append(struct metrics *m, const struct metrics *more);

struct metrics_label {
    const char *name, *value; /* name NULL ends a list; value NULL leaves it out */
};
/* Another line of the open metric; `labels` may be NULL. */
void metrics_sample(struct metrics *m, const struct metrics_label *labels, double value);

/*
 * "a=b,c=d" as a user gives it, appended to `out` for metrics.common; NULL is not a label. RC_INVALID:
 * a pair lacks its "=" or a name is not one of the format.
 */
NODISCARD enum rc metrics_labels(const char *pairs, struct buf *out, struct err *e);

/*
 * Push to the group that has these labels, "job" first; their values have no "/". RC_UNAVAILABLE, RC_TIMEOUT: the
 * Pushgateway is away; RC_INVALID: it refuses the text.
 */
NODISCARD enum rc metrics_push(struct ctx *cx, struct http *h, const char *url,
                               const struct metrics_label *group, const struct metrics *m,
                               struct err *e);

#endif
