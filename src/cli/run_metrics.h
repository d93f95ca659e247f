/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUN_METRICS_H
#define CLI_RUN_METRICS_H

/*
 * cli/run_metrics -- what a backup by hand, or by cron, tells Prometheus: at a Pushgateway, or in a file for the textfile collector of
 * node_exporter.
 *
 * Series   those of a configuration (cstash_backup_*, docs/monitoring.md), so that the same alerts work; invoker_kind is "cstash backup",
 *          invoker_name the target.
 * Failure  what the last success said stays: the Pushgateway keeps what is not pushed, and of the file it is read.
 * Errors   warnings: a metric that reaches nobody makes no backup bad.
 */
#include "base/ctx.h"
#include "opts/opts.h"

struct metrics_opts {
    const char *pushgateway, *file; /* NULL: not there */
};
extern const struct opt opts_metrics[];

struct run_metrics {
    const char *target;
    bool success;
    int64_t began_ms, took_ms; /* unix ms; ms */
    /* of a success; `keys` -1: nobody counted */
    int64_t keys;
    uint64_t bytes, stored;
    bool shrank;
};

/* RC_USAGE: a file that node_exporter would not read. */
NODISCARD enum rc run_metrics_check(const struct metrics_opts *o, struct err *e);
bool run_metrics_wanted(const struct metrics_opts *o);
/* Also when the command was interrupted: so it takes no context. */
void run_metrics_tell(const struct metrics_opts *o, const struct run_metrics *r);

#endif
