/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SNAPSHOT_OPTS_H
#define CLI_SNAPSHOT_OPTS_H

/*
 * cli/snapshot_opts -- the options that choose a snapshot, and a snapshot ready to be read.
 */
#include "cli/app.h"
#include "job/restore.h"

extern const struct opt opts_snapshot[]; /* --host --tag --target --path */

/* --host --tag --target --path, each repeatable: for the commands on several snapshots. */
extern const struct opt opts_snapshots[];

/*
 * The snapshots that the words of the command name ("latest" among those that match the filter), or
 * without words all that match; oldest first, each once. All that were named are found, or it fails. No index is
 * needed. snapshots_free. Those whose files are damaged are warned of and in `unread`: the command does its work on the
 * others and ends with app_unread.
 */
NODISCARD enum rc app_snapshots(struct ctx *cx, const struct args *a, struct repo *r,
                                struct snapshot **out, size_t *n, struct snapshots_unread *unread,
                                struct err *e);
/* `rc`, or RC_CORRUPT when all went well but for those; releases them. */
NODISCARD enum rc app_unread(enum rc rc, struct snapshots_unread *unread, struct err *e);

struct snapshot_filter app_snapshot_filter(const struct args *a);

/* As `snapshots --json` has it. */
void app_snapshot_json(struct jw *w, const struct snapshot *s);

struct app_snapshot {
    struct app_repo repo;
    struct snapshot_source from;
};

/*
 * Repository, shared lock, snapshot `spec` (NULL: latest). `for_redis`: it is for the Redis of
 * --redis, whose own snapshots come first. app_snapshot_close in any case.
 */
NODISCARD enum rc app_snapshot_open(struct ctx *cx, const struct args *a, const char *spec,
                                    bool for_redis, struct app_snapshot *out, struct err *e);
void app_snapshot_close(struct app_snapshot *s);

#endif
