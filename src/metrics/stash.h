/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRICS_STASH_H
#define METRICS_STASH_H

/*
 * metrics/stash -- the series that Stash pushes, under both of its prefixes.
 *
 * Why      dashboards and alerts of Stash users go on working.
 * Source   Stash. On failure only the success gauge of a level is pushed, so the
 *          others keep their last good value.
 */
#include "api/invoker.h"
#include "metrics/text.h"

/* "backupconfiguration-demo-sample"; mem_free. */
char *stash_job_name(const struct invoker *inv);

/*
 * Session and target level of a finished BackupSession or RestoreSession. `app` is the AppBinding
 * or NULL; `seconds` the session's duration.
 */
void stash_metrics_session(struct metrics *m, const struct invoker *inv, const struct json *app,
                           bool success, double seconds, int64_t hosts);

/* Host level, from one entry of stats. `total` and `uploaded` are bytes. */
struct stash_host {
    const char *hostname;
    bool success;
    double seconds;
    uint64_t total, uploaded;
    int64_t files, files_new, files_modified, files_unmodified;
};
void stash_metrics_host(struct metrics *m, const struct invoker *inv, const struct json *app,
                        const struct stash_host *h);

/* Repository level, after a backup. */
struct stash_repository {
    const char *ns, *name, *backend, *bucket, *prefix;
    bool integrity;
    uint64_t bytes;
    int64_t snapshots, removed;
    bool pinned; /* the target lost most of its keys, and a snapshot from before stays */
};
void stash_metrics_repository(struct metrics *m, const struct invoker *inv,
                              const struct stash_repository *r);

#endif
