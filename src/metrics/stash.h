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

/*
 * The group of a push: job="backupconfiguration-demo-sample". What is of one member of a batch has a group of its own,
 * member="appbinding.demo.redis", for a push replaces all series of its names in the group.
 */
struct stash_group {
    struct metrics_label labels[3]; /* for metrics_push */
    char *job, *member;
};
void stash_group_init(struct stash_group *g, const struct invoker *inv, bool of_member);
void stash_group_release(struct stash_group *g);

/* Session level of a finished session; `seconds` is its duration. */
void stash_metrics_session(struct metrics *m, const struct invoker *inv, bool success,
                           double seconds);
/* Target level of it. `app` is the AppBinding or NULL. */
void stash_metrics_target(struct metrics *m, const struct invoker *inv, const struct json *app,
                          bool success, int64_t hosts);

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
/* The same level, what is of one target's snapshots: `removed` and `pinned`. */
void stash_metrics_retention(struct metrics *m, const struct invoker *inv,
                             const struct stash_repository *r);

#endif
