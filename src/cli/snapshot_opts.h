/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SNAPSHOT_OPTS_H
#define CLI_SNAPSHOT_OPTS_H

/*
 * cli/snapshot_opts -- the options that choose a snapshot, and a snapshot ready to be read.
 */
#include "cli/app.h"
#include "job/restore.h"

extern const struct opt opts_snapshot[]; /* --host --tag --path */

struct snapshot_filter app_snapshot_filter(const struct args *a);

/* As `snapshots --json` has it; `manifest` may be empty. */
void app_snapshot_json(struct jw *w, const struct snapshot *s, struct str manifest);

struct app_snapshot {
    struct app_repo repo;
    struct snapshot_source from;
};

/* Repository, shared lock, snapshot `spec` (NULL: latest). app_snapshot_close in any case. */
NODISCARD enum rc app_snapshot_open(struct ctx *cx, const struct args *a, const char *spec,
                                    struct app_snapshot *out, struct err *e);
void app_snapshot_close(struct app_snapshot *s);

#endif
